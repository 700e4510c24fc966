"""What goes over a connection: a request as it is sent, the head of its answer, and how an exchange can end badly."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from testmesh_engine.actions.waiting import Deadline, Interrupt, TimeRanOutError, wait_for
from testmesh_engine.contract.record import dataclass

if TYPE_CHECKING:
    from testmesh_engine.actions.http_url import Url

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110, 9.2.1): the only ones that may be sent once more after a loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request, whole: ``headers`` are as sent, ``Host`` and ``Content-Length`` among them."""

    method: str
    url: Url
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands before the body of an answer; ``version`` is ``HTTP/1.1`` or ``HTTP/2``."""

    status: int
    headers: tuple[tuple[str, str], ...]
    version: str

    def values(self, name: str) -> list[str]:
        """All values of the header ``name``, which is in lower case."""
        return [value for key, value in self.headers if key == name]


@dataclass(slots=True)
class Bounds:
    """What ends the exchange under way, and how far it has come: a timeout's message says it."""

    deadline: Deadline
    interrupt: Interrupt
    phase: str = ""
    received: int = 0
    """Bytes of the body so far."""

    def wait(self, fd: int, events: int) -> int:
        """Wait until ``fd`` is ready for one of ``events``, within the bounds; the ready ones."""
        return wait_for(fd, events, deadline=self.deadline, interrupt=self.interrupt)

    def ran_out(self, error: TimeRanOutError) -> str:
        """``config.timeout of 2s: the TLS handshake was not finished``."""
        return f"{error}: {self.phase}" if self.phase else str(error)


@dataclass(slots=True)
class ExchangeError(Exception):
    """An exchange that did not end in a whole answer; ``hint`` says what to do."""

    message: str
    hint: str = ""

    def __str__(self) -> str:
        return self.message


class UnreachableError(ExchangeError):
    """No connection came about: name, address, TLS."""


@dataclass(slots=True)
class LostError(ExchangeError):
    """The connection broke. ``answered``: some of the answer had come; ``unprocessed``: nobody looked at it."""

    answered: bool = field(default=False, kw_only=True)
    unprocessed: bool = field(default=False, kw_only=True)


class GarbledError(ExchangeError):
    """What came is no HTTP, or breaks its own promises."""
