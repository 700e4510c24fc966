"""From a step's config to the request that it means: URL, headers, credentials, body, and by which means it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_auth import Credentials, basic_of, credentials_of
from testmesh_engine.actions.http_content import KEYS, Content, content_of, text_of, texts
from testmesh_engine.actions.http_curl import Means, curl_line
from testmesh_engine.actions.http_decoding import OFFERED
from testmesh_engine.actions.http_exchange import Request
from testmesh_engine.actions.http_files import path_of
from testmesh_engine.actions.http_message import Outgoing
from testmesh_engine.actions.http_url import Url, UrlError, read_url
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

if TYPE_CHECKING:
    from testmesh_engine.actions.http_tls import Tls

ALWAYS = {"Accept": "*/*", "Accept-Encoding": OFFERED, "User-Agent": "testmesh/0.1"}
_UNSHOWN = {"host", "content-length", *(name.lower() for name in ALWAYS)}
"""Headers that every request has: a report shows them only where the step itself sets them."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What the name of a header or cookie is made of (RFC 9110, 5.6.2)."""
_FORBIDDEN = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request, what its body was made of, and by which means it goes."""

    request: Request
    content: Content
    means: Means
    own_headers: frozenset[str]
    """The names of the step's own headers, in lower case."""

    def shown(self, sent: Outgoing, settings: Config) -> dict[str, Value]:
        """What was sent, for reports; the body as the flow has it. Secrets are masked by whoever shows it."""
        shown: dict[str, Value] = {"method": sent.method, "url": str(sent.url)}
        seen = {name: value for name, value in sent.headers if self._is_worth_showing(name.lower())}
        if seen:
            shown["headers"] = {**seen}
        for key in KEYS:
            if settings.value(key) not in (None, {}):
                shown[key] = settings.value(key)
        if self.content.parts:
            shown["multipart"] = [part.shown() for part in self.content.parts]
        shown["curl"] = curl_line(sent, self.content, self.means)
        return shown

    def _is_worth_showing(self, name: str) -> bool:
        return name in self.own_headers or name not in _UNSHOWN


def prepare(
    settings: Config, *, folder: Path | None, traceparent: str, token: Callable[[Mapping[str, Value]], str]
) -> Prepared:
    """The request of a step. ``token`` fetches one for the map of ``auth.oauth2``.

    Raises ``UsageError`` for what can't be sent as it is written, and whatever ``token`` raises.
    """
    own = headers_of(settings)
    names = {name.lower(): value for name, value in own.items()}
    content = content_of(settings, names.get("content-type", "").lower(), folder)
    _check_framing(names, content)
    url = _url(settings.text("url").strip())
    credentials = _credentials(settings, url, names, token)
    pairs = {name: texts(value) for name, value in settings.map("params").items()} | {
        name: [text] for name, text in credentials.params.items()
    }
    request = Request(
        method=_method(settings),
        # The parameters join those of the URL.
        url=url.with_params(pairs) if pairs else url,
        headers=_headers(own, names, content, {**credentials.headers, "traceparent": traceparent}),
        body=content.data,
        cookies=_cookies(settings, names),
        secret_headers=frozenset(name.lower() for name in credentials.headers),
        follow=settings.boolean("follow_redirects", default=True),
        max_redirects=settings.integer("max_redirects", 10),
    )
    return Prepared(request=request, content=content, means=_means(settings, request), own_headers=frozenset(names))


def _method(settings: Config) -> str:
    if settings.value("graphql") is None:
        return settings.text("method", "GET").upper()
    method = settings.text("method", "POST").upper()
    if method != "POST":
        raise UsageError(f"graphql is sent by POST, found method: {method}", hint="Leave method out.")
    return method


def _url(text: str) -> Url:
    try:
        return read_url(text)
    except UrlError as error:
        raise UsageError(f"url can't be used: {error}") from error


def headers_of(settings: Config) -> dict[str, str]:
    """The step's own headers, as text. Raises ``UsageError`` for a name or value that no header can have."""
    found = {name.strip(): text_of(value).strip() for name, value in settings.map("headers").items()}
    for name, value in found.items():
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"headers: {name[:80]!r} is no name of a header", hint="It has letters, digits and - only."
            )
        if _FORBIDDEN.search(value):
            raise UsageError(f"headers: the value of {name} has several lines, and a header has one")
    return found


def _check_framing(names: Mapping[str, str], content: Content) -> None:
    length = names.get("content-length", "")
    if length and length != str(len(content.data)):
        raise UsageError(
            f"headers: Content-Length is {length[:20]}, and the body has {len(content.data)} bytes",
            hint="Leave it out: it is set by itself.",
        )


def _credentials(
    settings: Config, url: Url, names: Mapping[str, str], token: Callable[[Mapping[str, Value]], str]
) -> Credentials:
    auth = settings.map("auth")
    if not auth and url.userinfo and "authorization" not in names:
        return Credentials(headers={"Authorization": basic_of(url.username, url.password)})
    found = credentials_of(auth, token)
    for name, value in found.headers.items():
        if name.lower() in names:
            raise UsageError(f"a request has auth or {_article(name)} {name} header, not both")
        if not _NAME.fullmatch(name) or _FORBIDDEN.search(value):
            raise UsageError("auth can't be sent as a header: its name or its value has characters that none may have")
    return found


def _article(name: str) -> str:
    return "an" if name[:1] in "AEIOUaeiou" else "a"


def _headers(
    own: Mapping[str, str], names: Mapping[str, str], content: Content, added: Mapping[str, str]
) -> dict[str, str]:
    """The step's own come first, as they are written; the rest where it says nothing else."""
    given = {**ALWAYS, "Content-Type": content.content_type, **added}
    if content.accept:
        given["Accept"] = content.accept
    return {**own, **{name: value for name, value in given.items() if value and name.lower() not in names}}


def _cookies(settings: Config, names: Mapping[str, str]) -> dict[str, str]:
    cookies = {name: text_of(value) for name, value in settings.map("cookies").items()}
    if cookies and "cookie" in names:
        raise UsageError("a request has cookies or a Cookie header, not both")
    for name, value in cookies.items():
        if not _NAME.fullmatch(name) or _FORBIDDEN.search(value) or ";" in value:
            raise UsageError(f"cookies: {name[:80]} can't be sent: no name has spaces, and no value has ; or lines")
    return cookies


def _means(settings: Config, request: Request) -> Means:
    follow = request.max_redirects if request.follow else None
    http2 = settings.boolean("http2", default=False)
    if http2:
        _require_http2()
    return Means(
        verify=settings.boolean("verify_ssl", default=True),
        ca=settings.text("ca_cert"),
        certificate=settings.text("client_cert"),
        key=settings.text("client_key"),
        redirects=follow,
        http2=http2,
    )


def _require_http2() -> None:
    try:
        import h2.connection  # noqa: F401, PLC0415 - only steps that ask for it pay
    except ImportError as error:
        raise UsageError(
            f"http2 needs a library: {error}", hint="Install it with: pip install 'testmesh[http2]'"
        ) from error


def tls_of(settings: Config, folder: Path | None) -> Tls | None:
    """What the step says of TLS, ``None`` for nothing; paths are those beside the flow."""
    texts_given = [settings.text(key) for key in ("ca_cert", "client_cert", "client_key")]
    verify = settings.boolean("verify_ssl", default=True)
    if verify and not any(texts_given):
        return None
    from testmesh_engine.actions.http_tls import Tls, is_pem  # noqa: PLC0415 - only steps that say something of it pay

    ca, certificate, key = (
        text if not text or is_pem(text) else str(path_of(text, folder, key=name))
        for name, text in zip(("ca_cert", "client_cert", "client_key"), texts_given, strict=True)
    )
    return Tls(verify=verify, ca=ca, certificate=certificate, key=key)
