"""Redis' protocol, RESP2, over a connection of which every read and write ends at the attempt's deadline.

The ``redis`` package takes 0.3 s to import, and its reads are bounded one by one, not together.
https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

from collections.abc import Sequence

from testmesh_engine.actions.http_message import LostError
from testmesh_engine.actions.http_transport import Stream
from testmesh_engine.expressions import Value

MAX_REPLY_BYTES = 32 * 1024 * 1024
_MAX_DEPTH = 32
_MAX_LINE_BYTES = 64 * 1024


class GarbledReplyError(Exception):
    """What came is no reply of Redis, or more than is read."""


class RefusedError(Exception):
    """Redis answers with an error; ``code`` is its first word, such as ``WRONGTYPE``."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.code = said.partition(" ")[0]


def encoded(words: Sequence[bytes]) -> bytes:
    """A command as an array of bulk strings."""
    parts = [f"*{len(words)}\r\n".encode("ascii")]
    for word in words:
        parts += [f"${len(word)}\r\n".encode("ascii"), word, b"\r\n"]
    return b"".join(parts)


class Replies:
    """The replies on one connection, in their order."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""
        self._left = MAX_REPLY_BYTES

    def next(self) -> Value:
        """The next reply: text, or bytes that are no UTF-8; a number; nil; a list.

        Raises ``RefusedError`` for an error reply, ``GarbledReplyError``, and what a :class:`Stream` raises.
        """
        self._left = MAX_REPLY_BYTES
        return self._reply(_MAX_DEPTH)

    def is_clean(self) -> bool:
        """Whether nothing is left over that belongs to no command."""
        return not self._buffer

    def _reply(self, depth: int) -> Value:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return _text(rest)
        if kind == b"-":
            raise RefusedError(rest.decode("utf-8", "replace"))
        if kind == b":":
            return _number(rest)
        if kind == b"$":
            return self._bulk(_number(rest))
        if kind == b"*" and depth:
            return self._array(_number(rest), depth - 1)
        raise GarbledReplyError(f"it begins with {line[:40]!r}")

    def _bulk(self, length: int) -> Value:
        if length < 0:
            return None
        data = self._take(length + 2)
        if data[-2:] != b"\r\n":
            raise GarbledReplyError("a value is longer than Redis announced")
        return _text(data[:-2])

    def _array(self, length: int, depth: int) -> Value:
        return None if length < 0 else [self._item(depth) for _ in range(length)]

    def _item(self, depth: int) -> Value:
        try:
            return self._reply(depth)
        except RefusedError as error:
            return str(error)  # of a script or a transaction: its other replies are still to be read

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > _MAX_LINE_BYTES:
                raise GarbledReplyError(f"it begins with {self._buffer[:40]!r}")
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        self._count(len(line) + 2)
        return line

    def _take(self, length: int) -> bytes:
        self._count(length)
        parts = [self._buffer]
        missing = length - len(self._buffer)
        while missing > 0:
            parts.append(self._received())
            missing -= len(parts[-1])
        whole = b"".join(parts)
        self._buffer = whole[length:]
        return whole[:length]

    def _count(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            raise GarbledReplyError(f"it is larger than {MAX_REPLY_BYTES >> 20} MiB")

    def _more(self) -> None:
        self._buffer += self._received()

    def _received(self) -> bytes:
        data = self._stream.read()
        if not data:
            raise LostError("Redis closed the connection", answered=self._stream.answered)
        return data


def _text(data: bytes) -> Value:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _number(digits: bytes) -> int:
    try:
        return int(digits)
    except ValueError:
        raise GarbledReplyError(f"{digits[:40]!r} is no number") from None
