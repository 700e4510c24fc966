"""One connection to Redis that the steps of a flow share: opened, authenticated, on its database."""

from __future__ import annotations

from collections.abc import Sequence

from testmesh_engine.actions.http_message import Bounds
from testmesh_engine.actions.http_transport import Stream, connect, start_tls
from testmesh_engine.actions.redis_protocol import RefusedError, Replies, encoded
from testmesh_engine.actions.redis_target import Target
from testmesh_engine.expressions import Value


class Session:
    """Sends one command after the other; after any error but ``RefusedError`` it can't be used again."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._replies = Replies(stream)

    def call(self, words: Sequence[bytes], bounds: Bounds) -> Value:
        """The reply to a command.

        Raises ``RefusedError``, ``GarbledReplyError``, ``LostError``, ``TimeRanOutError``, ``Interrupted``.
        """
        self._stream.begin(bounds)
        try:
            self._stream.write(encoded(words))
            return self._replies.next()
        except RefusedError:
            raise
        except BaseException:
            # A reply that still comes would be taken for the next command's.
            self.close()
            raise

    def is_usable(self) -> bool:
        """Whether the server has neither closed it nor said what nobody asked for."""
        return self._replies.is_clean() and not self._stream.is_readable()

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()


def open_session(target: Target, bounds: Bounds) -> Session:
    """A connection that may take commands. Raises what ``connect``, ``start_tls`` and :meth:`Session.call` do."""
    stream = connect(target.host, target.port, bounds)
    if target.secure:
        stream = _secured(stream, target)
    session = Session(stream)
    try:
        bounds.phase = "connected, and Redis has not answered"
        for words in _greeting(target):
            session.call(words, bounds)
    except BaseException:
        session.close()
        raise
    return session


def _secured(stream: Stream, target: Target) -> Stream:
    from testmesh_engine.actions.http_tls import Tls, context_of  # noqa: PLC0415 - only flows that use TLS pay for it

    try:
        context = context_of(target.tls or Tls(), [])
    except BaseException:
        stream.close()
        raise
    return start_tls(stream, context, target.host)


def _greeting(target: Target) -> list[list[bytes]]:
    credentials = [text.encode() for text in (target.username, target.password) if text]
    login = [[b"AUTH", *credentials]] if target.password else []
    return [*login, *([[b"SELECT", str(target.db).encode()]] if target.db else [])]
