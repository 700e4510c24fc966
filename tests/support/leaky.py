"""Servers that send secrets back in every form that they can think of, over HTTP and in PostgreSQL's protocol."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from support.secret_writers import CODING, ESCAPING


@dataclass(frozen=True, slots=True)
class Told:
    """What the servers know: ``secrets`` by number, and what they hand out themselves."""

    secrets: Sequence[str]
    token: str
    cookie: str
    plain: str


class _Handler(BaseHTTPRequestHandler):
    told: ClassVar[Told]

    def answer(self) -> None:
        """Answer by the first part of the path."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        name, _, rest = self.path.split("?")[0].strip("/").partition("/")
        routes: dict[str, Callable[[str], None]] = {
            "forms": lambda _: self._forms(self._secret(rest)),
            "text": lambda _: self._text(self._secret(rest)),
            "page": lambda _: self._page(self._secret(rest)),
            "bytes": lambda _: self._send(200, "application/octet-stream", self._secret(rest).encode() * 2),
            "token": lambda _: self._json({"access_token": self.told.token, "id": self.told.plain}),
        }
        with suppress(OSError):
            routes.get(name, self._echo)(body)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - names that http.server calls

    def _secret(self, number: str) -> str:
        return self.told.secrets[int(number)]

    def _echo(self, body: str) -> None:
        self._json({"headers": dict(self.headers.items()), "body": body, "path": self.path, "line": self.requestline})

    def _forms(self, secret: str) -> None:
        said = [write(secret) for write in (*ESCAPING, *CODING)]
        self._json(
            {"said": said, "in": {secret: {f"x{secret}": [secret]}}, "of": {"name": "a_password", "value": secret}}
        )

    def _text(self, secret: str) -> None:
        lines = [f"error {index}: no {write(secret)} here" for index, write in enumerate((*ESCAPING, *CODING))]
        self._send(500, "text/plain; charset=utf-8", "\n".join(lines).encode())

    def _page(self, secret: str) -> None:
        inner = "".join(f'<p title="{write(secret)}">{write(secret)}</p>' for write in (*ESCAPING, *CODING))
        self._send(400, "text/html; charset=utf-8", f"<html><body>{inner}</body></html>".encode())

    def _json(self, value: object) -> None:
        self._send(200, "application/json", json.dumps(value).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"sid={self.told.cookie}; Path=/; HttpOnly")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def leaky_web(told: Told) -> Iterator[str]:
    """The base URL of an HTTP server, gone at the end."""
    handler = type("Handler", (_Handler,), {"told": told})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def refusing_database() -> Iterator[int]:
    """The port of a server that asks for the password in clear text, and quotes it in its refusal."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=_refuse_all, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]


def _refuse_all(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError, struct.error):
                _refuse(connection)


def _refuse(connection: socket.socket) -> None:
    """PostgreSQL's protocol 3: answer every request for TLS with no, ask for the password, send an error."""
    while True:
        (length,) = struct.unpack("!i", connection.recv(4))
        startup = connection.recv(length - 4)
        if startup[:2] != b"\x04\xd2":
            break
        connection.sendall(b"N")
    connection.sendall(b"R" + struct.pack("!ii", 8, 3))
    password = connection.recv(4096)[5:].rstrip(b"\0")
    said = b"SFATAL\0C28P01\0Mno entry for " + startup[4:].replace(b"\0", b" ") + b" with " + password + b"\0\0"
    connection.sendall(b"E" + struct.pack("!i", len(said) + 4) + said)
