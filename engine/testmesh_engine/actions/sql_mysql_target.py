"""Which MySQL or MariaDB database a step means: its ``connection`` as parts, and how TLS is used on the way."""

from __future__ import annotations

import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, nearest, to_json

DEFAULT_PORT = 3306
_FORM = "It has the form mysql://user:password@host:3306/database."
_ESCAPES = f"{_FORM} In user and password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25."
_KEYS = {
    "driver": "driver",
    "host": "host",
    "port": "port",
    "user": "user",
    "username": "user",
    "password": "password",
    "database": "database",
    "dbname": "database",
}
_OPTIONS = {
    "ssl-mode": "ssl-mode",
    "sslmode": "ssl-mode",
    "tls": "ssl-mode",
    "ssl-ca": "ssl-ca",
    "sslrootcert": "ssl-ca",
    "ssl-cert": "ssl-cert",
    "sslcert": "ssl-cert",
    "ssl-key": "ssl-key",
    "sslkey": "ssl-key",
}
"""What may stand behind the ? of the URL, and in the object form: MySQL's own names, those of libpq, and of Go."""

_MEANINGLESS = frozenset({"charset", "parsetime", "loc", "collation"})
"""Parameters of other drivers: text is UTF-8 here, and times are ISO text of UTC, whatever they say."""

_MODES = {
    "disabled": "disabled",
    "disable": "disabled",
    "false": "disabled",
    "preferred": "preferred",
    "prefer": "preferred",
    "required": "required",
    "require": "required",
    "skip-verify": "required",
    "verify-ca": "verify-ca",
    "verify-identity": "verify-identity",
    "verify-full": "verify-identity",
    "true": "verify-identity",
}
_FILES = ("ssl-ca", "ssl-cert", "ssl-key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A database; the password is a part of it, which is why it never shows itself."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    user: str = ""
    password: str = ""
    database: str = ""
    tls: str = "preferred"
    authority: str = ""
    certificate: str = ""
    key: str = ""

    def __repr__(self) -> str:
        return f"<Target {self}>"

    def __str__(self) -> str:
        """``localhost:3306/shop as root``."""
        database = f"/{self.database}" if self.database else ""
        return f"{self.host}:{self.port}{database}" + (f" as {self.user}" if self.user else "")

    def context(self) -> ssl.SSLContext | None:
        """How TLS is used, ``None`` for not at all. Raises ``UsageError`` for a file that can't be used."""
        if self.tls == "disabled":
            return None
        try:
            context = ssl.create_default_context(cafile=self.authority or None)
            # The certificates that a server makes for itself lack what strict verification asks for.
            context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
            context.check_hostname = self.tls == "verify-identity"
            verified = self.tls.startswith("verify") or (self.authority and self.tls == "required")
            context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key or None, password=lambda: "")
        except (OSError, ValueError) as error:
            files = ", ".join(path for path in (self.authority, self.certificate, self.key) if path)
            raise UsageError(f"the certificates of connection can't be used: {files}: {error}") from error
        return context


def target_of(connection: Value, folder: Path | None = None) -> Target:
    """The database that a URL or an object names; files that it names are below ``folder``.

    Raises ``UsageError``, which never shows what might be a password.
    """
    found = dict(_pairs(connection) if isinstance(connection, Mapping) else _of_url(str(connection).strip()))
    port = found.get("port") or str(DEFAULT_PORT)
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UsageError("the port of connection is no number", hint=_FORM)
    files = [str(folder / path) if (path := found.get(name, "")) and folder else path for name in _FILES]
    return Target(
        host=found.get("host") or "localhost",
        port=int(port),
        user=found.get("user", ""),
        password=found.get("password", ""),
        database=found.get("database", ""),
        tls=_mode(found),
        authority=files[0],
        certificate=files[1],
        key=files[2],
    )


def _mode(found: Mapping[str, str]) -> str:
    given = found.get("ssl-mode", "preferred").lower().replace("_", "-")
    if given not in _MODES:
        allowed = ", ".join(dict.fromkeys(_MODES.values()))
        raise UsageError(f"ssl-mode of connection is one of {allowed}", hint=_near(given, _MODES))
    return _MODES[given]


def _near(name: str, names: Mapping[str, str]) -> str:
    near = nearest(name, names)
    return f"Did you mean {near}?" if near else ""


def _of_url(url: str) -> Iterator[tuple[str, str]]:
    rest = url.partition("://")[2]
    if "#" in rest or rest.count("@") > 1 or "@" in rest.partition("/")[2]:
        # What stands behind would be taken for the host, and shown.
        raise UsageError("connection is a URL with a sign in user or password that means something else", hint=_ESCAPES)
    try:
        parts = urllib.parse.urlsplit(f"mysql://{rest}")
        port = parts.port
    except ValueError:
        raise UsageError("connection is a URL that can't be read", hint=_ESCAPES) from None
    yield "host", urllib.parse.unquote(parts.hostname or "")
    yield "port", str(port or "")
    yield "user", urllib.parse.unquote(parts.username or "")
    yield "password", urllib.parse.unquote(parts.password or "")
    yield "database", urllib.parse.unquote(parts.path.removeprefix("/"))
    yield from _options(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))


def _options(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in pairs:
        own = name.lower().replace("_", "-")
        if own in _OPTIONS:
            yield _OPTIONS[own], value
        elif own not in _MEANINGLESS:
            # It may be the rest of a password.
            raise UsageError("connection has a parameter that TestMesh does not know", hint=_allowed_options())


def _allowed_options() -> str:
    return f"Behind ? stand {', '.join(dict.fromkeys(_OPTIONS.values()))}. {_ESCAPES}"


def _pairs(connection: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    known = _KEYS | _OPTIONS
    for name, value in connection.items():
        key = known.get(name, known.get(name.replace("_", "-")))
        if key is None:
            hint = _near(name, known) or f"It has {', '.join(known)}."
            raise UsageError(f'connection has no key "{name}"', hint=hint)
        if isinstance(value, (dict, list, bytes)) or value is None:
            raise UsageError(f"connection.{name} takes text or a number, found {kind_of(value)}")
        yield key, value if isinstance(value, str) else to_json(value)
