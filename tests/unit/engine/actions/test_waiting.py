"""Waiting ends at the deadline, at the interrupt, or when what is waited for is there; never later."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from testmesh_engine.actions.waiting import READABLE, Deadline, Interrupt, TimeRanOutError, earliest, sleep, wait_for
from testmesh_engine.errors import Interrupted


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """One that is not set."""
    made = Interrupt()
    yield made
    made.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The reading and the writing end."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_waiting_for_nothing_ends_at_the_deadline(interrupt: Interrupt, pipe: tuple[int, int]) -> None:
    """The error names what ran out, and its length."""
    started = time.monotonic()
    with pytest.raises(TimeRanOutError, match=r"^config\.timeout of 50ms$"):
        wait_for(pipe[0], READABLE, deadline=Deadline.after(0.05, "config.timeout"), interrupt=interrupt)
    assert 0.04 < time.monotonic() - started < 0.5


def test_waiting_ends_when_there_is_something(interrupt: Interrupt, pipe: tuple[int, int]) -> None:
    """A byte that is there is seen at once."""
    os.write(pipe[1], b"x")
    assert READABLE & wait_for(pipe[0], READABLE, deadline=Deadline.after(9, "x"), interrupt=interrupt)


def test_an_interrupt_from_another_thread_ends_the_wait_at_once(interrupt: Interrupt, pipe: tuple[int, int]) -> None:
    """A signal must not wait for a slow server."""
    threading.Timer(0.05, interrupt.set, ["SIGTERM"]).start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="interrupted by SIGTERM"):
        wait_for(pipe[0], READABLE, deadline=Deadline.after(9, "x"), interrupt=interrupt)
    assert time.monotonic() - started < 1


def test_a_sleep_is_never_shorter_than_asked(interrupt: Interrupt) -> None:
    """A delay that comes back early would make a test flicker."""
    started = time.monotonic()
    sleep(0.05, deadline=Deadline.after(9, "x"), interrupt=interrupt)
    assert time.monotonic() - started >= 0.05


def test_a_sleep_beyond_the_deadline_ends_at_the_deadline(interrupt: Interrupt) -> None:
    """The deadline rules, and is said."""
    started = time.monotonic()
    with pytest.raises(TimeRanOutError, match="the step's timeout of 50ms"):
        sleep(5, deadline=Deadline.after(0.05, "the step's timeout"), interrupt=interrupt)
    assert time.monotonic() - started < 1


def test_an_interrupt_ends_a_sleep(interrupt: Interrupt) -> None:
    """Also one that was set before."""
    interrupt.set("SIGINT")
    with pytest.raises(Interrupted):
        sleep(5, deadline=Deadline.after(9, "x"), interrupt=interrupt)


def test_the_first_reason_of_an_interrupt_counts(interrupt: Interrupt) -> None:
    """A second signal does not change what ended the run."""
    interrupt.set("SIGTERM")
    interrupt.set("SIGINT")
    assert "SIGTERM" == interrupt.reason


def test_the_earliest_deadline_is_the_one_that_is_named() -> None:
    """Of all limits the first to run out is told."""
    soon, late = Deadline.after(1, "soon"), Deadline.after(9, "late")
    assert soon is earliest([late, soon])
