"""One connection that speaks HTTP/2, by h2: one request at a time, as the steps of a flow come one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from testmesh_engine.actions.http_message import ExchangeError, GarbledError, Head, LostError, Outgoing
from testmesh_engine.actions.http_transport import Stream

_WINDOW_BYTES = 1 << 24
"""How much a server may send before it waits for us: the least of round trips for bodies of a usual size."""

_FRAME_HEAD = 9
_LARGEST_FRAME = _FRAME_HEAD + (1 << 14)
"""What a server may send that was told nothing else (RFC 9113, 4.2)."""
_GOAWAY = 7

_NOT_IN_HTTP2 = frozenset({"host", "connection", "transfer-encoding", "keep-alive", "proxy-connection", "upgrade"})
"""Headers of one connection (RFC 9113, 8.2.2); the host stands in ``:authority``."""


class _Frames:
    """Takes GOAWAY out of what a server sends.

    A server may say farewell and still answer what it has begun (RFC 9113, 6.8); nginx does so with every connection's
    last request. h2 takes a connection for closed at once, and refuses the answer.
    """

    def __init__(self) -> None:
        self._rest = b""

    def split(self, data: bytes) -> tuple[bytes, list[int]]:
        """All other frames, and of each GOAWAY the last request that the server will answer; halves are kept."""
        data = self._rest + data
        kept, farewells, at = bytearray(), [], 0
        while at + _FRAME_HEAD <= len(data):
            end = at + _FRAME_HEAD + int.from_bytes(data[at : at + 3], "big")
            if end - at > _LARGEST_FRAME:
                # No HTTP/2, or a frame that is not allowed: h2 says which.
                kept += data[at:]
                at = len(data)
            elif end > len(data):
                break
            else:
                if data[at + 3] == _GOAWAY:
                    farewells.append(int.from_bytes(data[at + _FRAME_HEAD : at + _FRAME_HEAD + 4], "big") & 0x7FFFFFFF)
                else:
                    kept += data[at:end]
                at = end
        self._rest = data[at:]
        return bytes(kept), farewells


class Http2:
    """A connection to one server, for one request at a time."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="latin-1"))
        self._events: deque[h2.events.Event] = deque()
        self._id = 0
        self._ended = False
        self._closing = False
        self._frames = _Frames()
        self._state.local_settings = h2.settings.Settings(
            client=True, initial_values={h2.settings.SettingCodes.ENABLE_PUSH: 0}
        )
        self._state.initiate_connection()
        self._state.increment_flow_control_window(_WINDOW_BYTES)

    def send(self, request: Outgoing) -> Head:
        """Send ``request``, whole; the head of its answer. Raises ``LostError`` and ``GarbledError``."""
        self._events.clear()
        self._ended = False
        self._id = self._state.get_next_available_stream_id()
        self._state.send_headers(self._id, _headers(request), end_stream=not request.body)
        self._state.increment_flow_control_window(_WINDOW_BYTES, self._id)
        self._flush()
        if request.body:
            self._send_body(memoryview(request.body))
        while not isinstance(event := self._next(), h2.events.ResponseReceived):
            if isinstance(event, h2.events.StreamEnded):
                raise GarbledError("the answer has no status")
        return _head(event)

    def _send_body(self, body: memoryview) -> None:
        while body:
            room = min(self._state.local_flow_control_window(self._id), self._state.max_outbound_frame_size)
            if room > 0:
                self._state.send_data(self._id, bytes(body[:room]), end_stream=len(body) <= room)
                body = body[room:]
                self._flush()
            elif any(isinstance(event, h2.events.ResponseReceived) for event in self._events):
                return  # it answers before it has read all: the rest is not wanted
            else:
                self._receive()

    def body(self) -> Iterator[bytes]:
        """The body as it comes, still encoded. Raises ``LostError`` and ``GarbledError``."""
        while not self._ended:
            event = self._next()
            if isinstance(event, h2.events.DataReceived):
                self._state.acknowledge_received_data(event.flow_controlled_length or 0, self._id)
                self._flush()
                yield event.data or b""
            self._ended = isinstance(event, h2.events.StreamEnded)

    def finish(self) -> bool:
        """After the whole body: whether another request may follow."""
        return self._ended and not self._closing

    def _next(self) -> h2.events.Event:
        while not self._events:
            self._receive()
        return self._events.popleft()

    def _receive(self) -> None:
        data = self._stream.read()
        if data.startswith(b"HTTP/"):
            raise GarbledError(
                "the server does not speak HTTP/2 without TLS", "Leave http2 out, or write https:// in the URL."
            )
        if not data:
            raise LostError(
                "the server closed the connection before its answer was whole", answered=self._stream.answered
            )
        try:
            self._note_all(data)
        except h2.exceptions.ProtocolError as error:
            raise _garbled(error) from error

    def _note_all(self, data: bytes) -> None:
        frames, farewells = self._frames.split(data)
        for event in self._state.receive_data(frames):
            self._note(event)
        for last_id in farewells:
            self._closing = True
            if self._id > last_id:
                raise LostError("the server closes this connection", unprocessed=True)
        self._flush()

    def _note(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.StreamReset) and event.stream_id == self._id:
            code = h2.errors.ErrorCodes(event.error_code) if event.error_code in _CODES else event.error_code
            refused = code is h2.errors.ErrorCodes.REFUSED_STREAM
            name = code.name if isinstance(code, h2.errors.ErrorCodes) else str(code)
            raise LostError(f"the server ended the answer with {name}", answered=not refused, unprocessed=refused)
        if getattr(event, "stream_id", None) == self._id:
            self._events.append(event)

    def _flush(self) -> None:
        if data := self._state.data_to_send():
            self._stream.write(data)

    def is_alive(self) -> bool:
        """Whether the server has not said farewell while it lay idle; pings and settings are answered."""
        while self._stream.is_readable():
            try:
                data = self._stream.receive()
                self._note_all(data)
            except BlockingIOError:
                continue  # a ticket of TLS, taken by the read
            except (OSError, ExchangeError, h2.exceptions.ProtocolError):
                return False
            if not data:
                return False
        return not self._closing

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    @property
    def stream(self) -> Stream:
        """Its connection."""
        return self._stream


def _garbled(error: h2.exceptions.ProtocolError) -> GarbledError:
    if isinstance(error, h2.exceptions.InvalidBodyLengthError):
        return GarbledError(
            f"the body has {error.actual_length} bytes, and its Content-Length says {error.expected_length}"
        )
    return GarbledError(f"what the server sent is no HTTP/2: {error}")


_CODES = frozenset(int(code) for code in h2.errors.ErrorCodes)


def _headers(request: Outgoing) -> list[tuple[str, str]]:
    own = [(name.lower(), value) for name, value in request.headers]
    host = next((value for name, value in own if name == "host"), request.url.netloc.decode("ascii"))
    path = request.url.raw_path.decode("ascii")
    pseudo = [(":method", request.method), (":authority", host), (":scheme", request.url.scheme), (":path", path)]
    return pseudo + [(name, value) for name, value in own if name not in _NOT_IN_HTTP2]


def _head(event: h2.events.ResponseReceived) -> Head:
    pairs = [(_text(name), _text(value)) for name, value in event.headers or ()]
    status = next((value for name, value in pairs if name == ":status"), "")
    if not status.isdecimal():
        raise GarbledError(f'the answer has the status "{status[:20]}"')
    headers = tuple(pair for pair in pairs if not pair[0].startswith(":"))
    return Head(status=int(status), headers=headers, version="HTTP/2")


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
