"""A request with all that follows it: cookies that the flow keeps, redirects, and the whole body, decoded."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from testmesh_engine.actions.http_decoding import decoded
from testmesh_engine.actions.http_driver import load_httpx
from testmesh_engine.actions.http_message import Bounds, GarbledError, Head, Outgoing
from testmesh_engine.actions.http_pool import Pool, Speaker
from testmesh_engine.contract.record import dataclass

if TYPE_CHECKING:
    import httpx

    from testmesh_engine.actions.http_tls import Tls
    from testmesh_engine.actions.http_url import Url

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
_WITH_A_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods that announce even an empty body (RFC 9110, 8.6)."""
_OF_A_BODY = ("content-", "transfer-encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a step asks for, before cookies of the session and ``Host`` are added.

    ``cookies`` are the step's own. ``secret_headers`` names, in lower case, those that no other host may get.
    """

    method: str
    url: Url
    headers: Mapping[str, str]
    body: bytes = b""
    cookies: Mapping[str, str] = field(default_factory=dict)
    secret_headers: frozenset[str] = frozenset()
    follow: bool = True
    max_redirects: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The final answer of an exchange: its body is decoded; ``cookies`` are those that any answer on the way set."""

    head: Head
    body: bytes
    url: Url
    redirects: tuple[str, ...]
    cookies: Mapping[str, str]


class Session:
    """What the HTTP steps of one flow share, also those that run at once: connections, cookies, tokens."""

    for_all = True

    def __init__(self) -> None:
        self._cookies: httpx.Cookies | None = None
        self._lock = threading.Lock()
        self.tokens: dict[tuple[str, ...], tuple[str, float]] = {}
        """Access tokens by what they were asked for with, each with the moment of the monotonic clock it ends at."""
        self._pools: dict[tuple[Tls | None, bool], Pool] = {}

    def pool(self, tls: Tls | None, *, http2: bool) -> Pool:
        """The connections for this way of TLS."""
        return self._pools.setdefault((tls, http2), Pool(tls, http2=http2))

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()

    def cookies_for(self, url: Url) -> dict[str, str]:
        """The cookies that go to ``url``."""
        if self._cookies is None:
            return {}
        asked = load_httpx().Request("GET", str(url))
        self._cookies.set_cookie_header(asked)
        return _pairs(asked.headers.get("cookie", ""))

    def keep_cookies(self, head: Head, url: Url) -> None:
        """Keep those that an answer sets, by the rules of browsers."""
        httpx = load_httpx()
        with self._lock:
            # Steps that run at once must not each begin with cookies of their own.
            self._cookies = kept = httpx.Cookies() if self._cookies is None else self._cookies
        lines = [("set-cookie", value) for value in head.values("set-cookie")]
        request = httpx.Request("GET", str(url))
        kept.extract_cookies(httpx.Response(head.status, headers=lines, request=request))


@dataclass(slots=True)
class Exchange:
    """One exchange under way; ``sent`` are its requests so far, more than one where the service redirects."""

    session: Session
    pool: Pool
    bounds: Bounds
    sent: list[Outgoing] = field(default_factory=list)
    head: Head | None = None
    partial: bytearray = field(default_factory=bytearray)
    """What of the last body has come, decoded: the whole of it, or what a failure shows."""
    cookies: dict[str, str] = field(default_factory=dict)

    def run(self, request: Request) -> Answer:
        """The final answer. Raises ``ExchangeError``, ``TimeRanOutError``, ``Interrupted``."""
        while True:
            outgoing = self.outgoing(request)
            self.sent.append(outgoing)
            speaker, head = self.pool.exchange(outgoing, self.bounds)
            try:
                self._keep_cookies(head, request.url)
                target = _target(head) if request.follow else ""
                body = self._read(speaker, head, outgoing)
            except BaseException:
                speaker.close()
                raise
            if not target:
                return self._answer(head, body, request)
            request = self._next(request, head, target)

    def _answer(self, head: Head, body: bytes, request: Request) -> Answer:
        redirects = tuple(str(sent.url) for sent in self.sent[:-1])
        return Answer(head=head, body=body, url=request.url, redirects=redirects, cookies=self.cookies)

    def outgoing(self, request: Request) -> Outgoing:
        """``request`` as it goes over the connection, with the cookies of the session."""
        headers = dict(request.headers)
        names = {name.lower() for name in headers}
        if "host" not in names:
            headers = {"Host": request.url.netloc.decode("ascii"), **headers}
        if "cookie" not in names:
            cookies = {**self.session.cookies_for(request.url), **request.cookies}
            if cookies:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        has_body = bool(request.body) or request.method in _WITH_A_BODY
        if has_body and not names & {"content-length", "transfer-encoding"}:
            headers["Content-Length"] = str(len(request.body))
        return Outgoing(method=request.method, url=request.url, headers=tuple(headers.items()), body=request.body)

    def _keep_cookies(self, head: Head, url: Url) -> None:
        lines = head.values("set-cookie")
        if lines:
            self.session.keep_cookies(head, url)
            self.cookies.update({name: value for line in lines for name, value in _pairs(line.split(";")[0]).items()})

    def _read(self, speaker: Speaker, head: Head, request: Outgoing) -> bytes:
        """The whole body, and the connection given back where it can be used again."""
        self.head = head
        self.partial.clear()
        self.bounds.received = 0
        self.bounds.phase = "the head of the answer came, and nothing of its body"
        for chunk in decoded(self._counted(speaker.body()), _encodings(head, request)):
            self.partial += chunk
        if speaker.finish():
            self.pool.give_back(speaker, request.url)
        else:
            speaker.close()
        return bytes(self.partial)

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.bounds.received += len(chunk)
            self.bounds.phase = f"{self.bounds.received} bytes of the body had come, and not its end"
            yield chunk

    def _next(self, request: Request, head: Head, target: str) -> Request:
        if len(self.sent) > request.max_redirects:
            raise self._too_many(request.max_redirects)
        url = _joined(request.url, target)
        following = replace(request, url=url, **_rewritten(request, head.status))  # type: ignore[arg-type]  # its fields
        if _is_same_server(request.url, url):
            return following
        secret = _CREDENTIALS | {"host"} | request.secret_headers
        headers = {name: value for name, value in following.headers.items() if name.lower() not in secret}
        return replace(following, headers=headers, cookies={})

    def _too_many(self, limit: int) -> GarbledError:
        visited = [f"{sent.method} {sent.url}" for sent in self.sent]
        again = next((place for place in visited if visited.count(place) > 1), "")
        way = f"it goes round in a circle through {again}" if again else f"the last one to {visited[-1]}"
        return GarbledError(
            f"more than {limit} redirects, {way}", "max_redirects allows more; follow_redirects: false shows the first."
        )


def _target(head: Head) -> str:
    """Where the answer redirects to, "" where it does not."""
    location = head.values("location")
    return location[0] if head.status in REDIRECTS and location else ""


def _joined(url: Url, target: str) -> Url:
    try:
        # Of several encodings in a header, UTF-8 is what servers mean.
        joined = url.joined(target.encode("latin-1").decode("utf-8", "replace"))
    except ValueError as error:
        raise GarbledError(f"it redirects to what is no URL: {target[:200]!r}") from error
    if joined.scheme not in {"http", "https"} or not joined.host:
        raise GarbledError(f"it redirects to what is no http:// or https:// URL: {target[:200]!r}")
    return joined


def _rewritten(request: Request, status: int) -> dict[str, object]:
    """The method and body of the request that follows (RFC 9110, 15.4): 303 asks for GET, 301 and 302 do after POST."""
    becomes_get = (status == 303 and request.method not in {"GET", "HEAD"}) or (
        status in {301, 302} and request.method == "POST"
    )
    if not becomes_get:
        return {}
    headers = {name: value for name, value in request.headers.items() if not name.lower().startswith(_OF_A_BODY)}
    return {"method": "GET", "body": b"", "headers": headers}


def _is_same_server(old: Url, new: Url) -> bool:
    """Whether credentials may go along: the same origin, or its change from http to https."""
    if old.host != new.host:
        return False
    upgraded = (old.scheme, new.scheme) == ("http", "https") and old.port is None and new.port is None
    return upgraded or (old.scheme, old.port) == (new.scheme, new.port)


def _encodings(head: Head, request: Outgoing) -> list[str]:
    """What the body is encoded with; nothing for an answer that has none."""
    if request.method == "HEAD" or head.status in {204, 304}:
        return []
    named = ",".join(head.values("content-encoding")).lower().split(",")
    return [name for part in named if (name := part.strip()) not in {"", "identity"}]


def _pairs(line: str) -> dict[str, str]:
    """The cookies of a header: ``a=1; b=2``."""
    parts = (part.partition("=") for part in line.split(";") if "=" in part)
    return {name.strip(): value.strip() for name, _, value in parts}
