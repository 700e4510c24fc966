"""The HTTP server of a mock: a thread of the flow's own process, gone with the flow."""

from __future__ import annotations

import secrets
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from testmesh_engine.actions.mock_routes import Received, Route, fault_of_response
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import CaseBlindMap, EvaluationError, ExpressionError, Value, parse_json, to_json

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_REQUESTS = 10_000
"""Kept for ``requests`` and ``verify``; the oldest go first."""
IDLE_SECONDS = 30.0
_GLANCE_SECONDS = 0.05

Render = Callable[[Value, Mapping[str, Value]], Value]
"""Renders a response as it is written, with ``request`` and ``random``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a request gets; ``fault`` is what goes wrong with it, "" for nothing."""

    status: int = 200
    headers: Mapping[str, str]
    body: bytes = b""
    delay: float = 0.0
    fault: str = ""


class MockServer:
    """A running mock: it answers by its routes, in their order, and keeps what it was asked."""

    for_all = True

    def __init__(self, host: str, port: int, *, shown_host: str, render: Render) -> None:
        self.routes: list[Route] = []
        self.requests: list[Received] = []
        self.fallback: Value = None
        """The response to a request that no route is for, nil for 404 with the reason."""
        self.ending = threading.Event()
        self._render = render
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._server = _Server((host, port), type("_BoundHandler", (_Handler,), {"mock": self}))
        self.port = int(self._server.server_address[1])
        shown = f"[{shown_host}]" if ":" in shown_host else shown_host
        self.base_url = f"http://{shown}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": _GLANCE_SECONDS},
            daemon=True,
            name="mock-server",
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and end the connections that are open."""
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def opened(self, connection: socket.socket) -> None:
        """Note an open connection."""
        with self._lock:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Note that it is gone."""
        with self._lock:
            self._connections.discard(connection)

    def respond(self, request: Received) -> Response:
        """What ``request`` gets; it is kept."""
        with self._lock:
            route = self._route(request)
            written = route.next() if route else self.fallback
            calls = route.calls if route else 0
            self.requests = [*self.requests, replace(request, matched=route is not None)][-MAX_REQUESTS:]
        if written is None:
            return _failure(404, f"no route is for {request.method} {request.path}")
        params = (route.wanted.params(request) if route else None) or {}
        names = {"request": {**request.value(), "params": params, "count": calls}, "random": _random()}
        try:
            return response_of(self._render(written, names))
        except (EvaluationError, ExpressionError, ValueError) as error:
            return _failure(500, f"the response can't be rendered: {error}")

    def _route(self, request: Received) -> Route | None:
        fitting = (route for route in self.routes if not route.is_used_up)
        return next((route for route in fitting if next(route.wanted.faults(request), None) is None), None)

    def forget(self) -> None:
        """Forget what was asked."""
        with self._lock:
            self.requests = []


def _random() -> dict[str, Value]:
    return {"uuid": str(uuid.uuid4()), "int": secrets.randbelow(1_000_000), "string": secrets.token_hex(8)}


def _failure(status: int, message: str) -> Response:
    return Response(
        status=status, headers={"Content-Type": "application/json"}, body=to_json({"mock": message}).encode()
    )


def response_of(written: Value) -> Response:
    """A response that is rendered. Raises ``ValueError`` for what is none."""
    if fault := fault_of_response(written):
        raise ValueError(fault)
    given = written if isinstance(written, dict) else {"status": written}
    body, headers = given.get("body"), given.get("headers")
    own = {name: value if isinstance(value, str) else to_json(value) for name, value in _map(headers).items()}
    is_text = isinstance(body, (str, bytes)) or body is None
    kind = {} if is_text or "content-type" in {name.lower() for name in own} else {"Content-Type": "application/json"}
    return Response(
        status=int(str(given.get("status", 200))),
        headers={**kind, **own},
        body=body if isinstance(body, bytes) else b"" if body is None else _text(body).encode(),
        delay=parse_duration(str(given["delay"])) if given.get("delay") is not None else 0.0,
        fault=str(given.get("fault") or ""),
    )


def _map(value: Value) -> dict[str, Value]:
    return value if isinstance(value, dict) else {}


def _text(body: Value) -> str:
    return body if isinstance(body, str) else to_json(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    mock: ClassVar[MockServer]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def setup(self) -> None:
        self.mock.opened(self.request)
        super().setup()

    def finish(self) -> None:
        self.mock.closed(self.request)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Nothing: what was asked is in the reports."""

    def answer(self) -> None:
        """Answer the request under way."""
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        response = self.mock.respond(
            Received(
                method=self.command,
                path=unquote(parts.path),
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers=CaseBlindMap({name: str(value) for name, value in self.headers.items()}),
                body=_value_of(body),
            )
        )
        self.mock.ending.wait(response.delay)
        self._send(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer  # noqa: N815 - called by name

    def _body(self) -> bytes | None:
        """The whole body; ``None`` for one that is too large, or has no length that can be read."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_BODY_BYTES:
            self.send_error(413)
            return None
        return self.rfile.read(length)

    def _chunks(self) -> bytes | None:
        found = bytearray()
        while True:
            try:
                length = int(self.rfile.readline(1000).partition(b";")[0], 16)
            except ValueError:
                return None
            if length < 0 or len(found) + length > MAX_BODY_BYTES:
                return None
            found += self.rfile.read(length)
            self.rfile.readline(1000)
            if not length:
                return bytes(found)

    def _send(self, response: Response) -> None:
        if response.fault in {"reset", "drop", "hang", "garbage"}:
            self._break(response.fault)
            return
        has_body = response.status >= 200 and response.status not in {204, 304}
        self.send_response(response.status)
        names = {name.lower() for name in response.headers}
        for name, value in response.headers.items():
            self.send_header(name, value)
        if has_body and "content-length" not in names:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command == "HEAD" or not has_body:
            return
        if response.fault == "truncate":
            self.wfile.write(response.body[: len(response.body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(response.body)

    def _break(self, fault: str) -> None:
        self.close_connection = True
        if fault == "hang":
            self.mock.ending.wait(IDLE_SECONDS * 10)
        elif fault == "garbage":
            self.wfile.write(b"\x00\xff this is no HTTP\r\n\r\n")
        elif fault == "reset":
            # A linger of no time at all: the connection ends by a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()


def _value_of(body: bytes) -> Value:
    if not body:
        return None
    try:
        return parse_json(body)
    except ValueError:
        pass
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body
