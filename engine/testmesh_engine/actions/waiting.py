"""Waiting, with an end to it.

Every call of an action that may block takes its time from a :class:`Deadline` and ends when its :class:`Interrupt` is
set. Nothing else in the engine sleeps or waits for a descriptor.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterable

from testmesh_engine.contract.duration import show_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import Interrupted

READABLE = select.POLLIN
WRITABLE = select.POLLOUT


class TimeRanOutError(Exception):
    """A deadline has passed; actions map it onto their own error. ``str()`` names what ran out."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock, and which of the author's limits it is (``the step's timeout of 30s``)."""

    at: float
    what: str

    @classmethod
    def after(cls, seconds: float, what: str) -> Deadline:
        """The moment ``seconds`` from now; ``what`` names the limit, its length is added."""
        return cls(time.monotonic() + seconds, f"{what} of {show_duration(seconds)}")

    def remaining(self) -> float:
        """Seconds until then, 0 once it has passed."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return time.monotonic() >= self.at

    def check(self) -> None:
        """Raise :class:`TimeRanOutError` if it is over."""
        if self.passed:
            raise TimeRanOutError(self.what)


def earliest(deadlines: Iterable[Deadline]) -> Deadline:
    """The one that ends first; ``deadlines`` is not empty."""
    return min(deadlines, key=lambda deadline: deadline.at)


class Interrupt:
    """Set once, from any thread or a signal handler; whoever waits on it returns at once with :class:`Interrupted`.

    It is a pipe, so that one ``poll`` waits for it and for a socket alike.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._set = threading.Event()
        self.reason = ""

    def set(self, reason: str) -> None:
        """Wake all who wait; only the first reason counts."""
        if not self._set.is_set():
            self.reason = reason
            self._set.set()
            os.write(self._write, b"!")

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._set.is_set()

    def check(self) -> None:
        """Raise :class:`Interrupted` if it was set."""
        if self._set.is_set():
            raise Interrupted(f"interrupted by {self.reason}")

    def fileno(self) -> int:
        """A descriptor that becomes readable once it is set."""
        return self._read

    def close(self) -> None:
        """Give the descriptors back; nobody may wait any more."""
        os.close(self._read)
        os.close(self._write)


def wait_for(fd: int, events: int, *, deadline: Deadline, interrupt: Interrupt) -> int:
    """Wait until ``fd`` is ready for one of ``events``; the ready ones are returned.

    Raises :class:`TimeRanOutError` at the deadline, ``Interrupted`` at the interrupt.
    """
    poller = select.poll()
    poller.register(interrupt.fileno(), select.POLLIN)
    poller.register(fd, events)
    ready = dict(poller.poll(_milliseconds(deadline)))
    interrupt.check()
    if fd in ready:
        return ready[fd]
    deadline.check()
    # poll() takes whole milliseconds: it may come back a moment early.
    return wait_for(fd, events, deadline=deadline, interrupt=interrupt)


def sleep(seconds: float, *, deadline: Deadline, interrupt: Interrupt) -> None:
    """Wait for ``seconds``, to the deadline at most (then :class:`TimeRanOutError`), or until the interrupt."""
    end = time.monotonic() + seconds
    poller = select.poll()
    poller.register(interrupt.fileno(), select.POLLIN)
    while (left := min(end, deadline.at) - time.monotonic()) > 0:
        poller.poll(left * 1000 + 0.5)
        interrupt.check()
    interrupt.check()
    if end > deadline.at:
        raise TimeRanOutError(deadline.what)


def _milliseconds(deadline: Deadline) -> float:
    return deadline.remaining() * 1000 + 0.5
