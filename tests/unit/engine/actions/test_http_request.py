"""``http_request`` against a real server that answers, and misbehaves."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from support.web import Web, web_server
from testmesh_engine.actions.base import Connections, Context, Counters, Result
from testmesh_engine.actions.config import canonical
from testmesh_engine.actions.http_request import HttpRequest
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import Interrupted, ServiceError, UsageError


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt, with 5 seconds left."""
    made = Context(
        step="one",
        deadline=Deadline.after(5, "config.timeout"),
        interrupt=Interrupt(),
        connections=Connections(),
        counters=Counters(),
        holds=lambda _: True,
    )
    yield made
    made.connections.close()
    made.interrupt.close()


def send(context: Context, **config: Any) -> Result:
    """The result of one request."""
    return HttpRequest().run(canonical(HttpRequest.spec, config), context)


def test_the_result_has_every_key_that_is_declared(web: Web, context: Context) -> None:
    """What the declaration promises can be read by assertions."""
    result = send(context, url=f"{web.url}/order")
    assert HttpRequest.spec.results.keys() <= result.keys()
    assert 200 == result["status"]


def test_numbers_of_the_body_are_exact(web: Web, context: Context) -> None:
    """59.980 keeps its digits."""
    body = send(context, url=f"{web.url}/order")["body"]
    assert isinstance(body, dict)
    assert "59.980" == str(body["total"])
    assert Decimal("59.98") == body["total"]


def test_a_map_is_sent_as_json(web: Web, context: Context) -> None:
    """With its content type, and numbers as they were written."""
    echo = send(context, url=f"{web.url}/echo", method="POST", body={"price": Decimal("29.90"), "n": None})["body"]
    assert isinstance(echo, dict)
    assert '{"price":29.90,"n":null}' == echo["body"]
    assert "application/json" == _header(echo, "content-type")


def test_text_is_sent_as_it_is_under_the_authors_content_type(web: Web, context: Context) -> None:
    """The author's header wins, in any case."""
    headers = {"content-TYPE": "application/xml"}
    echo = send(context, url=f"{web.url}/echo", method="put", body="<a/>", headers=headers)["body"]
    assert isinstance(echo, dict)
    assert ("PUT", "<a/>", "application/xml") == (echo["method"], echo["body"], _header(echo, "content-type"))


def test_a_form_is_sent_url_encoded(web: Web, context: Context) -> None:
    """A list repeats its name."""
    echo = send(context, url=f"{web.url}/echo", method="POST", form={"a": "x y", "b": [1, 2]})["body"]
    assert isinstance(echo, dict)
    assert "a=x+y&b=1&b=2" == echo["body"]


def test_parameters_are_added_to_those_of_the_url(web: Web, context: Context) -> None:
    """``params`` does not replace what the URL has."""
    echo = send(context, url=f"{web.url}/echo?a=1", params={"b": [2, 3]})["body"]
    assert isinstance(echo, dict)
    assert "/echo?a=1&b=2&b=3" == echo["path"]


def test_basic_and_bearer_authorization(web: Web, context: Context) -> None:
    """Both become the header."""
    basic = {"basic": {"username": "joe", "password": "s3"}}
    echo = send(context, url=f"{web.url}/echo", auth=basic)["body"]
    assert f"Basic {base64.b64encode(b'joe:s3').decode()}" == _header(echo, "authorization")
    assert "Bearer t" == _header(send(context, url=f"{web.url}/echo", auth={"bearer": "t"})["body"], "authorization")


def test_headers_of_the_result_are_found_in_any_case(web: Web, context: Context) -> None:
    """As HTTP has it."""
    headers = send(context, url=f"{web.url}/order")["headers"]
    assert isinstance(headers, dict)
    assert "application/json" == headers["CONTENT-TYPE"]


@pytest.mark.parametrize(("path", "body"), [("text", "grün"), ("bytes", b"\x00\xff")])
def test_a_body_that_says_it_is_no_json_is_text_or_bytes(web: Web, context: Context, path: str, body: object) -> None:
    """By its content type."""
    assert body == send(context, url=f"{web.url}/{path}")["body"]


def test_an_answer_that_says_it_is_json_and_is_not_fails_the_attempt(web: Web, context: Context) -> None:
    """As text it would pass whatever asks for its length; the status, the place and the body are told."""
    with pytest.raises(ServiceError) as error:
        send(context, url=f"{web.url}/nonsense")
    assert "protocol_error" == error.value.kind
    assert error.value.message.endswith(
        "/nonsense: status 200, and the body says that it is JSON (application/json), and is not: "
        "Expecting property name enclosed in double quotes at line 1, column 2"
    )
    assert (200, "{not json") == (context.found["status"], context.found["body"])


def test_a_redirect_is_followed_and_told(web: Web, context: Context) -> None:
    """``url`` is where the answer came from."""
    result = send(context, url=f"{web.url}/redirect")
    assert (200, f"{web.url}/order", [f"{web.url}/redirect"]) == (result["status"], result["url"], result["redirects"])
    assert 302 == send(context, url=f"{web.url}/redirect", follow_redirects=False)["status"]


def test_endless_redirects_fail_the_step(web: Web, context: Context) -> None:
    """The limit is the author's."""
    with pytest.raises(ServiceError, match="redirect"):
        send(context, url=f"{web.url}/loop", max_redirects=3)


def test_a_cookie_is_kept_for_the_next_request(web: Web, context: Context) -> None:
    """The steps of a flow share a session, as a browser does."""
    send(context, url=f"{web.url}/order")
    assert "session=abc" == _header(send(context, url=f"{web.url}/echo")["body"], "cookie")


def test_a_trickling_body_ends_at_the_deadline(web: Web, context: Context) -> None:
    """No single read is slow, and still the whole takes no longer than the attempt may."""
    context.deadline = Deadline.after(0.4, "config.timeout")
    started = time.monotonic()
    with pytest.raises(ServiceError, match=r"no whole response to GET .*/trickle within config\.timeout of 400ms"):
        send(context, url=f"{web.url}/trickle")
    assert 0.3 < time.monotonic() - started < 1.5


def test_a_server_that_never_answers_ends_at_the_deadline(web: Web, context: Context) -> None:
    """The error's kind is what ``retry_on`` will go by."""
    context.deadline = Deadline.after(0.2, "config.timeout")
    with pytest.raises(ServiceError) as raised:
        send(context, url=f"{web.url}/silent")
    assert "timeout" == raised.value.kind


def test_an_interrupt_ends_a_request_at_once(web: Web, context: Context) -> None:
    """The second request of the same flow works again, on a new connection."""
    import threading  # noqa: PLC0415 - beside its only use

    threading.Timer(0.1, context.interrupt.set, ["SIGTERM"]).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        send(context, url=f"{web.url}/silent")
    assert time.monotonic() - started < 2


def test_a_refused_connection_is_the_services_fault(context: Context) -> None:
    """Exit code 1, with the target named."""
    with pytest.raises(ServiceError, match=r"can't connect for GET http://127\.0\.0\.1:1/") as raised:
        send(context, url="http://127.0.0.1:1/")
    assert "connection_error" == raised.value.kind


def test_an_unknown_host_is_named(context: Context) -> None:
    """Not a bare errno."""
    with pytest.raises(ServiceError, match=r"the host name no-such-host\.invalid can't be resolved"):
        send(context, url="http://no-such-host.invalid/")


def test_a_server_that_hangs_up_is_told(web: Web, context: Context) -> None:
    """An answer that never came is no pass."""
    with pytest.raises(ServiceError, match="/hang-up") as raised:
        send(context, url=f"{web.url}/hang-up")
    assert "connection_error" == raised.value.kind


def test_a_body_beyond_the_bound_is_refused(web: Web, context: Context) -> None:
    """Before it fills the memory."""
    with pytest.raises(ServiceError, match="larger than 32 MiB"):
        send(context, url=f"{web.url}/big")


@pytest.mark.parametrize("target", ["ftp://host/", "http://[/", "http://host:99999/", "nonsense://"])
def test_a_redirect_to_nowhere_is_the_services_fault(web: Web, context: Context, target: str) -> None:
    """The service sent it: no engine error."""
    with pytest.raises(ServiceError, match=r"GET http://127\.0\.0\.1:\d+/to"):
        send(context, url=f"{web.url}/to?{target}")


def test_a_redirect_to_a_dead_host_names_that_host(web: Web, context: Context) -> None:
    """The first URL answered: it is not the one to look at."""
    with pytest.raises(ServiceError) as raised:
        send(context, url=f"{web.url}/to?http://127.0.0.1:1/gone")
    said = raised.value.message
    assert said.startswith("can't connect for GET http://127.0.0.1:1/gone (redirected from GET http://127.0.0.1:")


def test_a_character_set_that_can_not_be_read_does_not_keep_the_body_from_it(web: Web, context: Context) -> None:
    """Python knows codecs that no service means."""
    assert "xn--\ufffd..a" == send(context, url=f"{web.url}/charset")["body"]


def test_a_cookie_that_the_session_sends_is_shown(web: Web, context: Context) -> None:
    """The flow's file does not hold it; whoever reads the report must see it."""
    send(context, url=f"{web.url}/order")
    assert "headers" not in context.request
    send(context, url=f"{web.url}/echo", headers={"X-A": "1"})
    assert {"X-A": "1", "Cookie": "session=abc"} == context.request["headers"]


def test_a_cookie_header_of_the_step_is_sent_instead_of_the_sessions(web: Web, context: Context) -> None:
    """And is shown once, as it was written."""
    send(context, url=f"{web.url}/order")
    echo = send(context, url=f"{web.url}/echo", headers={"Cookie": "a=b"})["body"]
    assert "a=b" == _header(echo, "cookie")
    assert {"Cookie": "a=b"} == context.request["headers"]


@pytest.mark.parametrize("url", ["http://user:pa/ss@host/", "http://user:pa#ss@host/", "htp://user:pass@host/"])
def test_a_url_that_is_refused_is_not_shown(context: Context, url: str) -> None:
    """What stands after the scheme may be a password."""
    with pytest.raises(UsageError) as raised:
        send(context, url=url)
    assert not [part for part in ("user", "pa/", "pa#", "ss@", "pass@", "host/") if part in raised.value.message]


@pytest.mark.parametrize("key", ["headers", "params"])
def test_nothing_at_all_is_no_value_of_a_header_or_parameter(context: Context, key: str) -> None:
    """``null`` would be sent as a word."""
    with pytest.raises(UsageError, match=f"{key} takes text or numbers, and Y holds nothing"):
        send(context, url="http://localhost/", **{key: {"Y": None}})


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://host/", "http://", "http://host:99999/"])
def test_what_is_no_url_is_refused_before_anything_is_sent(context: Context, url: str) -> None:
    """The author's mistake, not the service's."""
    with pytest.raises(UsageError):
        send(context, url=url)


def test_body_and_form_together_are_refused(context: Context) -> None:
    """One of the two would be dropped in silence."""
    with pytest.raises(UsageError, match="body or form"):
        send(context, url="http://localhost/", body="x", form={"a": 1})


def test_connections_are_shared_by_the_requests_of_a_flow(web: Web, context: Context) -> None:
    """Ten requests, one client."""
    for _ in range(10):
        send(context, url=f"{web.url}/order")
    assert 10 == context.counters.http_requests
    assert 1 == len(context.connections._open)


def test_what_was_sent_is_noted_before_the_answer(context: Context) -> None:
    """A failed step shows its request."""
    with pytest.raises(ServiceError):
        send(context, url="http://127.0.0.1:1/", method="post", body={"a": 1})
    curl = context.request.pop("curl")
    assert str(curl).startswith("curl -i 'http://127.0.0.1:1/' ")
    headers = {"Content-Type": "application/json"}
    assert {"method": "POST", "url": "http://127.0.0.1:1/", "headers": headers, "body": {"a": 1}} == context.request


def _header(echo: Any, name: str) -> str | None:
    return next((value for key, value in echo["headers"].items() if key.lower() == name), None)
