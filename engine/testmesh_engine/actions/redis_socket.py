"""The socket that is put under redis-py: every read and write of it ends at the attempt's deadline.

redis-py's own timeouts bound each single read; a server that sends one byte a second would keep a step for ever.
"""

from __future__ import annotations

import errno

from testmesh_engine.actions.http_message import LostError
from testmesh_engine.actions.http_transport import Stream
from testmesh_engine.actions.redis_faults import GarbledReplyError

MAX_REPLY_BYTES = 32 * 1024 * 1024
_MAX_LINE_BYTES = 64 * 1024
_SHOWN_BYTES = 40


class BoundedSocket:
    """What redis-py and hiredis call of a socket, over a :class:`Stream`.

    Its errors are none of the system's, so that redis-py passes them on: ``LostError``, ``GarbledReplyError``,
    ``TimeRanOutError``, ``Interrupted``.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._beginning = b""
        self._received = 0
        self._only_looks = False

    def sendall(self, data: bytes) -> None:
        """Send all of ``data``; what is read from here on is the reply."""
        self._beginning, self._received = b"", 0
        self.stream.write(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What has come, at least one byte, at most what a :class:`Stream` reads at once."""
        if flags:  # with hiredis, redis-py peeks whether the connection is closed
            return self.stream.sock.recv(size, flags)
        data = self._there() if self._only_looks else self.stream.read()
        if not data:
            raise LostError("Redis closed the connection", answered=self.stream.answered)
        self._count(data)
        return data

    def recv_into(self, buffer: bytearray) -> int:
        """As :meth:`recv`, into a buffer of at least what a :class:`Stream` reads at once."""
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def settimeout(self, seconds: float | None) -> None:
        """With 0, redis-py looks whether something is there; every other bound is ours."""
        self._only_looks = seconds == 0

    def fileno(self) -> int:
        """The descriptor; -1 once it is closed."""
        return self.stream.sock.fileno()

    def shutdown(self, how: int) -> None:
        """Nothing: closing is enough."""

    def close(self) -> None:
        """Close the connection."""
        self.stream.close()

    def begins(self) -> str:
        """How the reply begins, for a message."""
        line = self._beginning.partition(b"\r\n")[0]
        return f"it begins with {line[:_SHOWN_BYTES]!r}"

    def _there(self) -> bytes:
        try:
            return self.stream.receive()
        except BlockingIOError as error:
            raise BlockingIOError(errno.EWOULDBLOCK, "nothing is there") from error

    def _count(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MAX_REPLY_BYTES:
            raise GarbledReplyError(f"it is larger than {MAX_REPLY_BYTES >> 20} MiB")
        if b"\r\n" in self._beginning:
            return
        self._beginning += data
        if len(self._beginning) > _MAX_LINE_BYTES and b"\r\n" not in self._beginning:
            raise GarbledReplyError(self.begins())
