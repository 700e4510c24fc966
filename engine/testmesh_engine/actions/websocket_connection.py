"""One WebSocket connection: the protocol of ``websockets``, over sockets that end at the attempt's deadline.

https://www.rfc-editor.org/rfc/rfc6455
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from testmesh_engine.actions.http_message import Bounds, LostError
from testmesh_engine.actions.http_transport import Stream, connect, start_tls

if TYPE_CHECKING:
    from testmesh_engine.actions.http_tls import Tls

MAX_MESSAGE_BYTES = 32 * 1024 * 1024


class RefusedError(Exception):
    """The server does not open a WebSocket; ``status`` is its answer's, 0 where it is no answer of HTTP."""

    def __init__(self, message: str, status: int = 0, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class ClosedError(Exception):
    """The connection is closed; ``code`` and ``reason`` are the server's, or what its message broke."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"closed with {code}" + (f": {reason}" if reason else ""))
        self.code = code
        self.reason = reason


class Connection:
    """An open connection; :func:`open_connection` makes one."""

    def __init__(self, stream: Stream, protocol: ClientProtocol) -> None:
        self._stream = stream
        self._protocol = protocol
        self._received: deque[str | bytes] = deque()
        self._parts: list[Frame] = []
        self.response: Response | None = None

    @property
    def subprotocol(self) -> str:
        """What the server has chosen, "" for none."""
        return self._protocol.subprotocol or ""

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent; messages that came before a close are still to be received."""
        return self._protocol.state is State.OPEN

    @property
    def closed_with(self) -> tuple[int | None, str]:
        """The code and reason of the close, once there is one."""
        protocol = self._protocol
        # Of a message that breaks the protocol, our own close says what was wrong with it.
        ours_first = (protocol.close_sent, protocol.close_rcvd)
        close = next(filter(None, ours_first if protocol.parser_exc else ours_first[::-1]), None)
        return (close.code, close.reason) if close else (None, "")

    def open(self, headers: Mapping[str, str], bounds: Bounds) -> None:
        """Shake hands. Raises :class:`RefusedError`, and what a :class:`Stream` raises."""
        self._stream.begin(bounds)
        request = self._protocol.connect()
        for name, value in headers.items():
            if name in request.headers:
                del request.headers[name]
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        while self.response is None and self._protocol.handshake_exc is None:
            self._read()
        failure = self._protocol.handshake_exc
        if failure is not None:
            raise _failure_of(failure)

    def send(self, message: str | bytes, bounds: Bounds) -> None:
        """Send one message. Raises :class:`ClosedError`."""
        self._begin(bounds)
        if not self.is_open:
            raise ClosedError(*self.closed_with)
        if isinstance(message, str):
            self._protocol.send_text(message.encode("utf-8", "replace"))
        else:
            self._protocol.send_binary(message)
        self._flush()

    def receive(self, bounds: Bounds) -> str | bytes:
        """The next message. Raises :class:`ClosedError` where there is none any more."""
        self._begin(bounds)
        while not self._received:
            if self._protocol.state is not State.OPEN:
                raise ClosedError(*self.closed_with)
            self._read()
        return self._received.popleft()

    def close_politely(self, code: int, reason: str, bounds: Bounds) -> None:
        """Say farewell, and wait for the server's; messages that come meanwhile can still be received."""
        self._begin(bounds)
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._flush()
        while self._protocol.state is not State.CLOSED:
            self._read()
        self.close()

    def close(self) -> None:
        """Close it at once."""
        self._stream.close()

    def _begin(self, bounds: Bounds) -> None:
        """What has come meanwhile is read first: the server may have closed it."""
        self._stream.begin(bounds)
        while self._protocol.state is State.OPEN and self._stream.is_readable():
            self._read()

    def _read(self) -> None:
        data = self._stream.read()
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self.response = event
            elif isinstance(event, Frame):
                self._take(event)
        if not data and self._protocol.state is not State.CLOSED:
            raise LostError("the server closed the connection", answered=True)

    def _take(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._parts.append(frame)
        if not frame.fin:
            return
        data = b"".join(part.data for part in self._parts)
        is_text = self._parts[0].opcode is Opcode.TEXT
        self._parts = []
        self._received.append(self._decoded(data) if is_text else data)

    def _decoded(self, data: bytes) -> str:
        try:
            return bytes(data).decode("utf-8")
        except UnicodeDecodeError as error:
            self.close()
            raise ClosedError(1007, f"a text message is no UTF-8: byte {error.start}") from error

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._stream.write(data)


def open_connection(
    url: str,
    bounds: Bounds,
    *,
    headers: Mapping[str, str],
    subprotocols: Sequence[str],
    tls: Tls | None,
) -> Connection:
    """A connection that is open. Raises :class:`RefusedError`, and what ``connect`` and ``start_tls`` raise."""
    target = parse_uri(url)
    stream = connect(target.host, target.port, bounds)
    if target.secure:
        stream = _secured(stream, tls, target.host)
    protocol = ClientProtocol(
        target,
        extensions=[ClientPerMessageDeflateFactory()],
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        max_size=MAX_MESSAGE_BYTES,
    )
    connection = Connection(stream, protocol)
    try:
        bounds.phase = "connected, and the server has not answered the handshake"
        connection.open(headers, bounds)
    except BaseException:
        connection.close()
        raise
    bounds.phase = ""
    return connection


def _secured(stream: Stream, tls: Tls | None, host: str) -> Stream:
    from testmesh_engine.actions.http_tls import Tls, context_of  # noqa: PLC0415 - only flows that use TLS pay for it

    try:
        context = context_of(tls or Tls(), ["http/1.1"])
    except BaseException:
        stream.close()
        raise
    return start_tls(stream, context, host)


def _failure_of(failure: Exception) -> Exception:
    if isinstance(failure.__cause__, EOFError):
        return LostError("the server closed the connection without an answer")
    if isinstance(failure, InvalidStatus):
        response = failure.response
        told = f"the server answered {response.status_code} {response.reason_phrase}".strip()
        return RefusedError(f"{told} in place of 101", response.status_code, bytes(response.body or b""))
    what = "the handshake" if isinstance(failure, InvalidHandshake) else "the server's answer"
    return RefusedError(f"{what} is none of WebSocket: {failure}")
