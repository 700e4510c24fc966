"""One connection to a gRPC server that the steps of a flow share, and calls on it that end when they must."""

from __future__ import annotations

import os
import re
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import Any

import grpc

from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import CaseBlindMap, Value

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
MAX_MESSAGES = 100_000

_OWN = re.compile(
    r"failed to connect to all addresses|errors resolving |DNS resolution failed|empty address list|Socket closed"
    r"|Connection reset|Broken pipe|recvmsg:|sendmsg:|Endpoint |endpoint |GOAWAY |keepalive |Stream removed|RST_STREAM"
    r"|Received RST_STREAM|Received http2 |CLIENT: |Exception |Deframing|Failed parsing HTTP/2|Transport closed"
    r"|tcp handshaker|Ssl handshake|Handshake|Connect Failed|Invalid gRPC|Error parsing"
)
"""How the library's own words for a broken call begin: a server may send a status of the same code."""
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_retries", 0),  # a call is made once: what a service sees is what the flow says
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),  # a flow's failures are its own
    ("grpc.primary_user_agent", "testmesh/0.1"),
]


@dataclass(slots=True, kw_only=True)
class Ended:
    """A call that the server has ended: ``code`` as gRPC numbers it. ``messages`` are the bytes that came."""

    code: int
    status: str
    details: str
    messages: list[bytes]
    metadata: Value
    trailers: Value


@dataclass(slots=True)
class BrokenError(Exception):
    """A call that came to no end by the server: the status is our own library's."""

    status: str
    details: str
    messages: list[bytes] = field(default_factory=list)

    def __str__(self) -> str:
        return self.details


@dataclass(frozen=True, slots=True)
class Secured:
    """TLS of a channel, as bytes of PEM; ``server_name`` is the name that the certificate is for, "" for the host's."""

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    server_name: str = ""

    def __repr__(self) -> str:
        return "<Secured>"  # it may hold a private key


class Channel:
    """A connection, opened by the first call. ``schemas`` keeps what was learned of its services."""

    def __init__(self, address: str, secured: Secured | None) -> None:
        self.schemas: dict[str, object] = {}
        if secured is None:
            self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        else:
            name = [("grpc.ssl_target_name_override", secured.server_name)] if secured.server_name else []
            credentials = grpc.ssl_channel_credentials(secured.ca, secured.key, secured.certificate)
            self._channel = grpc.secure_channel(address, credentials, options=[*_OPTIONS, *name])

    def close(self) -> None:
        """Close the connection; calls under way are cancelled."""
        self._channel.close()

    def call(  # noqa: PLR0913 - what a call is made of
        self,
        path: str,
        requests: Sequence[bytes],
        *,
        metadata: Sequence[tuple[str, str | bytes]],
        deadline: Deadline,
        interrupt: Interrupt,
        most: int = MAX_MESSAGES,
    ) -> Ended:
        """Send ``requests`` and read what comes, ``most`` messages at most; then the call is cancelled.

        Every kind of method is the same on the wire. Raises :class:`BrokenError`, ``TimeRanOutError``,
        ``Interrupted``.
        """
        interrupt.check()
        deadline.check()
        method = self._channel.stream_stream(path)
        call = method(iter(requests), timeout=deadline.remaining(), metadata=metadata)
        messages: list[bytes] = []
        with _cancelled_by(interrupt, call.cancel):
            enough = _read(call, messages, most)
        interrupt.check()
        return _ended(call, messages, enough=enough, deadline=deadline)


def _read(call: Any, messages: list[bytes], most: int) -> bool:
    """Read until the server ends the call, or there are ``most`` messages: whether that is why."""
    try:
        for message in call:
            messages.append(message)
            if len(messages) >= most:
                call.cancel()
                return True
    except grpc.RpcError:
        pass  # the call itself tells its status
    return False


def _ended(call: Any, messages: list[bytes], *, enough: bool, deadline: Deadline) -> Ended:
    code, details = call.code(), call.details() or ""
    if enough:
        code, details = grpc.StatusCode.CANCELLED, f"we ended it after {len(messages)} messages"
    elif code is grpc.StatusCode.DEADLINE_EXCEEDED and (deadline.passed or "Deadline Exceeded" in details):
        raise BrokenError(code.name, deadline.what, messages)
    elif code is not grpc.StatusCode.OK and _OWN.match(details):
        raise BrokenError(code.name, details, messages)
    return Ended(
        code=code.value[0],
        status=code.name,
        details=details,
        messages=messages,
        metadata=_pairs(call.initial_metadata() if messages or not enough else ()),
        trailers=_pairs(() if enough else call.trailing_metadata()),
    )


def _pairs(metadata: Any) -> Value:
    found: dict[str, Value] = {}
    for name, value in metadata or ():
        before = found.get(name)
        found[name] = f"{before}, {value}" if isinstance(before, str) and isinstance(value, str) else value
    return CaseBlindMap(found)


@contextmanager
def _cancelled_by(interrupt: Interrupt, cancel: Callable[[], object]) -> Iterator[None]:
    """Cancel what is under way once the interrupt is set: the library's own waiting knows nothing of it."""
    read, write = os.pipe()

    def watch() -> None:
        poller = select.poll()
        poller.register(read, select.POLLIN)
        poller.register(interrupt.fileno(), select.POLLIN)
        if read not in dict(poller.poll()):
            cancel()

    watcher = threading.Thread(target=watch, name="grpc-interrupt", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        os.write(write, b"!")
        watcher.join()
        os.close(read)
        os.close(write)
