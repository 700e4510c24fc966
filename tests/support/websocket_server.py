"""A real WebSocket server on loopback for tests: it echoes, pushes, closes and stalls, by the path of the URL."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol


@dataclass
class SocketServer:
    """A running server: its base URL, and the headers of each handshake."""

    url: str
    seen: list[dict[str, str]] = field(default_factory=list)


def _talk(connection: ServerConnection) -> None:
    path = connection.request.path if connection.request else ""
    with suppress(ConnectionClosed):
        if path == "/push":
            for number in range(3):
                connection.send(json.dumps({"type": "event", "number": number}))
        elif path == "/bye":
            connection.send("last words")
            connection.close(4001, "go away")
        elif path == "/parts":
            connection.send(iter(["gr", "ün"]))
        elif path == "/slow":
            time.sleep(0.5)
        elif path == "/huge":
            connection.send(b"x" * (33 << 20))
        elif path == "/reset":
            connection.socket.shutdown(2)
            return
        for message in connection:
            connection.send(message)


@contextmanager
def socket_server(tls: ssl.SSLContext | None = None) -> Iterator[SocketServer]:
    """A running server."""
    running = SocketServer("")

    def look(_: ServerConnection, request: Request) -> Response | None:
        running.seen.append({name.lower(): value for name, value in request.headers.raw_items()})
        if request.path == "/forbidden":
            return Response(HTTPStatus.FORBIDDEN, "Forbidden", request.headers.__class__(), b"not you")
        return None

    server: Server = serve(
        _talk,
        "127.0.0.1",
        0,
        ssl=tls,
        process_request=look,
        subprotocols=[Subprotocol("v2"), Subprotocol("v1")],
        select_subprotocol=lambda _, offered: next((name for name in offered if name in {"v1", "v2"}), None),
        max_size=None,
        close_timeout=0.2,
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    running.url = f"{'wss' if tls else 'ws'}://localhost:{server.socket.getsockname()[1]}"
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
