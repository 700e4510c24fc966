"""Daemons are found and ended by pid and start time."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.node import processes
from cluster.node.errors import NodeError
from cluster.node.paths import Paths
from cluster.node.processes import Process

Popen = subprocess.Popen[bytes]


@pytest.fixture
def sleeper() -> Iterator[Popen]:
    """A process that ends only when it is ended."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """An empty state folder."""
    paths = Paths(tmp_path)
    paths.pids.mkdir()
    paths.logs.mkdir()
    return paths


def identity(process: Popen) -> Process:
    """The process as a pid file tells of it."""
    begun = processes.started(process.pid)
    assert begun is not None
    return Process(process.pid, begun)


def test_a_pid_used_anew_is_not_taken_for_ours(sleeper: Popen) -> None:
    """Same pid, other start time: not alive, and never signalled."""
    stranger = Process(sleeper.pid, identity(sleeper).started - 1)
    processes.end([stranger])
    assert (False, None) == (stranger.alive(), sleeper.poll())


def test_a_zombie_is_dead(sleeper: Popen) -> None:
    """A daemon that died is a zombie until its parent has looked; it does not count as running."""
    process = identity(sleeper)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not process.alive()


def test_a_process_that_ignores_sigterm_is_killed() -> None:
    """The API server outlives its SIGTERM for long: the bound is kept."""
    with subprocess.Popen(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], stdout=-1) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        begun = time.monotonic()
        processes.end([identity(deaf)], 0.2)
        took = time.monotonic() - begun
        assert (-signal.SIGKILL, True) == (deaf.wait(), took < 5)


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]", '{"pid": "x", "started": 1}'])
def test_a_pid_file_that_was_cut_tells_of_nobody(paths: Paths, text: str) -> None:
    """A start that was killed while it wrote the file leaves it in any state."""
    (paths.pids / "etcd.json").write_text(text)
    assert processes.find(paths, "etcd") is None


def test_waiting_ends_at_once_when_a_daemon_dies(paths: Paths, sleeper: Popen) -> None:
    """The message has the name and the last lines of the log, and no timeout is sat out."""
    process = identity(sleeper)
    (paths.pids / "etcd.json").write_text(json.dumps({"pid": process.pid, "started": process.started}))
    (paths.logs / "etcd.log").write_text("starting\nbind: address in use\n")
    sleeper.kill()
    sleeper.wait()
    with pytest.raises(NodeError, match=r"etcd has ended while waiting for data:\n.*\n  \| bind: address in use"):
        processes.wait("data", lambda: False, paths, daemons=["etcd"], seconds=60)


def test_a_wait_that_takes_too_long_says_for_what(paths: Paths, sleeper: Popen) -> None:
    """The bound is in the message."""
    process = identity(sleeper)
    (paths.pids / "etcd.json").write_text(json.dumps({"pid": process.pid, "started": process.started}))
    with pytest.raises(NodeError, match="data: not within 0 s"):
        processes.wait("data", lambda: False, paths, daemons=["etcd"], seconds=0.1)
