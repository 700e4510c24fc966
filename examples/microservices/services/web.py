"""A service's HTTP side: answers in JSON, errors with the right code, one log line a request, health, the server."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.broker import Unpublished
from services.database import UNAVAILABLE
from services.dependencies import Dependencies
from services.settings import Settings
from services.validation import Problem
from services.wrong_answers import WrongAnswers

LOG = logging.getLogger("services")
SHUTDOWN_SECONDS = 5


def answer(content: object, status: int = 200) -> Response:
    """A JSON answer. Amounts become numbers: ours have at most 15 digits, which a double keeps exactly."""
    return Response(json.dumps(content, default=_encode), status, media_type="application/json")


def trace_of(request: Request) -> dict[str, str]:
    """The request's ``traceparent``, to pass on with calls and events; empty when it has none (W3C Trace Context)."""
    traceparent = request.headers.get("traceparent")
    return {"traceparent": traceparent} if traceparent else {}


def serve(settings: Settings, *, routes: Sequence[Route], dependencies: Dependencies) -> None:
    """Serves until SIGTERM or SIGINT; requests under way are finished first, for at most 5 seconds."""
    _log_as_json(settings.name)
    uvicorn.run(
        application(settings, routes=routes, dependencies=dependencies),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def application(settings: Settings, *, routes: Sequence[Route], dependencies: Dependencies) -> Starlette:
    """The service as an ASGI application: ``routes`` and ``/health``."""

    async def health(_: Request) -> Response:
        told = await dependencies.health()
        return answer(told, 200 if told["status"] == "ok" else 503)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with dependencies.running():
            yield

    told = _error(500, "internal", "misbehaving as told: error-500")
    return Starlette(
        routes=[Route("/health", health), *routes],
        middleware=[Middleware(_RequestLog), Middleware(WrongAnswers, settings=settings, error=told)],
        exception_handlers={Problem: _problem, HTTPException: _http_error, Exception: _our_error}
        | dict.fromkeys((*UNAVAILABLE, Unpublished), _dependency_away),
        lifespan=lifespan,
    )


class _RequestLog:
    """Logs each request when its answer is complete; healthy probes are left out, they come every second."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if scope["path"] != "/health" or status != 200:
                milliseconds = round((time.monotonic() - started) * 1000, 1)
                about = {"method": scope["method"], "path": scope["path"], "status": status}
                LOG.info("request", extra={"about": about | {"duration_ms": milliseconds}})


def _error(status: int, error: str, message: str, field: str | None = None) -> Response:
    return answer({"error": error, "message": message} | ({"field": field} if field else {}), status)


async def _problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101 - Starlette's handlers are typed for any exception
    return _error(problem.status, problem.error, problem.message, problem.field)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    return _error(error.status_code, error.detail.lower().replace(" ", "_"), error.detail)


async def _dependency_away(_: Request, error: Exception) -> Response:
    if isinstance(error, Unpublished):
        return _error(503, "event_not_published", f"stored, but its event could not be published: {error}")
    LOG.warning("database unavailable: %s", error)
    return _error(503, "database_unavailable", "the database can't be reached; try again")


async def _our_error(_: Request, __: Exception) -> Response:
    return _error(500, "internal", "the service has failed; its log says why")


def _encode(value: object) -> str | float:
    match value:
        case Decimal():
            return float(value)
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


def _log_as_json(service: str) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # each call is in the log of the service called


class _JsonLines(logging.Formatter):
    """A record as one line of JSON; ``extra={"about": {…}}`` adds fields."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"time": at, "level": record.levelname.lower(), "service": self._service, "event": record.getMessage()}
        about: Mapping[str, object] = getattr(record, "about", {})
        error = {"error": self.formatException(record.exc_info)} if record.exc_info else {}
        return json.dumps(head | dict(about) | error, default=str)
