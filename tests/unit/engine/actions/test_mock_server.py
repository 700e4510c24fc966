"""The mock server within flows: what it answers, what goes wrong with it on demand, and what it was asked."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from support.action_steps import attempt, run_action, run_example
from support.flows import Ran, read, run
from testmesh_engine.actions.mock_routes import Received, fault_of_routes, wanted_of
from testmesh_engine.actions.mock_server import (
    MockServerConfigure,
    MockServerStart,
    MockServerStop,
    MockServerVerify,
)
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import CaseBlindMap

START = """
    setup:
      - id: mock
        action: mock_server_start
        config:
          routes:
"""


def flow(routes: str, steps: str) -> Ran:
    """A flow with a mock of these routes (one a line) and these steps, both indented as they stand here."""
    lines = "".join(f"            {line}\n" for line in routes.strip().splitlines())
    return run(f"{START}{lines}    steps:\n" + "".join(f"      {line}\n" for line in steps.strip().splitlines()))


def passed(ran: Ran) -> None:
    """Fail with what each step says."""
    assert Outcome.PASSED == ran.result.outcome, [step.message for step in ran.result.steps]


def test_a_response_is_rendered_at_each_request() -> None:
    """With what was asked, by kind, and with the flow's own variables."""
    passed(
        flow(
            """
            - path: /orders/{id}
              method: PUT
              response:
                status: 202
                headers: {X-Call: "{{request.count}}"}
                body:
                  id: "{{request.params.id}}"
                  total: "{{request.body.total}}"
                  tag: "{{request.query.tag}}/{{request.headers['X-Tag']}}"
                  run: "${RUN_ID}"
                  token: "{{random.uuid}}"
            """.replace("            ", ""),
            """
- id: first
  action: http_request
  config: {method: PUT, url: "${mock.base_url}/orders/7?tag=a", headers: {x-tag: b}, body: {total: 59.90}}
  assert: [status == 202, body.total == 59.9, body.id == "7", body.tag == "a/b", body.run == "run-1"]
- id: second
  action: http_request
  config: {method: PUT, url: "${mock.base_url}/orders/8?tag=", headers: {x-tag: b}, body: {total: "x"}}
  assert: ['headers["X-Call"] == "2"', body.total == "x", body.token != first.body.token]
""",
        )
    )


def test_responses_come_in_turn_and_a_route_may_end() -> None:
    """The last one stays; a route that is used up makes room for the next."""
    passed(
        flow(
            """
- {path: /a, responses: [503, 200]}
- {path: /b, response: 500, times: 1}
- {path: "/**", response: {body: rest}}
""",
            "\n".join(
                f'- {{action: http_request, config: {{url: "${{mock.base_url}}/{path}"}}, assert: status == {status}}}'
                for path, status in (("a", 503), ("a", 200), ("a", 200), ("b", 500), ("b", 200), ("c/d", 200))
            ),
        )
    )


def test_a_request_that_no_route_is_for_is_answered_404_with_the_reason() -> None:
    """Silence would be a riddle."""
    passed(
        flow(
            "- {path: /a, method: POST, response: 200}",
            '- {action: http_request, config: {url: "${mock.base_url}/a"}, '
            'assert: [status == 404, body.mock == "no route is for GET /a"]}',
        )
    )


def test_a_response_that_can_not_be_rendered_is_answered_500_with_the_reason() -> None:
    """At the request, when it shows."""
    passed(
        flow(
            '- {path: /a, response: {body: "{{request.body.id}}"}}',
            '- {action: http_request, config: {url: "${mock.base_url}/a"}, '
            'assert: [status == 500, body.mock contains "can\'t be rendered"]}',
        )
    )


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("connection_error", "reset"),
        ("connection_error", "drop"),
        ("connection_error", "truncate"),
        ("protocol_error", "garbage"),
        ("timeout", "hang"),
    ],
)
def test_a_fault_breaks_the_answer(kind: str, fault: str) -> None:
    """As the dependency itself would."""
    ran = flow(
        f"- {{path: /a, response: {{body: a long text, fault: {fault}}}}}",
        f"""
- id: asked
  action: http_request
  config: {{url: "${{mock.base_url}}/a", timeout: 300ms}}
  on_error: ignore
  assert: [status == 200]
- {{action: log, config: {{message: told}}, assert: ['steps.asked.error.kind == "{kind}"']}}
""",
    )
    passed(ran)


def test_a_delay_is_waited_for_and_ends_with_the_flow() -> None:
    """A stub that sleeps for a minute keeps nobody."""
    started = time.monotonic()
    ran = flow(
        "- {path: /slow, response: {delay: 200ms}}\n- {path: /never, response: {delay: 60s}}",
        """
- {action: http_request, config: {url: "${mock.base_url}/slow"}, assert: [duration_ms >= 200]}
- {action: http_request, config: {url: "${mock.base_url}/never", timeout: 100ms}, on_error: ignore}
""",
    )
    passed(ran)
    assert time.monotonic() - started < 5


@pytest.fixture
def mock() -> Any:
    """A context with a running mock, and its port."""
    with attempt() as context:
        run_action(MockServerStart(), context, routes=[{"path": "/a", "response": 200}])
        yield context


def ask(context: Any, request: bytes) -> bytes:
    """Send ``request`` as it is, and read what comes until the mock closes."""
    port = run_action(MockServerConfigure(), context)["port"]
    with socket.create_connection(("127.0.0.1", int(str(port))), timeout=5) as connection:
        connection.sendall(request)
        return connection.recv(65536)


def test_verify_counts_what_fits(mock: Any) -> None:
    """By path, method, query, headers and a part of the body."""
    body = b'{"amount": 5, "more": 1}'
    ask(mock, b"POST /a?x=1 HTTP/1.1\r\nHost: a\r\nX-Tag: b\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    wanted = {"method": "post", "path": "/a", "query": {"x": 1}, "headers": {"x-tag": "b"}, "body": {"amount": 5}}
    result = run_action(MockServerVerify(), mock, **wanted, count=1)
    assert 1 == result["count"]
    assert 1 == run_action(MockServerVerify(), mock, path="/a", at_most=1)["count"]
    assert 0 == run_action(MockServerVerify(), mock, path="/b", count=0)["count"]


@pytest.mark.parametrize(
    ("message", "config"),
    [
        (
            "0 requests are any method /b, and it should be 1 or more; of 1 the nearest is GET /a: path",
            {"path": "/b"},
        ),
        ("1 requests are any method /a, and it should be exactly 0", {"path": "/a", "count": 0}),
        ("it should be 2 to 3", {"path": "/a", "at_least": 2, "at_most": 3}),
        ("it should be exactly 0", {"path": "/a", "at_most": 0}),
        (r"body is nil, not .*amount|body.*amount", {"path": "/a", "body": {"amount": 5}}),
    ],
)
def test_verify_fails_with_what_was_asked_instead(mock: Any, message: str, config: dict[str, Any]) -> None:
    """As an assertion does: a retry may wait for it."""
    ask(mock, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(ServiceError, match=message) as raised:
        run_action(MockServerVerify(), mock, **config)
    assert "assertion" == raised.value.kind


def test_verify_says_where_nothing_was_asked(mock: Any) -> None:
    """The most frequent cause of all."""
    with pytest.raises(ServiceError, match="nothing was asked of it"):
        run_action(MockServerVerify(), mock, path="/a")


def test_new_routes_come_before_old_ones_and_may_replace_them(mock: Any) -> None:
    """And what was asked may be forgotten."""
    request = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    assert b" 200 " in ask(mock, request)
    run_action(MockServerConfigure(), mock, routes=[{"path": "/*", "response": 500, "times": 1}])
    assert (True, True) == (b" 500 " in ask(mock, request), b" 200 " in ask(mock, request))
    assert [] == run_action(MockServerConfigure(), mock, routes=[], replace=True, reset=True)["requests"]
    assert b" 404 " in ask(mock, request)


def test_a_mock_that_was_stopped_answers_no_more(mock: Any) -> None:
    """Its port is free again; what it was asked is the result."""
    port = run_action(MockServerConfigure(), mock)["port"]
    ask(mock, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    result = run_action(MockServerStop(), mock)
    assert ["/a"] == [request["path"] for request in result["requests"]]  # type: ignore[union-attr, call-overload, index]  # a list of maps
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(str(port))), timeout=5)
    with pytest.raises(UsageError, match='no mock server is called "mock"; running: none'):
        run_action(MockServerStop(), mock)


def test_a_mock_that_was_stopped_keeps_no_thread_that_waits(mock: Any) -> None:
    """A request that hangs ends with it."""
    before = set(threading.enumerate())
    run_action(MockServerConfigure(), mock, routes=[{"path": "/h", "response": {"fault": "hang"}}])
    port = int(str(run_action(MockServerConfigure(), mock)["port"]))
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET /h HTTP/1.1\r\nHost: a\r\n\r\n")
        while not run_action(MockServerConfigure(), mock)["requests"]:
            time.sleep(0.01)
        waiting = [one for one in threading.enumerate() if one not in before and "process_request" in one.name]
        run_action(MockServerStop(), mock)
        for thread in waiting:
            thread.join(2)
    assert waiting
    assert not any(thread.is_alive() for thread in waiting)


def test_a_name_or_port_that_is_taken_is_refused(mock: Any) -> None:
    """Two with one name would be a riddle."""
    port = run_action(MockServerConfigure(), mock)["port"]
    with pytest.raises(UsageError, match='called "mock" is running'):
        run_action(MockServerStart(), mock)
    with pytest.raises(UsageError, match=rf"can't listen on 127\.0\.0\.1:{port}: Address already in use"):
        run_action(MockServerStart(), mock, server="other", port=port)


def test_in_a_pod_it_is_reached_by_the_pods_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a person's machine, by loopback alone."""
    with attempt() as context:
        assert str(run_action(MockServerStart(), context)["base_url"]).startswith("http://127.0.0.1:")
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        base_url = str(run_action(MockServerStart(), context, server="pod")["base_url"])
        host = base_url.removeprefix("http://").partition(":")[0]
        assert host not in ("0.0.0.0", "")
        port = int(base_url.rpartition(":")[2])
        socket.create_connection((host, port), timeout=5).close()


@pytest.mark.parametrize(
    ("message", "routes"),
    [
        ("each needs a path", [{"response": 200}]),
        ('has no key "respons"', [{"path": "/a", "respons": 200}]),
        ("one of the two", [{"path": "/a"}]),
        ("start with /", [{"path": "a", "response": 200}]),
        ("status from 100 to 599", [{"path": "/a", "response": 999}]),
        ('has no key "code"', [{"path": "/a", "response": {"code": 1}}]),
        ("takes a fault of reset", [{"path": "/a", "response": {"fault": "boom"}}]),
        ("takes a delay", [{"path": "/a", "response": {"delay": "5"}}]),
        (r"\(number 2\)", [{"path": "/a", "response": 200}, 7]),
        ("at least one response", [{"path": "/a", "responses": []}]),
    ],
)
def test_a_route_that_can_not_be_meant_is_refused(message: str, routes: list[Any]) -> None:
    """Before the run, with what is allowed."""
    assert message.replace("\\", "") in fault_of_routes(routes)


def test_names_in_a_response_are_checked_before_the_run() -> None:
    """Request and random are known there, and nowhere else."""
    with pytest.raises(AssertionError, match="reqest"):
        read(
            "steps:\n  - action: mock_server_start\n    config:\n      routes:\n"
            "        - {path: /a, response: {body: '{{reqest.body}}'}}\n"
        )
    with pytest.raises(AssertionError, match="request"):
        read(
            "steps:\n  - action: mock_server_start\n    config:\n      routes:\n"
            "        - {path: '/{{request.path}}', response: 200}\n"
        )


def test_a_part_of_a_path_has_a_name_in_either_form() -> None:
    """And a star is one part, two stars are all of them."""
    asked = Received(method="GET", path="/a/7/b", query={}, headers=CaseBlindMap({}), body=None)
    for path, expected in (("/a/{id}/b", {"id": "7"}), ("/a/:id/b", {"id": "7"}), ("/a/*/b", {}), ("/a/**", {})):
        assert expected == wanted_of({"path": path}).params(asked)
    assert wanted_of({"path": "/a/*"}).params(asked) is None
    assert wanted_of({"path": "/a/7.b"}).params(asked) is None


def test_the_example_passes() -> None:
    """examples/actions/mock-server.yaml needs nothing from outside."""
    ran = run_example("mock-server")
    assert Outcome.PASSED == ran.result.outcome, [step.message for step in ran.result.steps]
