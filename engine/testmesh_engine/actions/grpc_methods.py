"""Finds the method that a step calls: in the files that it names, else by asking the server."""

from __future__ import annotations

from collections.abc import Sequence

from testmesh_engine.actions.base import Context
from testmesh_engine.actions.grpc_channel import Channel
from testmesh_engine.actions.grpc_proto import descriptor_set
from testmesh_engine.actions.grpc_schema import (
    PATHS,
    Files,
    Method,
    Reflection,
    method_of,
    pool_of,
    read_set,
    service_named,
    services_in,
)
from testmesh_engine.actions.grpc_target import Call
from testmesh_engine.actions.grpc_values import message_of
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import Value, to_json

_UNIMPLEMENTED = 12


def method_for(call: Call, proto: Value, channel: Channel, context: Context) -> Method:
    """The method; what was learned of it is kept with the connection.

    Raises ``UnknownError``, ``UsageError`` for files that can't be used, ``ServiceError``, and what a call raises.
    """
    key = to_json([call.service, call.method, proto])
    known = channel.schemas.get(key)
    if not isinstance(known, Method):
        known = _found(call, proto, channel, context)
        channel.schemas[key] = known
    return known


def _found(call: Call, proto: Value, channel: Channel, context: Context) -> Method:
    if proto is not None:
        files = _compiled(proto if isinstance(proto, list) else [proto], context)
        return method_of(pool_of(files), service_named(call.service, services_in(files)), call.method)
    reflection = Reflection(lambda asked: _ask(channel, asked, call, context))
    service = service_named(call.service, reflection.services())
    return method_of(pool_of(reflection.files(service)), service, call.method)


def _compiled(names: Sequence[Value], context: Context) -> Files:
    sets = descriptor_set(
        [str(name) for name in names], context.folder, deadline=context.deadline, interrupt=context.interrupt
    )
    return [file for one in sets for file in read_set(one)]


def _ask(channel: Channel, asked: Sequence[bytes], call: Call, context: Context) -> list[bytes]:
    for path in PATHS:
        ended = channel.call(
            f"{path}ServerReflectionInfo",
            asked,
            metadata=call.metadata,
            deadline=context.deadline,
            interrupt=context.interrupt,
        )
        if ended.status == "OK":
            return ended.messages
        if ended.code != _UNIMPLEMENTED:
            raise ServiceError(
                f"{call.address} does not tell what it serves: {ended.status}: {ended.details}",
                kind="protocol_error",
                hint="Write proto: the path of its .proto file, beside the flow.",
            )
    raise UsageError(
        f"{call.address} offers no reflection", hint="Write proto: the path of its .proto file, beside the flow."
    )


def requests_of(method: Method, request: Value) -> list[bytes]:
    """The messages to send: a list of them for a method that takes a stream. Raises ``UsageError``."""
    if method.takes_several:
        several = request if isinstance(request, list) else [] if request is None else [request]
    elif isinstance(request, list):
        raise UsageError(f"{method.path} takes one message, and request is a list")
    else:
        several = [{} if request is None else request]
    return [message_of(one, method.request, method.pool).SerializeToString() for one in several]
