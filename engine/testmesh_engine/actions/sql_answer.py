"""What comes of a statement, as the server sent it, and how much of it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

Cells = tuple[bytes | None, ...]
"""One row: the text of each column, ``None`` for NULL."""

_WITH_ROWS = frozenset({ExecStatus.TUPLES_OK, ExecStatus.SINGLE_TUPLE})


class TooMuchError(Exception):
    """A statement returned more than it may; ``str()`` says how much that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many rows are kept, how many may come at all (0: any number), and how many bytes of them are kept at most."""

    kept_rows: int
    most_rows: int = 0
    most_bytes: int = 32 * 1024 * 1024


@dataclass(slots=True)
class Answer:
    """What one statement gave.

    ``returned`` counts the rows, those that were not kept too. ``affected`` is the number in the server's command
    tag, 0 where it has none. A statement that returns no rows has no columns, and ``returns_rows`` is false.
    """

    columns: list[str] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    rows: list[Cells] = field(default_factory=list)
    returned: int = 0
    affected: int = 0
    returns_rows: bool = False
    bytes_kept: int = 0

    def take(self, result: PGresult, limit: Limit) -> None:
        """Add one of libpq's results: a single row, or the statement's end. Raises :class:`TooMuchError`."""
        self.affected = result.command_tuples or 0
        if result.status not in _WITH_ROWS:
            return
        if not self.returns_rows:
            self.returns_rows = True
            self.columns = [(result.fname(at) or b"").decode("utf-8", "replace") for at in range(result.nfields)]
            self.types = [result.ftype(at) for at in range(result.nfields)]
        for row in range(result.ntuples):
            self._count(limit)
            if len(self.rows) < limit.kept_rows:
                self._keep(tuple(result.get_value(row, at) for at in range(result.nfields)), limit)

    def _count(self, limit: Limit) -> None:
        self.returned += 1
        if limit.most_rows and self.returned > limit.most_rows:
            raise TooMuchError(f"more than {limit.most_rows:,} rows")

    def _keep(self, cells: Cells, limit: Limit) -> None:
        self.bytes_kept += sum(len(cell) for cell in cells if cell is not None)
        if self.bytes_kept > limit.most_bytes:
            raise TooMuchError(f"more than {limit.most_bytes // 2**20} MiB")
        self.rows.append(cells)
