"""What signals tell the process, from its first line to its last."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from types import FrameType

from testmesh_engine.actions.waiting import Interrupt
from testmesh_engine.contract.record import dataclass

EXIT_INTERRUPTED = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupts:
    """``run`` ends setup and steps, ``teardown`` the rest of teardown (a second signal)."""

    run: Interrupt = field(default_factory=Interrupt)
    teardown: Interrupt = field(default_factory=Interrupt)


class Signals:
    """Listens to signals: the first one ends the steps, a second one teardown, a third one the process.

    A pod's first process never gets a signal that it has no handler for: ``cli/main.py`` listens before everything
    that takes time, imports included. What is heard before there is something to end is kept in ``interrupts``.
    """

    def __init__(self) -> None:
        self.interrupts = Interrupts()
        self.grace: float | None = None
        """The seconds that teardown has after a first signal; ``None``: as many as the flow gives it."""
        self._at_once = False

    def listen(self, heard: Sequence[int] = ()) -> None:
        """Take over from who has listened so far; ``heard`` are the signals that came. Call it from the main thread."""
        for number in _SIGNALS:
            # Whoever started us with nohup wants us to outlive the terminal.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)
        for early in heard:
            self._note(early, None)

    def ignore(self) -> None:
        """From here on signals change nothing: the exit code must be what the verdict says."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    @contextmanager
    def ending_at_once(self) -> Iterator[None]:
        """Nothing runs yet: within this a signal, also one that came before it, raises ``Interrupted``."""
        self._at_once = True
        try:
            self.interrupts.run.check()
            yield
        finally:
            self._at_once = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        run, teardown = self.interrupts.run, self.interrupts.teardown
        if teardown.is_set():
            os._exit(EXIT_INTERRUPTED)
        if run.is_set():
            teardown.set(f"a second {name}")
            return
        run.set(name)
        if self._at_once:
            run.check()
        if self.grace is not None:
            end = threading.Timer(self.grace, teardown.set, [f"the end of the grace period after {name}"])
            end.daemon = True
            end.start()
