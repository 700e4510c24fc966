"""A small real HTTP server on loopback for tests of the engine: it echoes, and misbehaves on demand."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


@dataclass
class Web:
    """A running server: its base URL, and the requests that it got, each as ``METHOD path``."""

    url: str
    seen: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    web: ClassVar[Web]

    def answer(self) -> None:
        """Answer by the first part of the path."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.web.seen.append(f"{self.command} {self.path}")
        name = self.path.split("?")[0].strip("/").split("/")[0]
        routes: dict[str, Callable[[bytes], None]] = {
            "echo": self._echo,
            "status": lambda _: self.send("text/plain", b"so it is", status=int(self.path.rsplit("/", 1)[1])),
            "text": lambda _: self.send("text/plain; charset=latin-1", "grün".encode("latin-1")),
            "bytes": lambda _: self.send("application/octet-stream", b"\x00\xff"),
            "nonsense": lambda _: self.send("application/json", b"{not json"),
            "redirect": lambda _: self._redirect("/order"),
            "to": lambda _: self._redirect(self.path.partition("?")[2]),
            "charset": lambda _: self.send("text/plain; charset=idna", b"xn--\xff..a"),
            "loop": lambda _: self._redirect("/loop"),
            "trickle": lambda _: self._trickle(),
            "silent": lambda _: time.sleep(30),
            "turns": lambda _: self._turn(),
            "hang-up": lambda _: self.connection.shutdown(socket.SHUT_RDWR),
            "big": lambda _: self.send("text/plain", b"x" * (33 << 20)),
        }
        with suppress(BrokenPipeError, ConnectionResetError, OSError):
            answer = routes.get(name)
            if answer is None:
                self._order()
            else:
                answer(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - names that http.server calls

    def send(self, kind: str, body: bytes, *, status: int = 200) -> None:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=abc; Path=/")
        self.end_headers()
        self.wfile.write(body)

    def _order(self) -> None:
        self.send("application/json", b'{"id": 7, "total": 59.980, "items": [{"sku": "a"}], "status": "pending"}')

    def _echo(self, body: bytes) -> None:
        told = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body": body.decode(),
        }
        self.send("application/json", json.dumps(told).encode())

    def _turn(self) -> None:
        """``/turns/503,0,200`` answers the n-th request of that path with the n-th status, then the last; 0 is none."""
        turn = self.web.seen.count(f"{self.command} {self.path}")
        statuses = self.path.split("?")[0].rsplit("/", 1)[1].split(",")
        status = int(statuses[min(turn, len(statuses)) - 1])
        if not status:
            time.sleep(30)
        self.send("application/json", json.dumps({"turn": turn}).encode(), status=status)

    def _redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _trickle(self) -> None:
        """A body of 1,000 bytes, one every 50 ms: no single read is ever slow."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def web_server() -> Iterator[Web]:
    """A running server, gone at the end."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that give up are what is tested
    web = Web(f"http://127.0.0.1:{server.server_address[1]}")
    handler.web = web  # type: ignore[attr-defined]  # the class was made above
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Talk = Callable[[socket.socket], None]
"""What a raw server does with a connection; it is closed afterwards."""


@contextmanager
def raw_server(talk: Talk, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The base URL of a server that does ``talk`` with each connection, each in a thread: HTTP, or no HTTP at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=_talk, args=(listener.accept()[0], talk, tls), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"{'https' if tls else 'http'}://{shown}:{listener.getsockname()[1]}"
    finally:
        # Wakes the thread that waits in accept(): close() alone would not.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _talk(connection: socket.socket, talk: Talk, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError), connection:
        connection.settimeout(20)
        if tls is None:
            talk(connection)
            return
        with (
            connection.dup() as bare,
            tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as own,
        ):
            try:
                own.do_handshake()
            except ssl.SSLError:
                # Closed at once, what the client has sent meanwhile would reset the connection and lose the alert.
                idle(bare)
                raise
            talk(own)


def request_of(connection: socket.socket) -> bytes:
    """The head of the request on a connection, and what came with it; empty at its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(65536)
        if not data:
            return b""
        received += data
    return received


def saying(*parts: bytes, then: Talk | None = None, pause: float = 0.0) -> Talk:
    """Take a request and answer with ``parts``, ``pause`` seconds apart; then do ``then`` or close."""

    def talk(connection: socket.socket) -> None:
        request_of(connection)
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        if then is not None:
            then(connection)

    return talk


def endlessly(data: bytes, *, pause: float = 0.0) -> Talk:
    """Send ``data`` again and again, ``pause`` seconds apart, until the client has gone."""

    def talk(connection: socket.socket) -> None:
        while True:
            connection.sendall(data)
            time.sleep(pause)

    return talk


def resetting(connection: socket.socket) -> None:
    """End the connection by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def idle(connection: socket.socket) -> None:
    """Say nothing until the client has gone."""
    while connection.recv(65536):
        pass


def gzip_bomb(mebibytes: int) -> bytes:
    """The gzip of so many MiB of zeros: a thousandth of that."""
    return gzip.compress(b"\0" * (mebibytes << 20))
