"""Statements on MySQL and MariaDB.

This module imports the driver; ``sql_drivers.py`` imports it when the first statement runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import SSCursor

from testmesh_engine.actions.sql_database import Bounds, Keeper, Limit, LostError, Table
from testmesh_engine.actions.sql_errors import Refused, one_line
from testmesh_engine.actions.sql_mysql_errors import LOST, diagnosis_of
from testmesh_engine.actions.sql_mysql_target import Target, target_of
from testmesh_engine.actions.sql_mysql_values import literal, read
from testmesh_engine.actions.sql_mysql_wire import Wire, Wrapping, reach
from testmesh_engine.actions.sql_parameters import Statement
from testmesh_engine.actions.waiting import Deadline, Interrupt, TimeRanOutError
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import Interrupted, PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value

KILL_SECONDS = 1.0
"""How long asking the server to stop may take; one that does not answer is not waited for."""

_IN_UTC = "SET time_zone = '+00:00'"
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"})
_COMMITTING = frozenset({"CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "GRANT", "REVOKE"})
"""https://mariadb.com/kb/en/sql-statements-that-cause-an-implicit-commit/, as far as tests have use for them."""


@dataclass(frozen=True, slots=True)
class MySql:
    """One database of MySQL or MariaDB."""

    target: Target

    def __str__(self) -> str:
        return str(self.target)

    @property
    def is_one(self) -> bool:
        """Any number of sessions may ask it."""
        return False

    @property
    def committing(self) -> frozenset[str]:
        """Changes of the schema and of rights do."""
        return _COMMITTING

    def open(self, bounds: Bounds) -> MySqlSession:
        """A new session. Raises ``PlatformError`` that names the database and the user, never the password."""
        context = self.target.context()
        try:
            wire = reach(self.target.host, self.target.port, bounds)
            session = MySqlSession(self, _logged_in(self.target, wire, Wrapping(context) if context else None), wire)
            session.command(_IN_UTC, bounds)
        except TimeRanOutError as error:
            raise PlatformError(f"can't connect to {self} within {error}", kind="timeout") from error
        except (pymysql.Error, OSError, LostError, Refused, RuntimeError) as error:
            raise PlatformError(f"can't connect to {self}: {_reason(error)}", kind="connection_error") from error
        return session

    def begin(self, isolation: str) -> Sequence[str]:
        """The level is for the next transaction alone: https://mariadb.com/kb/en/set-transaction/."""
        level = (f"SET TRANSACTION ISOLATION LEVEL {isolation}",) if isolation else ()
        return (*level, "START TRANSACTION")


def database_of(connection: Value, folder: Path | None) -> MySql:
    """The database that ``connection`` means; files that it names are looked for in ``folder``."""
    return MySql(target_of(connection, folder))


_Connection = Any
"""``pymysql.Connection``: what is published of its types lacks much of it."""


def _logged_in(target: Target, wire: Wire, context: Wrapping | None) -> _Connection:
    """The driver's connection over ``wire``. It reads no value by itself: all come as the server's text."""
    connection: _Connection = pymysql.connect(
        host=target.host,
        port=target.port,
        user=target.user,
        password=target.password,
        database=target.database or None,
        charset="utf8mb4",
        autocommit=True,
        conv={},
        program_name="testmesh",
        ssl_disabled=context is None,
        ssl=None if context is None or target.tls == "preferred" else {"check_hostname": False},
        defer_connect=True,
    )
    if context is not None:
        connection.ctx = context
    try:
        connection.connect(wire)
    except BaseException:
        wire.close()
        raise
    return connection


def _reason(error: Exception) -> str:
    if isinstance(error, pymysql.Error) and len(error.args) > 1:
        return one_line(str(error.args[1]))
    return one_line(str(getattr(error, "strerror", "") or error))


class MySqlSession:
    """A session, as ``sql_database.Session`` says."""

    def __init__(self, database: MySql, connection: _Connection, wire: Wire) -> None:
        self._database = database
        self._connection = connection
        self._wire = wire
        self._thread = connection.thread_id()

    def close(self) -> None:
        """Close it, without a farewell, which could block; what is not committed is lost."""
        self._wire.close()

    def is_usable(self) -> bool:
        """Whether it can take a statement: open, and the server has not gone while nothing was asked of it."""
        return not self._wire.closed and not self._wire.is_readable()

    def is_in_transaction(self) -> bool:
        """Whether a statement has opened a transaction and left it open: SERVER_STATUS_IN_TRANS."""
        return bool(self._connection.server_status & 1)

    def command(self, text: str, bounds: Bounds) -> None:
        """Run a statement of our own."""
        self._execute(text, bounds, Limit(kept_rows=0))

    def run(self, statement: Statement, *, bounds: Bounds, limit: Limit) -> Table:
        """Run one of the author's. The driver has no parameters: each stands in the text as the server reads it."""
        literals = [literal(value, self._connection.escape) for value in statement.values]
        table = self._execute(statement.write(literals.__getitem__), bounds, limit)
        table.changes = not table.returns_rows or statement.head in _CHANGES
        return table

    def _execute(self, text: str, bounds: Bounds, limit: Limit) -> Table:
        with self._bounded(bounds):
            cursor = _Cursor(self._connection)
            try:
                return _last_table(cursor, text, limit)
            except BaseException:
                cursor.abandon()
                raise

    @contextmanager
    def _bounded(self, bounds: Bounds) -> Iterator[None]:
        bounds.check()
        self._wire.bounds = bounds
        try:
            yield
        except (TimeRanOutError, Interrupted):
            self.close()
            self._kill()
            raise
        except pymysql.Error as error:
            raise self._told(error) from error
        except RuntimeError as error:
            self.close()
            raise UsageError("LOAD DATA LOCAL is not possible in a query: the file would be read here") from error
        except BaseException:
            self.close()
            raise

    def _told(self, error: pymysql.Error) -> Exception:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        message = str(error.args[1]) if len(error.args) > 1 else str(error)
        if number in LOST:
            self.close()
            return LostError(one_line(message) or "the connection is closed")
        return Refused(diagnosis_of(number, message))

    def _kill(self) -> None:
        """Ask the server to stop what it does; it would go on, and hold its locks, after the connection has gone."""
        never = Interrupt()
        bounds = Bounds(Deadline.after(KILL_SECONDS, "kill"), never)
        with suppress(PlatformError, LostError, Refused, TimeRanOutError):
            other = self._database.open(bounds)
            with suppress(LostError, Refused, TimeRanOutError):
                other.command(f"KILL {self._thread}", bounds)
            other.close()
        never.close()


class _Cursor(SSCursor):
    """Hands rows over as they come, so that no more of them are kept than may be."""

    _result: Any

    def abandon(self) -> None:
        """Read nothing more: when it is deleted, the driver would read to the end of a connection that is closed."""
        result = self._result
        if result is not None:
            result.unbuffered_active = False
        self.connection: Any = None


def _last_table(cursor: SSCursor, text: str, limit: Limit) -> Table:
    """A procedure has a result for each of its queries, and an end: what counts is the last that returns rows."""
    cursor.execute(text)
    table = _table(cursor, limit)
    while cursor.nextset():
        following = _table(cursor, limit)
        if following.returns_rows or not table.returns_rows:
            table = following
    return table


def _table(cursor: SSCursor, limit: Limit) -> Table:
    if cursor.description is None:
        return Table(affected=max(cursor.rowcount, 0))
    names = [str(column[0]) for column in cursor.description]
    kinds = [int(column[1]) for column in cursor.description]
    keeper, rows = Keeper(limit), []
    while (row := cursor.fetchone()) is not None:
        if keeper.keeps(row):
            rows.append([_read(*cell) for cell in zip(names, kinds, row, strict=True)])
    return Table(columns=names, rows=rows, returned=keeper.returned, affected=keeper.returned, returns_rows=True)


def _read(column: str, kind: int, cell: Any) -> Value:
    try:
        return read(kind, cell)
    except ValueError as error:
        raise ServiceError(f"column {column} can't be read: {error}", kind="query_error") from error
