"""``database_query``: one SQL statement on PostgreSQL, committed by itself, over a connection that steps share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.sql_encoding import encode, is_own_array, own_type
from testmesh_engine.actions.sql_errors import Refused, error_of
from testmesh_engine.actions.sql_parameters import Statement, bind
from testmesh_engine.actions.sql_values import Reader, reader_of
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value, to_json

if TYPE_CHECKING:
    from testmesh_engine.actions.sql_answer import Answer, Limit
    from testmesh_engine.actions.sql_session import Bounds, Session
    from testmesh_engine.actions.sql_target import Target

MAX_ROWS = 10_000


class DatabaseQuery:
    """One statement; what it returns is read from the server's own text, so that numbers are exact."""

    spec = ActionSpec(
        name="database_query",
        doc="Runs one SQL statement on PostgreSQL, which commits it by itself.",
        example=(
            "- id: stored\n"
            "  action: database_query\n"
            "  config:\n"
            "    connection: postgresql://root:admin@localhost:5432/postgres\n"
            "    query: SELECT * FROM orders WHERE id = $1\n"
            "    params: [7]\n"
            "  assert: [row_count == 1, 'rows[0].total == 59.98']\n"
        ),
        keys=(
            Key(
                name="connection",
                kind=Kind.ANY,
                required=True,
                doc="postgresql://user:password@host:5432/database, or a map of host, port, user, password, database",
                aliases=("connection_string",),
                variables=("DB_URL", "DATABASE_URL"),
            ),
            Key(name="query", kind=Kind.TEXT, required=True, doc="one statement; parameters are $1, ? or :name"),
            Key(
                name="params",
                kind=Kind.ANY,
                doc="a list for $1 or ?, a map for :name; beside ?, the operator ? is written ??",
                aliases=("named_params",),
            ),
            Key(
                name="max_rows",
                kind=Kind.INTEGER,
                doc="how many rows are kept of those that come; without it, more than 10,000 fail",
            ),
            Key(name="timeout", kind=Kind.DURATION, doc="bounds connecting and the statement", default="30s"),
        ),
        results={
            "rows": "a list of maps, one for each row, by column; a second column of one name is name_2",
            "row_count": "how many rows the statement returned, also those that max_rows cut off",
            "first_row": "the first row, nil where there is none",
            "rows_affected": "the number in the server's command tag: rows inserted, updated, deleted, or selected",
            "columns": "the names of the columns, in order",
            "count": "row_count for a statement that returns rows, else rows_affected",
            "truncated": "whether max_rows cut off rows",
        },
        planned={"transaction": "Each statement is committed by itself."},
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Run the statement.

        Raises ``ServiceError`` where the server refuses it, ``PlatformError`` where the database can't be reached,
        is lost, fails or does not answer in time, and ``UsageError`` for what is no statement. A statement is sent
        once: it is never repeated after a loss.
        """
        settings = Config(self.spec, config)
        statement = bind(settings.text("query"), settings.value("params"))
        keep = _rows_to_keep(settings)
        context.request = _shown_request(settings)
        context.counters.sql_statements += 1
        return _ask(statement, settings.value("connection"), context, keep=keep)


def _rows_to_keep(settings: Config) -> int:
    """The author's ``max_rows``, 0 where there is none."""
    rows = settings.integer("max_rows", 0)
    if rows < 1 and settings.value("max_rows") is not None:
        raise UsageError(f"max_rows is 1 or more, found {rows}")
    return rows


def _shown_request(settings: Config) -> dict[str, Value]:
    shown: dict[str, Value] = {"query": settings.text("query")}
    if settings.value("params") is not None:
        shown["params"] = settings.value("params")
    return shown


def _ask(statement: Statement, connection: Value, context: Context, *, keep: int) -> Result:
    """Open or reuse the connection, send the statement, and map what the driver met."""
    _require_driver()
    from testmesh_engine.actions.sql_answer import Limit, TooMuchError  # noqa: PLC0415 - only flows that use SQL pay
    from testmesh_engine.actions.sql_session import Bounds, LostError  # noqa: PLC0415 - the same
    from testmesh_engine.actions.sql_target import target_of  # noqa: PLC0415 - the same

    bounds = Bounds(context.deadline, context.interrupt)
    limit = Limit(kept_rows=keep) if keep else Limit(kept_rows=MAX_ROWS, most_rows=MAX_ROWS)
    target = target_of(connection)
    session = _session(target, connection, context, bounds)
    try:
        answer = _execute(session, statement, bounds, limit)
        _refuse_open_transaction(session)
        return _result(answer, session, bounds)
    except Refused as refused:
        raise error_of(refused.diagnosis, statement.text, database=str(target)) from refused
    except TimeRanOutError as error:
        raise PlatformError(f"no whole answer from {target} within {error}", kind="timeout") from error
    except LostError as error:
        raise PlatformError(
            f"the connection to {target} was lost during the query, which may have been executed: {error}",
            kind="connection_error",
        ) from error
    except TooMuchError as error:
        raise ServiceError(
            f"the query returned {error}", kind="query_error", hint="Add LIMIT to it, or max_rows to the step."
        ) from error


def _require_driver() -> None:
    try:
        import psycopg  # noqa: F401, PLC0415 - only flows that use SQL pay for it
    except ImportError as error:
        raise UsageError(
            f"database_query needs the PostgreSQL driver: {error}",
            hint="Install it with: pip install 'testmesh[postgresql]'",
        ) from error


def _session(target: Target, connection: Value, context: Context, bounds: Bounds) -> Session:
    """The flow's connection for this URL; one that has broken since the last step is opened anew."""
    from testmesh_engine.actions.sql_connect import open_session  # noqa: PLC0415 - only flows that use SQL pay
    from testmesh_engine.actions.sql_session import Session  # noqa: PLC0415 - the same

    key = to_json(connection)
    session = context.connections.get(Session, key, lambda: open_session(target, bounds))
    if session.is_usable():
        return session
    context.connections.drop(Session, key)
    return context.connections.get(Session, key, lambda: open_session(target, bounds))


def _execute(session: Session, statement: Statement, bounds: Bounds, limit: Limit) -> Answer:
    """With parameters as text whose types the server infers; where it can't, once more with their own types."""
    text, values = statement.text, statement.values
    try:
        arrays = _inferred_arrays(session, statement, bounds)
        encoded = [encode(value, as_array=is_array) for value, is_array in zip(values, arrays, strict=True)]
        return session.execute(text, encoded, bounds=bounds, limit=limit)
    except Refused as refused:
        if not values or not refused.diagnosis.is_undecided:
            raise
    encoded = [encode(value, as_array=is_own_array(value)) for value in values]
    return session.execute(text, encoded, [own_type(value) for value in values], bounds=bounds, limit=limit)


def _inferred_arrays(session: Session, statement: Statement, bounds: Bounds) -> list[bool]:
    """For each parameter whether the server expects an array; it is asked only where a list might be one or JSON."""
    if not any(isinstance(value, list) for value in statement.values):
        return [False] * len(statement.values)
    types = session.parameter_types(statement.text, bounds=bounds)
    shapes = session.shapes(types, bounds=bounds)
    return [oid in shapes and bool(shapes[oid].element) for oid in types]


def _refuse_open_transaction(session: Session) -> None:
    """A transaction that stays open would show its changes to this flow only, and lose them at its end."""
    if session.is_in_transaction():
        session.close()
        raise UsageError(
            "the query left a transaction open, and was rolled back",
            hint="Each query is committed by itself: leave BEGIN out.",
        )


def _result(answer: Answer, session: Session, bounds: Bounds) -> Result:
    shapes = session.shapes(answer.types, bounds=bounds)
    columns = _distinct(answer.columns)
    readers = [reader_of(oid, shapes) for oid in answer.types]
    rows: list[Value] = [
        {name: _read(name, read, cell) for name, read, cell in zip(columns, readers, cells, strict=True)}
        for cells in answer.rows
    ]
    return {
        "rows": rows,
        "row_count": answer.returned,
        "first_row": rows[0] if rows else None,
        "rows_affected": answer.affected,
        "columns": list(columns),
        "count": answer.returned if answer.returns_rows else answer.affected,
        "truncated": answer.returned > len(rows),
    }


def _read(column: str, read: Reader, cell: bytes | None) -> Value:
    if cell is None:
        return None
    try:
        return read(cell.decode("utf-8", "replace"))
    except ValueError as error:
        raise ServiceError(f"column {column} can't be read: {error}", kind="query_error") from error


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, a second ``id`` as ``id_2``, unless a column has that name by itself."""
    found: list[str] = []
    taken = set(names)
    for name in names:
        own, number = name, 1
        while own in found or (number > 1 and own in taken):
            number += 1
            own = f"{name}_{number}"
        found.append(own)
    return found
