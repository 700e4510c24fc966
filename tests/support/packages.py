"""The programs that the demo and the tests need of the machine: where they are, and how missing ones get there.

On Debian, as root, a missing package is installed by apt. Everywhere else the error names what to install.
``python -m support.packages`` (with ``tests`` on the path) installs what the integration tests need.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.errors import SetupError

Say = Callable[[str], None]
"""Takes one line for a person that tells what is being done."""

JAVA_AT_LEAST = 17  # Kafka 4's brokers need it: https://kafka.apache.org/documentation/#compatibility
POSTGRESQL_AT_LEAST = 15
CREATE_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/testmesh.conf")
START_NOTHING = Path("/usr/sbin/policy-rc.d")
"""What Debian's packages ask before they start a service: `man 8 invoke-rc.d`."""


@dataclass(frozen=True)
class Need:
    """A program: the Debian package that brings it, and how to see that it is there already."""

    package: str
    is_there: Callable[[], bool]

    @classmethod
    def command(cls, package: str, *, name: str) -> Need:
        """A program that is there when ``name`` is on the PATH (root's ``sbin`` included)."""
        return cls(package, lambda: find_command(name) is not None)


def find_command(name: str) -> Path | None:
    """The program's path, also in the sbin folders that a user's PATH may lack; None when it is missing."""
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin")
    return Path(found) if found else None


def find_postgresql() -> Path | None:
    """The folder with ``postgres`` and ``initdb`` of the newest PostgreSQL, 15 or later; None when there is none."""
    servers = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    versions = {int(server.parts[4]): server.parent for server in servers if server.parts[4].isdecimal()}
    newest = max(versions, default=0)
    return versions[newest] if newest >= POSTGRESQL_AT_LEAST else None


def find_java() -> Path | None:
    """A ``java`` of version 17 or later: of JAVA_HOME, of the PATH, or of /usr/lib/jvm; None when there is none."""
    return next((java for java in _java_candidates() if _java_version(java) >= JAVA_AT_LEAST), None)


def find_redis() -> Path | None:
    """Redis' server. Debian's redis-tools has it as redis-check-rdb: one program, which goes by its name."""
    return find_command("redis-server") or find_command("redis-check-rdb")


def _java_candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin/java")
    if java := find_command("java"):
        yield java
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"))


def _java_version(java: Path) -> int:
    """The major version that ``java -version`` tells; 0 when it doesn't run."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0


POSTGRESQL = Need("postgresql", lambda: find_postgresql() is not None)
JAVA = Need("default-jre-headless", lambda: find_java() is not None)
MAVEN = Need.command("maven", name="mvn")
STACK = (POSTGRESQL, JAVA, MAVEN)
CHROMIUM = Need.command("chromium", name="chromium")
FONTS = Need("fonts-dejavu-core", lambda: Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").is_file())
CURL = Need.command("curl", name="curl")
NGINX = Need.command("nginx", name="nginx")
MARIADB = Need.command("mariadb-server-core", name="mariadbd")  # the server alone: mariadb-server would start one
REDIS = Need("redis-tools", lambda: find_redis() is not None)  # redis-server would start one
PROMETHEUS = Need.command("prometheus", name="prometheus")
BROWSER = (CHROMIUM, FONTS)  # without fonts a page has its boxes, and no letter in them


def ensure(needs: Sequence[Need], say: Say = print) -> None:
    """Installs the packages of what is missing; does nothing, in milliseconds, when all is there.

    Raises:
        SetupError: something is missing and can't be installed here; the text has the command to type.
    """
    packages = missing(needs)
    if not packages:
        return
    _refuse_where_apt_cannot(packages)
    say(f"installing Debian packages: {' '.join(packages)}")
    with _no_services():
        _apt("update", "-qq")
        _apt("install", "-y", "-qq", "--no-install-recommends", *packages)
    if still := missing(needs):
        raise SetupError(f"{', '.join(still)}: installed, but what it should bring is still not found")


def missing(needs: Sequence[Need]) -> tuple[str, ...]:
    """The packages of the programs that aren't there, each once, in the order of ``needs``."""
    return tuple(dict.fromkeys(need.package for need in needs if not need.is_there()))


def _refuse_where_apt_cannot(packages: Sequence[str]) -> None:
    names = " ".join(packages)
    if find_command("apt-get") is None:
        raise SetupError(
            f"missing: {names} (names of Debian's packages), and there is no apt-get here; "
            "install the same programs by this system's own means"
        )
    if os.geteuid() != 0:
        raise SetupError(f"missing Debian packages; type: sudo apt-get install --no-install-recommends {names}")


@contextmanager
def _no_services() -> Iterator[None]:
    """While apt runs: Debian's packages start what they bring, nginx on port 80, a new PostgreSQL on 5432.

    The settings go away again, so that what the machine's owner installs later behaves as usual.
    """
    cluster, policy = "create_main_cluster = false\n", "#!/bin/sh\nexit 101\n"
    with _written(CREATE_NO_CLUSTER, cluster, mode=0o644), _written(START_NOTHING, policy, mode=0o755):
        yield


@contextmanager
def _written(path: Path, text: str, *, mode: int) -> Iterator[None]:
    """A file for a while; one that is there already, and is not ours of a call that was killed, stays as it is."""
    if path.exists() and path.read_text(encoding="utf-8") != text:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    try:
        yield
    finally:
        path.unlink()


def _apt(*arguments: str) -> None:
    """Runs apt-get, waiting for another apt to end; its output is shown only when it fails."""
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=600", *arguments]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SetupError(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr).strip()}")


if __name__ == "__main__":
    try:
        ensure((*STACK, *BROWSER, CURL, NGINX, MARIADB, REDIS, PROMETHEUS))
    except SetupError as error:
        sys.exit(str(error))
