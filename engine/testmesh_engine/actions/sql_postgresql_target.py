"""Which database a step means: its ``connection``, as libpq takes it and as a message names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, nearest, to_json

_SCHEMES = ("postgresql://", "postgres://")
_FORM = "It has the form postgresql://user:password@host:5432/database."
_ESCAPES = (
    f"{_FORM} In user and password, write @ as %40, : as %3A, / as %2F, ? as %3F, % as %25; "
    "after ? stand libpq's parameters only, such as sslmode=require."
)
_KEYS = {
    "host": "host",
    "port": "port",
    "user": "user",
    "username": "user",
    "password": "password",
    "database": "dbname",
    "dbname": "dbname",
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
}
"""The keys of the object form, and libpq's name for each."""

_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
_NO_FILE = ("system",)
"""What may stand for a file: of ``sslrootcert``, what this machine trusts."""


@dataclass(frozen=True, slots=True)
class Target:
    """A database: libpq's parameters, the password among them, which is why it never shows itself."""

    parameters: Mapping[str, str]

    def __repr__(self) -> str:
        return f"<Target {self}>"

    def __str__(self) -> str:
        """``localhost:5432/postgres as root``."""
        places = ",".join(f"{host}:{port}" for host, port in self.servers())
        user = self.parameters.get("user", "")
        database = self.parameters.get("dbname", user)
        return places + (f"/{database}" if database else "") + (f" as {user}" if user else "")

    def servers(self) -> Iterator[tuple[str, str]]:
        """Host and port of each server that the URL lists; nearly always one."""
        hosts = (self.parameters.get("host") or "localhost").split(",")
        ports = (self.parameters.get("port") or "5432").split(",")
        for index, host in enumerate(hosts):
            yield host or "localhost", (ports[index] if len(ports) == len(hosts) else ports[0]) or "5432"

    def conninfo(self, host: str, port: str, address: str) -> str:
        """What libpq connects by; ``address`` is the looked-up ``host``, "" for a socket's folder."""
        return make_conninfo(
            **{
                "client_encoding": "UTF8",
                "fallback_application_name": "testmesh",
                **self.parameters,
                "host": host,
                "port": port,
                **({"hostaddr": address} if address else {}),
            }
        )


def target_of(connection: Value, folder: Path | None = None) -> Target:
    """The database that a URL or an object names; files that it names are below ``folder``.

    Raises ``UsageError``, which never shows what might be a password.
    """
    if isinstance(connection, str):
        parameters = _parsed(connection.strip())
    elif isinstance(connection, dict):
        parameters = dict(_pairs(connection))
    else:
        raise UsageError(f"connection is a URL or a map, found {kind_of(connection)}", hint=_FORM)
    if not all(not port or port.isdecimal() for port in parameters.get("port", "").split(",")):
        # In a URL it may be a password: of postgresql://root:secret libpq takes secret for the port.
        raise UsageError("the port of connection is no number", hint=_FORM)
    return Target(parameters | _found(parameters, folder))


def _found(parameters: Mapping[str, str], folder: Path | None) -> dict[str, str]:
    """The files among the parameters, as libpq finds them: it would look in the folder that the run was started in."""
    given = {name: parameters[name] for name in _FILES if parameters.get(name) and parameters[name] not in _NO_FILE}
    return {name: str(folder / path) for name, path in given.items()} if folder else {}


def _parsed(url: str) -> dict[str, str]:
    if not url.startswith(_SCHEMES):
        raise UsageError(f"connection is no PostgreSQL URL{_scheme_found(url)}", hint=_FORM)
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.Error:
        # libpq's message quotes the URL, and with it the password.
        raise UsageError("connection is a URL that PostgreSQL can't read", hint=_ESCAPES) from None
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    if url.count("@") != authority.count("@") or authority.count("@") > 1:
        # libpq would take the rest of such a password for the host, and messages would show it.
        raise UsageError("connection is a URL with an @ that is no end of the password", hint=_ESCAPES)
    return {name: str(value) for name, value in parameters.items() if value is not None}


def _scheme_found(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    return f": it starts with {scheme}://" if separator and scheme.replace("+", "").isalnum() else ""


def _pairs(connection: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for name, value in connection.items():
        key = _KEYS.get(name)
        if key is None:
            near = nearest(name, _KEYS)
            raise UsageError(
                f'connection has no key "{name}"',
                hint=f"Did you mean {near}?" if near else f"It has {', '.join(_KEYS)}.",
            )
        if isinstance(value, (dict, list, bytes)) or value is None:
            raise UsageError(f"connection.{name} takes text or a number, found {kind_of(value)}")
        yield key, value if isinstance(value, str) else to_json(value)
