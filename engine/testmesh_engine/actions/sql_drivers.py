"""All kinds of databases: which one a ``connection`` means, and where its code stands, imported at first use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from testmesh_engine.actions.sql_database import Database
from testmesh_engine.actions.sql_scanner import MYSQL, POSTGRESQL, SQLITE, Dialect
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, nearest

FORM = "It has the form postgresql://user:password@host:5432/database."
_OTHERS = "mysql:// and mariadb:// have the same form; of SQLite it is sqlite:///file.db."


@dataclass(frozen=True, slots=True)
class Driver:
    """One kind of database: how it reads a query, its code, the module that it needs, and the extra that brings it."""

    dialect: Dialect
    module: str
    needs: str
    extra: str = ""

    def database(self, connection: Value, folder: Path | None) -> Database:
        """The database that ``connection`` means; files are looked for in ``folder``. Raises ``UsageError``."""
        try:
            import_module(self.needs)
        except ImportError as error:
            raise UsageError(
                f"the step needs the driver of {self.dialect.name}: {error}",
                hint=f"Install it with: pip install 'testmesh[{self.extra}]'" if self.extra else "",
            ) from error
        # Steps mostly name one database in one text: libpq takes longer to read it than a query does.
        return (
            _of_text(self.module, connection, folder)
            if isinstance(connection, str)
            else _of(self.module, connection, folder)
        )


def _of(module: str, connection: Value, folder: Path | None) -> Database:
    found: Database = import_module(module).database_of(connection, folder)
    return found


_of_text = lru_cache(maxsize=64)(_of)


_PACKAGE = "testmesh_engine.actions"
_POSTGRESQL = Driver(POSTGRESQL, f"{_PACKAGE}.sql_postgresql", "psycopg", "postgresql")
_MYSQL = Driver(MYSQL, f"{_PACKAGE}.sql_mysql", "pymysql", "mysql")
_SQLITE = Driver(SQLITE, f"{_PACKAGE}.sql_sqlite", "sqlite3")
_BY_NAME = {
    "mariadb": _MYSQL,
    "mysql": _MYSQL,
    "postgres": _POSTGRESQL,
    "postgresql": _POSTGRESQL,
    "sqlite": _SQLITE,
    "sqlite3": _SQLITE,
}


def driver_of(connection: Value) -> Driver:
    """The driver for a URL or an object. Raises ``UsageError``, which never shows what might be a password."""
    if isinstance(connection, Mapping):
        return _of_object(connection)
    if not isinstance(connection, str):
        raise UsageError(f"connection is a URL or a map, found {kind_of(connection)}", hint=FORM)
    text = connection.strip()
    if text == ":memory:":
        return _SQLITE
    scheme, separator, _ = text.partition("://")
    if separator and scheme.lower() in _BY_NAME:
        return _BY_NAME[scheme.lower()]
    known = separator and scheme.replace("+", "").isalnum()
    raise UsageError(
        f"connection is no database's URL{f': it starts with {scheme}://' if known else ''}", hint=f"{FORM} {_OTHERS}"
    )


def _of_object(connection: Mapping[str, Value]) -> Driver:
    name = str(connection.get("driver", "postgresql")).lower()
    if name not in _BY_NAME:
        near = nearest(name, _BY_NAME)
        hint = f"Did you mean {near}?" if near else f"It is one of {', '.join(_BY_NAME)}."
        raise UsageError("connection.driver names no database that TestMesh knows", hint=hint)
    return _BY_NAME[name]
