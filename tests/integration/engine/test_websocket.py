"""``websocket`` against a real server, and against what is none."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from support.action_steps import attempt, run_action, run_example
from support.certificates import authority
from support.web import Talk, idle, raw_server, request_of, resetting, saying
from support.websocket_server import SocketServer, socket_server
from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.actions.websocket import WebSocket
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import ErrorKind, Interrupted, ServiceError, UsageError


@pytest.fixture(scope="module")
def server() -> Iterator[SocketServer]:
    """A running server."""
    with socket_server() as running:
        yield running


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt."""
    with attempt() as made:
        yield made


def run(context: Context, server: SocketServer, *actions: Any, path: str = "/echo", **config: Any) -> Result:
    """The result of one script."""
    return run_action(WebSocket(), context, **{"url": f"{server.url}{path}", "actions": [*actions], **config})


def one(context: Context, server: SocketServer, action: str, path: str = "/echo", **config: Any) -> Result:
    """The result of one action."""
    return run_action(WebSocket(), context, url=f"{server.url}{path}", action=action, **config)


def test_what_is_sent_comes_back_with_its_kind(context: Context, server: SocketServer) -> None:
    """Maps and lists as JSON; a text that spells a number stays text; bytes stay bytes."""
    sent = [{"a": 1}, "42", b"\x00\xff"]
    result = run(context, server, *[{"send": message} for message in sent], {"receive": {"count": 3}})
    assert (sent, ['{"a":1}', "42", b"\x00\xff"]) == (result["messages"], result["raw"])
    assert (b"\x00\xff", 3, True) == (result["last"], result["count"], result["connected"])


def test_both_forms_of_an_action_mean_the_same(context: Context, server: SocketServer) -> None:
    """``{action: send, message}``, with the words of other tools, and ``{send: …}``."""
    result = run(
        context,
        server,
        "connect",
        {"action": "send", "message": "a"},
        {"type": "send", "data": "b"},
        {"send": "c"},
        {"action": "receive", "count": 3, "timeout": "2s"},
        {"close": {"code": 1001, "reason": "done"}},
    )
    assert (["a", "b", "c"], False, 1001) == (result["messages"], result["connected"], result["close_code"])


def test_a_connection_stays_open_for_the_next_step(context: Context, server: SocketServer) -> None:
    """Until a step closes it, or connects anew; a name makes another one."""
    assert one(context, server, "connect")["connected"] is True
    one(context, server, "send", message="first")
    one(context, server, "send", message="other", connection="second")
    assert "first" == one(context, server, "receive")["last"]
    assert "other" == one(context, server, "receive", connection="second")["last"]
    assert 2 == len([seen for seen in server.seen[-2:] if "upgrade" in seen])
    assert one(context, server, "close")["connected"] is False


def test_headers_and_the_trace_go_with_the_handshake_and_a_subprotocol_is_chosen(
    context: Context, server: SocketServer
) -> None:
    """As a browser's would, with what the step says."""
    context.trace_id = "b" * 32
    result = run(context, server, "connect", headers={"Authorization": "Bearer x"}, subprotocols=["v1"])
    assert "v1" == result["subprotocol"]
    seen = server.seen[-1]
    assert ("Bearer x", True) == (seen["authorization"], seen["traceparent"].startswith(f"00-{'b' * 32}"))


def test_messages_that_do_not_match_are_passed_over(context: Context, server: SocketServer) -> None:
    """The part that is asked for decides."""
    result = run(context, server, {"receive": {"match": {"number": 2}}}, path="/push")
    assert [{"type": "event", "number": 2}] == result["messages"]


def test_too_few_messages_fail_with_what_did_not_match(context: Context, server: SocketServer) -> None:
    """Nothing is left to guess."""
    script = {"receive": {"match": {"number": 7}, "timeout": "200ms"}}
    with pytest.raises(
        ServiceError, match=r"0 messages had come.*timeout of receive of 200ms.*3 did not match"
    ) as raised:
        run(context, server, script, path="/push")
    assert "timeout" == raised.value.kind
    assert ".number is 2, not 7" in str(raised.value)
    assert context.found["not_matched"]


def test_a_message_in_parts_is_one(context: Context, server: SocketServer) -> None:
    """Frames are the protocol's, not the flow's."""
    assert "grün" == run(context, server, "receive", path="/parts")["last"]


def test_a_server_that_closes_early_is_told_with_its_code(context: Context, server: SocketServer) -> None:
    """What had come is shown beside it; and the next step connects anew."""
    with pytest.raises(ServiceError, match=r"after 1 messages the connection was closed with 4001: go away") as raised:
        run(context, server, {"receive": {"count": 2}}, path="/bye")
    assert ("connection_error", {"messages": ["last words"]}) == (raised.value.kind, context.found)
    assert "last words" == run(context, server, "receive", path="/bye")["last"]


def test_a_server_that_has_gone_between_two_steps_is_told_by_the_next(context: Context, server: SocketServer) -> None:
    """A message must not vanish into a connection that is closed."""
    run(context, server, "receive", path="/bye")
    time.sleep(0.1)
    with pytest.raises(ServiceError, match="at send the connection was closed with 4001"):
        run(context, server, {"send": "hello?"}, path="/bye")


@pytest.mark.parametrize(
    ("kind", "path", "message"),
    [
        ("protocol_error", "/forbidden", "answered 403 Forbidden in place of 101"),
        ("protocol_error", "/huge", "closed with 1009"),
        ("connection_error", "/reset", "the connection was closed|the server closed|the connection was lost"),
    ],
)
def test_a_server_that_refuses_or_breaks_off_fails_the_step(
    context: Context, server: SocketServer, kind: ErrorKind, path: str, message: str
) -> None:
    """With what it said."""
    with pytest.raises(ServiceError, match=message) as raised:
        run(context, server, "receive", path=path)
    assert kind == raised.value.kind


def upgraded(*frames: bytes) -> Talk:
    """Shake hands as a server does, then send ``frames`` and stay silent."""

    def talk(connection: socket.socket) -> None:
        head = request_of(connection).decode("latin-1")
        key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324 - RFC 6455
        accept = base64.b64encode(digest).decode()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        connection.sendall("\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())
        for frame in frames:
            connection.sendall(frame)
        idle(connection)

    return talk


@pytest.mark.parametrize(
    ("kind", "talk", "message"),
    [
        (
            "protocol_error",
            saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            "answered 200 OK in place of 101",
        ),
        ("protocol_error", saying(b"220 mail ESMTP\r\n\r\n"), "none of WebSocket"),
        ("protocol_error", upgraded(b"\x81\x01\xff"), "no UTF-8"),
        ("protocol_error", upgraded(b"\x83\x00"), "closed with 1002"),
        ("protocol_error", upgraded(b"\x81\x7f" + struct.pack("!Q", 1 << 40)), "closed with 1009"),
        ("connection_error", saying(b"", then=resetting), "lost|closed"),
        ("connection_error", saying(b""), "closed|none of WebSocket"),
        ("timeout", idle, "receive|connected, and the server has not answered"),
        ("timeout", upgraded(b"\x81\x05hal"), "0 messages had come"),
        ("timeout", upgraded(), "0 messages had come"),
    ],
)
def test_what_is_no_websocket_ends_in_words(context: Context, kind: ErrorKind, talk: Talk, message: str) -> None:
    """Within its time."""
    context.deadline = Deadline.after(0.4, "config.timeout")
    with raw_server(talk) as url, pytest.raises(ServiceError, match=message) as raised:
        run(context, SocketServer(url.replace("http", "ws")), "receive")
    assert kind == raised.value.kind


def test_a_server_that_is_not_there_is_told(context: Context) -> None:
    """As a connection error."""
    with raw_server(idle) as url:
        pass
    with pytest.raises(ServiceError, match=r"can't connect to ws://.*Connection refused") as raised:
        run(context, SocketServer(url.replace("http", "ws")), "connect")
    assert "connection_error" == raised.value.kind


def test_an_interrupt_ends_the_waiting_at_once(context: Context, server: SocketServer) -> None:
    """A signal does not wait for a message."""
    Timer(0.1, lambda: context.interrupt.set("SIGTERM")).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        run(context, server, "receive")
    assert time.monotonic() - started < 2


def test_tls_is_checked(context: Context, tmp_path: Path) -> None:
    """Own authorities are given as for http_request."""
    signer = authority(tmp_path)
    pair = signer.issue("server")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)
    with socket_server(tls) as server:
        script = ({"send": "a"}, "receive")
        assert "a" == run(context, server, *script, ca_cert=str(signer.pair.certificate))["last"]
        with attempt() as other, pytest.raises(ServiceError, match="issuer"):
            run(other, server, *script)


@pytest.mark.parametrize(
    ("message", "config"),
    [
        ("needs action or actions", {}),
        ("action or actions, not both", {"action": "send", "actions": ["receive"]}),
        ("found shout", {"actions": ["shout"]}),
        ('has no key "mesage" for send', {"actions": [{"action": "send", "mesage": "x"}]}),
        ("send without message", {"actions": [{"action": "send"}]}),
        ("match is an empty map, which any other fits", {"actions": [{"receive": {"match": {}}}]}),
        ("match is an empty map, which any other fits", {"action": "receive", "match": {}}),
        ("count takes a whole number", {"actions": [{"receive": {"count": "two"}}]}),
        ("timeout takes a duration", {"actions": [{"receive": {"timeout": 5}}]}),
        (r"\(number 2\)", {"actions": ["connect", {}]}),
        ("write wss://", {"url": "https://localhost", "action": "connect"}),
        ("count is 1 or more", {"actions": [{"receive": {"count": 0}}]}),
    ],
)
def test_a_script_that_can_not_be_meant_is_refused(context: Context, message: str, config: dict[str, Any]) -> None:
    """Before anything is sent, with what is allowed."""
    with pytest.raises(UsageError, match=message):
        run_action(WebSocket(), context, **{"url": "ws://localhost:1", **config})


def test_the_example_passes(server: SocketServer) -> None:
    """examples/actions/websocket.yaml, with its variable set."""
    ran = run_example("websocket", WS_URL=server.url)
    assert Outcome.PASSED == ran.result.outcome, [step.message for step in ran.result.steps]
