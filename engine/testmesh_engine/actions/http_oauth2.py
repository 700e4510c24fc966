"""``auth.oauth2``: a token by client credentials (RFC 6749, 4.4), fetched once and used by the flow until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from urllib.parse import quote_plus, urlencode

from testmesh_engine.actions.http_auth import basic_of
from testmesh_engine.actions.http_content import text_of
from testmesh_engine.actions.http_exchange import Answer, Request, Session
from testmesh_engine.actions.http_message import ExchangeError
from testmesh_engine.actions.http_spec import fault_of_url
from testmesh_engine.actions.http_url import UrlError, read_url
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import Value, parse_json

_EARLIER_SECONDS = 10.0
"""A token is not used in its last seconds: it could end on the way."""

_KEYS = ("token_url", "client_id", "client_secret", "scope", "audience", "client_auth")


def token_of(oauth2: Mapping[str, Value], session: Session, ask: Callable[[Request], Answer]) -> str:
    """The flow's token for these credentials: the one fetched before while it is valid, else a new one.

    Raises ``ServiceError``, which names the token endpoint and never what it was asked with.
    """
    given = {name: text_of(oauth2[name]) for name in _KEYS if oauth2.get(name) is not None}
    asked = tuple(given.get(name, "") for name in _KEYS)
    token, until = session.tokens.get(asked, ("", 0.0))
    if token and time.monotonic() < until:
        return token
    where = f"no token from POST {given['token_url']}"
    try:
        answer = ask(_request(given))
    except ExchangeError as error:
        raise ServiceError(f"{where}: {error}", kind="connection_error", hint=error.hint) from error
    token, seconds = _read(answer, where)
    session.tokens[asked] = (token, time.monotonic() + seconds - _EARLIER_SECONDS)
    return token


def _request(given: Mapping[str, str]) -> Request:
    """The client names itself by Basic, as RFC 6749, 2.3.1 asks of servers; ``client_auth: body`` is for others."""
    form = {"grant_type": "client_credentials"}
    form |= {name: given[name] for name in ("scope", "audience") if name in given}
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if given.get("client_auth") == "body":
        form |= {name: given[name] for name in ("client_id", "client_secret")}
    else:
        headers["Authorization"] = basic_of(quote_plus(given["client_id"]), quote_plus(given["client_secret"]))
    try:
        if fault := fault_of_url(given["token_url"]):
            raise UsageError(f"auth.oauth2.token_url {fault}")
        url = read_url(given["token_url"].strip())
    except UrlError as error:
        raise UsageError("auth.oauth2.token_url is no URL") from error
    return Request(method="POST", url=url, headers=headers, body=urlencode(form).encode(), follow=False)


def _read(answer: Answer, where: str) -> tuple[str, float]:
    """The token, and for how many seconds it is valid."""
    try:
        body = parse_json(answer.body)
    except ValueError:
        body = None
    found = body if isinstance(body, dict) else {}
    if answer.head.status != 200:
        raise _refused(answer.head.status, found, where)
    token, seconds = found.get("access_token"), found.get("expires_in")
    if not isinstance(token, str) or not token:
        raise ServiceError(f"{where}: its answer has no access_token", kind="protocol_error")
    # Without expires_in how long it is valid is not known (RFC 6749, 5.1): it is kept for the flow.
    return token, float(seconds) if isinstance(seconds, (int, Decimal)) else float("inf")


def _refused(status: int, found: Mapping[str, Value], where: str) -> ServiceError:
    said = [text for name in ("error", "error_description") if isinstance(text := found.get(name), str)]
    reason = f" {': '.join(said)[:300]}" if said else ""
    hint = _HINTS.get(said[0] if said else "", "")
    return ServiceError(f"{where}: it answers {status}{reason}", kind="protocol_error", hint=hint)


_HINTS = {
    "invalid_client": "Check client_id and client_secret; some servers want them in the body: client_auth: body.",
    "invalid_scope": "Check scope.",
    "unauthorized_client": "The server does not allow this client the grant client_credentials.",
    "unsupported_grant_type": "The server does not offer the grant client_credentials.",
}
