"""Takes down whatever is there of a node: after `down`, after a crash, after a start that was killed half way.

It never asks how far a start had come. Everything of a node can be found without its help: its processes by
their network namespace and control group, its mounts by their path, its devices by their names.
"""

import re
import shutil
from contextlib import suppress
from pathlib import Path

from cluster.node import cgroups, claim, config, network, processes, shell
from cluster.node.errors import NodeError
from cluster.node.paths import Paths
from cluster.node.settings import Settings

# containerd's folder of images outlives the node, so it may finish what it writes. All else is thrown away.
CONTAINERD_GRACE_SECONDS = 5.0
_SHIM_SOCKETS = Path("/run/containerd/s")
_CNI_RESULTS = Path("/var/lib/cni/results")


def clean(settings: Settings) -> bool:
    """Remove everything of the node but its caches; whether there was anything.

    Raises:
        NodeError: a process or a mount does not go.
    """
    held = claim.find(settings)
    if held is None:
        _refuse_unclaimed(settings)
        return False
    _end_processes(settings)
    _remove_sockets(settings.state)
    unmount_below(settings.state)
    network.remove(settings.name, held.addresses)
    cgroups.remove(config.cgroup(settings.name))
    for file in _CNI_RESULTS.glob(f"{config.network_name(settings.name)}-*"):
        file.unlink(missing_ok=True)
    remove_tree(settings.state)
    claim.drop(settings)
    return True


def unmount_below(folder: Path) -> None:
    """Unmount everything mounted in the folder.

    Raises:
        NodeError: something stays mounted.
    """
    found = mounts_below(Path("/proc/mounts").read_text(), folder)
    if found:
        shell.output(["umount", "--lazy", *found])
    left = mounts_below(Path("/proc/mounts").read_text(), folder)
    if left:
        raise NodeError(f"Still mounted, so nothing there is removed: {', '.join(left)}")


def mounts_below(table: str, folder: Path) -> list[str]:
    """Mount points below a folder, the deepest first, from the text of /proc/mounts (fstab(5): octal escapes)."""
    points = (_unescape(line.split(" ")[1]) for line in table.splitlines())
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def remove_tree(folder: Path) -> None:
    """Remove a folder in which nothing is mounted, also where a killed start left odd permissions."""
    if folder.exists():
        shutil.rmtree(folder)


def _end_processes(settings: Settings) -> None:
    paths, group, space = Paths(settings.state), config.cgroup(settings.name), network.netns(settings.name)
    containerd = processes.find(paths, "containerd")
    spared = {containerd.pid} if containerd else set()
    processes.end(process for process in processes.in_netns(space) if process.pid not in spared and not _shim(process))
    while pods := cgroups.processes_of(group):
        processes.end(pods)
    if containerd:
        processes.end([containerd], CONTAINERD_GRACE_SECONDS)
    while rest := processes.in_netns(space):
        processes.end(rest)


def _shim(process: processes.Process) -> bool:
    """Shims end last: each reaps its pod's dead, and tells containerd."""
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/comm").read_text().startswith("containerd-shim")
    return False


def _remove_sockets(state: Path) -> None:
    """A shim's socket lies outside of the state folder, at an address that it has written inside."""
    for file in Paths(state).runtime.rglob("address"):
        with suppress(OSError):
            address = Path(file.read_text().strip().removeprefix("unix://"))
            if address.parent == _SHIM_SOCKETS:
                address.unlink(missing_ok=True)


def _refuse_unclaimed(settings: Settings) -> None:
    """Without a claim (a reboot clears them) only files can be ours: no mount, no process."""
    if not settings.state.exists():
        return
    busy = mounts_below(Path("/proc/mounts").read_text(), settings.state)
    if busy or not _looks_ours(settings.state):
        raise NodeError(
            f"{settings.state} was not made by this program, or is in use by another one. "
            "Remove it, or name another folder by TESTMESH_STATE."
        )
    remove_tree(settings.state)


def _looks_ours(state: Path) -> bool:
    return not any(state.iterdir()) or Paths(state).mark.exists()


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
