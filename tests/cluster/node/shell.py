"""Runs other programs: short ones for their output, long ones with a log file."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.node.errors import NodeError

Words = Sequence[str | Path]


def output(words: Words, *, stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a short command and return its standard output.

    Raises:
        NodeError: it cannot be started or fails; its standard error is in the message.
    """
    try:
        done = subprocess.run(words, input=stdin, env=env, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NodeError(f"Cannot run {words[0]}: {error.strerror}.") from error
    if done.returncode != 0:
        raise NodeError(f"{_line(words)} failed ({done.returncode}): {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def succeeds(words: Words) -> bool:
    """Whether a short command can be run and exits with 0."""
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def logged(words: Words, log: Path, *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a long command; what it prints goes to the end of a log file.

    It ends when we do, even by SIGKILL: a build left running would write into the next one's folder.

    Args:
        words: the command.
        log: the file, made where missing.
        cwd: where to run it.
        env: added to our own environment.

    Raises:
        NodeError: it cannot be started or fails; the tail of the log is in the message.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"\n$ {_line(words)}\n".encode())
        out.flush()
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "TERM", "--", *words],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise NodeError(f"{_line(words)} failed ({done.returncode}).", log)


def _line(words: Words) -> str:
    return " ".join(str(word) for word in words)
