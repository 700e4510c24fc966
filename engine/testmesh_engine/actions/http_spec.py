"""The declaration of ``http_request``: its keys, what may stand under them, its results."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from testmesh_engine.actions.http_auth import fault_of_auth, fault_of_client_auth, fault_of_place
from testmesh_engine.actions.http_files import fault_of_saved
from testmesh_engine.actions.http_multipart import fault_of_multipart
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.expressions import show

_FIRST_FAULT = 400
"""The first status that tells of one, the client's or the server's (RFC 9110, 15)."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")


def fault_of_url(url: object) -> str:
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


def _why_unsuccessful(result: Mapping[str, object]) -> str:
    status = result["status"]
    return f"status is {status}" if isinstance(status, int) and status >= _FIRST_FAULT else ""


def _fault_of_count(count: object) -> str:
    return f"takes 0 or more, found {count}" if isinstance(count, int) and count < 0 else ""


_AUTH = Key(
    name="auth",
    kind=Kind.MAP,
    doc="one of basic: {username, password}, bearer: the token, api_key and oauth2",
    fault=fault_of_auth,
    fields=(
        Key(
            name="basic",
            kind=Kind.MAP,
            doc="user name and password",
            fields=(
                Key(name="username", kind=Kind.TEXT, required=True, doc="the user's name"),
                Key(name="password", kind=Kind.TEXT, doc="the password"),
            ),
        ),
        Key(name="bearer", kind=Kind.TEXT, doc="the token"),
        Key(
            name="api_key",
            kind=Kind.MAP,
            doc="a header or query parameter that says who asks",
            fields=(
                Key(name="name", kind=Kind.TEXT, required=True, doc="its name, such as X-API-Key"),
                Key(name="value", kind=Kind.TEXT, required=True, doc="the key"),
                Key(
                    name="in",
                    kind=Kind.TEXT,
                    doc="where it stands, header or query",
                    default="header",
                    fault=fault_of_place,
                ),
            ),
        ),
        Key(
            name="oauth2",
            kind=Kind.MAP,
            doc="a token by client credentials, fetched once and used by the flow until it ends",
            fields=(
                Key(
                    name="token_url",
                    kind=Kind.TEXT,
                    required=True,
                    doc="where tokens are given out",
                    fault=fault_of_url,
                ),
                Key(name="client_id", kind=Kind.TEXT, required=True, doc="the client's name"),
                Key(name="client_secret", kind=Kind.TEXT, required=True, doc="the client's secret"),
                Key(name="scope", kind=Kind.TEXT, doc="what is asked for, several with spaces between"),
                Key(name="audience", kind=Kind.TEXT, doc="for whom the token is"),
                Key(
                    name="client_auth",
                    kind=Kind.TEXT,
                    doc="where name and secret stand: basic (the Authorization header) or body",
                    default="basic",
                    fault=fault_of_client_auth,
                ),
            ),
        ),
    ),
)

SPEC = ActionSpec(
    name="http_request",
    doc="Sends one HTTP request and reads the whole response.",
    example=(
        "- id: order\n"
        "  action: http_request\n"
        '  config: {method: POST, url: "http://localhost:5003/orders", body: {quantity: 2}}\n'
        "  assert: [status == 201, body.total == 59.98]\n"
    ),
    keys=(
        Key(name="url", kind=Kind.TEXT, required=True, doc="the whole URL, http or https", fault=fault_of_url),
        Key(name="method", kind=Kind.TEXT, doc="the method; POST with graphql", default="GET", choices=METHODS),
        Key(name="headers", kind=Kind.MAP, doc="headers of the request", fault=_fault_of_pairs, case_blind=True),
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
            name="multipart",
            kind=Kind.MAP,
            doc="fields and files by name; a file is {file: path}, {content: …} or {base64: …}",
            fault=fault_of_multipart,
        ),
        Key(name="body_file", kind=Kind.TEXT, doc="a file beside the flow, sent as it is"),
        Key(
            name="graphql",
            kind=Kind.MAP,
            doc="an operation of GraphQL; its errors are in the result, as body.errors",
            fields=(
                Key(name="query", kind=Kind.TEXT, required=True, doc="the text of the operation"),
                Key(name="variables", kind=Kind.MAP, doc="its variables"),
                Key(name="operation_name", kind=Kind.TEXT, doc="which operation of several in query"),
            ),
        ),
        _AUTH,
        Key(name="cookies", kind=Kind.MAP, doc="cookies beside those of the session", fault=_fault_of_pairs),
        Key(name="follow_redirects", kind=Kind.BOOLEAN, doc="whether to follow redirects", default="true"),
        Key(
            name="max_redirects",
            kind=Kind.INTEGER,
            doc="how many redirects to follow",
            default="10",
            fault=_fault_of_count,
        ),
        Key(name="verify_ssl", kind=Kind.BOOLEAN, doc="whether the certificate is checked", default="true"),
        Key(name="ca_cert", kind=Kind.TEXT, doc="whom alone to trust: a certificate's path, or its PEM text"),
        Key(name="client_cert", kind=Kind.TEXT, doc="our own certificate: its path, or its PEM text"),
        Key(name="client_key", kind=Kind.TEXT, doc="its private key, where client_cert does not hold it"),
        Key(
            name="http2",
            kind=Kind.BOOLEAN,
            doc="whether to offer HTTP/2; without TLS, to speak nothing else",
            default="false",
        ),
        Key(
            name="save_to_file",
            kind=Kind.TEXT,
            doc="a path in the flow's own folder, to write the body to",
            fault=fault_of_saved,
        ),
        Key(name="timeout", kind=Kind.DURATION, doc="bounds the request and the whole response", default="30s"),
    ),
    results={
        "status": "the status code, a number",
        "body": "JSON as its value, text as text, anything else as bytes",
        "headers": "the headers, by name in any case",
        "cookies": "the cookies that the response sets, or a redirect on the way to it",
        "content_type": "the media type without its parameters",
        "url": "the URL that answered, after redirects",
        "redirects": "the URLs that redirected, in order",
        "http_version": "HTTP/1.1 or HTTP/2",
    },
    unsuccessful=_why_unsuccessful,
)
