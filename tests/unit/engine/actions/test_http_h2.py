"""HTTP/2 against servers that say farewell, reset, lie about lengths, or speak something else."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import h2.config
import h2.connection
import h2.events
import pytest

from support.http_steps import http_context, send
from support.web import raw_server
from testmesh_engine.actions.base import Context
from testmesh_engine.errors import ServiceError

Answer = Callable[[h2.connection.H2Connection, int, int], None]
"""What a server does with a request: its number on this connection, and the stream that it came by."""


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt."""
    with http_context() as made:
        yield made


class Server:
    """Speaks HTTP/2, and answers each request of a connection by ``answer``; keeps what was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self.connections = 0

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection."""
        self.connections += 1
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        state.initiate_connection()
        number = 0
        while True:
            connection.sendall(state.data_to_send())
            data = connection.recv(65536)
            if not data:
                return
            for event in state.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.asked.append(dict(event.headers or ())[b":method"])
                if isinstance(event, h2.events.DataReceived):
                    state.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
                if isinstance(event, h2.events.StreamEnded):
                    number += 1
                    self.answer(state, number, event.stream_id)


def ok(state: h2.connection.H2Connection, stream: int, *, length: int = 2) -> None:
    """A whole answer."""
    state.send_headers(stream, [(":status", "200"), ("content-length", str(length))])
    state.send_data(stream, b"ok", end_stream=True)


def test_one_connection_serves_all_requests(context: Context) -> None:
    """One after another, with bodies."""
    server = Server(lambda state, _, stream: ok(state, stream))
    with raw_server(server) as url:
        found = [send(context, url=url, http2=True, method="POST", body="x" * 300_000)["body"] for _ in range(3)]
    assert (["ok"] * 3, 1) == (found, server.connections)


def test_a_request_that_a_farewell_says_was_not_looked_at_is_sent_again(context: Context) -> None:
    """Also a POST: the server promises that it did nothing (RFC 9113, 6.8)."""

    def farewell(state: h2.connection.H2Connection, number: int, stream: int) -> None:
        if number == 1:
            ok(state, stream)
        else:
            state.close_connection(last_stream_id=1)

    server = Server(farewell)
    with raw_server(server) as url:
        found = [send(context, url=url, http2=True, method="POST", body="x")["body"] for _ in range(3)]
    assert (["ok"] * 3, 3) == (found, server.connections)


def test_an_answer_that_comes_after_the_farewell_counts(context: Context) -> None:
    """It was begun before."""

    def farewell(state: h2.connection.H2Connection, _: int, stream: int) -> None:
        # The library would not let a server answer after GOAWAY: the frame is written by hand.
        goaway = b"\0\0\x08\x07\0\0\0\0\0" + stream.to_bytes(4, "big") + bytes(4)
        ok(state, stream)
        answer = state.data_to_send()
        state._data_to_send += goaway + answer

    server = Server(farewell)
    with raw_server(server) as url:
        found = [send(context, url=url, http2=True, method="POST", body="x")["body"] for _ in range(2)]
    assert (["ok"] * 2, 2) == (found, server.connections)


def test_a_reset_is_told_by_its_name_and_not_asked_again(context: Context) -> None:
    """It may have been executed."""
    server = Server(lambda state, _, stream: state.reset_stream(stream, error_code=2))
    with raw_server(server) as url, pytest.raises(ServiceError, match="ended the answer with INTERNAL_ERROR") as raised:
        send(context, url=url, http2=True, method="POST", body="x")
    assert ([b"POST"], "connection_error") == (server.asked, raised.value.kind)


def test_a_length_that_is_not_the_bodys_is_told(context: Context) -> None:
    """With both numbers."""
    server = Server(lambda state, _, stream: ok(state, stream, length=9))
    with raw_server(server) as url, pytest.raises(ServiceError, match=r"body has 2 bytes.*says 9") as raised:
        send(context, url=url, http2=True)
    assert "protocol_error" == raised.value.kind


def test_a_connection_that_breaks_off_is_told(context: Context) -> None:
    """After the head and a part of the body."""

    def half(state: h2.connection.H2Connection, _: int, stream: int) -> None:
        state.send_headers(stream, [(":status", "200")])
        state.send_data(stream, b"half")
        broken.append(True)

    broken: list[bool] = []
    server = Server(half)

    def talk(connection: socket.socket) -> None:
        connection.settimeout(0.3)
        server(connection)

    with (
        raw_server(talk) as url,
        pytest.raises(ServiceError, match="closed the connection before its answer was whole"),
    ):
        send(context, url=url, http2=True)
    assert "half" == context.found["body"]
