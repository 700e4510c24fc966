"""Where a Redis is and who asks: a URL, or host, port, db, username and password."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_prepare import tls_of
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError

if TYPE_CHECKING:
    from testmesh_engine.actions.http_tls import Tls

DEFAULT_PORT = 6379
_SCHEMES = ("redis", "rediss")
_SHAPE = "redis://user:password@host:6379/0, or rediss:// for TLS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One database of one Redis."""

    host: str
    port: int = DEFAULT_PORT
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    secure: bool = False
    tls: Tls | None = None

    def __str__(self) -> str:
        return f"Redis at {self.host}:{self.port}"


def fault_of_redis_url(url: object) -> str:
    """What is wrong with a URL; one that is wrong may hold a password anywhere, so it is not shown."""
    try:
        parts = urlsplit(str(url).strip())
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return f"takes {_SHAPE}; in a password, / is written %2F and # is %23"
    if parts.scheme not in _SCHEMES or not sound:
        return f"takes {_SHAPE}"
    path = parts.path.strip("/")
    return f"ends in the number of a database, such as /0, found {path[:40]!r}" if path and not path.isdecimal() else ""


def target_of(settings: Config, folder: Path | None) -> Target:
    """The target that a step names. Raises ``UsageError`` where it names none, or two."""
    url, host = settings.text("url").strip(), settings.text("host").strip()
    if host:
        return _of_host(host, settings)
    if not url:
        raise UsageError("redis needs url or host", hint=f'Write url: {_SHAPE}; or host: "…" and port.')
    return _of_url(urlsplit(url), settings, folder)


def _of_host(host: str, settings: Config) -> Target:
    return Target(
        host=host,
        port=settings.integer("port", DEFAULT_PORT),
        db=settings.integer("db", 0),
        username=settings.text("username"),
        password=settings.text("password"),
    )


def _of_url(parts: SplitResult, settings: Config, folder: Path | None) -> Target:
    path = parts.path.strip("/")
    return Target(
        host=parts.hostname or "",
        port=parts.port or settings.integer("port", DEFAULT_PORT),
        db=settings.integer("db", int(path) if path else 0),
        username=settings.text("username") or unquote(parts.username or ""),
        password=settings.text("password") or unquote(parts.password or ""),
        secure=parts.scheme == "rediss",
        tls=tls_of(settings, folder) if parts.scheme == "rediss" else None,
    )
