"""``grpc_call`` against a real gRPC server, and against what is none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from support.action_steps import attempt, run_action, run_example
from support.certificates import authority
from support.grpc_server import PROTO, GrpcServer, grpc_server
from support.web import Talk, idle, raw_server, resetting, saying
from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.grpc_call import GrpcCall
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import Interrupted, ServiceError, UsageError


@pytest.fixture(scope="module")
def server() -> Iterator[GrpcServer]:
    """A server that tells what it serves."""
    with grpc_server() as running:
        yield running


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt."""
    with attempt() as made:
        yield made


def call(context: Context, server: GrpcServer, method: str = "Get", request: Any = None, **config: Any) -> Result:
    """The result of one call of the shop's orders."""
    given = {"address": server.address, "service": "shop.v1.Orders", "method": method, "request": request, **config}
    return run_action(GrpcCall(), context, **{name: value for name, value in given.items() if value is not None})


def ids(result: Result) -> list[Any]:
    """The ids of the messages of a result."""
    messages = result["messages"]
    assert isinstance(messages, list)
    return [message["id"] for message in messages if isinstance(message, dict)]


def test_a_message_comes_back_with_exact_values(context: Context, server: GrpcServer) -> None:
    """By the names of the .proto file: 64 bits as a number, 32-bit floats by their own digits, enums by name."""
    body = call(context, server, request={"id": 2**53 + 1, "note": "grün"})["body"]
    assert {
        "id": 2**53 + 1,
        "total": Decimal("59.98"),
        "weight": Decimal("0.1"),
        "status": "PENDING",
        "sku": ["a"],
        "prices": {"a": 2},
        "placed_at": "1970-01-01T00:00:00Z",
        "raw": b"\xff",
        "note": "grün",
        "is_paid": False,
    } == body


def test_metadata_goes_both_ways(context: Context, server: GrpcServer) -> None:
    """What the step sends, the trace of the run, and what the server says before and after."""
    context.trace_id = "a" * 32
    result = call(context, server, metadata={"X-Tenant": "blue", "x-number": 7, "x-raw-bin": b"\x00"})
    seen = server.seen[-1]
    assert {"x-tenant": "blue", "x-number": "7", "x-raw-bin": b"\x00"}.items() <= seen.items()
    assert seen["traceparent"].startswith(f"00-{'a' * 32}-")
    assert {"x-served-by": "test"} == result["metadata"]
    assert {"x-cost": "3", "x-raw-bin": b"\x00\xff"} == result["trailers"]


@pytest.mark.parametrize(("order", "status", "code"), [(404, "NOT_FOUND", 5), (14, "UNAVAILABLE", 14)])
def test_another_status_than_ok_is_a_result(
    context: Context, server: GrpcServer, order: int, status: str, code: int
) -> None:
    """Also one that the library itself gives where a server is not there."""
    result = call(context, server, request={"id": order})
    assert (status, code, f"no order {order}") == (result["status"], result["code"], result["message"])
    assert result["body"] is None


def test_a_deadline_that_the_service_says_is_over_is_a_result(context: Context, server: GrpcServer) -> None:
    """Its own status, and not ours."""
    assert "DEADLINE_EXCEEDED" == call(context, server, request={"id": 4})["status"]


def test_a_service_is_known_without_its_package_and_by_its_file(context: Context, server: GrpcServer) -> None:
    """By reflection, by a .proto file, or as one word with the method."""
    assert "OK" == call(context, server, service="Orders")["status"]
    assert "OK" == call(context, server, proto=str(PROTO))["status"]
    assert "OK" == call(context, server, "shop.v1.Orders/Get", service="")["status"]


def test_streams_of_every_kind_are_read_whole(context: Context, server: GrpcServer) -> None:
    """From the server, to it, and both at once."""
    assert [0, 1, 2] == ids(call(context, server, "Watch", {"id": 3}))
    assert 6 == call(context, server, "Place", [{"id": 1}, {"id": 2}, {"id": 3}])["body"]["id"]  # type: ignore[index, call-overload]  # a map
    assert [5, 6] == ids(call(context, server, "Talk", [{"id": 5}, {"id": 6}]))


def test_a_stream_that_fails_gives_what_came_and_its_status(context: Context, server: GrpcServer) -> None:
    """Two messages, and then ABORTED."""
    result = call(context, server, "Watch", {"id": 404})
    assert ("ABORTED", "enough", [0, 1]) == (result["status"], result["message"], ids(result))


def test_a_stream_without_an_end_is_ended_by_a_count(context: Context, server: GrpcServer) -> None:
    """The status says who has ended it."""
    result = call(context, server, "Watch", {}, max_messages=3)
    assert ("CANCELLED", [0, 1, 2]) == (result["status"], ids(result))


def test_a_stream_without_an_end_ends_at_the_deadline(context: Context, server: GrpcServer) -> None:
    """Never a result: whatever had come, the end did not."""
    context.deadline = Deadline.after(0.3, "config.timeout")
    with pytest.raises(
        ServiceError, match=r"no end of .* within config\.timeout of 300ms after \d+ messages"
    ) as raised:
        call(context, server, "Watch", {})
    assert "timeout" == raised.value.kind


def test_a_call_that_stalls_ends_at_the_deadline_and_at_an_interrupt(context: Context, server: GrpcServer) -> None:
    """The library's own waiting knows nothing of signals."""
    context.deadline = Deadline.after(0.2, "config.timeout")
    with pytest.raises(ServiceError, match="no end of") as raised:
        call(context, server, request={"id": 999}, proto=str(PROTO))
    assert "timeout" == raised.value.kind
    context.deadline = Deadline.after(20, "config.timeout")
    started = time.monotonic()
    Timer(0.1, lambda: context.interrupt.set("SIGTERM")).start()
    with pytest.raises(Interrupted):
        call(context, server, "Watch", {})
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("message", "config"),
    [
        (r'no field named "idd".*', {"request": {"idd": 1}}),
        ("Failed to parse id field", {"request": {"id": "x"}}),
        ("takes one message, and request is a list", {"request": [{"id": 1}]}),
        ("takes a map, the message shop.v1.Wanted", {"request": "text"}),
        ("is no name", {"metadata": {"a b": "c"}}),
        ("no printable ASCII", {"metadata": {"a": "grün"}}),
        ("either proto or use_reflection", {"use_reflection": False}),
        ("max_messages is 1 or more", {"max_messages": 0}),
        ("proto .*missing.proto can't be read", {"proto": "/missing.proto"}),
    ],
)
def test_what_can_not_be_sent_is_the_flows_fault(
    context: Context, server: GrpcServer, message: str, config: dict[str, Any]
) -> None:
    """With the fields that there are."""
    with pytest.raises(UsageError, match=message):
        call(context, server, **config)


def test_a_proto_file_with_a_mistake_is_told_by_the_compiler(
    context: Context, server: GrpcServer, tmp_path: Path
) -> None:
    """With its line."""
    (tmp_path / "bad.proto").write_text('syntax = "proto3";\nmessage A { strin a = 1; }\n', encoding="utf-8")
    context.folder = tmp_path
    with pytest.raises(UsageError, match=r"proto can't be compiled: bad\.proto:2.*strin"):
        call(context, server, proto="bad.proto")


@pytest.mark.parametrize(
    ("message", "config"),
    [
        ('no method Gett; did you mean "Get"', {"method": "Gett"}),
        ("there is no service Basket; there are: .*shop.v1.Orders", {"service": "Basket"}),
    ],
)
def test_a_service_or_method_that_is_not_there_is_told_with_those_that_are(
    context: Context, server: GrpcServer, message: str, config: dict[str, Any]
) -> None:
    """The service under test does not have it: the step fails."""
    with pytest.raises(ServiceError, match=message) as raised:
        call(context, server, **config)
    assert "protocol_error" == raised.value.kind


def test_a_server_without_reflection_wants_a_file(context: Context) -> None:
    """The message says so."""
    with grpc_server(reflected=False) as server:
        with pytest.raises(UsageError, match="offers no reflection") as raised:
            call(context, server)
        assert "proto" in raised.value.hint
        assert "OK" == call(context, server, proto=str(PROTO))["status"]


def test_tls_takes_an_authority_and_our_own_certificate(context: Context, tmp_path: Path) -> None:
    """By path or as text; without one, no connection comes about."""
    signer = authority(tmp_path)
    own = signer.issue("client")
    with grpc_server(tls=signer.issue("server"), clients=signer.pair.certificate) as server:
        port = server.address.rpartition(":")[2]
        tls = {
            "ca_cert": signer.pair.certificate.read_text(encoding="ascii"),
            "client_cert": str(own.certificate),
            "client_key": str(own.key),
        }
        assert "OK" == call(context, server, address=f"localhost:{port}", tls=tls)["status"]
        for wrong in (True, {"ca_cert": tls["ca_cert"]}, None):
            with pytest.raises(ServiceError) as raised:
                call(context, server, address=f"localhost:{port}", tls=wrong)
            assert "connection_error" == raised.value.kind
        with pytest.raises(UsageError, match="client_cert and client_key together"):
            call(context, server, tls={"client_cert": str(own.certificate)})


@pytest.mark.parametrize(
    ("kind", "talk", "message"),
    [
        ("connection_error", saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "http1"),
        ("connection_error", resetting, "can't connect for|the connection was lost"),
        ("connection_error", lambda connection: connection.close(), "can't connect for|the connection was lost"),
        ("timeout", idle, "no end of"),
    ],
)
def test_what_is_no_grpc_fails_the_step(context: Context, kind: str, talk: Talk, message: str) -> None:
    """It is never taken for a status of the service."""
    context.deadline = Deadline.after(1, "config.timeout")
    with raw_server(talk) as url, pytest.raises(ServiceError, match=message) as raised:
        call(context, GrpcServer(url.removeprefix("http://")))
    assert kind == raised.value.kind


def test_a_server_that_comes_up_is_found_by_the_next_attempt(context: Context) -> None:
    """The library would go on failing for a while; each attempt connects anew."""
    with grpc_server() as server:
        pass
    with pytest.raises(ServiceError, match=r"can't connect for .*Connection refused"):
        call(context, server)
    port = int(server.address.rpartition(":")[2])
    with grpc_server(port=port) as again:
        assert "OK" == call(context, again)["status"]


def test_a_name_that_is_none_is_told(context: Context) -> None:
    """As a connection error."""
    with pytest.raises(ServiceError, match=r"can't connect for .*nowhere\.invalid") as raised:
        call(context, GrpcServer("nowhere.invalid:50051"))
    assert "connection_error" == raised.value.kind


def test_the_example_passes(server: GrpcServer) -> None:
    """examples/actions/grpc-call.yaml, with its variable set."""
    ran = run_example("grpc-call", GRPC_ADDRESS=server.address)
    assert Outcome.PASSED == ran.result.outcome, [step.message for step in ran.result.steps]
