"""A real PostgreSQL on loopback, Debian's, with throw-away data: ready about half a second after its start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from support import packages
from support.cache import filled, key_of
from support.certificates import Pair
from support.errors import SetupError
from support.folders import new_folder
from support.ports import HOST
from support.process import Process, Program, clean_environment

USER, PASSWORD, DATABASE = "root", "admin", "postgres"  # the seed's
SYSTEM_USER = "postgres"  # the server refuses to run as root
START_SECONDS = 30
INITDB = (
    "--username",
    USER,
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--wal-segsize=1",
    "--no-sync",
    "--no-instructions",
)
SETTINGS = {
    # The data need not survive anything.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Small: four services, each with a pool of 8, and the tests.
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
    # Loopback only, and no socket file that another server's could be in the way of.
    "listen_addresses": HOST,
    "unix_socket_directories": "",
}


def database_url(port: int) -> str:
    """The URL of a server that :func:`postgresql` started on ``port``."""
    return f"postgresql://{USER}:{PASSWORD}@localhost:{port}/{DATABASE}"


@contextmanager
def postgresql(port: int, *, logs: Path, tls: Pair | None = None, say: packages.Say = print) -> Iterator[Process]:
    """A server on ``port`` that accepts connections, its log in ``logs``/postgresql.log; with ``tls`` under TLS too.

    Raises:
        SetupError: it is missing and can't be installed here, or it doesn't come up.
    """
    packages.ensure((packages.POSTGRESQL,), say)
    programs = _programs()
    with _data_folder() as folder:
        data = _fresh_data(programs, folder)
        settings = SETTINGS | (_secured(data, tls) if tls else {})
        server = Process(_program(programs, port, data=data, log=logs / "postgresql.log", settings=settings))
        try:
            server.wait_until(lambda: _accepts(port), seconds=START_SECONDS)
            yield server
        finally:
            server.stop()


@contextmanager
def _data_folder() -> Iterator[Path]:
    """Not below a folder of the caller's: the server's user has to get to it."""
    folder = new_folder("postgresql")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _secured(data: Path, tls: Pair) -> dict[str, str]:
    """The settings for TLS; the server insists on a key that is its user's alone."""
    for path, name in ((tls.certificate, "server.crt"), (tls.key, "server.key")):
        copied = Path(shutil.copy(path, data / name))
        copied.chmod(0o600)
        if user := _system_user():
            shutil.chown(copied, user, user)
    return {"ssl": "on"}


def _program(programs: Path, port: int, *, data: Path, log: Path, settings: Mapping[str, str]) -> Program:
    options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    return Program(
        name="PostgreSQL",
        command=[programs / "postgres", "-D", data, "-p", str(port), *options],
        environment=clean_environment(LC_ALL="C.UTF-8"),
        log=log,
        folder=data,
        user=_system_user(),
        stop_signal=signal.SIGQUIT,  # immediate: nothing is to be kept
    )


def _programs() -> Path:
    programs = packages.find_postgresql()
    if programs is None:
        raise SetupError("PostgreSQL 15 or later is not below /usr/lib/postgresql")
    return programs


def _system_user() -> str | None:
    return SYSTEM_USER if os.geteuid() == 0 else None


def _accepts(port: int) -> bool:
    try:
        psycopg.connect(database_url(port), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _fresh_data(programs: Path, folder: Path) -> Path:
    """A data folder, copied from the cached one; ``folder`` is a temporary one that the server's user can get to."""
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    template = filled("postgresql-data", key_of(version, *INITDB), fill=lambda target: _initialize(programs, target))
    data = folder / "data"
    shutil.copytree(template, data)
    _hand_over(folder)
    data.chmod(0o700)  # the server insists
    return data


def _initialize(programs: Path, target: Path) -> None:
    """Runs initdb as the server's user, who may not enter the cache, and moves the result into ``target``."""
    with tempfile.TemporaryDirectory(prefix="testmesh-initdb-") as name:
        work = Path(name)
        password, data = work / "password", work / "data"
        password.write_text(PASSWORD, encoding="ascii")
        data.mkdir()
        _hand_over(work)
        user = _system_user()
        as_user = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--"] if user else []
        initdb: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "--auth=scram-sha-256",
            f"--pwfile={password}",
            *INITDB,
        ]
        done = subprocess.run([*as_user, *initdb], cwd=work, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SetupError(f"initdb failed:\n{(done.stdout + done.stderr).strip()}")
        shutil.copytree(data, target, dirs_exist_ok=True)


def _hand_over(folder: Path) -> None:
    """Gives the folder and all in it to the server's user."""
    if user := _system_user():
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user, user)
