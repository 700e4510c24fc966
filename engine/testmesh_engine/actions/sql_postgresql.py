"""Statements on PostgreSQL: parameters go untyped, and values are read from the server's own text.

This module imports the driver; ``sql_drivers.py`` imports it when the first statement runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testmesh_engine.actions.sql_database import Bounds, Limit, Table
from testmesh_engine.actions.sql_errors import Refused
from testmesh_engine.actions.sql_parameters import Statement
from testmesh_engine.actions.sql_postgresql_answer import Answer
from testmesh_engine.actions.sql_postgresql_connect import SETTINGS, open_wire
from testmesh_engine.actions.sql_postgresql_encoding import encode, is_own_array, own_type
from testmesh_engine.actions.sql_postgresql_target import Target, target_of
from testmesh_engine.actions.sql_postgresql_values import Reader, reader_of
from testmesh_engine.actions.sql_postgresql_wire import Wire
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import Value

_SAVEPOINT = "testmesh_before_parameters"


@dataclass(frozen=True, slots=True)
class PostgreSql:
    """One PostgreSQL database."""

    target: Target

    def __str__(self) -> str:
        return str(self.target)

    @property
    def is_one(self) -> bool:
        """Any number of sessions may ask it."""
        return False

    @property
    def committing(self) -> frozenset[str]:
        """None does."""
        return frozenset()

    def open(self, bounds: Bounds) -> PostgreSqlSession:
        """A new session. Raises ``PlatformError``."""
        return PostgreSqlSession(open_wire(self.target, bounds))

    def begin(self, isolation: str) -> Sequence[str]:
        """https://www.postgresql.org/docs/current/sql-begin.html."""
        return (f"BEGIN ISOLATION LEVEL {isolation}" if isolation else "BEGIN",)


def database_of(connection: Value, folder: Path | None) -> PostgreSql:
    """The database that ``connection`` means; files that it names are looked for in ``folder``."""
    return PostgreSql(target_of(connection, folder))


class PostgreSqlSession:
    """A session, as ``sql_database.Session`` says."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def close(self) -> None:
        """Close it."""
        self._wire.close()

    def is_usable(self) -> bool:
        """Whether it can take a statement: open, and the server has not gone while nothing was asked of it."""
        return self._wire.is_usable()

    def is_in_transaction(self) -> bool:
        """Whether a statement has opened a transaction and left it open."""
        return self._wire.is_in_transaction()

    def command(self, text: str, bounds: Bounds) -> None:
        """Run a statement of our own."""
        self._wire.execute(text, bounds=bounds)

    def run(self, statement: Statement, *, bounds: Bounds, limit: Limit) -> Table:
        """With parameters as text whose types the server infers; where it can't, once more with their own types."""
        _refuse_what_nobody_would_see(statement)
        if not statement.values:
            return self._table(self._wire.execute(statement.text, bounds=bounds, limit=limit), bounds)
        saved = self.is_in_transaction()
        if saved:
            # What the server can't infer would end the whole transaction.
            self.command(f"SAVEPOINT {_SAVEPOINT}", bounds)
        try:
            answer = self._inferred(statement, bounds, limit)
        except Refused as refused:
            if not refused.diagnosis.is_undecided:
                raise
            if saved:
                self.command(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}", bounds)
            answer = self._typed(statement, bounds, limit)
        return self._table(answer, bounds)

    def _inferred(self, statement: Statement, bounds: Bounds, limit: Limit) -> Answer:
        arrays = self._inferred_arrays(statement, bounds)
        encoded = [encode(value, as_array=is_array) for value, is_array in zip(statement.values, arrays, strict=True)]
        return self._wire.execute(statement.text, encoded, bounds=bounds, limit=limit)

    def _typed(self, statement: Statement, bounds: Bounds, limit: Limit) -> Answer:
        encoded = [encode(value, as_array=is_own_array(value)) for value in statement.values]
        types = [own_type(value) for value in statement.values]
        return self._wire.execute(statement.text, encoded, types, bounds=bounds, limit=limit)

    def _inferred_arrays(self, statement: Statement, bounds: Bounds) -> list[bool]:
        """For each parameter whether the server expects an array; asked only where a list might be one or JSON."""
        if not any(isinstance(value, list) for value in statement.values):
            return [False] * len(statement.values)
        types = self._wire.parameter_types(statement.text, bounds=bounds)
        shapes = self._wire.shapes(types, bounds=bounds)
        return [oid in shapes and bool(shapes[oid].element) for oid in types]

    def _table(self, answer: Answer, bounds: Bounds) -> Table:
        shapes = self._wire.shapes(answer.types, bounds=bounds)
        readers = [reader_of(oid, shapes) for oid in answer.types]
        named = list(zip(answer.columns, readers, strict=True))
        return Table(
            columns=answer.columns,
            rows=[[_read(*column, cell) for column, cell in zip(named, cells, strict=True)] for cells in answer.rows],
            returned=answer.keeper.returned,
            affected=answer.affected,
            changes=answer.changes,
            returns_rows=answer.returns_rows,
        )


def _read(column: str, read: Reader, cell: bytes | None) -> Value:
    if cell is None:
        return None
    try:
        return read(cell.decode("utf-8", "replace"))
    except ValueError as error:
        raise ServiceError(f"column {column} can't be read: {error}", kind="query_error") from error


_READING = {name.upper(): value for name, value in SETTINGS.items()}
_MEANINGLESS = {
    "LISTEN": "what a channel says is never read here",
    "UNLISTEN": "no channel is listened to here",
}


def _refuse_what_nobody_would_see(statement: Statement) -> None:
    """Statements that would run and mean nothing, or change how values are read."""
    if why := _MEANINGLESS.get(statement.head):
        raise UsageError(f"{statement.head} has no use in a query: {why}")
    if statement.head != "SET":
        return
    words = statement.text.upper().replace("=", " ").split()
    setting = next((word for word in words[1:3] if word not in ("SESSION", "LOCAL")), "")
    if words[1:3] == ["TIME", "ZONE"]:
        setting = "TIMEZONE"
    if setting in _READING:
        raise UsageError(
            f"SET can't change {setting}: values are read as {_READING[setting]!r} writes them",
            hint="Ask for another form in the query itself: to_char(…), or … AT TIME ZONE 'Europe/Berlin'.",
        )
