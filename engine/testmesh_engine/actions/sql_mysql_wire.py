"""The socket that the driver of MySQL reads and writes: it never waits longer than the attempt may.

The driver has timeouts for each single read and write, and none that an interrupt would end. It takes any object that
a socket's few methods can be called on; this one waits by itself, and so does the one that TLS makes of it.
"""

from __future__ import annotations

import io
import os
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from testmesh_engine.actions.lookup import look_up
from testmesh_engine.actions.sql_database import Bounds
from testmesh_engine.actions.waiting import READABLE, WRITABLE, Deadline, TimeRanOutError

_Done = TypeVar("_Done")


class Wire:
    """One connection, whose waits end with ``bounds``: those of the statement under way."""

    def __init__(self, sock: socket.socket, bounds: Bounds) -> None:
        self.bounds = bounds
        self.closed = False
        self._socket = sock

    def wrap(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS."""
        secured = context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
        self._socket = secured
        self._waited(secured.do_handshake, READABLE)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - the driver's call, always "rb"
        """What the driver reads from; it makes another one under TLS, and forgets the first."""
        return io.BufferedReader(_Reading(self))

    def receive(self, buffer: Any) -> int:
        """Read at least one byte into ``buffer``; 0 at the end."""
        return 0 if self.closed else self._waited(lambda: self._socket.recv_into(buffer), READABLE)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        view = memoryview(data)
        while view:
            view = view[self._send(view) :]

    def _send(self, view: memoryview) -> int:
        return self._waited(lambda: self._socket.send(view), WRITABLE)

    def settimeout(self, seconds: float | None) -> None:
        """The driver's own timeouts have no part in it."""

    def close(self) -> None:
        """Close it, without a farewell."""
        self.closed = True
        self._socket.close()

    def is_readable(self) -> bool:
        """Whether the server has said something that nobody asked for, or has gone."""
        try:
            self._socket.settimeout(0)
            return len(self._socket.recv(1)) >= 0
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True

    def _waited(self, operation: Callable[[], _Done], events: int) -> _Done:
        while True:
            self.bounds.check()
            try:
                return operation()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                wanted = events
                if isinstance(error, ssl.SSLError):
                    wanted = WRITABLE if isinstance(error, ssl.SSLWantWriteError) else READABLE
                self.bounds.wait(self._socket.fileno(), wanted)


class _Reading(io.RawIOBase):
    """The receiving half of a :class:`Wire`, which stays open when this is closed."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """As :meth:`Wire.receive`."""
        return self._wire.receive(buffer)


class Wrapping:
    """What the driver takes for a context of TLS: it makes a :class:`Wire` go on under the real one."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def wrap_socket(self, wire: Wire, server_hostname: str) -> Wire:
        """The same wire, under TLS."""
        wire.wrap(self._context, server_hostname)
        return wire


def reach(host: str, port: int, bounds: Bounds) -> Wire:
    """A connection: each address of ``host`` is tried for an even share of the time left. Raises ``OSError``."""
    return _first(look_up(host, deadline=bounds.deadline, interrupt=bounds.interrupt), port, bounds)


def _first(addresses: Sequence[str], port: int, bounds: Bounds) -> Wire:
    failure: Exception = OSError("it has no address")
    for index, address in enumerate(addresses):
        seconds = bounds.deadline.remaining() / (len(addresses) - index)
        share = Deadline(min(bounds.deadline.at, time.monotonic() + seconds), bounds.deadline.what)
        try:
            return Wire(_connected(address, port, Bounds(share, bounds.interrupt)), bounds)
        except (OSError, TimeRanOutError) as error:
            failure = error
    raise failure


def _connected(address: str, port: int, bounds: Bounds) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _connect(sock, (address, port), bounds)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect(sock: socket.socket, place: tuple[str, int], bounds: Bounds) -> None:
    try:
        sock.connect(place)
    except BlockingIOError:
        bounds.wait(sock.fileno(), WRITABLE)
    if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, os.strerror(code))
