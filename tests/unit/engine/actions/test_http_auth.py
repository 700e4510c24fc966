"""``auth`` of ``http_request``: keys, tokens and who gives them out; and the trace that every request carries."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.http_steps import body_of, header_of, http_context, send
from support.web import Web, endlessly, raw_server, request_of, saying, web_server
from testmesh_engine.actions.base import Context
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.errors import ServiceError, UsageError


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt."""
    with http_context() as made:
        yield made


class Tokens:
    """A token endpoint: gives out ``t1``, ``t2`` … and keeps what it was asked."""

    def __init__(
        self, body: str = '{{"access_token": "t{number}", "expires_in": {seconds}}}', seconds: int = 60
    ) -> None:
        self.body = body
        self.seconds = seconds
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, connection: socket.socket) -> None:
        """Answer one request."""
        asked = request_of(connection)
        while asked.split(b"\r\n\r\n")[1] == b"":
            asked += connection.recv(65536)
        with self.lock:
            self.asked.append(asked.decode())
            body = self.body.format(number=len(self.asked), seconds=self.seconds).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(body) + body)


def oauth2(url: str, **more: str) -> dict[str, Any]:
    """The config of a client."""
    return {"oauth2": {"token_url": f"{url}/token", "client_id": "shop", "client_secret": "s e:c", **more}}


def authorization(web: Web, context: Context, auth: dict[str, Any]) -> str | None:
    """What a request with ``auth`` says of who asks."""
    return header_of(body_of(send(context, url=f"{web.url}/echo", auth=auth)), "authorization")


def test_a_key_is_a_header_or_a_parameter(web: Web, context: Context) -> None:
    """As the service wants it."""
    key = {"name": "X-API-Key", "value": "k 1"}
    echo = body_of(send(context, url=f"{web.url}/echo", auth={"api_key": key}))
    assert "k 1" == header_of(echo, "x-api-key")
    echo = body_of(send(context, url=f"{web.url}/echo?a=1", auth={"api_key": {**key, "in": "query"}}))
    assert "/echo?a=1&X-API-Key=k+1" == echo["path"]


def test_a_token_is_fetched_once_and_used_until_it_ends(web: Web, context: Context) -> None:
    """By Basic, with name and secret encoded as RFC 6749 has it; one for each scope."""
    tokens = Tokens()
    with raw_server(tokens) as url:
        found = [authorization(web, context, oauth2(url, scope="read write")) for _ in range(3)]
        found.append(authorization(web, context, oauth2(url)))
    assert ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2"] == found
    assert "Basic c2hvcDpzK2UlM0Fj" == tokens.asked[0].split("Authorization: ")[1].split("\r\n")[0]
    assert tokens.asked[0].endswith("\r\n\r\ngrant_type=client_credentials&scope=read+write")


def test_a_token_that_has_ended_is_fetched_anew(web: Web, context: Context) -> None:
    """Also one that would end on the way."""
    with raw_server(Tokens(seconds=5)) as url:
        assert ["Bearer t1", "Bearer t2"] == [authorization(web, context, oauth2(url)) for _ in range(2)]


def test_name_and_secret_may_stand_in_the_body(web: Web, context: Context) -> None:
    """For servers that don't do what RFC 6749 asks of all."""
    tokens = Tokens()
    with raw_server(tokens) as url:
        authorization(web, context, oauth2(url, client_auth="body", audience="api"))
    body = tokens.asked[0].split("\r\n\r\n")[1]
    assert "grant_type=client_credentials&audience=api&client_id=shop&client_secret=s+e%3Ac" == body
    assert "Authorization" not in tokens.asked[0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            b'HTTP/1.1 401 No\r\nConnection: close\r\n\r\n{"error": "invalid_client", "error_description": "who?"}',
            "it answers 401 invalid_client: who?",
        ),
        (b"HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n<html>", "it answers 500$"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>", "its answer has no access_token"),
        (b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"access_token": 7}', "its answer has no access_token"),
        (b"HTTP/1.1 302 Login\r\nLocation: /login\r\nConnection: close\r\n\r\n", "it answers 302"),
        (b"", "closed the connection without an answer"),
    ],
)
def test_a_token_that_is_not_given_is_told_with_who_refused_it(
    web: Web, context: Context, answer: bytes, message: str
) -> None:
    """The token endpoint is where to look, and the request itself is not sent."""
    web.seen.clear()
    with (
        raw_server(saying(answer)) as url,
        pytest.raises(ServiceError, match=f"no token from POST {url}/token: .*{message}"),
    ):
        authorization(web, context, oauth2(url))
    assert [] == web.seen


def test_a_token_endpoint_that_stalls_or_is_down_is_named(web: Web, context: Context) -> None:
    """Within the time of the step."""
    with pytest.raises(ServiceError, match=r"no token from POST http://127\.0\.0\.1:1/token: Connection refused"):
        authorization(web, context, oauth2("http://127.0.0.1:1"))
    context.deadline = Deadline.after(0.3, "config.timeout")
    started = time.monotonic()
    with raw_server(saying(b"", then=endlessly(b"", pause=0.05))) as url, pytest.raises(ServiceError) as raised:
        authorization(web, context, oauth2(url))
    assert raised.value.message.startswith(f"no token from POST {url}/token within config.timeout of 300ms: connected")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (
            {"basic": {"username": "a"}, "bearer": "b"},
            "takes one of basic, bearer, api_key, oauth2, found basic and bearer",
        ),
        ({}, "takes one of basic, bearer, api_key, oauth2, found none of them"),
        ({"basic": {"password": "b"}}, r"auth\.basic: needs username"),
        ({"basic": "a:b"}, r"auth\.basic takes a map of username"),
        ({"api_key": {"name": "X"}}, r"auth\.api_key: needs value"),
        ({"oauth2": {"token_url": "http://x"}}, r"auth\.oauth2: needs client_id"),
        ({"bearer": "a\nb"}, "auth can't be sent as a header"),
        ({"api_key": {"name": "X", "value": "y", "in": "body"}}, r"auth\.api_key: in is header or query"),
        (
            {"oauth2": dict.fromkeys(("token_url", "client_id", "client_secret"), "x")},
            r"auth\.oauth2\.token_url takes a URL that starts with",
        ),
        ({"oauth2": {"client": "x"}}, r"auth\.oauth2: has no key client"),
        (
            {"oauth2": {**dict.fromkeys(("token_url", "client_id", "client_secret"), "x"), "client_auth": "y"}},
            "is basic or body",
        ),
    ],
)
def test_an_auth_that_can_not_be_meant_is_explained(context: Context, auth: dict[str, Any], message: str) -> None:
    """Without a value: it may be a secret."""
    with pytest.raises(UsageError, match=message):
        send(context, url="http://localhost/", auth=auth)


def test_user_and_password_of_the_url_are_basic_auth(web: Web, context: Context) -> None:
    """As in browsers, and curl."""
    url = web.url.replace("http://", "http://joe:p%40ss@")
    echo = body_of(send(context, url=f"{url}/echo"))
    assert "Basic am9lOnBAc3M=" == header_of(echo, "authorization")


def test_every_request_carries_the_runs_trace(web: Web, context: Context) -> None:
    """One trace for all, a span for each step and attempt: what W3C's Trace Context has."""
    context.trace_id = "0af7651916cd43dd8448eb211c80319c"
    first = header_of(body_of(send(context, url=f"{web.url}/echo")), "traceparent")
    context.attempt = 2
    second = header_of(body_of(send(context, url=f"{web.url}/echo")), "traceparent")
    version, trace, span, flags = str(first).split("-")
    assert ("00", context.trace_id, 16, "01") == (version, trace, len(span), flags)
    assert first != second


def test_the_steps_own_traceparent_wins(web: Web, context: Context) -> None:
    """In any case of its name."""
    context.trace_id = "0af7651916cd43dd8448eb211c80319c"
    echo = body_of(send(context, url=f"{web.url}/echo", headers={"TraceParent": "mine"}))
    assert "mine" == header_of(echo, "traceparent")
