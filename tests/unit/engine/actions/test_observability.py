"""``prometheus_query`` and ``loki_query``: what they ask, what they read, and servers that are to blame.

There is no Loki here: its answers are those that its documentation shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from support.action_steps import attempt, run_action, run_example
from support.flows import run
from support.web import Talk, idle, raw_server, request_of, resetting, saying
from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.loki_query import LokiQuery
from testmesh_engine.actions.prometheus_query import PrometheusQuery
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import PlatformError, ServiceError, UsageError


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt."""
    with attempt() as made:
        yield made


STREAMS = {
    "resultType": "streams",
    "result": [
        {"stream": {"app": "a"}, "values": [["1700000000000000003", "third"], ["1700000000000000001", "first"]]},
        {"stream": {"app": "b"}, "values": [["1700000000000000002", "second"]]},
    ],
}
MATRIX = {
    "resultType": "matrix",
    "result": [{"metric": {"app": "a"}, "values": [[1700000000, "2"], [1700000010, "3.5"]]}],
}


def answering(status: int, body: Any, seen: list[str] | None = None) -> Talk:
    """Answer one request with JSON, or with text; its head is kept."""
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    kind = "text/plain" if isinstance(body, str) else "application/json"

    def talk(connection: Any) -> None:
        while head := request_of(connection):
            if seen is not None:
                seen.append(head.decode("latin-1"))
            connection.sendall(
                f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
            )

    return talk


def success(data: Any) -> dict[str, Any]:
    """An answer as both APIs give it."""
    return {"status": "success", "data": data}


def loki(context: Context, url: str, **config: Any) -> Result:
    """The result of one query."""
    return run_action(LokiQuery(), context, url=url, query='{app="a"}', **config)


def test_lines_of_all_streams_come_in_one_order(context: Context) -> None:
    """The newest first, unless the step says otherwise."""
    with raw_server(answering(200, success(STREAMS))) as url:
        result = loki(context, url)
        assert (["third", "second", "first"], "third", 3) == (result["lines"], result["value"], result["count"])
        assert ["first", "second", "third"] == loki(context, url, direction="forward")["lines"]


def test_a_metric_query_has_a_value(context: Context) -> None:
    """The last one of a single series."""
    with raw_server(answering(200, success(MATRIX))) as url:
        result = loki(context, url)
    assert ("3.5", 1, []) == (str(result["value"]), result["count"], result["lines"])


def test_what_is_asked_holds_the_span_the_limit_and_the_tenant(context: Context) -> None:
    """An hour until now, unless the step says otherwise."""
    seen: list[str] = []
    with raw_server(answering(200, success(STREAMS), seen)) as url:
        loki(context, url, tenant="blue", limit=5, auth={"bearer": "t"})
        loki(context, url, start="2024-01-01T00:00:00Z", end="2024-01-02T00:00:00Z")
    first, second = (parse_qs(urlsplit(head.split(" ")[1]).query) for head in seen)
    assert "/loki/api/v1/query_range" in seen[0]
    assert ("X-Scope-OrgID: blue" in seen[0], "Bearer t" in seen[0]) == (True, True)
    assert (["5"], ['{app="a"}']) == (first["limit"], first["query"])
    assert 3600 == round(float(first["end"][0]) - float(first["start"][0]))
    assert ["2024-01-01T00:00:00Z"] == second["start"]


@pytest.mark.parametrize(
    ("error", "kind", "talk", "message"),
    [
        (ServiceError, "query_error", answering(400, "parse error at line 1"), "Loki refuses the query: parse error"),
        (PlatformError, "protocol_error", answering(401, "who?"), "Loki answered 401: who"),
        (PlatformError, "protocol_error", answering(404, "no"), "Loki answered 404"),
        (PlatformError, "protocol_error", answering(503, "busy"), "Loki answered 503"),
        (PlatformError, "protocol_error", answering(200, {"status": "error"}), "Loki answered 200"),
        (PlatformError, "protocol_error", answering(200, "<html>"), "Loki answered 200: <html>"),
        (PlatformError, "protocol_error", saying(b"no HTTP\r\n\r\n"), "Loki: GET .* is no HTTP"),
        (PlatformError, "connection_error", resetting, "Loki: "),
        (PlatformError, "timeout", idle, "Loki: no whole response"),
    ],
)
def test_a_server_that_is_to_blame_fails_no_test(
    context: Context, error: type[Exception], kind: str, talk: Talk, message: str
) -> None:
    """Exit code 3; a query that is refused is the flow's."""
    context.deadline = Deadline.after(0.5, "config.timeout")
    with raw_server(talk) as url, pytest.raises(error, match=message) as raised:
        loki(context, url)
    assert kind == raised.value.kind  # type: ignore[attr-defined]  # both have it


def test_a_server_that_is_not_there_is_the_platforms_fault(context: Context) -> None:
    """With its address."""
    with raw_server(idle) as url:
        pass
    with pytest.raises(PlatformError, match=r"Prometheus: can't connect for GET .*refused") as raised:
        run_action(PrometheusQuery(), context, url=url, query="up")
    assert "connection_error" == raised.value.kind


@pytest.mark.parametrize(
    ("message", "config"),
    [
        ("range and start say the same", {"range": "5m", "start": 1}),
        ("range ends now", {"range": "5m", "end": 1}),
        ("end needs start", {"end": 1}),
        ("time asks for one moment", {"range": "5m", "time": 1}),
    ],
)
def test_a_span_that_can_not_be_meant_is_refused(context: Context, message: str, config: dict[str, Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match=message):
        run_action(PrometheusQuery(), context, url="http://localhost:1", query="up", **config)


def test_a_limit_of_no_lines_is_refused(context: Context) -> None:
    """It would find nothing, whatever there is."""
    with pytest.raises(UsageError, match="limit is 1 or more"):
        loki(context, "http://localhost:1", limit=0)


def test_the_example_for_loki_passes() -> None:
    """examples/actions/loki-query.yaml, with its variable set."""
    with raw_server(answering(200, success(STREAMS))) as url:
        ran = run_example("loki-query", LOKI_URL=url)
    assert Outcome.PASSED == ran.result.outcome, [step.message for step in ran.result.steps]


@pytest.mark.parametrize("action", ["prometheus_query", "loki_query"])
@pytest.mark.parametrize(
    ("expected", "found", "more"),
    [
        (Outcome.FAILED, [], "eventually: {timeout: 200ms, interval: 50ms}"),
        (Outcome.PASSED, MATRIX["result"], "eventually: {timeout: 5s}"),
        (Outcome.PASSED, [], 'assert: ["count == 0"]'),
        (Outcome.PASSED, [], 'eventually: {timeout: 5s}\n    assert: ["count == 0"]'),
    ],
)
def test_what_is_waited_for_without_an_assertion_is_something(
    action: str, expected: Outcome, found: Any, more: str
) -> None:
    """Metrics and logs come late: an empty answer is a success for who says so alone."""
    with raw_server(answering(200, success({"resultType": "matrix", "result": found}))) as url:
        ran = run(f"steps:\n  - action: {action}\n    config: {{url: '{url}', query: up}}\n    {more}\n")
    assert expected == ran.result.outcome
    assert (expected is Outcome.FAILED) == ("count is 0" in ran.result.steps[0].message)
