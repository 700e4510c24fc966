"""``redis`` against a real Redis."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from support.action_steps import attempt, run_action, run_example
from support.ports import HOST
from support.redis_server import PASSWORD, RedisServer, redis_server
from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.redis import Redis
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import PlatformError, ServiceError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A running Redis."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt, after what is done before a flow's first step."""
    with attempt() as made:
        Redis().prepare([], made)
        yield made


def redis(context: Context, server: RedisServer, **config: object) -> Result:
    """The result of one command."""
    return run_action(Redis(), context, **{"url": server.url(), **config})


def test_what_is_set_can_be_read_and_goes_when_its_time_is_over(context: Context, server: RedisServer) -> None:
    """A map is JSON there, and a map again here."""
    assert "OK" == redis(context, server, key="order", value={"total": 59}, ttl="200ms")["value"]
    assert {"total": 59} == redis(context, server, key="order")["json"]
    assert 0 < int(str(redis(context, server, command="PTTL order")["value"])) <= 200
    redis(context, server, command="BLPOP", key="nothing", args=["0.3"])
    assert redis(context, server, key="order")["exists"] is False


def test_hashes_lists_sets_and_numbers_have_their_kinds(context: Context, server: RedisServer) -> None:
    """What a flow compares with."""
    redis(context, server, command="HSET", key="h", value={"name": "grün", "n": 1})
    assert {"name": "grün", "n": "1"} == redis(context, server, command="HGETALL", key="h")["value"]
    redis(context, server, command="RPUSH", key="l", value=["a", 2])
    assert ["a", "2"] == redis(context, server, command="LRANGE l 0 -1")["value"]
    assert 1 == redis(context, server, command="INCR", key="n")["value"]
    assert ["a"] == redis(context, server, command=["EVAL", "return {KEYS[1]}", 1, "a"])["value"]


def test_databases_are_apart(context: Context, server: RedisServer) -> None:
    """The number in the URL, or db, names one."""
    redis(context, server, key="where", value="zero")
    assert redis(context, server, url=server.url(3), key="where")["value"] is None
    assert "zero" == redis(context, server, url=server.url(3), db=0, key="where")["value"]


def test_tls_is_checked_and_says_what_is_missing(context: Context, server: RedisServer) -> None:
    """With the authority's certificate it works; without, the message says what to give."""
    config = {"url": f"rediss://:{PASSWORD}@localhost:{server.tls_port}", "command": "PING"}
    assert "PONG" == redis(context, server, **config, ca_cert=str(server.authority.pair.certificate))["value"]
    with pytest.raises(PlatformError, match="issuer") as raised:
        redis(context, server, **config)
    assert "ca_cert" in raised.value.hint
    assert "PONG" == redis(context, server, **config, verify_ssl=False)["value"]


def test_steps_share_a_connection_also_under_tls(context: Context, server: RedisServer) -> None:
    """A connection that is quiet is told from one that is closed: of three commands, none opens another."""
    config = {
        "url": f"rediss://:{PASSWORD}@localhost:{server.tls_port}",
        "ca_cert": str(server.authority.pair.certificate),
    }
    counts = {
        line
        for _ in range(3)
        for line in str(redis(context, server, **config, command="INFO stats")["value"]).splitlines()
        if line.startswith("total_connections_received")
    }
    assert 1 == len(counts)


def test_plain_text_where_tls_is_spoken_and_the_other_way_round_end_in_words(
    context: Context, server: RedisServer
) -> None:
    """Redis without TLS waits for the rest of a greeting: what was not finished is told."""
    context.deadline = Deadline.after(0.3, "config.timeout")
    with pytest.raises(PlatformError, match="TLS handshake was not finished"):
        redis(context, server, url=f"rediss://:{PASSWORD}@localhost:{server.port}", command="PING")
    context.deadline = Deadline.after(2, "config.timeout")
    with pytest.raises(PlatformError) as raised:
        redis(context, server, url=f"redis://:{PASSWORD}@localhost:{server.tls_port}", command="PING")
    assert raised.value.kind in {"connection_error", "protocol_error"}


@pytest.mark.parametrize("credentials", ["", ":wrong@"])
def test_a_wrong_password_is_the_platforms_fault(context: Context, server: RedisServer, credentials: str) -> None:
    """The message says what to write, and not what was written."""
    with pytest.raises(PlatformError, match="does not let us in") as raised:
        redis(context, server, url=f"redis://{credentials}{HOST}:{server.port}", key="a")
    assert "username and password" in raised.value.hint
    assert ":wrong" not in str(raised.value)


def test_a_command_that_redis_refuses_fails_the_step(context: Context, server: RedisServer) -> None:
    """As a query that a database refuses."""
    redis(context, server, key="text", value="x")
    with pytest.raises(ServiceError, match="Redis refuses INCR: ERR value is not an integer"):
        redis(context, server, command="INCR", key="text")
    assert "x" == redis(context, server, key="text")["value"]


def test_a_connection_that_was_closed_between_two_steps_is_opened_anew(context: Context, server: RedisServer) -> None:
    """The second step finds it closed, and passes."""
    redis(context, server, command="PING")
    with socket.create_connection((HOST, server.port), timeout=5) as other:
        other.sendall(f"AUTH {PASSWORD}\r\nCLIENT KILL TYPE normal SKIPME yes\r\n".encode())
        while b":" not in other.recv(100):
            pass
    assert "PONG" == redis(context, server, command="PING")["value"]


def test_a_frozen_redis_ends_the_step_at_its_time(context: Context, server: RedisServer) -> None:
    """And once it is back, the next step works."""
    server.process.signal(signal.SIGSTOP)
    try:
        context.deadline = Deadline.after(0.3, "config.timeout")
        with pytest.raises(PlatformError, match=r"within config\.timeout of 300ms") as raised:
            redis(context, server, command="PING")
    finally:
        server.process.signal(signal.SIGCONT)
    assert "timeout" == raised.value.kind
    context.deadline = Deadline.after(5, "config.timeout")
    assert "PONG" == redis(context, server, command="PING")["value"]


def test_the_example_passes(server: RedisServer) -> None:
    """examples/actions/redis.yaml, with its variable set."""
    ran = run_example("redis", REDIS_URL=server.url())
    assert Outcome.PASSED == ran.result.outcome, ran.outcomes()
