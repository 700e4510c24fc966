"""What comes of a statement, as PostgreSQL sent it, and how much of it is kept."""

from __future__ import annotations

from dataclasses import field

from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from testmesh_engine.actions.sql_database import Keeper
from testmesh_engine.contract.record import dataclass

Cells = tuple[bytes | None, ...]
"""One row: the text of each column, ``None`` for NULL."""

_WITH_ROWS = frozenset({ExecStatus.TUPLES_OK, ExecStatus.SINGLE_TUPLE})
_CHANGES = (b"INSERT", b"UPDATE", b"DELETE", b"MERGE")


@dataclass(slots=True)
class Answer:
    """What one statement gave.

    ``affected`` is the number in the server's command tag, 0 where it has none; ``changes`` whether the tag is that of
    a change. A statement that returns no rows has no columns, and ``returns_rows`` is false.
    """

    keeper: Keeper
    columns: list[str] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    rows: list[Cells] = field(default_factory=list)
    affected: int = 0
    changes: bool = False
    returns_rows: bool = False

    def take(self, result: PGresult) -> None:
        """Add one of libpq's results: a single row, or the statement's end. Raises ``TooMuchError``."""
        self.affected = result.command_tuples or 0
        self.changes = (result.command_status or b"").startswith(_CHANGES)
        if result.status not in _WITH_ROWS:
            return
        if not self.returns_rows:
            self.returns_rows = True
            self.columns = [(result.fname(at) or b"").decode("utf-8", "replace") for at in range(result.nfields)]
            self.types = [result.ftype(at) for at in range(result.nfields)]
        for number in range(result.ntuples):
            cells = tuple(result.get_value(number, at) for at in range(result.nfields))
            if self.keeper.keeps(cells):
                self.rows.append(cells)
