"""The local node survives being killed at any point: the next start cleans up, and the end leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.installation import ROOT
from cluster.node import settings
from cluster.node.clusters import OnThisMachine, choose
from cluster.node.progress import Progress

NAME = "testmesh-killed"
ON_THE_LOCAL_NODE = isinstance(choose(settings.read(), Progress()), OnThisMachine)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not ON_THE_LOCAL_NODE, reason="the cluster is not ours to start: kind, or a context by name"),
]


@pytest.fixture
def node() -> Iterator[None]:
    """A name that no other node has; nothing of it is left at the end."""
    yield
    _node("down").check_returncode()


def _node(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*words), env=_environment(), capture_output=True, text=True, check=False)


def _command(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "tests" / "cluster" / "node"), *words]


def _environment() -> dict[str, str]:
    return {**os.environ, "TESTMESH_NODE": NAME}


@pytest.mark.parametrize("seconds", [0.7, 2.5, 5.0])
def test_start_killed_at_any_point_is_cleaned_up_by_the_next(seconds: float, node: None) -> None:
    """The next start comes up and is healthy; taking it down leaves no process, mount, device or namespace."""
    with subprocess.Popen(_command("up", "--bare"), env=_environment(), stderr=subprocess.DEVNULL) as start:
        time.sleep(seconds)
        start.send_signal(signal.SIGKILL)
    again = _node("up", "--bare")
    assert 0 == again.returncode, again.stderr
    status = _node("status")
    assert 0 == status.returncode, status.stdout + status.stderr
    assert _left(), "what a running node has must be seen, or its absence says nothing"
    _node("down").check_returncode()
    assert [] == _left()


def _left() -> list[str]:
    """What names the node in the machine's mounts, namespaces and processes' commands."""
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if NAME in line]
    spaces = [path.name for path in Path("/run/netns").glob(f"*{NAME}*")]
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    state = str(settings.read({**os.environ, "TESTMESH_NODE": NAME}).state)
    return [*mounts, *spaces, *(command.decode() for command in commands if state.encode() in command)]
