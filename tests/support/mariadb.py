"""A real MariaDB on loopback, Debian's server alone, with throw-away data: ready about a second after its start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymysql

from support import packages
from support.cache import filled, key_of
from support.errors import SetupError
from support.folders import new_folder
from support.ports import HOST
from support.process import Process, Program, clean_environment

USER, PASSWORD, DATABASE = "root", "admin", "shop"
SYSTEM_USER = "daemon"  # the server refuses to run as root; this one is on every system, with a group
START_SECONDS = 30
SCRIPTS = Path("/usr/share/mysql")
TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
"""What mariadb-install-db feeds to the server; Debian has that program's helpers in another package."""

SMALL = (
    "--no-defaults",
    "--innodb-log-file-size=8M",
    "--innodb-buffer-pool-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
    "--key-buffer-size=1M",
    "--performance-schema=OFF",
)


def database_url(port: int) -> str:
    """The URL of a server that :func:`mariadb` started on ``port``."""
    return f"mysql://{USER}:{PASSWORD}@{HOST}:{port}/{DATABASE}"


@contextmanager
def mariadb(port: int, *, logs: Path, settings: Sequence[str] = (), say: packages.Say = print) -> Iterator[Process]:
    """A server on ``port`` that accepts connections, its log in ``logs``/mariadb.log; ``settings`` are options of it.

    Raises:
        SetupError: it is missing and can't be installed here, or it doesn't come up.
    """
    packages.ensure((packages.MARIADB,), say)
    program = packages.find_command("mariadbd")
    assert program is not None
    folder = new_folder("mariadb")
    try:
        server = Process(_program(program, port, folder=_fresh_data(program, folder), logs=logs, settings=settings))
        try:
            server.wait_until(lambda: _accepts(port), seconds=START_SECONDS)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _program(program: Path, port: int, *, folder: Path, logs: Path, settings: Sequence[str]) -> Program:
    places = (f"--datadir={folder}", f"--socket={folder}/socket", f"--bind-address={HOST}", f"--port={port}")
    return Program(
        name="MariaDB",
        command=[program, *SMALL, "--skip-name-resolve", *places, *settings],
        environment=clean_environment(),
        log=logs / "mariadb.log",
        folder=folder,
        user=SYSTEM_USER if os.geteuid() == 0 else None,
        stop_signal=signal.SIGKILL,  # nothing is to be kept
    )


def _accepts(port: int) -> bool:
    try:
        pymysql.connect(host=HOST, port=port, user=USER, password=PASSWORD, connect_timeout=2).close()
    except pymysql.OperationalError:
        return False
    return True


def _fresh_data(program: Path, folder: Path) -> Path:
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    script = _script()
    template = filled("mariadb-data", key_of(version, script, *SMALL), fill=lambda data: _fill(program, data, script))
    data = folder / "data"
    shutil.copytree(template, data)
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, SYSTEM_USER)
    return data


def _script() -> str:
    """Each statement of the bootstrap ends with its line."""
    ours = (
        "FLUSH PRIVILEGES;",
        f"CREATE DATABASE {DATABASE};",
        f"GRANT ALL ON *.* TO '{USER}'@'{HOST}' IDENTIFIED BY '{PASSWORD}' WITH GRANT OPTION;",
    )
    tables = [(SCRIPTS / name).read_text(encoding="utf-8") for name in TABLES]
    first = ("CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;", "SET @skip_auth_anonymous=1;")
    return "\n".join((*first, *tables, *ours)) + "\n"


def _fill(program: Path, data: Path, script: str) -> None:
    as_root = ["--user=root"] if os.geteuid() == 0 else []
    command: list[str | Path] = [
        program,
        *SMALL,
        "--bootstrap",
        f"--datadir={data}",
        *as_root,
        "--skip-networking",
        "--log-warnings=0",
    ]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"MariaDB's bootstrap failed:\n{done.stderr.strip()[-2000:]}")
