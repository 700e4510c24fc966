"""``http_request``: one HTTP request over connections that the flow's steps share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_exchange import Answer, Exchange, Request, Session
from testmesh_engine.actions.http_files import save_file
from testmesh_engine.actions.http_message import Bounds, ExchangeError, GarbledError, UnreachableError
from testmesh_engine.actions.http_prepare import prepare, tls_of
from testmesh_engine.actions.http_response import result_of
from testmesh_engine.actions.http_spec import SPEC
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.errors import ErrorKind, ServiceError
from testmesh_engine.expressions import Value

if TYPE_CHECKING:
    from testmesh_engine.actions.http_tls import Tls


class HttpRequest:
    """One request; a redirect is followed, and the final response is the result."""

    spec = SPEC

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Send the request. Refused, timed out or garbled is a :class:`ServiceError`; any status is a result."""
        settings = Config(self.spec, config)
        # A request that can't be made is shown as far as the flow tells it.
        context.request = {"method": settings.text("method", "GET").upper(), "url": settings.text("url").strip()}
        session = context.connections.get(Session, "", Session)
        tls = tls_of(settings, context.folder)
        prepared = prepare(
            settings,
            folder=context.folder,
            traceparent=context.traceparent(),
            token=lambda oauth2: _token(oauth2, session, tls, context),
        )
        pool = session.pool(tls, http2=prepared.means.http2)
        exchange = Exchange(session, pool, Bounds(context.deadline, context.interrupt))
        context.request = prepared.shown(exchange.outgoing(prepared.request), settings)
        context.counters.http_requests += 1
        started = time.monotonic()
        answer, result = _send(exchange, prepared.request, context)
        result["duration_ms"] = round((time.monotonic() - started) * 1000)
        if settings.value("save_to_file") is not None:
            save_file(settings.text("save_to_file"), answer.body, context.folder)
        return result


def _send(exchange: Exchange, request: Request, context: Context) -> tuple[Answer, Result]:
    """The answer, and the result that is made of it; what went wrong, in words for a person."""
    try:
        answer = exchange.run(request)
        return answer, result_of(answer)
    except TimeRanOutError as error:
        _note_partial(exchange, context)
        message = f"no whole response to {_target(exchange)} within {exchange.bounds.ran_out(error)}"
        raise ServiceError(message, kind="timeout") from error
    except UnreachableError as error:
        message = f"can't connect for {_target(exchange)}: {error}"
        raise ServiceError(message, kind="connection_error", hint=error.hint) from error
    except ExchangeError as error:
        _note_partial(exchange, context)
        kind: ErrorKind = "protocol_error" if isinstance(error, GarbledError) else "connection_error"
        raise ServiceError(f"{_target(exchange)}: {error}", kind=kind, hint=error.hint) from error


def _target(exchange: Exchange) -> str:
    """The request that went wrong: after redirects, the last one."""
    first, last = (f"{sent.method} {sent.url}" for sent in (exchange.sent[0], exchange.sent[-1]))
    return f"{last} (redirected from {first})" if len(exchange.sent) > 1 else first


def _note_partial(exchange: Exchange, context: Context) -> None:
    """Show what had come of the answer."""
    if exchange.head is not None:
        context.found = {
            "status": exchange.head.status,
            "headers": dict(exchange.head.headers),
            "body": exchange.partial.decode("utf-8", "replace"),
        }


def _token(oauth2: Mapping[str, Value], session: Session, tls: Tls | None, context: Context) -> str:
    from testmesh_engine.actions.http_oauth2 import token_of  # noqa: PLC0415 - only flows that use it pay

    bounds = Bounds(context.deadline, context.interrupt)
    exchange = Exchange(session, session.pool(tls, http2=False), bounds)
    try:
        return token_of(oauth2, session, exchange.run)
    except TimeRanOutError as error:
        where = f"no token from POST {oauth2['token_url']!s}"
        raise ServiceError(f"{where} within {bounds.ran_out(error)}", kind="timeout") from error
