"""Runs the statements of a step on the connection that the flow's steps share, and makes one result of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field

from testmesh_engine.actions.base import Connections, Context, Result
from testmesh_engine.actions.sql_database import Bounds, Database, Limit, LostError, Session, Table, TooMuchError
from testmesh_engine.actions.sql_drivers import driver_of
from testmesh_engine.actions.sql_errors import Asked, Refused, error_of
from testmesh_engine.actions.sql_parameters import Statement, bind
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import PlatformError, ServiceError, TestMeshError, UsageError
from testmesh_engine.expressions import Value, to_json

_OWN_CONTROL = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})
"""First words of statements by which a query says itself where its transactions begin and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a step asks. ``transaction`` is unset where the step does not say; ``isolation`` is "" for the usual."""

    connection: Value = field(repr=False)  # it may hold a password
    query: str
    params: Value = None
    transaction: bool | None = None
    isolation: str = ""
    limit: Limit


def ask(question: Question, context: Context) -> Result:
    """Run it. Raises what ``DatabaseQuery.run`` does."""
    driver = driver_of(question.connection)
    statements = bind(question.query, question.params, driver.dialect)
    database = driver.database(question.connection, context.folder)
    context.counters.sql_statements += len(statements)
    bounds = Bounds(context.deadline, context.interrupt)
    key = f"{context.folder or ''} {to_json(question.connection)}"
    try:
        with _turn(database, key, context):
            session = _session(database, key, context.connections, bounds)
            return result_of(_Asking(question, database, session, bounds, statements).tables())
    except TimeRanOutError as error:
        raise PlatformError(f"no whole answer from {database} within {error}", kind="timeout") from error
    except LostError as error:
        raise PlatformError(
            f"the connection to {database} was lost during the query, which may have been executed: {error}",
            kind="connection_error",
        ) from error
    except TooMuchError as error:
        raise ServiceError(
            f"the query returned {error}", kind="query_error", hint="Add LIMIT to it, or max_rows to the step."
        ) from error


def _turn(database: Database, key: str, context: Context) -> AbstractContextManager[None]:
    """Steps that run at the same time have a session each, but of a database that there is only one of."""
    if database.is_one:
        return context.connections.turn(f"sql {key}", context.deadline, context.interrupt)
    return nullcontext()


class _Shared:
    """What the flow's steps share for one connection: the session, whatever kind it is of."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def close(self) -> None:
        """Close it."""
        self.session.close()


class _SharedByAll(_Shared):
    """The same, for steps that run at the same time too."""

    for_all = True


def _session(database: Database, key: str, connections: Connections, bounds: Bounds) -> Session:
    """The flow's session for this connection; one that has broken since the last step is opened anew."""
    kind = _SharedByAll if database.is_one else _Shared
    shared = connections.get(kind, key, lambda: kind(database.open(bounds)))
    if not shared.session.is_usable():
        connections.drop(kind, key)
        shared = connections.get(kind, key, lambda: kind(database.open(bounds)))
    return shared.session


@dataclass(frozen=True, slots=True)
class _Asking:
    """The statements of one step on their way."""

    question: Question
    database: Database
    session: Session
    bounds: Bounds
    statements: Sequence[Statement]

    def tables(self) -> list[Table]:
        """What each statement gave."""
        if self._is_wrapped():
            return self._wrapped()
        try:
            found = [self._one(each, what, "") for each, what in self._named()]
        except TestMeshError:
            self._roll_back()
            raise
        if self.session.is_in_transaction():
            self._roll_back()
            raise UsageError(
                "the query left a transaction open, and was rolled back",
                hint="End it with COMMIT in the same query, or leave BEGIN out: several statements are one anyway.",
            )
        return found

    def _is_wrapped(self) -> bool:
        """Whether it runs in a transaction of ours: where the step asks for one, and where there is more than one."""
        own = next((each.head for each in self.statements if each.head in _OWN_CONTROL), "")
        if own and self.question.transaction:
            raise UsageError(f"the query has its own {own}", hint="Leave it out, or leave transaction out.")
        return not own and (
            len(self.statements) > 1 if self.question.transaction is None else self.question.transaction
        )

    def _wrapped(self) -> list[Table]:
        """A statement that ends our transaction has committed what came so far: what follows needs one of its own."""
        found: list[Table] = []
        kept = 0
        try:
            self._begin()
            for number, (statement, what) in enumerate(self._named(), start=1):
                found.append(self._one(statement, what, self._undone(number, kept)))
                if not self.session.is_in_transaction():
                    kept = number
                    self._begin()
            self._command("COMMIT")
        except TestMeshError:
            self._roll_back()
            raise
        return found

    def _begin(self) -> None:
        self._command(*self.database.begin(self.question.isolation))

    def _undone(self, number: int, kept: int) -> str:
        """What became of the others if this statement is refused: the last ``kept`` committed by itself."""
        head = self.statements[number - 1].head
        if number > kept + 1 and head in self.database.committing:
            return f"; what stands before it may have been kept, since {head} commits by itself"
        if kept:
            which = f"statements 1 to {kept} were kept, since" if kept > 1 else "statement 1 was kept, since"
            return f"; {which} {self.statements[kept - 1].head} commits by itself"
        return "; nothing of the query was kept" if len(self.statements) > 1 else ""

    def _named(self) -> list[tuple[Statement, str]]:
        count = len(self.statements)
        whats = [f"statement {number} of {count}" for number in range(1, count + 1)] if count > 1 else ["the query"]
        return list(zip(self.statements, whats, strict=True))

    def _one(self, statement: Statement, what: str, undone: str) -> Table:
        try:
            return self.session.run(statement, bounds=self.bounds, limit=self.question.limit)
        except Refused as refused:
            asked = Asked(database=str(self.database), what=what, statement=statement, undone=undone)
            raise error_of(refused.diagnosis, asked) from refused

    def _command(self, *texts: str) -> None:
        for text in texts:
            try:
                self.session.command(text, self.bounds)
            except Refused as refused:
                raise error_of(refused.diagnosis, Asked(database=str(self.database), what=text)) from refused

    def _roll_back(self) -> None:
        """Undo what is not committed; a session that can't even do that is closed, which does it too."""
        if not self.session.is_usable() or not self.session.is_in_transaction():
            return
        try:
            self.session.command("ROLLBACK", self.bounds)
        except (Refused, LostError, TimeRanOutError):
            self.session.close()


def result_of(tables: Sequence[Table]) -> Result:
    """The step's result: the rows of the last statement that returns any, and each by itself where there are several.

    Of several statements the rows affected are those that were changed, by all of them together.
    """
    told = next((table for table in reversed(tables) if table.returns_rows), tables[-1])
    affected = sum(table.affected for table in tables if table.changes) if len(tables) > 1 else told.affected
    rows = _rows(told)
    result: Result = {
        "rows": rows,
        "row_count": told.returned,
        "first_row": rows[0] if rows else None,
        "rows_affected": affected,
        "columns": list(distinct(told.columns)),
        "count": told.returned if told.returns_rows else affected,
        "truncated": told.returned > len(rows),
    }
    if len(tables) > 1:
        result["results"] = [_shown(table) for table in tables]
    return result


def _shown(table: Table) -> dict[str, Value]:
    return {
        "rows": _rows(table),
        "row_count": table.returned,
        "rows_affected": table.affected,
        "columns": list(distinct(table.columns)),
    }


def _rows(table: Table) -> list[Value]:
    columns = distinct(table.columns)
    return [dict(zip(columns, row, strict=True)) for row in table.rows]


def distinct(names: Sequence[str]) -> list[str]:
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


def shown_request(query: str, params: Value) -> Mapping[str, Value]:
    """What reports show of what was asked: never the connection."""
    return {"query": query} if params is None else {"query": query, "params": params}
