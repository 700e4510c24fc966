"""Statements on SQLite: a file beside the flow, or a database in memory that the flow's steps share.

https://www.sqlite.org/datatype3.html: a value is an integer, a float, text, bytes or NULL, whatever its column says.
"""

from __future__ import annotations

import math
import sqlite3
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from testmesh_engine.actions.sql_database import Bounds, Keeper, Limit, Table
from testmesh_engine.actions.sql_errors import Diagnosis, Fault, Refused
from testmesh_engine.actions.sql_parameters import Statement
from testmesh_engine.actions.waiting import sleep
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import PlatformError, UsageError
from testmesh_engine.expressions import Value, kind_of, nearest, to_json
from testmesh_engine.expressions.values import number_text

_FORM = "It has the form sqlite:///file.db (beside the flow), sqlite:////folder/file.db, or sqlite:///:memory:."
_MEMORY = ":memory:"
_MODES = ("rw", "ro", "rwc", "memory")
_STEPS_BETWEEN_GLANCES = 1000
"""Instructions of SQLite's machine after which it is looked whether time has run out: some ten microseconds."""

_LOCKED_SECONDS = 0.02
"""How long is waited before a locked database is tried again."""

_Done = TypeVar("_Done")


@dataclass(frozen=True, slots=True)
class Sqlite:
    """One SQLite database: its file, or ``:memory:``."""

    path: str
    mode: str = "rw"

    def __str__(self) -> str:
        return "SQLite in memory" if self.path == _MEMORY else f"SQLite file {self.path}"

    @property
    def is_one(self) -> bool:
        """What is in memory is one session's alone."""
        return self.path == _MEMORY

    @property
    def committing(self) -> frozenset[str]:
        """None does."""
        return frozenset()

    def open(self, bounds: Bounds) -> SqliteSession:
        """A new session. Raises ``PlatformError`` for a file that is not there, or is no database."""
        bounds.check()
        if self.path != _MEMORY and self.mode != "rwc" and not Path(self.path).is_file():
            hint = "An absolute path has four slashes: sqlite:////folder/file.db; ?mode=rwc makes a new file."
            raise PlatformError(f"there is no file {self.path}", kind="connection_error", hint=hint)
        try:
            session = SqliteSession(_connect(self))
            session.command("SELECT count(*) FROM sqlite_master", bounds)
        except (sqlite3.Error, Refused) as error:
            raise PlatformError(f"can't open {self}: {error}", kind="connection_error") from error
        return session

    def begin(self, isolation: str) -> Sequence[str]:
        """One that writes from the start: it is never refused in its midst because another one writes."""
        if isolation not in ("", "SERIALIZABLE"):
            raise UsageError("transactions of SQLite are always serializable", hint="Write transaction: true.")
        return ("BEGIN" if self.mode == "ro" else "BEGIN IMMEDIATE",)


def _connect(database: Sqlite) -> sqlite3.Connection:
    name = _MEMORY if database.path == _MEMORY else f"file:{urllib.parse.quote(database.path)}?mode={database.mode}"
    # Steps of one flow may run in several threads, one after the other.
    connection = sqlite3.connect(name, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    return connection


def database_of(connection: Value, folder: Path | None) -> Sqlite:
    """The database that a URL or an object names; a relative path is below ``folder``. Raises ``UsageError``."""
    path, mode = _of_object(connection) if isinstance(connection, Mapping) else _of_url(str(connection).strip())
    if mode not in _MODES:
        raise UsageError(f'mode of connection is one of {", ".join(_MODES)}, found "{mode}"')
    if path in ("", _MEMORY) or mode == "memory":
        return Sqlite(_MEMORY)
    return Sqlite(str(folder / path) if folder else path, mode)


def _of_url(url: str) -> tuple[str, str]:
    rest = url.partition("://")[2] if "://" in url else f"/{url}"
    path, _, query = rest.partition("?")
    options = dict(urllib.parse.parse_qsl(query))
    if unknown := next((name for name in options if name != "mode"), ""):
        raise UsageError(f'the URL of SQLite has no parameter "{unknown}"', hint="It has mode: rw, ro or rwc.")
    if path and not path.startswith("/"):
        raise UsageError("connection is a URL of SQLite with a host, and it has none", hint=_FORM)
    return urllib.parse.unquote(path[1:]), options.get("mode", "rw")


def _of_object(connection: Mapping[str, Value]) -> tuple[str, str]:
    allowed = ("driver", "database", "path", "mode")
    for name, value in connection.items():
        if name not in allowed:
            near = nearest(name, allowed)
            raise UsageError(
                f'connection of SQLite has no key "{name}"',
                hint=f"Did you mean {near}?" if near else f"It has {', '.join(allowed)}.",
            )
        if not isinstance(value, str):
            raise UsageError(f"connection.{name} takes text, found {kind_of(value)}")
    path = connection.get("database", connection.get("path", _MEMORY))
    return str(path), str(connection.get("mode", "rw"))


class SqliteSession:
    """A session, as ``sql_database.Session`` says: it stays good whatever a statement meets."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Close it; what is in memory is gone."""
        self._connection.close()

    def is_usable(self) -> bool:
        """A database in the same process is never lost."""
        return True

    def is_in_transaction(self) -> bool:
        """Whether a statement has opened a transaction and left it open."""
        return self._connection.in_transaction

    def command(self, text: str, bounds: Bounds) -> None:
        """Run a statement of our own."""
        with self._bounded(bounds) as met:
            _when_unlocked(lambda: self._connection.execute(text).fetchall(), bounds, met)

    def run(self, statement: Statement, *, bounds: Bounds, limit: Limit) -> Table:
        """Run one of the author's; a value that stands in several places is handed over for each."""
        values = [_parameter(statement.values[index]) for index in statement.places]
        text = statement.write(lambda _: "?")
        with self._bounded(bounds) as met:
            return _when_unlocked(lambda: self._table(text, values, limit), bounds, met)

    def _table(self, text: str, values: Sequence[object], limit: Limit) -> Table:
        before = self._connection.total_changes
        cursor = self._connection.execute(text, values)
        try:
            table = _rows(cursor, limit)
            table.changes = self._connection.total_changes != before
        finally:
            cursor.close()
        if table.changes:
            # total_changes counts what triggers did as well.
            [(table.affected,)] = self._connection.execute("SELECT changes()").fetchall()
        return table

    @contextmanager
    def _bounded(self, bounds: Bounds) -> Iterator[_Met]:
        """SQLite itself looks at the bounds meanwhile; what they say is raised once it has stopped."""
        bounds.check()
        met = _Met(bounds)
        self._connection.set_progress_handler(met.look, _STEPS_BETWEEN_GLANCES)
        try:
            yield met
        except sqlite3.Error as error:
            met.tell()
            raise Refused(_diagnosis(error)) from error
        finally:
            self._connection.set_progress_handler(None, 0)


class _Met:
    """Whether it is time to stop, noted where nothing can be raised."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._stopped = False

    def look(self) -> int:
        """Anything but 0 stops the statement."""
        self._stopped = self._bounds.interrupt.is_set() or self._bounds.deadline.passed
        return int(self._stopped)

    def tell(self) -> None:
        """Raise what has stopped the statement, if that was it."""
        if self._stopped:
            self._bounds.check()


def _when_unlocked(attempt: Callable[[], _Done], bounds: Bounds, met: _Met) -> _Done:
    """What ``attempt`` gives once no other connection holds a lock that is in its way: nothing was done before."""
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            met.tell()
            sleep(_LOCKED_SECONDS, deadline=bounds.deadline, interrupt=bounds.interrupt)


def _rows(cursor: sqlite3.Cursor, limit: Limit) -> Table:
    if cursor.description is None:
        return Table()
    keeper = Keeper(limit)
    rows = [[_value(cell) for cell in row] for row in cursor if keeper.keeps(row)]
    columns = [str(column[0]) for column in cursor.description]
    return Table(columns=columns, rows=rows, returned=keeper.returned, affected=keeper.returned, returns_rows=True)


def _value(cell: object) -> Value:
    """Floats as the shortest text that means them: ``59.98`` is 59.98; the infinities stay text."""
    if isinstance(cell, float):
        return Decimal(repr(cell)) if math.isfinite(cell) else repr(cell).replace("inf", "Infinity")
    if cell is None or isinstance(cell, (int, str, bytes)):
        return cell
    raise TypeError(type(cell))


def _parameter(value: Value) -> object:
    """What SQLite is given: a number that it can't hold as it is goes as text, which its columns read."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else number_text(value)
    return to_json(value) if isinstance(value, (list, dict)) else value


_PLATFORM = frozenset({
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_NOMEM,
})  # fmt: skip
_SYNTAX = ("syntax error", "incomplete input", "unrecognized token")
"""What its message ends with or begins with: SQLite has one code for all that is wrong with a query."""


def _diagnosis(error: sqlite3.Error) -> Diagnosis:
    message = str(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    fault = Fault.PLATFORM if code in _PLATFORM else Fault.SERVICE
    if any(word in message for word in _SYNTAX) or isinstance(error, sqlite3.ProgrammingError):
        fault = Fault.FLOW
    return Diagnosis(code=getattr(error, "sqlite_errorname", "SQLITE_ERROR"), message=message, fault=fault)
