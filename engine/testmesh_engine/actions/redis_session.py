"""One connection to Redis that the steps of a flow share: opened, authenticated, on its database.

redis-py writes the commands, reads the replies and signs in. The socket under it is ours, and what it would do by
itself is off: retries, health checks, telling its name, connecting again. It speaks RESP2, which is all that old
servers and proxies know. Imported by steps that run: redis-py takes half a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from testmesh_engine.actions.http_message import Bounds, LostError
from testmesh_engine.actions.http_transport import MAX_READ_BYTES, Stream, connect, start_tls
from testmesh_engine.actions.redis_faults import GarbledReplyError, RefusedError
from testmesh_engine.actions.redis_socket import BoundedSocket
from testmesh_engine.actions.redis_target import Target
from testmesh_engine.expressions import Value

_MAX_DEPTH = 32


class Session:
    """Sends one command after the other; after any error but ``RefusedError`` it can't be used again."""

    def __init__(self, sock: BoundedSocket, connection: Connection) -> None:
        self._sock = sock
        self._connection = connection

    def call(self, words: Sequence[bytes], bounds: Bounds) -> Value:
        """The reply to a command: text, or bytes that are no UTF-8; a number; nil; a list.

        Raises ``RefusedError``, ``GarbledReplyError``, ``LostError``, ``TimeRanOutError``, ``Interrupted``.
        """
        self._sock.stream.begin(bounds)
        try:
            with _told(self._sock):
                self._connection.send_command(*words)  # type: ignore[no-untyped-call]  # redis-py's is
                value = _value(self._connection.read_response(), _MAX_DEPTH)
            with suppress(LostError):  # the reply is whole: the next step finds the connection closed
                self._look()
        except RefusedError:
            raise
        except BaseException:
            # A reply that still comes would be taken for the next command's.
            self.close()
            raise
        return value

    def is_usable(self) -> bool:
        """Whether the server has neither closed it nor said what nobody asked for."""
        if self._sock.fileno() < 0:
            return False
        try:
            self._look()
        except (GarbledReplyError, LostError):
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def _look(self) -> None:
        try:
            more = self._connection.can_read(0)
        except RedisError as error:
            raise LostError("Redis closed the connection") from error
        if more:
            # redis-py takes a value's length from its announcement, and does not see whether the value ends there.
            raise GarbledReplyError("it is longer than Redis announced")


class _Connection(Connection):
    """redis-py's, over a connection that is there; once that is lost it is not opened again."""

    def __init__(self, sock: BoundedSocket, target: Target) -> None:
        self._bounded = sock
        super().__init__(  # type: ignore[no-untyped-call]  # redis-py's is
            target.host,
            target.port,
            db=target.db,
            username=target.username if target.password else "",
            password=target.password,
            protocol=2,
            socket_timeout=None,
            socket_read_size=MAX_READ_BYTES,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            driver_info=None,
        )

    def _connect(self) -> BoundedSocket:
        """The place where redis-py's own kinds of connection, of TCP, TLS and Unix sockets, differ too."""
        return self._bounded


def open_session(target: Target, bounds: Bounds) -> Session:
    """A connection that may take commands. Raises what ``connect``, ``start_tls`` and :meth:`Session.call` do."""
    stream = connect(target.host, target.port, bounds)
    if target.secure:
        stream = _secured(stream, target)
    sock = BoundedSocket(stream)
    try:
        bounds.phase = "connected, and Redis has not answered"
        connection = _Connection(sock, target)
        with _told(sock):
            connection.connect()  # type: ignore[no-untyped-call]  # redis-py's is
    except BaseException:
        sock.close()
        raise
    return Session(sock, connection)


def _secured(stream: Stream, target: Target) -> Stream:
    from testmesh_engine.actions.http_tls import Tls, context_of  # noqa: PLC0415 - only flows that use TLS pay for it

    try:
        context = context_of(target.tls or Tls(), [])
    except BaseException:
        stream.close()
        raise
    return start_tls(stream, context, target.host)


@contextmanager
def _told(sock: BoundedSocket) -> Iterator[None]:
    """What redis-py raises, as our errors; ``ValueError`` is a number or an address that is none."""
    try:
        yield
    except RedisError as error:
        if isinstance(error, ResponseError) or error.status_code:
            raise RefusedError(_said(error)) from error
        raise GarbledReplyError(sock.begins()) from error
    except ValueError as error:
        raise GarbledReplyError(f"{sock.begins()}, and something in it is no number") from error
    except RecursionError as error:
        raise GarbledReplyError(f"{sock.begins()}, and its lists have no end") from error


def _said(error: RedisError) -> str:
    """The whole of what Redis said: redis-py takes the codes that it knows off."""
    return f"{error.status_code} {error}" if error.status_code else str(error)


def _value(reply: object, depth: int) -> Value:
    if not depth:
        raise RecursionError
    if isinstance(reply, list):
        return [_value(item, depth - 1) for item in reply]
    if isinstance(reply, bytes):
        return _text(reply)
    if isinstance(reply, RedisError):
        return _said(reply)  # of a script, beside other replies
    if reply is None or isinstance(reply, int):
        return reply
    raise TypeError(f"redis-py gives {type(reply).__name__}")


def _text(data: bytes) -> Value:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data
