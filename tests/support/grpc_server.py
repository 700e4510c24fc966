"""A real gRPC server on loopback for tests: it echoes, streams, fails and stalls; with reflection and TLS on demand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection

from support.certificates import Pair
from support.ports import HOST
from testmesh_engine.actions.grpc_proto import descriptor_set
from testmesh_engine.actions.grpc_schema import pool_of, read_set
from testmesh_engine.actions.waiting import Deadline, Interrupt

PROTO = Path(__file__).parent / "protos" / "shop.proto"
SERVICE = "shop.v1.Orders"


@dataclass
class GrpcServer:
    """A running server: its address, and the metadata of each call that it got."""

    address: str
    seen: list[dict[str, Any]] = field(default_factory=list)


@cache
def pool() -> DescriptorPool:
    """What shop.proto declares."""
    interrupt = Interrupt()
    try:
        (compiled,) = descriptor_set([str(PROTO)], None, deadline=Deadline.after(20, "a test"), interrupt=interrupt)
    finally:
        interrupt.close()
    return pool_of(read_set(compiled))


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(f"shop.v1.{name}"))


class _Orders:
    """The methods; each is told by its request what to do."""

    def __init__(self, server: GrpcServer) -> None:
        self._server = server

    def get(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answers by the id: 404 is not there, 14 and 4 are codes of the service's own, 999 stalls."""
        self._server.seen.append(dict(context.invocation_metadata()))
        context.send_initial_metadata((("x-served-by", "test"),))
        context.set_trailing_metadata((("x-cost", "3"), ("x-raw-bin", b"\x00\xff")))
        codes = {404: grpc.StatusCode.NOT_FOUND, 14: grpc.StatusCode.UNAVAILABLE, 4: grpc.StatusCode.DEADLINE_EXCEEDED}
        if request.id in codes:
            context.abort(codes[request.id], f"no order {request.id}")
        if request.id == 999:
            time.sleep(0.8)
        order = _message("Order")(id=request.id, total=59.98, weight=0.1, status=1, sku=["a"], note=request.note)
        order.prices["a"] = 2
        order.placed_at.seconds = 0
        order.raw = b"\xff"
        return order

    def watch(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Sends ``id`` orders, then ends; with 0 it goes on for ever, with 404 it fails after two."""
        for number in range(request.id or 10**9):
            if request.id == 404 and number == 2:
                context.abort(grpc.StatusCode.ABORTED, "enough")
            yield _message("Order")(id=number)
            if not request.id:
                time.sleep(0.01)

    def place(self, requests: Iterator[Any], _: grpc.ServicerContext) -> Any:
        """Sums up the ids of all that comes."""
        return _message("Order")(id=sum(request.id for request in requests))

    def talk(self, requests: Iterator[Any], _: grpc.ServicerContext) -> Iterator[Any]:
        """Echoes each."""
        for request in requests:
            yield _message("Order")(id=request.id)

    def handler(self) -> grpc.GenericRpcHandler:
        """The methods by name."""
        kinds = {
            "Get": (grpc.unary_unary_rpc_method_handler, self.get),
            "Watch": (grpc.unary_stream_rpc_method_handler, self.watch),
            "Place": (grpc.stream_unary_rpc_method_handler, self.place),
            "Talk": (grpc.stream_stream_rpc_method_handler, self.talk),
        }
        methods = {
            name: make(
                method,
                request_deserializer=_message("Wanted").FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
            for name, (make, method) in kinds.items()
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)


@contextmanager
def grpc_server(
    *, reflected: bool = True, tls: Pair | None = None, clients: Path | None = None, port: int = 0
) -> Iterator[GrpcServer]:
    """A running server; with ``clients``, it wants certificates that this authority has signed."""
    running = GrpcServer("")
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((_Orders(running).handler(),))
    if reflected:
        reflection.enable_server_reflection((SERVICE, reflection.SERVICE_NAME), server, pool())
    if tls is None:
        port = server.add_insecure_port(f"{HOST}:{port}")
    else:
        pair = [(tls.key.read_bytes(), tls.certificate.read_bytes())]
        root = clients.read_bytes() if clients else None
        port = server.add_secure_port(f"{HOST}:{port}", grpc.ssl_server_credentials(pair, root, clients is not None))
    running.address = f"{HOST}:{port}"
    server.start()
    try:
        yield running
    finally:
        server.stop(0).wait(5)
