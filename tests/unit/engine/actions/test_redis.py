"""``redis``: what a step's words become, what replies become, and servers that break every rule."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from threading import Timer
from typing import Any

import pytest

from support.action_steps import attempt, run_action
from support.flows import read, run
from support.web import Talk, endlessly, idle, raw_server, resetting
from testmesh_engine.actions.base import Context
from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.actions.redis import PRESETS, Redis
from testmesh_engine.actions.redis_command import command_of, exists, fault_of_ttl
from testmesh_engine.actions.redis_target import fault_of_redis_url, target_of
from testmesh_engine.actions.registry import Registry
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import Interrupted, PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import MapScope


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt, after what is done before a flow's first step."""
    with attempt() as made:
        Redis().prepare([], made)
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
        (["CONFIG", "get", "save"], {"command": ["config get", "save"]}),
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
        ("does not run SELECT", {"command": ["select 1"]}),
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
        (["NOPERM no", "a"], b"*2\r\n-NOPERM no\r\n$1\r\na\r\n"),
        ("x" * 1_000_000, b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n"),
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
        ("protocol_error", "MOVED 3999 127.0.0.1:6381", PlatformError),
        ("protocol_error", "LOADING", PlatformError),
        ("protocol_error", "OOM", PlatformError),
        ("protocol_error", "MAXCLIENTS", PlatformError),
    ],
)
def test_an_error_is_the_commands_or_the_servers(
    context: Context, kind: str, code: str, error: type[ServiceError]
) -> None:
    """Whose fault it is decides the exit code."""
    said = code if " " in code else f"{code} because"
    with raw_server(answering(f"-{said}\r\n".encode())) as url, pytest.raises(error, match=said) as raised:
        get(context, url)
    assert kind == raised.value.kind


@pytest.mark.parametrize(
    ("kind", "talk", "message"),
    [
        ("protocol_error", answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "is no Redis: it begins with b'HTTP/1.1"),
        ("protocol_error", answering(b"$99999999999\r\n" + b"x" * (33 << 20)), "larger than 32 MiB"),
        ("protocol_error", answering(b"$1\r\nxyz\r\n"), "longer than Redis announced"),
        ("protocol_error", answering(b":x\r\n"), "it begins with b':x'"),
        ("protocol_error", answering(b"*1\r\n" * 40 + b":1\r\n"), "it begins with"),
        ("protocol_error", answering(b"*1\r\n" * 10_000 + b":1\r\n"), "it begins with"),
        ("protocol_error", answering(b"\r\n"), "it begins with b''"),
        ("protocol_error", answering(b"+one\r\n+two\r\n"), "longer than Redis announced"),
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


@pytest.mark.parametrize("before", ["", "u:p@"])
def test_a_redis_that_sends_a_byte_now_and_then_ends_at_the_deadline(context: Context, before: str) -> None:
    """Each byte comes in time, the reply does not; also that to signing in."""

    def trickling(connection: socket.socket) -> None:
        connection.recv(65536)
        endlessly(b"+", pause=0.05)(connection)

    context.deadline = Deadline.after(0.3, "config.timeout")
    started = time.monotonic()
    with (
        raw_server(trickling) as url,
        pytest.raises(PlatformError, match=r"no reply .* within config\.timeout of 300ms"),
    ):
        get(context, url.replace("http://", f"redis://{before}"))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("ending", [b"", b"$5\r\nhal", b"-LOADING because\r\n"])
def test_a_command_is_sent_once(context: Context, ending: bytes) -> None:
    """Whatever becomes of its reply: it may have been executed. The next step opens a connection of its own."""
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(ending)

    with raw_server(talk) as url:
        for count in (1, 2):
            with pytest.raises(PlatformError):
                get(context, url, command="INCR")
            time.sleep(0.05)
            assert [b"*2\r\n$4\r\nINCR\r\n$1\r\na\r\n"] * count == seen


def test_one_signs_in_and_chooses_the_database_and_says_no_more(context: Context) -> None:
    """A proxy may know no other command."""
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            seen.append(data.replace(b"\r\n", b" "))
            connection.sendall(b"+OK\r\n")

    with raw_server(talk) as url:
        get(context, url.replace("http://", "redis://u:p@") + "/3")
    assert [b"*3 $4 AUTH $1 u $1 p ", b"*2 $6 SELECT $1 3 ", b"*2 $3 GET $1 a "] == seen


def test_the_steps_of_a_flow_share_a_connection(context: Context) -> None:
    """Of three commands, two find it open, also after an error."""
    opened: list[socket.socket] = []

    def talk(connection: socket.socket) -> None:
        opened.append(connection)
        answering(b"+1\r\n", b"-WRONGTYPE because\r\n", b"+3\r\n")(connection)

    with raw_server(talk) as url:
        assert "1" == get(context, url)["value"]
        with pytest.raises(ServiceError):
            get(context, url)
        assert "3" == get(context, url)["value"]
    assert 1 == len(opened)


def test_a_reply_that_nobody_asked_for_is_no_commands(context: Context) -> None:
    """What came between two steps is dropped with its connection."""

    def chatty(connection: socket.socket) -> None:
        answering(b"+mine\r\n")(connection)
        time.sleep(0.05)
        connection.sendall(b"+nobodys\r\n")
        idle(connection)

    with raw_server(chatty) as url:
        for _ in range(2):
            assert "mine" == get(context, url)["value"]
            time.sleep(0.2)


def test_the_declaration_imports_no_driver() -> None:
    """Validating a flow must not pay for redis-py."""
    code = "import sys; from testmesh_engine.actions.redis import Redis; sys.exit('redis' in sys.modules or not Redis)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_a_missing_driver_says_what_to_install(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the flow's first step."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(UsageError, match="redis needs a library") as raised:
        Redis().prepare([], context)
    assert "Install it with: pip install 'testmesh[redis]'" == raised.value.hint


def test_importing_the_driver_takes_nothing_of_a_steps_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than many a timeout: it is there before the first step, or the flow does not start."""
    monkeypatch.setitem(sys.modules, "redis", None)
    ran = run("""
        steps:
          - {action: log, config: {message: a}}
          - {action: redis_get, config: {host: h, key: a}}
    """)
    assert {Outcome.NOT_RUN} == set(ran.outcomes().values())
    assert "redis needs a library" in str(ran.result)


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
