"""The sockets of ``http_request``: every read, write, handshake and name lookup ends at the attempt's deadline.

A library's own timeouts bound each single read and write; a server that sends one byte a second would keep a step for
ever. Here the time left is taken anew for each operation, and an interrupt ends it at once.
"""

from __future__ import annotations

import os
import select
import socket
import time
from typing import TYPE_CHECKING

from testmesh_engine.actions.http_message import Bounds, LostError, UnreachableError
from testmesh_engine.actions.lookup import look_up
from testmesh_engine.actions.waiting import READABLE, WRITABLE, Deadline, Interrupt, TimeRanOutError, wait_for

if TYPE_CHECKING:
    import ssl

MAX_READ_BYTES = 64 * 1024


class Stream:
    """One connection on a socket that never blocks by itself; :class:`TlsStream` is one under TLS."""

    def __init__(self, sock: socket.socket, bounds: Bounds) -> None:
        self.sock = sock
        self.bounds = bounds
        """Of the request under way; each sets its own."""
        self.answered = False
        """Whether anything was received for the request under way."""

    def read(self) -> bytes:
        """What has come, at least one byte; empty at the end of the connection. Raises ``LostError``."""
        while True:
            self.bounds.deadline.check()
            try:
                data = self.receive()
            except BlockingIOError:
                self.bounds.wait(self.sock.fileno(), READABLE)
            except OSError as error:
                raise self.lost(error) from error
            else:
                self.answered = self.answered or bool(data)
                return data

    def receive(self) -> bytes:
        """Take what is there. Raises ``BlockingIOError`` where there is nothing."""
        return self.sock.recv(MAX_READ_BYTES)

    def write(self, data: bytes) -> None:
        """Send all of ``data``. Raises ``LostError``."""
        self._send(memoryview(data), WRITABLE)

    def offer(self, data: bytes) -> bool:
        """Send ``data`` until the server answers, which it may do before it has read all; whether all was sent."""
        return self._send(memoryview(data), WRITABLE | READABLE)

    def _send(self, view: memoryview, events: int) -> bool:
        while view:
            self.bounds.deadline.check()
            try:
                view = view[self.sock.send(view) :]
            except BlockingIOError:
                if not self.bounds.wait(self.sock.fileno(), events) & (WRITABLE | select.POLLERR | select.POLLHUP):
                    return False
            except OSError as error:
                raise self.lost(error) from error
        return True

    def lost(self, error: OSError) -> LostError:
        """What a broken connection is told as."""
        return LostError(f"the connection was lost: {error.strerror or error}", answered=self.answered)

    def begin(self, bounds: Bounds) -> None:
        """A new request begins."""
        self.bounds = bounds
        self.answered = False

    def is_readable(self) -> bool:
        """Whether the peer has closed an idle connection, or sent what nobody asked for."""
        poller = select.poll()
        try:
            poller.register(self.sock.fileno(), select.POLLIN)
        except (ValueError, OSError):
            return True
        return bool(poller.poll(0))

    def close(self) -> None:
        """Close the connection; without a farewell, which could block."""
        self.sock.close()


class TlsStream(Stream):
    """A connection under TLS: OpenSSL may want to write before it can read, and the other way round."""

    sock: ssl.SSLSocket

    def receive(self) -> bytes:
        """As :meth:`Stream.receive`."""
        import ssl  # noqa: PLC0415 - loaded already: there is a connection under TLS

        try:
            return self.sock.recv(MAX_READ_BYTES)
        except ssl.SSLWantReadError as error:
            raise BlockingIOError from error
        except ssl.SSLEOFError:
            return b""  # closed without TLS's own farewell: the framing of HTTP says whether something is missing

    def _send(self, view: memoryview, events: int) -> bool:  # noqa: ARG002 - what can be read may be TLS's own
        import ssl  # noqa: PLC0415 - loaded already: there is a connection under TLS

        while view:
            self.bounds.deadline.check()
            try:
                view = view[self.sock.send(view) :]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError) as error:
                wanted = WRITABLE if isinstance(error, ssl.SSLWantWriteError) else READABLE
                self.bounds.wait(self.sock.fileno(), wanted)
            except OSError as error:
                raise self.lost(error) from error
        return True

    def lost(self, error: OSError) -> LostError:
        """Of TLS 1.3, a client certificate that is missing or refused is told by the first read."""
        import ssl  # noqa: PLC0415 - loaded already: there is a connection under TLS

        from testmesh_engine.actions.http_tls import explain  # noqa: PLC0415 - only broken connections pay

        if not isinstance(error, ssl.SSLError):
            return Stream.lost(self, error)
        found = explain(error)
        return LostError(found.message, found.hint, answered=self.answered)


def connect(host: str, port: int, bounds: Bounds) -> Stream:
    """A connection to ``host``: each of its addresses is tried in turn, for an even share of the time left.

    Raises ``UnreachableError``, ``TimeRanOutError``, ``Interrupted``.
    """
    bounds.phase = f"the name {host} was not resolved"
    try:
        addresses = look_up(host, deadline=bounds.deadline, interrupt=bounds.interrupt)
    except OSError as error:
        raise UnreachableError(str(error)) from error
    bounds.phase = f"{addresses[0] if addresses else host} port {port} did not accept the connection"
    failure: Exception = OSError(f"{host} has no address")
    for index, address in enumerate(addresses):
        share = bounds.deadline.remaining() / (len(addresses) - index)
        try:
            return Stream(_connect(address, port, _shorter(bounds.deadline, share), bounds.interrupt), bounds)
        except (OSError, TimeRanOutError) as error:
            failure = error
    if isinstance(failure, TimeRanOutError):
        raise failure
    said = getattr(failure, "strerror", None) or str(failure)
    raise UnreachableError(said if host in addresses else f"{said} ({', '.join(addresses)})") from failure


def start_tls(stream: Stream, context: ssl.SSLContext, host: str) -> TlsStream:
    """The same connection under TLS. Raises ``UnreachableError``, which says what to do; closes it where it fails."""
    import ssl  # noqa: PLC0415 - only flows that use TLS pay for it

    from testmesh_engine.actions.http_tls import explain  # noqa: PLC0415 - the same

    bounds = stream.bounds
    bounds.phase = "connected, and the TLS handshake was not finished"
    try:
        wrapped = context.wrap_socket(stream.sock, server_hostname=host, do_handshake_on_connect=False)
    except (OSError, ValueError) as error:
        stream.close()
        raise UnreachableError(f"TLS can't be started for {host}: {error}") from error
    try:
        while (wanted := _handshake(wrapped)) is not None:
            bounds.wait(wrapped.fileno(), wanted)
    except (OSError, ssl.CertificateError) as error:
        wrapped.close()
        found = explain(error, host)
        raise UnreachableError(found.message, found.hint) from error
    except BaseException:
        wrapped.close()
        raise
    return TlsStream(wrapped, bounds)


def _handshake(sock: ssl.SSLSocket) -> int | None:
    import ssl  # noqa: PLC0415 - loaded already: there is a connection under TLS

    try:
        sock.do_handshake()
    except ssl.SSLWantReadError:
        return READABLE
    except ssl.SSLWantWriteError:
        return WRITABLE
    return None


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
