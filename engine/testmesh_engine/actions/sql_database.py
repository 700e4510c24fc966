"""What all kinds of databases have in common here: a session that runs statements, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Protocol

from testmesh_engine.actions.sql_parameters import Statement
from testmesh_engine.actions.waiting import Deadline, Interrupt, wait_for
from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import Value


class TooMuchError(Exception):
    """A statement returned more than it may; ``str()`` says how much that is."""


class LostError(Exception):
    """The connection broke; whether the statement was executed is not known."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a wait."""

    deadline: Deadline
    interrupt: Interrupt

    def check(self) -> None:
        """Raise ``TimeRanOutError`` or ``Interrupted`` if it is time."""
        self.interrupt.check()
        self.deadline.check()

    def wait(self, fd: int, events: int) -> int:
        """Wait for the descriptor, at most until then; the events that it is ready for."""
        return wait_for(fd, events, deadline=self.deadline, interrupt=self.interrupt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many rows are kept, how many may come at all (0: any number), and how many bytes of them are kept at most."""

    kept_rows: int
    most_rows: int = 0
    most_bytes: int = 32 * 1024 * 1024


@dataclass(slots=True)
class Keeper:
    """Counts the rows that come, and says which of them are kept."""

    limit: Limit
    returned: int = 0
    bytes_kept: int = 0

    def keeps(self, row: Sequence[object]) -> bool:
        """Count ``row``; whether it is to be kept. Raises :class:`TooMuchError`."""
        self.returned += 1
        if self.limit.most_rows and self.returned > self.limit.most_rows:
            raise TooMuchError(f"more than {self.limit.most_rows:,} rows")
        if self.returned > self.limit.kept_rows:
            return False
        self.bytes_kept += sum(len(cell) for cell in row if isinstance(cell, (bytes, str)))
        if self.bytes_kept > self.limit.most_bytes:
            raise TooMuchError(f"more than {self.limit.most_bytes // 2**20} MiB")
        return True


@dataclass(slots=True, kw_only=True)
class Table:
    """What one statement gave.

    ``returned`` counts the rows, those that were not kept too; ``affected`` is the number that the server gives, and
    ``changes`` whether it is of rows that were inserted, updated or deleted. A statement that returns no rows has no
    columns, and ``returns_rows`` is false.
    """

    columns: Sequence[str] = ()
    rows: list[list[Value]] = field(default_factory=list)
    returned: int = 0
    affected: int = 0
    changes: bool = False
    returns_rows: bool = False


class Session(Protocol):
    """A connection that the steps of a flow share.

    Statements raise ``Refused``, after which the session is good; ``LostError``, ``TooMuchError``, ``UsageError``,
    ``TimeRanOutError`` and ``Interrupted`` leave one that may have to be opened anew: ``is_usable`` says so.
    """

    def close(self) -> None:
        """Close it, without waiting for the server; what is not committed is lost."""

    def is_usable(self) -> bool:
        """Whether it can take a statement."""

    def is_in_transaction(self) -> bool:
        """Whether a statement has opened a transaction and left it open."""

    def command(self, text: str, bounds: Bounds) -> None:
        """Run a statement of our own, which returns nothing."""

    def run(self, statement: Statement, *, bounds: Bounds, limit: Limit) -> Table:
        """Run one of the author's."""


class Database(Protocol):
    """A database that a step's ``connection`` means; ``str()`` names it for a person, never with its password."""

    @property
    def is_one(self) -> bool:
        """Whether a second session would be of another database: one in memory."""

    @property
    def committing(self) -> frozenset[str]:
        """First words of statements that commit by themselves what came before them, even where they are refused."""

    def open(self, bounds: Bounds) -> Session:
        """A new session. Raises ``PlatformError`` where the database can't be reached or refuses us."""

    def begin(self, isolation: str) -> Sequence[str]:
        """The statements that start a transaction; ``isolation`` is the level in capitals, "" for the usual one."""
