"""Whose fault a server that is not there is: a service under test fails the flow, what tests stand on errs it."""

from __future__ import annotations

import pytest

from support.flows import run
from support.ports import HOST, free_port
from testmesh_engine.contract.result import Outcome


@pytest.mark.parametrize(
    ("exit_code", "action", "config"),
    [
        (1, "grpc_call", "{{address: '{at}', method: a.B/C}}"),
        (1, "websocket", "{{url: 'ws://{at}', action: connect}}"),
        (1, "wait_for", "{{tcp: '{at}', timeout: 100ms, interval: 20ms}}"),
        (3, "redis_get", "{{url: 'redis://{at}', key: a}}"),
        (3, "prometheus_query", "{{url: 'http://{at}', query: up}}"),
        (3, "loki_query", "{{url: 'http://{at}', query: '{{}}'}}"),
    ],
)
def test_a_server_that_is_not_there_ends_the_run_with_the_code_of_its_kind(
    exit_code: int, action: str, config: str
) -> None:
    """1 for a service under test, 3 for cache and observability; teardown runs in either case."""
    given = config.format(at=f"{HOST}:{free_port()}")
    ran = run(
        f"steps:\n  - {{id: asked, action: {action}, config: {given}}}\n"
        "teardown:\n  - {id: after, action: delay, config: {duration: 1ms}}\n"
    )
    assert (exit_code, Outcome.PASSED) == (ran.exit_code, ran.outcomes()["after"]), ran.step("asked").message
    assert "refused" in ran.step("asked").message
