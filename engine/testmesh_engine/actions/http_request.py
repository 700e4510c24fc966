"""``http_request``: one HTTP request over a pool of connections that the flow's steps share."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_driver import load_httpx
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import CaseBlindMap, Value, parse_json, show, to_json

if TYPE_CHECKING:
    import httpx

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
MAX_BODY_BYTES = 32 * 1024 * 1024
_USER_AGENT = "testmesh/0.1"


def _fault_of_url(url: object) -> str:
    """What is wrong with a URL; of one that is none, what stands after its scheme may be a password."""
    text = str(url).strip()
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if sound:
        return ""
    scheme, separator, _ = text.partition("://")
    if scheme in {"http", "https"} and separator:
        return "takes a URL, and its host or port can't be read; in a password, / is written %2F and # is %23"
    found = f"one that starts with {scheme[:20]}://" if separator else show(text, 200)
    return f"takes a URL that starts with http:// or https:// and names a host, found {found}"


def _fault_of_pairs(pairs: object) -> str:
    empty = [name for name, value in pairs.items() if value is None] if isinstance(pairs, dict) else []
    return f'takes text or numbers, and {empty[0]} holds nothing; leave it out, or write ""' if empty else ""


def _fault_of_count(count: object) -> str:
    return f"takes 0 or more, found {count}" if isinstance(count, int) and count < 0 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None
    params: dict[str, list[str]]
    follow: bool
    max_redirects: int


class HttpRequest:
    """One request; a redirect is followed, and the final response is the result."""

    spec = ActionSpec(
        name="http_request",
        doc="Sends one HTTP request and reads the whole response.",
        keys=(
            Key(name="url", kind=Kind.TEXT, required=True, doc="the whole URL, http or https", fault=_fault_of_url),
            Key(name="method", kind=Kind.TEXT, doc="the method", default="GET", choices=METHODS),
            Key(name="headers", kind=Kind.MAP, doc="headers of the request", fault=_fault_of_pairs),
            Key(
                name="params",
                kind=Kind.MAP,
                doc="query parameters",
                aliases=("query_params",),
                fault=_fault_of_pairs,
            ),
            Key(name="body", kind=Kind.ANY, doc="text as it is; anything else as JSON"),
            Key(name="form", kind=Kind.MAP, doc="fields, sent URL-encoded", aliases=("form_data",)),
            Key(
                name="auth",
                kind=Kind.MAP,
                doc="basic: {username, password}, or bearer: the token",
                fields=(
                    Key(name="basic", kind=Kind.MAP, doc="username and password"),
                    Key(name="bearer", kind=Kind.TEXT, doc="the token"),
                ),
                planned={"oauth2": "", "api_key": "Write the header or query parameter itself."},
            ),
            Key(name="follow_redirects", kind=Kind.BOOLEAN, doc="whether to follow redirects", default="true"),
            Key(
                name="max_redirects",
                kind=Kind.INTEGER,
                doc="how many redirects to follow",
                default="10",
                fault=_fault_of_count,
            ),
            Key(name="verify_ssl", kind=Kind.BOOLEAN, doc="whether the certificate is checked", default="true"),
            Key(name="timeout", kind=Kind.DURATION, doc="bounds the request and the whole response", default="30s"),
        ),
        results={
            "status": "the status code, a number",
            "body": "JSON as its value, text as text, anything else as bytes",
            "headers": "the headers, by name in any case",
            "cookies": "the cookies that the response sets",
            "content_type": "the media type without its parameters",
            "url": "the URL that answered, after redirects",
            "redirects": "the URLs that redirected, in order",
        },
        planned={
            "multipart": "",
            "cookies": "Write a Cookie header.",
            "ca_cert": "",
            "client_cert": "",
            "client_key": "",
            "http2": "",
            "save_to_file": "",
            "body_file": "",
            "graphql": 'Write body: {query: "…", variables: {…}}.',
        },
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Send the request. Refused, timed out or garbled is a :class:`ServiceError`; any status is a result."""
        settings = Config(self.spec, config)
        url = settings.text("url").strip()
        method = settings.text("method", "GET").upper()
        headers, body = _headers_and_body(settings)
        request = _Request(
            method=method,
            url=url,
            headers=headers,
            content=body,
            params={name: _texts(value) for name, value in settings.map("params").items()},
            follow=settings.boolean("follow_redirects", default=True),
            max_redirects=settings.integer("max_redirects", 10),
        )
        context.request = _shown_request(method, url, settings)
        context.counters.http_requests += 1
        client = _client(context, verify=settings.boolean("verify_ssl", default=True))
        started = time.monotonic()
        response, content = _send(client, request, context)
        result = _result(response, content)
        result["duration_ms"] = round((time.monotonic() - started) * 1000)
        return result


class _Client:
    """The flow's pool of connections; ``httpx`` is imported when the first request is sent."""

    def __init__(self, *, verify: bool) -> None:
        driver = load_httpx()

        from testmesh_engine.actions.http_transport import Transport  # noqa: PLC0415 - only flows that use HTTP pay

        # No environment: a proxy or netrc of the machine must not change what a flow does.
        self.httpx: httpx.Client = driver.Client(
            transport=Transport(verify=verify),
            trust_env=False,
            timeout=None,
        )
        self.httpx.headers["User-Agent"] = _USER_AGENT
        self.hops: list[str] = []
        """Each request of the exchange under way, as it is sent: more than one where the service redirects."""
        self.httpx.event_hooks = {"request": [lambda sent: self.hops.append(f"{sent.method} {sent.url}")]}

    def close(self) -> None:
        self.httpx.close()


def _client(context: Context, *, verify: bool) -> _Client:
    return context.connections.get(_Client, "" if verify else "trusting", lambda: _Client(verify=verify))


def _send(client: _Client, request: _Request, context: Context) -> tuple[httpx.Response, bytes]:
    import httpcore  # noqa: PLC0415 - only flows that use HTTP pay for it
    import httpx  # noqa: PLC0415 - the same

    garbled = (
        *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, httpcore.ProxyError),
        *(httpcore.ConnectionNotAvailable, httpcore.TimeoutException, httpx.HTTPError),
    )
    client.hops.clear()
    try:
        return _exchange(client.httpx, request, context)
    except TimeRanOutError as error:
        message = f"no whole response to {_target(client, request)} within {error}"
        raise ServiceError(message, kind="timeout") from error
    except httpcore.ConnectError as error:
        message = f"can't connect for {_target(client, request)}: {error}"
        raise ServiceError(message, kind="connection_error") from error
    except garbled as error:
        raise ServiceError(f"{_target(client, request)}: {_said(error)}", kind="protocol_error") from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UsageError(f"{request.method} {request.url} can't be sent: {error}") from error


def _target(client: _Client, request: _Request) -> str:
    """The request that went wrong: after redirects, the last one."""
    first = f"{request.method} {request.url}"
    return f"{client.hops[-1]} (redirected from {first})" if len(client.hops) > 1 else first


def _exchange(client: httpx.Client, request: _Request, context: Context) -> tuple[httpx.Response, bytes]:
    """The response and its whole body, closed whatever happens."""
    import httpx  # noqa: PLC0415 - only flows that use HTTP pay for it

    from testmesh_engine.actions.http_transport import BOUNDS  # noqa: PLC0415 - the same

    BOUNDS.set((context.deadline, context.interrupt))
    client.max_redirects = request.max_redirects
    # The parameters join those of the URL: httpx's own argument would replace them.
    url = httpx.URL(request.url).copy_merge_params(request.params) if request.params else request.url
    built = client.build_request(request.method, url, headers=request.headers, content=request.content)
    _note_cookies(context, built.headers.get("cookie", ""))
    response = client.send(built, stream=True, follow_redirects=request.follow)
    try:
        return response, _read(response)
    finally:
        response.close()


def _note_cookies(context: Context, sent: str) -> None:
    """Show the Cookie header that the session sends: no line of the flow holds it."""
    headers = context.request.get("headers")
    given = headers if isinstance(headers, dict) else {}
    if sent and sent not in given.values():
        context.request["headers"] = {**{k: v for k, v in given.items() if k.lower() != "cookie"}, "cookie": sent}


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _read(response: httpx.Response) -> bytes:
    """Read the body; one that is larger than any test could mean is refused before it fills the memory."""
    received = bytearray()
    for chunk in response.iter_bytes():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            raise ServiceError(f"the response is larger than {MAX_BODY_BYTES >> 20} MiB", kind="protocol_error")
    return bytes(received)


def _headers_and_body(settings: Config) -> tuple[dict[str, str], bytes | None]:
    headers = {name: _text(value) for name, value in settings.map("headers").items()}
    names = {name.lower(): value.lower() for name, value in headers.items()}
    headers.update(_authorization(settings.map("auth"), names))
    body, form = settings.value("body"), settings.map("form")
    if form and body is not None:
        raise UsageError("a request has body or form, not both")
    if isinstance(body, dict) and names.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form, body = body, None
    if form:
        headers.update(_unless(names, "Content-Type", "application/x-www-form-urlencoded"))
        return headers, _url_encoded(form)
    if body is None:
        return headers, None
    if isinstance(body, bytes):
        return headers, body
    if isinstance(body, str):
        headers.update(_unless(names, "Content-Type", "text/plain; charset=utf-8"))
        return headers, body.encode()
    headers.update(_unless(names, "Content-Type", "application/json"))
    return headers, to_json(body).encode()


def _unless(names: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    return {} if name.lower() in names else {name: value}


def _url_encoded(form: Mapping[str, Value]) -> bytes:
    from urllib.parse import urlencode  # noqa: PLC0415 - beside its only use

    return urlencode([(name, text) for name, value in form.items() for text in _texts(value)]).encode()


def _authorization(auth: Mapping[str, Value], names: Mapping[str, str]) -> dict[str, str]:
    if not auth:
        return {}
    if "authorization" in names:
        raise UsageError("a request has auth or an Authorization header, not both")
    bearer, basic = auth.get("bearer"), auth.get("basic")
    if len(auth) == 1 and isinstance(bearer, str):
        return {"Authorization": f"Bearer {bearer}"}
    if len(auth) == 1 and isinstance(basic, dict) and basic.keys() == {"username", "password"}:
        pair = f"{_text(basic['username'])}:{_text(basic['password'])}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}
    raise UsageError("auth is {basic: {username, password}} or {bearer: token}", hint="oauth2 and api_key come later.")


def _text(value: Value) -> str:
    return value if isinstance(value, str) else to_json(value)


def _texts(value: Value) -> list[str]:
    """A parameter may be repeated: a list gives one for each item."""
    return [_text(item) for item in value] if isinstance(value, list) else [_text(value)]


def _shown_request(method: str, url: str, settings: Config) -> dict[str, Value]:
    shown: dict[str, Value] = {"method": method, "url": url}
    for key in ("params", "headers", "body", "form"):
        if settings.value(key) is not None:
            shown[key] = settings.value(key)
    return shown


def _result(response: httpx.Response, content: bytes) -> Result:
    headers = _headers(response.headers.raw)
    kind = str(headers.get("content-type", ""))
    content_type = kind.partition(";")[0].strip().lower()
    return {
        "status": response.status_code,
        "body": _body(content, content_type, response.charset_encoding if ";" in kind else None),
        "headers": headers,
        "cookies": dict(response.cookies.items()) if "set-cookie" in headers else {},
        "content_type": content_type,
        "url": str(response.url),
        "redirects": [str(earlier.url) for earlier in response.history],
    }


def _headers(raw: list[tuple[bytes, bytes]]) -> CaseBlindMap:
    """The headers by lower-case name; one that is repeated is joined by commas (RFC 9110, 5.3)."""
    found: dict[str, list[str]] = {}
    for name, value in raw:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return CaseBlindMap({name: ", ".join(values) for name, values in found.items()})


def _body(content: bytes, content_type: str, charset: str | None) -> Value:
    """JSON where the response says so, or says nothing and is it; text that says it is JSON and isn't stays text."""
    if not content:
        return None if "json" in content_type else ""
    if "json" in content_type or (not content_type and content[:1] in b'{["'):
        try:
            return parse_json(content)
        except ValueError:
            return _decoded(content, charset)
    if not content_type or content_type.startswith("text/") or _is_text(content_type):
        return _decoded(content, charset)
    return content


def _decoded(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError):  # Python has codecs that decode no text (idna, undefined)
        return content.decode("utf-8", "replace")


def _is_text(content_type: str) -> bool:
    return any(word in content_type for word in ("xml", "yaml", "javascript", "x-www-form-urlencoded", "html"))
