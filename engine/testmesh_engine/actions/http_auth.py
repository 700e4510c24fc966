"""``auth``: who asks. A header, a query parameter, or a token that is fetched first."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from testmesh_engine.actions.http_content import text_of
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

WAYS = ("basic", "bearer", "api_key", "oauth2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What ``auth`` adds to a request."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


def fault_of_auth(auth: object) -> str:
    """What is wrong with the form of ``auth``; it never shows a value."""
    if not isinstance(auth, dict):
        return ""
    given = [way for way in WAYS if auth.get(way) is not None]
    if len(given) != 1:
        return f"takes one of {', '.join(WAYS)}, found {' and '.join(given) or 'none of them'}"
    needed = _NEEDED.get(given[0], ())
    inner = auth[given[0]]
    if needed and isinstance(inner, dict):
        missing = [name for name in needed if inner.get(name) in (None, "")]
        return f"needs {missing[0]} in {given[0]}" if missing else ""
    return f"takes a map of {', '.join(needed)} under {given[0]}" if needed else ""


_NEEDED: Mapping[str, tuple[str, ...]] = {
    "basic": ("username",),
    "api_key": ("name", "value"),
    "oauth2": ("token_url", "client_id", "client_secret"),
}


def credentials_of(auth: Mapping[str, Value], token: Callable[[Mapping[str, Value]], str]) -> Credentials:
    """What goes along; ``token`` fetches one for the map of ``oauth2``."""
    if not auth:
        return Credentials()
    basic, key, oauth2 = auth.get("basic"), auth.get("api_key"), auth.get("oauth2")
    if isinstance(basic, dict):
        return _authorization(basic_of(_text(basic.get("username")), _text(basic.get("password"))))
    if isinstance(key, dict):
        return _of_key(key)
    if isinstance(oauth2, dict):
        return _authorization(f"Bearer {token(oauth2)}")
    return _authorization(f"Bearer {_text(auth.get('bearer')).strip()}")


def basic_of(username: str, password: str) -> str:
    """The Authorization header of user name and password (RFC 7617), in UTF-8."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode('ascii')}"


def _authorization(value: str) -> Credentials:
    return Credentials(headers={"Authorization": value})


def _of_key(key: Mapping[str, Value]) -> Credentials:
    pair = {_text(key.get("name")): _text(key.get("value"))}
    where = key.get("in", "header")
    if where not in {"header", "query"}:
        raise UsageError("auth.api_key.in is header or query")
    return Credentials(headers=pair) if where == "header" else Credentials(params=pair)


def _text(value: Value) -> str:
    return "" if value is None else text_of(value)
