"""A child process: its death with ours, and its reason when it doesn't come up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.errors import SetupError
from support.process import Process, Program, clean_environment


def _python(code: str, folder: Path) -> Program:
    return Program(
        name="the thing",
        command=[sys.executable, "-c", code],
        environment=clean_environment(),
        log=folder / "log",
        folder=folder,
    )


def test_process_that_ends_too_early_says_why(tmp_path: Path) -> None:
    """The message has the exit code and the end of its log."""
    process = Process(_python("import sys; sys.exit('no such database')", tmp_path))
    with pytest.raises(SetupError, match=r"(?s)the thing ended with exit code 1; its log, .*no such database"):
        process.wait_until(lambda: False, seconds=10)


def test_process_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    """After the time it was given."""
    process = Process(_python("import time; time.sleep(60)", tmp_path))
    try:
        with pytest.raises(SetupError, match=r"the thing is not ready after 0\.1 s"):
            process.wait_until(lambda: False, seconds=0.1)
    finally:
        assert -signal.SIGTERM == process.stop()


def test_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves no time to stop anything: the kernel does it."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)],
        env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _lives(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    give_up = time.monotonic() + 5
    while _lives(child):
        assert time.monotonic() < give_up, f"the child, {child}, has outlived its parent"
        time.sleep(0.01)


_PARENT = """
import sys, time
from pathlib import Path
from support.process import Process, Program, clean_environment
folder = Path(sys.argv[1])
command = [sys.executable, "-c", "import time; open('ready', 'w').close(); time.sleep(60)"]
process = Process(Program(name="", command=command, environment=clean_environment(), log=folder / "log", folder=folder))
process.wait_until((folder / "ready").exists, seconds=20)
print(process.pid, flush=True)
time.sleep(60)
"""


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
