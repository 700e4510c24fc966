"""``http_request`` against servers that break every rule: a clear error on that step, within its time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from support.http_steps import http_context, send
from support.web import Talk, endlessly, gzip_bomb, idle, raw_server, resetting, saying
from testmesh_engine.actions.base import Context
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.errors import ServiceError


def idle_without_reading(_: socket.socket) -> None:
    """Neither read nor close."""
    time.sleep(4)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt."""
    with http_context() as made:
        yield made


@pytest.mark.parametrize(
    ("talk", "message"),
    [
        (saying(HEAD + b"Content-Length: 10\r\n\r\nhalf"), "closed the connection after 4 of the 10 bytes"),
        (saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"), "in the midst of a chunked body"),
        (saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "in the midst of a chunked body"),
        (saying(HEAD + b"Content-Length: 10\r\n\r\nhalf", then=resetting), "the connection was lost: Connection reset"),
        (saying(b""), "closed the connection without an answer"),
        (saying(HEAD[:20]), "closed the connection after 20 bytes of the head"),
        (saying(b"", then=resetting), "the connection was lost: Connection reset"),
    ],
)
def test_an_answer_that_breaks_off_is_told_with_how_much_had_come(context: Context, talk: Talk, message: str) -> None:
    """Half an answer is no answer; a retry may go by its kind."""
    with raw_server(talk) as url, pytest.raises(ServiceError, match=f"^GET {url}/: .*{message}") as raised:
        send(context, url=f"{url}/")
    assert "connection_error" == raised.value.kind


@pytest.mark.parametrize(
    ("talk", "message"),
    [
        (saying(HEAD + b"Content-Length: 2\r\n\r\nmore than that"), "sent 12 bytes more than the answer has"),
        (saying(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), "is no HTTP: conflicting Content-Length"),
        (saying(HEAD + b"Content-Length: -1\r\n\r\nabc"), "is no HTTP: bad Content-Length"),
        (saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n"), "is no HTTP: illegal chunk header"),
        (saying(HEAD + b"Transfer-Encoding: gzip\r\n\r\nx"), "is no HTTP: Only Transfer-Encoding: chunked"),
        (saying(b"220 mail.example.org ESMTP\r\n\r\n"), r"is no HTTP: illegal status line; it begins with b'220 mail"),
        (saying(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), "is no HTTP: illegal header line"),
        (saying(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"), "the server answers in TLS"),
        (saying(HEAD, then=endlessly(b"X-Again: and again\r\n")), "the head of the answer is longer than 100 KiB"),
        (saying(HEAD + b"X: ", then=endlessly(b"a" * 1000)), "the head of the answer is longer than 100 KiB"),
        (saying(HEAD + b"Content-Encoding: gzip\r\n\r\nno gzip"), "says that it is gzip, and is not"),
        (saying(HEAD + b"Content-Encoding: br\r\n\r\nxx"), 'encoded as "br", which is not read'),
        (saying(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip_bomb(1)[:-20]), "gzip is cut off before its end"),
        (saying(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip_bomb(40)), "larger than 32 MiB"),
        (saying(HEAD + b"\r\n", then=endlessly(b"x" * 65536)), "larger than 32 MiB"),
        (
            saying(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n["\xff"]'),
            "is UTF-8, and is not: byte 0xff",
        ),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=UTF-8\r\n\r\nab\xc3"), "0xc3 after 2 bytes of 3"),
    ],
)
def test_an_answer_that_is_no_http_is_told_with_what_is_wrong(context: Context, talk: Talk, message: str) -> None:
    """Never a pass, never an engine error."""
    with raw_server(talk) as url, pytest.raises(ServiceError, match=f"^GET {url}/: .*{message}") as raised:
        send(context, url=f"{url}/")
    assert "protocol_error" == raised.value.kind


@pytest.mark.parametrize(
    ("talk", "phase"),
    [
        (idle, "connected, and nothing of the answer has come"),
        (saying(HEAD + b"Content-Length: 9\r\n\r\nhalf", then=idle), "4 bytes of the body had come, and not its end"),
        (saying(HEAD, then=endlessly(b"X", pause=0.02)), "connected, and nothing of the answer has come"),
        (saying(HEAD + b"\r\n", then=endlessly(b".", pause=0.02)), r"\d+ bytes of the body had come, and not its end"),
        (saying(b"", then=endlessly(b"HTTP/1.1 100 Continue\r\n\r\n" * 9999)), "nothing of the answer has come"),
        (saying(HEAD + b"Content-Encoding: gzip\r\n\r\n", then=idle), "the head of the answer came, and nothing of"),
    ],
)
def test_a_server_that_does_not_come_to_an_end_is_left_at_the_deadline(
    context: Context, talk: Talk, phase: str
) -> None:
    """And the message says how far it had come."""
    context.deadline = Deadline.after(0.4, "config.timeout")
    started = time.monotonic()
    expected = rf"^no whole response to GET {{}}/ within config\.timeout of 400ms: .*{phase}"
    with raw_server(talk) as url, pytest.raises(ServiceError, match=expected.format(url)) as raised:
        send(context, url=f"{url}/")
    assert "timeout" == raised.value.kind
    assert time.monotonic() - started < 2


def test_what_had_come_of_a_broken_answer_is_shown(context: Context) -> None:
    """Half a body often says why it is half a body."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nTraceback: no memory"
    with raw_server(saying(answer)) as url, pytest.raises(ServiceError):
        send(context, url=url)
    assert {"status": 200, "headers": {"content-length": "99"}, "body": "Traceback: no memory"} == context.found


def test_a_body_beyond_the_head_request_is_told(context: Context) -> None:
    """What a HEAD brings would be read as the next answer's beginning."""
    answer = saying(HEAD + b"Content-Length: 5\r\n\r\nhello")
    with raw_server(answer) as url, pytest.raises(ServiceError, match="sent 5 bytes more than") as raised:
        send(context, url=url, method="HEAD")
    assert "a body where none belongs (HEAD, 204, 304)" in raised.value.hint


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_without_a_body_is_not_waited_for(context: Context, status: bytes) -> None:
    """Also where it says that it is encoded, or how long a body would be."""
    answer = b"HTTP/1.1 " + status + b"\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"
    with raw_server(saying(answer, then=idle)) as url:
        result = send(context, url=url)
    assert (int(status[:3]), "") == (result["status"], result["body"])


def test_interim_answers_are_passed_over(context: Context) -> None:
    """100 and 103 are no answers."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    with raw_server(saying(interim + HEAD + b"Content-Length: 2\r\n\r\nok")) as url:
        result = send(context, url=url, method="POST", body="x", headers={"Expect": "100-continue"})
    assert (200, "ok") == (result["status"], result["body"])


def test_a_body_that_ends_with_the_connection_is_whole(context: Context) -> None:
    """As HTTP/1.0 has it."""
    with raw_server(saying(b"HTTP/1.0 200 OK\r\n\r\nhello")) as url:
        result = send(context, url=url)
    assert ("hello", "HTTP/1.0") == (result["body"], result["http_version"])


def test_ipv6_addresses_are_reached(context: Context) -> None:
    """In brackets, as URLs have them."""
    with raw_server(saying(HEAD + b"Content-Length: 2\r\n\r\nok"), host="::1") as url:
        assert "ok" == send(context, url=url)["body"]


@pytest.mark.parametrize("then", [idle_without_reading, lambda _: None], ids=["stays", "closes"])
def test_an_answer_that_comes_before_all_was_sent_counts(context: Context, then: Talk) -> None:
    """A server that refuses a large body need not read it; neither is the next request sent behind half a body."""
    started = time.monotonic()
    refused = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    with raw_server(saying(refused, then=then)) as url:
        for _ in range(2):
            assert 413 == send(context, url=url, method="POST", body="x" * 20_000_000)["status"]
    assert time.monotonic() - started < 3
