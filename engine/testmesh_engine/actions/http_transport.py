"""The sockets of ``http_request``: every read, write, handshake and name lookup ends at the attempt's deadline.

httpx bounds each single read and write; a server that sends one byte a second would keep a step for ever. Here the
time left is taken anew for each operation, and an interrupt ends it at once. httpcore documents network backends for
this purpose (https://www.encode.io/httpcore/network-backends/).
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from testmesh_engine.actions.lookup import look_up
from testmesh_engine.actions.waiting import READABLE, WRITABLE, Deadline, Interrupt, TimeRanOutError, wait_for

BOUNDS: ContextVar[tuple[Deadline, Interrupt]] = ContextVar("BOUNDS")
"""What bounds the request under way in this thread; httpcore has no other way to hand it to a backend."""


class Stream(httpcore.NetworkStream):
    """One connection, TLS or not, on a socket that never blocks by itself."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline rules
        """Up to ``max_bytes``; empty at the end of the connection."""
        deadline, interrupt = BOUNDS.get()
        while True:
            deadline.check()
            try:
                return self._sock.recv(max_bytes)
            except (BlockingIOError, ssl.SSLWantReadError):
                wait_for(self._sock.fileno(), READABLE, deadline=deadline, interrupt=interrupt)
            except ssl.SSLWantWriteError:
                wait_for(self._sock.fileno(), WRITABLE, deadline=deadline, interrupt=interrupt)
            except OSError as error:
                raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline rules
        """Send all of ``buffer``."""
        deadline, interrupt = BOUNDS.get()
        view = memoryview(buffer)
        while view:
            deadline.check()
            try:
                view = view[self._sock.send(view) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                wait_for(self._sock.fileno(), WRITABLE, deadline=deadline, interrupt=interrupt)
            except ssl.SSLWantReadError:
                wait_for(self._sock.fileno(), READABLE, deadline=deadline, interrupt=interrupt)
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Close the connection; without a farewell, which could block."""
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
    ) -> httpcore.NetworkStream:
        """The same connection under TLS."""
        deadline, interrupt = BOUNDS.get()
        try:
            wrapped = ssl_context.wrap_socket(
                self._sock, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            while (wanted := _handshake(wrapped)) is not None:
                wait_for(wrapped.fileno(), wanted, deadline=deadline, interrupt=interrupt)
        except OSError as error:
            self._sock.close()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            self._sock.close()
            raise
        return Stream(wrapped)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection: whether it has gone while idle, its TLS object, its addresses."""
        match info:
            case "is_readable":
                return _is_readable(self._sock)
            case "ssl_object":
                return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
            case "socket":
                return self._sock
            case "server_addr":
                return self._sock.getpeername()
            case "client_addr":
                return self._sock.getsockname()
        return None


class Backend(httpcore.NetworkBackend):
    """Opens connections within the bounds of the request that needs them."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
        local_address: str | None = None,  # noqa: ARG002 - never set by the transport
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - never set by the transport
    ) -> httpcore.NetworkStream:
        """Try each address of ``host`` in turn; each gets an even share of the time left."""
        deadline, interrupt = BOUNDS.get()
        try:
            addresses = look_up(host, deadline=deadline, interrupt=interrupt)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        failure: Exception = OSError(f"{host} has no address")
        for index, address in enumerate(addresses):
            share = deadline.remaining() / (len(addresses) - index)
            try:
                return Stream(_connect(address, port, _shorter(deadline, share), interrupt))
            except (OSError, TimeRanOutError) as error:
                failure = error
        if isinstance(failure, TimeRanOutError):
            raise failure
        raise httpcore.ConnectError(str(failure)) from failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Not used: no URL of a flow names one."""
        raise NotImplementedError


class Transport(httpx.BaseTransport):
    """An httpx transport over a pool of such connections; raises httpcore's errors."""

    def __init__(self, *, verify: bool) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=None if verify else _trusting(),
            max_connections=None,
            keepalive_expiry=30,
            network_backend=Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; the body of the response is read later, within the same bounds."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _handshake(sock: ssl.SSLSocket) -> int | None:
    try:
        sock.do_handshake()
    except ssl.SSLWantReadError:
        return READABLE
    except ssl.SSLWantWriteError:
        return WRITABLE
    return None


def _is_readable(sock: socket.socket) -> bool:
    """Whether the peer has closed an idle connection, or sent what nobody asked for."""
    poller = select.poll()
    try:
        poller.register(sock.fileno(), select.POLLIN)
    except (ValueError, OSError):
        return True
    return bool(poller.poll(0))


def _shorter(deadline: Deadline, seconds: float) -> Deadline:
    return Deadline(min(deadline.at, time.monotonic() + seconds), deadline.what)


def _connect(address: str, port: int, deadline: Deadline, interrupt: Interrupt) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.connect((address, port))
        except BlockingIOError:
            wait_for(sock.fileno(), WRITABLE, deadline=deadline, interrupt=interrupt)
        _check_connected(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _check_connected(sock: socket.socket) -> None:
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
