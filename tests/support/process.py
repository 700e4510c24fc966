"""A server as a child process: its log in a file, its death with ours, its reason when it doesn't come up."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.errors import SetupError

POLL_SECONDS = 0.05
STOP_SECONDS = 15
LOG_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is to be run, and how."""

    name: str
    """For messages."""
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    log: Path
    """Output is appended here."""
    folder: Path
    """The working folder."""
    user: str | None = None
    """Whom it runs as; ourselves when None."""
    stop_signal: signal.Signals = signal.SIGTERM
    """What makes it end in good order."""


class Process:
    """A running child, until :meth:`stop`."""

    def __init__(self, program: Program) -> None:
        """Starts it. The kernel sends it its stop signal when we die, however that happens."""
        self._program = program
        as_user = ["--reuid", program.user, "--regid", program.user, "--init-groups"] if program.user else []
        on_our_death = ["--pdeathsig", program.stop_signal.name.removeprefix("SIG")]
        with program.log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal is for us, and we stop the servers in order.
            self._child = subprocess.Popen(
                ["setpriv", *as_user, *on_our_death, "--", *program.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(program.environment),
                cwd=program.folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process; also of its group and session."""
        return self._child.pid

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Returns when ``is_ready`` says so.

        Raises:
            SetupError: the process has ended, or the time is up; with the last lines of its log.
        """
        give_up = time.monotonic() + seconds
        while not is_ready():
            if self._child.poll() is not None:
                raise self._failure(f"ended with {_exit(self._child.returncode)}")
            if time.monotonic() > give_up:
                raise self._failure(f"is not ready after {seconds:g} s")
            time.sleep(POLL_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        """Sends the process a signal, unless it has ended."""
        self._child.send_signal(number)

    def stop(self) -> int:
        """Asks it to end, then makes it; returns its exit code (negative: the signal that ended it)."""
        if self._child.poll() is None:
            self._child.send_signal(self._program.stop_signal)
        try:
            return self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()

    def _failure(self, what: str) -> SetupError:
        log = self._program.log
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        tail = "".join(f"\n    {line}" for line in lines) or " (empty)"
        return SetupError(f"{self._program.name} {what}; its log, {log}, ends:{tail}")


def clean_environment(**more: str) -> dict[str, str]:
    """Our environment for a child, with ``more``, without what would change how Python or a server behaves."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PG", "KAFKA_"))}
    return kept | more


def _exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
