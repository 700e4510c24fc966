"""Debian packages that the node needs: installed where missing, without starting any service."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.node import shell
from cluster.node.errors import NodeError
from cluster.node.progress import Progress
from support.errors import SetupError
from support.packages import Need, ensure, missing

NODE = (
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "etcd-server",
    "iproute2",
    "iptables",
    "openssl",
    "procps",
    "runc",
    "socat",
)
IMAGES = ("buildah", "debian-archive-keyring", "mmdebstrap")

_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# by TestMesh's local node while it installs packages: starts no service\nexit 101\n"


def install(names: tuple[str, ...], progress: Progress) -> None:
    """Install those of the packages that are missing.

    Raises:
        NodeError: no apt here, not root, or apt failed.
    """
    needs = [Need(name, lambda name=name: _installed(name)) for name in names]  # type: ignore[misc] # mypy#12557
    if not missing(needs):
        return
    try:
        with _no_services():
            ensure(needs, progress.say)
    except SetupError as error:
        raise NodeError(str(error)) from error


def _installed(name: str) -> bool:
    status = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    try:
        return shell.output(status) == "installed"
    except NodeError:
        return False


@contextmanager
def _no_services() -> Iterator[None]:
    """Debian starts a package's service at once: an etcd or a containerd that nobody asked for on this machine."""
    ours = not _POLICY.exists() or _POLICY.read_text() == _POLICY_TEXT
    if ours:
        _POLICY.write_text(_POLICY_TEXT)
        _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            _POLICY.unlink(missing_ok=True)
