"""One connection that speaks HTTP/1.1, by h11: sends a request, reads the answer, and says if it may be used again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import h11

from testmesh_engine.actions.http_message import GarbledError, Head, LostError, Outgoing
from testmesh_engine.actions.http_transport import Stream

MAX_HEAD_BYTES = 100 * 1024
"""Of status line and headers together; nginx and Apache send 8 KiB at most of each."""

_ENDED = (h11.DONE, h11.MUST_CLOSE)
"""The states of a server whose answer is whole."""

_TLS_ALERT = 0x15
_TLS_HANDSHAKE = 0x16
_SHORT = re.compile(r"received (\d+) bytes, expected (\d+)")


class Http1:
    """A connection to one server, for one request at a time."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._first = b""
        self._whole = True
        """Whether all of the request was sent."""

    def send(self, request: Outgoing) -> Head:
        """Send ``request``, whole; the head of its answer. Raises ``LostError`` and ``GarbledError``."""
        self._send(request)
        while True:
            event = self._next()
            if isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == 101
            ):
                return _head(event)

    def _send(self, request: Outgoing) -> None:
        headers = [(name.encode("ascii"), value.encode()) for name, value in request.headers]
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=headers)
        data = self._state.send(head) or b""
        if request.body:
            data += self._state.send(h11.Data(data=request.body)) or b""
        data += self._state.send(h11.EndOfMessage()) or b""
        # A server may answer and close before it has read all: what it says is worth more than that it did.
        self._whole = False
        with suppress(LostError):
            self._whole = self._stream.offer(data)

    def body(self) -> Iterator[bytes]:
        """The body as it comes, still encoded. Raises ``LostError`` and ``GarbledError``."""
        while isinstance(event := self._next(), h11.Data):
            yield bytes(event.data)

    def finish(self) -> bool:
        """After the whole body: whether another request may follow. Raises ``GarbledError`` where more came."""
        beyond = len(self._state.trailing_data[0]) + self._waiting()
        if beyond and self._state.their_state in _ENDED:
            raise GarbledError(
                f"the server sent {beyond} bytes more than the answer has",
                "Its Content-Length is too small, or it sends a body where none belongs (HEAD, 204, 304).",
            )
        if not self._whole or self._state.our_state is not h11.DONE or self._state.their_state is not h11.DONE:
            return False
        self._state.start_next_cycle()
        self._first = b""
        return True

    def _waiting(self) -> int:
        """How many bytes came after the answer; where the connection was closed, none."""
        if self._state.their_state not in _ENDED or not self._stream.is_readable():
            return 0
        try:
            return len(self._stream.receive())
        except OSError:
            return 0  # nothing of HTTP: a ticket of TLS, or the connection was reset after a whole answer

    def _next(self) -> type[h11.PAUSED | h11.NEED_DATA] | h11.Event:
        while True:
            try:
                event = self._state.next_event()
            except h11.RemoteProtocolError as error:
                raise self._garbled(error) from error
            if event is not h11.NEED_DATA:
                return event
            self._feed(self._stream.read())

    def _feed(self, data: bytes) -> None:
        if not data and self._state.their_state is h11.SEND_RESPONSE:
            some = f" after {len(self._first)} bytes of the head" if self._first else " without an answer"
            raise LostError(f"the server closed the connection{some}", answered=bool(self._first))
        if self._state.their_state is h11.SEND_RESPONSE:
            self._first = (self._first + data)[:MAX_HEAD_BYTES]
        self._state.receive_data(data)

    def _garbled(self, error: h11.RemoteProtocolError) -> GarbledError | LostError:
        said = str(error)
        if short := _SHORT.search(said):
            return LostError(
                f"the server closed the connection after {short[1]} of the {short[2]} bytes that it had announced",
                answered=True,
            )
        if "without sending complete message body" in said:
            return LostError("the server closed the connection in the midst of a chunked body", answered=True)
        if "too long" in said and self._state.their_state is not h11.DONE:
            return GarbledError(
                f"the head of the answer is longer than {MAX_HEAD_BYTES >> 10} KiB, or a chunk has no end"
            )
        if self._first[:1] and self._first[0] in (_TLS_ALERT, _TLS_HANDSHAKE):
            return GarbledError("the server answers in TLS", "Write https:// in the URL.")
        return GarbledError(f"what the server sent is no HTTP: {_plain(said)}; it begins with {self._first[:40]!r}")

    def is_alive(self) -> bool:
        """Whether nothing has come while it lay idle: it could only be the end, or what nobody asked for."""
        return not self._stream.is_readable()

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    @property
    def stream(self) -> Stream:
        """Its connection."""
        return self._stream


def _head(event: h11.Response | h11.InformationalResponse) -> Head:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
    version = f"HTTP/{event.http_version.decode('ascii')}"
    return Head(status=event.status_code, headers=headers, version=version)


def _plain(said: str) -> str:
    """h11's reason without the data that it quotes as a Python object."""
    return re.sub(r":? ?bytearray\(.*\)", "", said).strip()
