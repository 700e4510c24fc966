"""Debian packages that the node needs: installed where missing, without starting any service."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.node import shell
from cluster.node.errors import NodeError
from cluster.node.progress import Progress

NODE = (
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "etcd-server",
    "iproute2",
    "iptables",
    "openssl",
    "runc",
    "socat",
)
IMAGES = ("buildah", "debian-archive-keyring", "mmdebstrap")
JARS = ("maven", "default-jre-headless")

_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# by TestMesh's local node while it installs packages: starts no service\nexit 101\n"


def install(names: tuple[str, ...], progress: Progress, log: Path) -> None:
    """Install those of the packages that are missing.

    Raises:
        NodeError: no apt here, or it failed.
    """
    missing = [name for name in names if not _installed(name)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise NodeError(f"These programs are needed, and apt-get is not here to install them: {', '.join(missing)}.")
    with progress.stage(f"installing Debian packages: {' '.join(missing)}"), _no_services():
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        shell.logged(["apt-get", "update", "-q"], log, env=env)
        shell.logged(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], log, env=env)


def _installed(name: str) -> bool:
    """Whether dpkg knows the package, or another one that provides it."""
    status = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    try:
        return shell.output(status) == "installed"
    except NodeError:
        return name == "default-jre-headless" and shutil.which("java") is not None


@contextmanager
def _no_services() -> Iterator[None]:
    """Debian starts a package's service at once: an etcd or a containerd that nobody asked for on this machine."""
    ours = not _POLICY.exists() or _POLICY.read_text() == _POLICY_TEXT
    if ours:
        _POLICY.write_text(_POLICY_TEXT)
        os.chmod(_POLICY, 0o755)  # noqa: S103, PTH101 -- a script that dpkg runs as root
    try:
        yield
    finally:
        if ours:
            _POLICY.unlink(missing_ok=True)
