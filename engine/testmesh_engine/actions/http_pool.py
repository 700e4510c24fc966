"""The connections of a flow: kept between its requests, looked at before they are used again, closed at its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from testmesh_engine.actions.http_message import SAFE_METHODS, Bounds, Head, LostError, Outgoing
from testmesh_engine.actions.http_transport import Stream, connect, start_tls
from testmesh_engine.contract.record import dataclass

if TYPE_CHECKING:
    import ssl

    from testmesh_engine.actions.http_tls import Tls
    from testmesh_engine.actions.http_url import Url

IDLE_SECONDS = 30.0
"""After this long a kept connection is not used again."""

IDLE_SECONDS_OF_CHANGES = 1.0
"""The same before a request that changes something: servers close idle connections after 2 s or more, and whether a
POST that met such a close was executed nobody knows."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Speaker(Protocol):
    """A connection that speaks a version of HTTP: ``http_h1.py``, ``http_h2.py``."""

    @property
    def stream(self) -> Stream:
        """Its connection."""

    def send(self, request: Outgoing) -> Head:
        """Send a request; the head of its answer."""

    def body(self) -> Iterator[bytes]:
        """The body, as it comes."""

    def finish(self) -> bool:
        """Whether another request may follow."""

    def is_alive(self) -> bool:
        """Whether a connection that lay idle can be used again."""

    def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True)
class _Idle:
    speaker: Speaker
    since: float


class Pool:
    """The connections that share what they say of TLS and HTTP/2."""

    def __init__(self, tls: Tls | None, *, http2: bool) -> None:
        self._tls = tls
        self._http2 = http2
        self._context: ssl.SSLContext | None = None
        self._idle: dict[tuple[str, str, int], list[_Idle]] = {}
        self._lock = threading.Lock()

    def exchange(self, request: Outgoing, bounds: Bounds) -> tuple[Speaker, Head]:
        """Send ``request``; the head of its answer, and the connection to read the body from.

        On a connection that was kept and turns out to be closed, a request is sent once more only where it can't have
        been executed twice: it changes nothing, or the server says that it did not look at it.
        """
        speaker = self._kept(request, bounds)
        if speaker is not None:
            try:
                return speaker, _sent(speaker, request, bounds)
            except LostError as error:
                if error.answered or not (error.unprocessed or request.method in SAFE_METHODS):
                    raise _not_again(error, request) from error
        speaker = self._new(request.url, bounds)
        return speaker, _sent(speaker, request, bounds)

    def give_back(self, speaker: Speaker, url: Url) -> None:
        """Keep the connection of a finished exchange for the next."""
        with self._lock:
            self._idle.setdefault(_place(url), []).append(_Idle(speaker, time.monotonic()))

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            for kept in self._idle.values():
                for idle in kept:
                    idle.speaker.close()
            self._idle.clear()

    def _kept(self, request: Outgoing, bounds: Bounds) -> Speaker | None:
        longest = IDLE_SECONDS if request.method in SAFE_METHODS else IDLE_SECONDS_OF_CHANGES
        with self._lock:
            kept = self._idle.get(_place(request.url), [])
            while kept:
                idle = kept.pop()
                idle.speaker.stream.begin(bounds)
                if time.monotonic() - idle.since < longest and idle.speaker.is_alive():
                    return idle.speaker
                idle.speaker.close()
        return None

    def _new(self, url: Url, bounds: Bounds) -> Speaker:
        host = url.raw_host.decode("ascii")
        # A certificate that can't be read is the author's fault, whether or not the server is there.
        context = self._tls_context() if url.scheme == "https" else None
        stream = connect(host, _place(url)[2], bounds)
        spoken = "h2" if self._http2 else "http/1.1"
        if context is not None:
            secured = start_tls(stream, context, host)
            stream, spoken = secured, secured.sock.selected_alpn_protocol() or "http/1.1"
        if spoken == "h2":
            from testmesh_engine.actions.http_h2 import Http2  # noqa: PLC0415 - only steps that ask for it pay

            return Http2(stream)
        from testmesh_engine.actions.http_h1 import Http1  # noqa: PLC0415 - only flows that use HTTP pay

        return Http1(stream)

    def _tls_context(self) -> ssl.SSLContext:
        from testmesh_engine.actions.http_tls import Tls, context_of  # noqa: PLC0415 - only flows that use TLS pay

        with self._lock:
            if self._context is None:
                alpn = ["h2", "http/1.1"] if self._http2 else ["http/1.1"]
                self._context = context_of(self._tls or Tls(), alpn)
            return self._context


def _sent(speaker: Speaker, request: Outgoing, bounds: Bounds) -> Head:
    bounds.phase = "connected, and nothing of the answer has come"
    try:
        return speaker.send(request)
    except BaseException:
        speaker.close()
        raise


def _not_again(error: LostError, request: Outgoing) -> LostError:
    if error.answered:
        return error
    hint = f"It is not sent again: the {request.method} may have been executed."
    return LostError(f"{error.message}, on a connection kept from an earlier request", hint)


def _place(url: Url) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS[url.scheme]
