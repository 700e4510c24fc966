"""``redis``: what a step's words become, what replies become, and servers that break every rule."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from threading import Timer
from typing import Any

import pytest

from support.action_steps import attempt, run_action
from support.flows import read
from support.web import Talk, idle, raw_server, resetting
from testmesh_engine.actions.base import Context
from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.actions.redis import PRESETS, Redis
from testmesh_engine.actions.redis_command import command_of, exists, fault_of_ttl
from testmesh_engine.actions.redis_target import fault_of_redis_url, target_of
from testmesh_engine.actions.registry import Registry
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.errors import Interrupted, PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import MapScope


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt."""
    with attempt() as made:
        yield made


def words(**config: Any) -> list[Any]:
    """The words of the command that a config means."""
    return list(command_of(Config(Redis.spec, canonical(Redis.spec, config))).words)


def answering(*replies: bytes) -> Talk:
    """Answer each command with the next of ``replies``, then close."""

    def talk(connection: socket.socket) -> None:
        for reply in replies:
            connection.recv(65536)
            connection.sendall(reply)

    return talk


def get(context: Context, url: str, **config: Any) -> Any:
    """The result of ``GET a`` at the raw server ``url``."""
    return run_action(Redis(), context, url=url.replace("http", "redis"), **{"key": "a", **config})


@pytest.mark.parametrize(
    ("expected", "config"),
    [
        (["GET", "a"], {"key": "a"}),
        (["SET", "a", 1], {"key": "a", "value": 1}),
        (["SET", "a", {"b": 1}, "EX", 60], {"key": "a", "value": {"b": 1}, "ttl": "1m"}),
        (["SET", "a", "x", "PX", 1500], {"key": "a", "value": "x", "ttl": Decimal("1.5")}),
        (["EXPIRE", "a", 30], {"command": "expire", "key": "a", "ttl": 30}),
        (["LRANGE", "a", "0", "-1"], {"command": "LRANGE a 0 -1"}),
        (["SET", "a", "two words"], {"command": 'SET a "two words"'}),
        (["ZADD", "z", 1, "m"], {"command": ["zadd", "z", 1, "m"]}),
        (["LPUSH", "l", 1, 2], {"command": "LPUSH", "key": "l", "value": [1, 2]}),
        (["SET", "l", [1, 2]], {"command": "SET", "key": "l", "value": [1, 2]}),
        (["HSET", "h", "f", 1], {"command": "HSET", "key": "h", "value": {"f": 1}}),
        (["HSET", "h", "f", 1], {"command": "HSET", "key": "h", "field": "f", "value": 1}),
        (["MGET", "a", "b"], {"command": "MGET", "key": ["a", "b"]}),
        (["GETRANGE", "a", 0, 3], {"command": "GETRANGE", "key": "a", "args": [0, 3]}),
    ],
)
def test_a_step_becomes_the_words_of_one_command(expected: list[Any], config: dict[str, Any]) -> None:
    """In the order in which Redis takes them."""
    assert expected == words(**config)


@pytest.mark.parametrize(
    ("message", "config"),
    [
        ("redis needs key", {}),
        ("does not run SUBSCRIBE", {"command": "subscribe", "key": "news"}),
        ("does not run SELECT", {"command": "SELECT 1"}),
        ("does not run MULTI", {"command": "MULTI"}),
        ("ttl goes with SET and EXPIRE", {"command": "GET", "key": "a", "ttl": 3}),
        ("a quote without its end", {"command": 'SET a "b'}),
    ],
)
def test_a_command_that_can_not_be_meant_is_refused(message: str, config: dict[str, Any]) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match=message):
        words(**config)


def test_nil_is_no_word_of_a_command(context: Context) -> None:
    """A captured value that is nil must not become the text null."""
    with pytest.raises(UsageError, match="a word of the command is nil"):
        run_action(Redis(), context, url="redis://localhost", command=["SET", "a", None])


@pytest.mark.parametrize("ttl", [0, -1, "0s", "5", True, []])
def test_a_ttl_that_is_none_is_refused(ttl: object) -> None:
    """Redis would refuse it too, or never let the key go."""
    assert fault_of_ttl(ttl)


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://", "redis://h:x", "redis://h/one"])
def test_a_url_of_something_else_is_refused(url: str) -> None:
    """With the form that is right."""
    assert "redis://" in fault_of_redis_url(url) or "/0" in fault_of_redis_url(url)


def test_a_wrong_url_is_not_shown_with_its_password() -> None:
    """It stands in a report."""
    assert "hunter2" not in fault_of_redis_url("rediss://:hunter2@:x/") + fault_of_redis_url("postgres://:hunter2@h")


def test_a_target_is_read_from_a_url_or_from_its_parts() -> None:
    """Escapes in a URL are read; host wins over a URL that a variable gave."""
    parts = {"host": "h", "port": 1, "db": 2, "username": "u", "password": "p@"}
    by_url = target_of(Config(Redis.spec, {"url": "redis://u:p%40@h:1/2"}), None)
    assert by_url == target_of(Config(Redis.spec, {**parts, "url": "redis://elsewhere"}), None)


def test_a_step_names_a_redis(context: Context) -> None:
    """Nothing is asked of one that nobody named."""
    with pytest.raises(UsageError, match="redis needs url or host"):
        run_action(Redis(), context, key="a")


@pytest.mark.parametrize(
    ("expected", "config", "value"),
    [
        (True, {"key": "a"}, ""),
        (False, {"key": "a"}, None),
        (False, {"command": "EXISTS a"}, 0),
        (True, {"command": "DEL a"}, 1),
        (True, {"command": "INCR a"}, 0),
        (False, {"command": "TTL a"}, -2),
        (True, {"command": "TTL a"}, -1),
        (False, {"command": "LRANGE a 0 -1"}, []),
        (False, {"command": "HGETALL a"}, {}),
    ],
)
def test_exists_says_whether_it_is_or_was_there(expected: bool, config: dict[str, Any], value: Any) -> None:  # noqa: FBT001 - one parameter of a table
    """For each kind of command by what its reply means."""
    assert expected is exists(command_of(Config(Redis.spec, config)), value)


@pytest.mark.parametrize(
    ("expected", "reply"),
    [
        ("OK", b"+OK\r\n"),
        (7, b":7\r\n"),
        ("07", b"$2\r\n07\r\n"),
        (None, b"$-1\r\n"),
        (b"\xff", b"$1\r\n\xff\r\n"),
        (["a", 1, None, ["b"]], b"*4\r\n$1\r\na\r\n:1\r\n$-1\r\n*1\r\n$1\r\nb\r\n"),
        (["ERR no", "a"], b"*2\r\n-ERR no\r\n$1\r\na\r\n"),
    ],
)
def test_replies_are_values_of_the_language(context: Context, expected: object, reply: bytes) -> None:
    """Text stays text, also where it has digits."""
    with raw_server(answering(reply)) as url:
        assert expected == get(context, url)["value"]


def test_pairs_are_a_map_and_json_is_read(context: Context) -> None:
    """A hash by its fields; a value that is JSON as what it is, beside its text."""
    with raw_server(answering(b"*2\r\n$1\r\nf\r\n$1\r\nx\r\n", b'$9\r\n{"n":1.0}\r\n', b"$1\r\nx\r\n")) as url:
        assert {"f": "x"} == get(context, url, command="HGETALL")["value"]
        assert {"n": Decimal("1.0")} == get(context, url)["json"]
        assert get(context, url)["json"] is None


@pytest.mark.parametrize(
    ("kind", "code", "error"),
    [
        ("query_error", "WRONGTYPE", ServiceError),
        ("connection_error", "NOAUTH", PlatformError),
        ("connection_error", "WRONGPASS", PlatformError),
        ("protocol_error", "MOVED", PlatformError),
        ("protocol_error", "LOADING", PlatformError),
        ("protocol_error", "OOM", PlatformError),
    ],
)
def test_an_error_is_the_commands_or_the_servers(
    context: Context, kind: str, code: str, error: type[ServiceError]
) -> None:
    """Whose fault it is decides the exit code."""
    with raw_server(answering(f"-{code} because\r\n".encode())) as url, pytest.raises(error, match=code) as raised:
        get(context, url)
    assert kind == raised.value.kind


@pytest.mark.parametrize(
    ("kind", "talk", "message"),
    [
        ("protocol_error", answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "is no Redis: it begins with b'HTTP/1.1"),
        ("protocol_error", answering(b"$99999999999\r\nx"), "larger than 32 MiB"),
        ("protocol_error", answering(b"$1\r\nxyz\r\n"), "longer than Redis announced"),
        ("protocol_error", answering(b":x\r\n"), "is no number"),
        ("protocol_error", answering(b"*1\r\n" * 40), "it begins with"),
        ("protocol_error", answering(b"+" + b"x" * 100_000), "it begins with"),
        ("connection_error", answering(b"$5\r\nhal"), "Redis closed the connection; it was sent, and may have been"),
        ("connection_error", resetting, "may have been executed|can't connect"),
    ],
)
def test_what_is_no_reply_is_the_platforms_fault(context: Context, kind: str, talk: Talk, message: str) -> None:
    """A cache that answers nonsense fails no test: the step has errored, exit code 3."""
    with raw_server(talk) as url, pytest.raises(PlatformError, match=message) as raised:
        get(context, url)
    assert kind == raised.value.kind


def test_a_redis_that_is_not_there_is_told_at_once(context: Context) -> None:
    """With its address."""
    with raw_server(idle) as url:
        pass
    with pytest.raises(
        PlatformError, match=r"can't connect to Redis at 127\.0\.0\.1:\d+: Connection refused"
    ) as raised:
        get(context, url)
    assert "connection_error" == raised.value.kind


def test_a_redis_that_stalls_ends_at_the_deadline_and_the_next_step_connects_anew(context: Context) -> None:
    """A reply that comes too late must not answer another command."""

    def late(connection: socket.socket) -> None:
        connection.recv(65536)
        time.sleep(0.4)
        connection.sendall(b"+late\r\n")
        idle(connection)

    context.deadline = Deadline.after(0.2, "config.timeout")
    with raw_server(late) as url:
        started = time.monotonic()
        with pytest.raises(PlatformError, match=r"no reply .* within config\.timeout of 200ms: it was sent") as raised:
            get(context, url)
        assert time.monotonic() - started < 2
        assert "timeout" == raised.value.kind
        context.deadline = Deadline.after(0.2, "config.timeout")
        with pytest.raises(PlatformError, match="no reply"):
            get(context, url)


def test_an_interrupt_ends_a_command_at_once(context: Context) -> None:
    """A signal does not wait for a server that stalls."""
    Timer(0.1, lambda: context.interrupt.set("SIGTERM")).start()
    started = time.monotonic()
    with raw_server(idle) as url, pytest.raises(Interrupted):
        get(context, url)
    assert time.monotonic() - started < 2


def test_each_spelling_of_the_action_is_known_to_the_registry() -> None:
    """The table of aliases is written twice, so that reading a flow without Redis imports nothing of it."""
    assert all(Registry().find(name) is Redis.spec for name in PRESETS)


def test_a_spelling_says_the_command() -> None:
    """redis_get is redis with command: GET, and redis.hset one with HSET."""
    flow = read("""
        steps:
          - {action: redis_get, config: {host: h, key: a}}
          - {action: redis.hset, config: {host: h, key: a, value: {f: 1}}}
    """)
    assert ["GET", "HSET"] == [step.config["command"].render(MapScope({})) for step in flow.steps]


def test_a_spelling_with_another_command_is_refused() -> None:
    """Which of the two was meant nobody knows."""
    with pytest.raises(AssertionError, match="redis_get has command: GET already"):
        read("steps:\n  - {action: redis_get, config: {host: h, key: a, command: SET}}\n")
