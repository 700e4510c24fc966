"""``auth``: who asks. A header, a query parameter, or a token that is fetched first."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import field

from testmesh_engine.actions.http_content import text_of
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

WAYS = ("basic", "bearer", "api_key", "oauth2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What ``auth`` adds to a request."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "basic": (("username",), ("password",)),
    "api_key": (("name", "value"), ("in",)),
    "oauth2": (("token_url", "client_id", "client_secret"), ("scope", "audience", "client_auth")),
}
"""The keys that each way needs, and those that it may have."""


def fault_of_auth(auth: object) -> str:
    """What is wrong with ``auth`` as a whole; it never shows a value."""
    given = [way for way in WAYS if auth.get(way) is not None] if isinstance(auth, dict) else []
    if len(given) == 1 or not isinstance(auth, dict):
        return ""
    return f"takes one of {', '.join(WAYS)}, found {' and '.join(given) or 'none of them'}"


def fault_of_place(place: object) -> str:
    """What is wrong with ``auth.api_key.in``."""
    return "" if place in {"header", "query"} else "is header or query"


def fault_of_client_auth(place: object) -> str:
    """What is wrong with ``auth.oauth2.client_auth``."""
    return "" if place in {"basic", "body"} else "is basic or body"


_WORDS: Mapping[str, Callable[[object], str]] = {"in": fault_of_place, "client_auth": fault_of_client_auth}


def _checked(auth: Mapping[str, Value]) -> Mapping[str, Value]:
    """``auth``, which may have come from variables: what the file says was checked before the run."""
    for way, (needed, others) in _KEYS.items():
        inner = auth.get(way)
        if inner is None:
            continue
        if not isinstance(inner, dict):
            raise UsageError(f"auth.{way} takes a map of {', '.join(needed)}")
        wrong = [f"has no key {name[:80]}" for name in inner if name not in (*needed, *others)]
        wrong += [f"needs {name}" for name in needed if inner.get(name) in (None, "")]
        wrong += [f"{name} {fault}" for name in inner if name in _WORDS and (fault := _WORDS[name](inner[name]))]
        if wrong:
            raise UsageError(f"auth.{way}: {wrong[0]}")
    return auth


def credentials_of(auth: Mapping[str, Value], token: Callable[[Mapping[str, Value]], str]) -> Credentials:
    """What goes along; ``token`` fetches one for the map of ``oauth2``."""
    if not _checked(auth):
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
    return Credentials(params=pair) if key.get("in") == "query" else Credentials(headers=pair)


def _text(value: Value) -> str:
    return "" if value is None else text_of(value)
