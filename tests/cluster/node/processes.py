"""Daemons by pid files. A pid file holds the start time too, so that a pid used anew is never taken for ours."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.node.errors import NodeError
from cluster.node.paths import Paths

# A fixed one: nothing of the caller's environment, such as its secrets, gets into the daemons.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
POLL_SECONDS = 0.05

Condition = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Daemon:
    """A program that runs as long as the node does."""

    name: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Process:
    """A process, known by its pid and its start time (clock ticks since boot)."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return started(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it is still the same."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def started(pid: int) -> int | None:
    """The start time of a live process (field 22 of /proc/PID/stat, proc(5)); None for a dead one or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def start(daemon: Daemon, paths: Paths, netns: Path) -> None:
    """Start a daemon in the network namespace, its output to log/NAME.log.

    nsenter, not `ip netns exec`: that one makes a mount namespace too, and then containerd does not see
    what the kubelet mounts. It becomes the daemon by exec, so the pid is the daemon's.
    """
    log = os.open(paths.logs / f"{daemon.name}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    words = ["nsenter", f"--net={netns}", *daemon.argv]
    try:
        pid = os.posix_spawnp(words[0], words, ENVIRONMENT, file_actions=actions, setsid=True)
    finally:
        os.close(log)
        os.close(null)
    file = paths.pids / f"{daemon.name}.json"
    file.write_text(json.dumps({"pid": pid, "started": started(pid)}))


def find(paths: Paths, name: str) -> Process | None:
    """The process that a pid file tells of; None without a whole file."""
    try:
        told = json.loads((paths.pids / f"{name}.json").read_text())
        return Process(int(told["pid"]), int(told["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running(paths: Paths, name: str) -> bool:
    """Whether the daemon is alive."""
    process = find(paths, name)
    return process is not None and process.alive()


def every() -> Iterator[tuple[Process, Path]]:
    """Every live process, with its folder in /proc."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (begun := started(int(entry.name))) is not None:
            yield Process(int(entry.name), begun), entry


def in_netns(netns: Path) -> list[Process]:
    """Every process in the node's network namespace: daemons, shims, and those whose pid file never got written."""
    return [process for process, folder in every() if _same(folder / "ns" / "net", netns)]


def kubelet_of_machine() -> Process | None:
    """A kubelet that uses this machine's default paths. One in a container, as kind's, has its own mount namespace."""
    for process, folder in every():
        with suppress(OSError):
            kubelet = (folder / "comm").read_text() == "kubelet\n" and b"--root-dir" not in (
                folder / "cmdline"
            ).read_bytes()
            if kubelet and _same(folder / "ns" / "mnt", Path("/proc/self/ns/mnt")):
                return process
    return None


def _same(one: Path, other: Path) -> bool:
    with suppress(OSError):  # a process that has ended meanwhile, a namespace that is not there
        return one.samefile(other)
    return False


def end(processes: Iterable[Process], grace_seconds: float = 0.0) -> None:
    """End processes: SIGTERM and up to the grace time, then SIGKILL and until they are gone.

    Raises:
        NodeError: one does not even die of SIGKILL within 20 s (it hangs in the kernel).
    """
    mine = list(processes)
    if grace_seconds > 0:
        for process in mine:
            process.send(signal.SIGTERM)
        _gone(mine, grace_seconds)
    for process in mine:
        process.send(signal.SIGKILL)
    if not _gone(mine, 20):
        stuck = ", ".join(str(process.pid) for process in mine if process.alive())
        raise NodeError(f"Processes {stuck} do not end, even by SIGKILL: see `cat /proc/PID/stack`; a reboot helps.")


def _gone(processes: Sequence[Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(process.alive() for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS / 5)
    return True


def wait(what: str, condition: Condition, paths: Paths, *, daemons: Sequence[str], seconds: float) -> None:
    """Wait for a condition; a daemon that dies meanwhile ends the waiting at once.

    Args:
        what: what is waited for, for the message.
        condition: asked every 50 ms.
        paths: the node's files.
        daemons: must stay alive; the last one is the one that is waited for.
        seconds: at most.

    Raises:
        NodeError: with the tail of the log of the daemon that died or did not make it.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        for name in daemons:
            if not running(paths, name):
                raise NodeError(f"{name} has ended while waiting for {what}:", paths.logs / f"{name}.log")
        if time.monotonic() > deadline:
            raise NodeError(f"{what}: not within {seconds:.0f} s.", paths.logs / f"{daemons[-1]}.log")
        time.sleep(POLL_SECONDS)
