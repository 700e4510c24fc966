"""``http_request`` over several answers: redirects, cookies, connections that are used again."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from support.http_steps import body_of, header_of, http_context, send
from support.web import Web, raw_server, request_of, saying, web_server
from testmesh_engine.actions import http_pool
from testmesh_engine.actions.base import Context
from testmesh_engine.errors import ServiceError, UsageError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


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


def moved(status: int, target: str, more: str = "") -> bytes:
    """An answer that redirects."""
    return f"HTTP/1.1 {status} Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n{more}\r\n".encode()


@pytest.mark.parametrize(
    ("status", "method", "followed_by"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (302, "PUT", "PUT"),
    ],
)
def test_the_method_after_a_redirect_is_that_of_rfc_9110(
    web: Web, context: Context, status: int, method: str, followed_by: str
) -> None:
    """And the body goes along where the method does."""
    web.seen.clear()
    with raw_server(saying(moved(status, f"{web.url}/echo"))) as url:
        result = send(context, url=url, method=method, body="x")
    if followed_by == "HEAD":
        assert ["HEAD /echo"] == web.seen or 501 == result["status"]
        return
    echo = body_of(result)
    assert (followed_by, "" if followed_by == "GET" else "x") == (echo["method"], echo["body"])
    assert ("text/plain; charset=utf-8" if followed_by != "GET" else None) == header_of(echo, "content-type")


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        ({"auth": {"bearer": "t0ken"}}, "Authorization", "Bearer t0ken"),
        ({"headers": {"authorization": "Basic x"}}, "Authorization", "Basic x"),
        ({"auth": {"api_key": {"name": "X-Key", "value": "k"}}}, "X-Key", "k"),
        ({"cookies": {"id": "7"}}, "Cookie", "id=7"),
        ({"headers": {"Cookie": "id=7"}}, "Cookie", "id=7"),
    ],
)
def test_credentials_do_not_go_along_to_another_server(
    web: Web, context: Context, config: dict[str, object], name: str, value: str
) -> None:
    """On the same server they do."""
    with raw_server(saying(moved(302, f"{web.url}/echo"))) as url:
        away = body_of(send(context, url=url, **config))
    with http_context() as another:
        same = body_of(send(another, url=f"{web.url}/to?/echo", **config))
    assert (None, value) == (header_of(away, name), header_of(same, name))


def test_other_headers_go_along(web: Web, context: Context) -> None:
    """Only those that say who asks are kept back."""
    with raw_server(saying(moved(302, f"{web.url}/echo"))) as url:
        echo = body_of(send(context, url=url, headers={"X-A": "1", "Host": "elsewhere"}))
    assert ("1", web.url.removeprefix("http://")) == (header_of(echo, "x-a"), header_of(echo, "host"))


def test_a_loop_is_named(web: Web, context: Context) -> None:
    """The place that comes again is where to look."""
    with pytest.raises(ServiceError, match=r"more than 10 redirects, it goes round in a circle through GET .*/loop$"):
        send(context, url=f"{web.url}/loop")


def test_no_redirect_at_all_may_be_allowed(web: Web, context: Context) -> None:
    """``max_redirects: 0`` fails where ``follow_redirects: false`` shows the redirect."""
    with pytest.raises(ServiceError, match=r"more than 0 redirects, the last one to GET .*/redirect"):
        send(context, url=f"{web.url}/redirect", max_redirects=0)


def test_cookies_of_a_redirect_are_in_the_result_and_in_the_session(web: Web, context: Context) -> None:
    """A login answers with a cookie and a redirect."""
    with raw_server(saying(moved(302, f"{web.url}/echo", "Set-Cookie: login=7; Path=/\r\n"))) as url:
        result = send(context, url=url)
    assert {"login": "7", "session": "abc"} == result["cookies"]
    # Cookies know hosts and no ports (RFC 6265, 8.5).
    assert "login=7" == header_of(body_of(result), "cookie")


def test_cookies_of_the_step_join_those_of_the_session(web: Web, context: Context) -> None:
    """For this step, and the step's own win."""
    send(context, url=f"{web.url}/order")
    echo = body_of(send(context, url=f"{web.url}/echo", cookies={"a": 1, "session": "other"}))
    assert "session=other; a=1" == header_of(echo, "cookie")
    assert "session=abc" == header_of(body_of(send(context, url=f"{web.url}/echo")), "cookie")


def test_cookies_and_a_cookie_header_are_refused(context: Context) -> None:
    """One of the two would be dropped in silence."""
    with pytest.raises(UsageError, match="cookies or a Cookie header, not both"):
        send(context, url="http://localhost/", cookies={"a": 1}, headers={"cookie": "b=2"})


class Counting:
    """A server that answers ``first`` requests of each connection and closes it in the midst of the next."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.connections = 0
        self.requests: list[bytes] = []
        self.lock = threading.Lock()

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection."""
        with self.lock:
            self.connections += 1
        for number in range(self.first + 1):
            request = request_of(connection)
            if request:
                self.requests.append(request.split(b" ")[0])
            if number < self.first:
                connection.sendall(OK)


def test_a_connection_is_used_again(context: Context) -> None:
    """Five requests, one connection."""
    server = Counting(first=9)
    with raw_server(server) as url:
        for _ in range(5):
            send(context, url=url)
    assert (5, 1) == (len(server.requests), server.connections)


def test_a_get_that_meets_the_end_of_a_kept_connection_is_sent_once_more(context: Context) -> None:
    """It changes nothing: nobody can tell the difference, and the flow does not fail for a server's timeout."""
    server = Counting(first=1)
    with raw_server(server) as url:
        send(context, url=url)
        assert "ok" == send(context, url=url)["body"]
    assert ([b"GET", b"GET", b"GET"], 2) == (server.requests, server.connections)


def test_a_post_is_never_sent_twice(context: Context) -> None:
    """Whether the first one was executed nobody knows: the error says so."""
    server = Counting(first=1)
    with raw_server(server) as url:
        send(context, url=url)
        with pytest.raises(ServiceError, match="kept from an earlier request") as raised:
            send(context, url=url, method="POST", body="pay")
    assert [b"GET", b"POST"] == server.requests
    assert "the POST may have been executed" in raised.value.hint


def test_a_change_is_not_sent_on_a_connection_that_lay_idle_for_long(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server may be about to close it; what only reads may try."""
    monkeypatch.setattr(http_pool, "IDLE_SECONDS_OF_CHANGES", 0.0)
    server = Counting(first=9)
    with raw_server(server) as url:
        for method in ("GET", "GET", "POST"):
            send(context, url=url, method=method)
    assert 2 == server.connections


def test_a_new_connection_that_breaks_is_no_reason_to_ask_again(context: Context) -> None:
    """Only a kept one may have been closed before it was asked."""
    server = Counting(first=0)
    with raw_server(server) as url, pytest.raises(ServiceError, match="closed the connection without an answer"):
        send(context, url=url)
    assert 1 == server.connections


def test_a_connection_that_was_closed_meanwhile_is_not_used(context: Context) -> None:
    """It is looked at first: not even a POST meets its end."""

    def once(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(OK)

    with raw_server(once) as url:
        for _ in range(3):
            assert "ok" == send(context, url=url, method="POST", body="x")["body"]
            time.sleep(0.05)


def test_what_a_broken_answer_left_behind_is_not_the_next_answer(context: Context) -> None:
    """A second answer that nobody asked for would be a false pass of the next step."""
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
    with raw_server(saying(OK + smuggled, then=lambda c: c.sendall(OK))) as url:
        with pytest.raises(ServiceError, match="bytes more than the answer has"):
            send(context, url=url)
        with pytest.raises(ServiceError, match="bytes more than the answer has"):
            send(context, url=url)
