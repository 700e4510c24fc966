"""Other programs are run so that nothing of them is left, and their failures are told."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster.node import processes, shell
from cluster.node.errors import NodeError

TESTS = Path(__file__).parents[2]


def test_a_failed_command_tells_what_it_said(tmp_path: Path) -> None:
    """The last lines of the log are in the message, and where the rest is."""
    log = tmp_path / "build.log"
    with pytest.raises(NodeError, match=r"failed \(3\)\.\n(.*\n)*  \| no such module\nThe whole log: .*build\.log"):
        shell.logged(["sh", "-c", "echo no such module; exit 3"], log)


def test_a_program_that_is_not_there_is_named() -> None:
    """No traceback of subprocess."""
    with pytest.raises(NodeError, match="Cannot run no-such-program: No such file or directory"):
        shell.output(["no-such-program"])


def test_a_build_ends_with_the_command_that_started_it(tmp_path: Path) -> None:
    """After a SIGKILL no build goes on that would write into the next one's folder."""
    pid_file = tmp_path / "pid"
    code = (
        "from pathlib import Path; from cluster.node import shell\n"
        f"shell.logged(['sh', '-c', 'echo $$ >{pid_file}; exec sleep 60'], Path({str(tmp_path / 'log')!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=TESTS) as command:
        _until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
        command.kill()
    _until(lambda: processes.started(int(pid_file.read_text())) is None)


def _until(condition: processes.Condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
