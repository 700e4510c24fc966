"""Kubernetes, CoreDNS, Helm and the pause program, built from the Go module beside this file.

No binary is downloaded: the Go module proxy serves the sources, and go.sum says which.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from cluster.node import shell, toolchain
from cluster.node.errors import NodeError
from cluster.node.progress import Progress
from support.cache import filled, key_of

MODULE = Path(__file__).parent / "binaries"
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder with the finished programs."""

    folder: Path

    @property
    def tools(self) -> Path:
        """The part for a person's PATH: kubectl and helm."""
        return self.folder / "tools"

    def __getitem__(self, name: str) -> Path:
        """The path of one program."""
        return self.folder / name


def ensure(cache: Path, progress: Progress) -> Programs:
    """Return the programs, built first where the cache has none for these sources and this Go.

    Raises:
        NodeError: there is no Go and none can be installed, or a build failed.
    """
    go = toolchain.find(cache, progress)
    version = shell.output([go, "env", "GOVERSION"]).strip()
    log = cache / "log" / "binaries.log"
    return Programs(filled("binaries", _key(version), fill=lambda folder: _build(go, folder, log, progress=progress)))


def _key(version: str) -> str:
    """Changes with everything that go build reads of the module, with this file, and with the version of Go."""
    files = sorted(path for path in MODULE.rglob("*") if path.is_file())
    parts = [part for file in (*files, Path(__file__)) for part in (file.name, file.read_bytes())]
    return key_of(version, *parts)


def required(text: str, module: str) -> str:
    """The version of a module that go.mod requires, such as `v1.34.4`."""
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", text, re.MULTILINE)
    if found is None:
        raise NodeError(f"go.mod requires no {module}: it has been broken by an edit.")
    return found[1]


def _build(go: Path, folder: Path, log: Path, *, progress: Progress) -> None:
    (folder / "tools").mkdir()
    log.unlink(missing_ok=True)
    module = (MODULE / "go.mod").read_text()
    kubernetes, helm = required(module, "k8s.io/kubernetes"), required(module, "helm.sh/helm/v3")
    major, minor, _ = kubernetes.removeprefix("v").split(".", 2)
    base = "k8s.io/component-base/version.git"  # without it, clients cannot parse the server's version
    stamp = f"-X {base}Version={kubernetes} -X {base}Major={major} -X {base}Minor={minor}"
    parts = (
        ("pause", "./pause", "", "1 s"),
        ("coredns", "./coredns", "", "75 s"),
        ("tools/helm", "helm.sh/helm/v3/cmd/helm", f"-X helm.sh/helm/v3/internal/version.version={helm}", "85 s"),
        ("kube", "./kube", stamp, "4 to 8 minutes"),
    )
    progress.say(f"building Kubernetes {kubernetes}, CoreDNS and Helm {helm} from source; log: {log}")
    for number, (name, package, flags, usual) in enumerate(parts, 1):
        with progress.stage(f"go build {name}, {number} of {len(parts)} (about {usual} the first time on 2 cores)"):
            command: list[str | Path] = [
                go,
                "build",
                "-mod=readonly",
                "-trimpath",
                "-ldflags",
                f"-s -w {flags}",
                "-o",
                folder / name,
            ]
            shell.logged([*command, package], log, cwd=MODULE, env={"CGO_ENABLED": "0", "GOFLAGS": ""})
    for program in PROGRAMS:
        (folder / program).symlink_to("kube")
    (folder / "tools" / "kubectl").symlink_to("../kube")
