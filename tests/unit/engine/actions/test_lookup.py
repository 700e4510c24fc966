"""Host names become addresses, within a deadline."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from testmesh_engine.actions.lookup import look_up
from testmesh_engine.actions.waiting import Deadline, Interrupt, TimeRanOutError
from testmesh_engine.errors import Interrupted


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """One that nobody has set yet."""
    interrupt = Interrupt()
    yield interrupt
    interrupt.close()


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A name service that does not answer while the test runs."""
    release = threading.Event()

    def never(*_: object, **__: object) -> None:
        release.wait(10)
        raise OSError("stuck")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    yield
    release.set()


def test_an_address_is_itself(stuck: None, interrupt: Interrupt) -> None:
    """Nobody is asked about it."""
    deadline = Deadline.after(1, "timeout")
    assert ["127.0.0.1"] == look_up("127.0.0.1", deadline=deadline, interrupt=interrupt)
    assert ["::1"] == look_up("::1", deadline=deadline, interrupt=interrupt)


def test_a_name_is_looked_up(interrupt: Interrupt) -> None:
    """Each address is there once, in the system's order."""
    found = look_up("localhost", deadline=Deadline.after(5, "timeout"), interrupt=interrupt)
    assert "127.0.0.1" in found
    assert len(set(found)) == len(found)


def test_an_unknown_name_is_an_error(monkeypatch: pytest.MonkeyPatch, interrupt: Interrupt) -> None:
    """The message names it."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(OSError, match="the host name nowhere can't be resolved"):
        look_up("nowhere", deadline=Deadline.after(5, "timeout"), interrupt=interrupt)


def test_a_stuck_name_service_is_left_at_the_deadline(stuck: None, interrupt: Interrupt) -> None:
    """The system's call can't be stopped; the flow goes on without it."""
    started = time.monotonic()
    with pytest.raises(TimeRanOutError):
        look_up("host", deadline=Deadline.after(0.1, "timeout"), interrupt=interrupt)
    assert time.monotonic() - started < 1


def test_a_stuck_name_service_is_left_at_the_interrupt(stuck: None, interrupt: Interrupt) -> None:
    """A signal does not wait for it either."""
    threading.Timer(0.05, interrupt.set, ["SIGTERM"]).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        look_up("host", deadline=Deadline.after(5, "timeout"), interrupt=interrupt)
    assert time.monotonic() - started < 1
