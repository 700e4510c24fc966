"""The control group that holds all pods of a node: by it the pods are found and ended, whatever became of the rest."""

from contextlib import suppress
from pathlib import Path

from cluster.node import processes
from cluster.node.errors import NodeError

# What the kubelet asks for; kubernetes/pkg/kubelet/cm/cgroup_manager_linux.go.
_V2_CONTROLLERS = ("cpu", "cpuset", "hugetlb", "memory", "pids")


def create(name: str) -> None:
    """Make the group under every hierarchy (cgroup v1) or under the one (v2): the kubelet wants its root to exist.

    Raises:
        NodeError: the controllers cannot be handed down.
    """
    mounts = _hierarchies()
    first = [each for each in mounts if each[0] == "cgroup"] or mounts
    for kind, mount in first:
        try:
            if kind == "cgroup2":
                _enable(mount)
            (mount / name).mkdir(exist_ok=True)
            if kind == "cgroup2":
                _enable(mount / name)
        except OSError as error:
            raise NodeError(
                f"The control group {mount / name} cannot be made: {error.strerror}. In a container, give it its own "
                "cgroup namespace with write access (privileged)."
            ) from error


def processes_of(name: str) -> list[processes.Process]:
    """Every live process of the group."""
    found: set[int] = set()
    for _, mount in _hierarchies():
        for file in (mount / name).rglob("cgroup.procs"):
            with suppress(OSError):
                found.update(int(line) for line in file.read_text().split())
    return [processes.Process(pid, begun) for pid in found if (begun := processes.started(pid)) is not None]


def remove(name: str) -> None:
    """Remove the group and all below it; its processes are dead."""
    for _, mount in _hierarchies():
        group = mount / name
        for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            folder.rmdir()
        if group.exists():
            group.rmdir()


def _hierarchies() -> list[tuple[str, Path]]:
    """Kind (`cgroup` or `cgroup2`) and mount point; a machine in hybrid mode has both."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [(fields[2], Path(fields[1])) for fields in mounts if fields[2] in ("cgroup", "cgroup2")]


def _enable(group: Path) -> None:
    offered = (group / "cgroup.controllers").read_text().split()
    wanted = " ".join(f"+{name}" for name in _V2_CONTROLLERS if name in offered)
    (group / "cgroup.subtree_control").write_text(wanted)
