"""A Go that can build Kubernetes: the machine's, Debian's, or one that an old Go fetches from the module proxy."""

import platform
import re
import shutil
from pathlib import Path

from cluster.node import packages, shell
from cluster.node.errors import NodeError
from cluster.node.pause import MACHINES
from cluster.node.progress import Progress
from support.cache import filled, key_of

# From this one on, Go fetches by itself the version that go.mod asks for: https://go.dev/doc/toolchain
OLDEST = (1, 21)
# What an older one is told to fetch; the builds were tried with it.
FETCHED = "go1.26.8"


def find(cache: Path, progress: Progress) -> Path:
    """Return the path of `go`, with what is missing installed first.

    Raises:
        NodeError: there is none, and no apt that could install one.
    """
    here = shutil.which("go")
    if here is None:
        packages.install(("golang-go",), progress)
        here = shutil.which("go")
    if here is None:
        raise NodeError("Go is needed to build Kubernetes: install 1.21 or later (https://go.dev/dl/) on the PATH.")
    go = Path(here)
    return go if version(shell.output([go, "version"])) >= OLDEST else _fetched(go, cache, progress=progress)


def version(told: str) -> tuple[int, int]:
    """(1, 26) of "go version go1.26.8 linux/amd64"; (0, 0) where there is no number, as in a Go built from its tip."""
    found = re.search(r"\bgo(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _fetched(old: Path, cache: Path, *, progress: Progress) -> Path:
    """A toolchain is a module: Debian 12's Go 1.19 can fetch one, and checks it by the checksum database."""
    module = f"golang.org/toolchain@v0.0.1-{FETCHED}.linux-{MACHINES.get(platform.machine())}"

    def fetch(folder: Path) -> None:
        modules = folder / "modules"
        env = {"GOMODCACHE": str(modules), "GOFLAGS": "-modcacherw", "GO111MODULE": "on"}
        with progress.stage(f"fetching {FETCHED} from the Go module proxy, as {old} is too old for Kubernetes"):
            shell.logged([old, "mod", "download", module], cache / "log" / "toolchain.log", cwd=folder, env=env)
        (modules / module).rename(folder / "go")
        shutil.rmtree(modules)
        for program in (*(folder / "go" / "bin").iterdir(), *(folder / "go" / "pkg" / "tool").rglob("*")):
            program.chmod(0o755)  # a module's files come without the permission to run

    return filled("go", key_of(module), fill=fetch) / "go" / "bin" / "go"
