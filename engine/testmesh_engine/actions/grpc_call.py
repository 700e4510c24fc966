"""``grpc_call``: one call of a gRPC method, of any kind, over a connection that the flow's steps share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.grpc_spec import SPEC
from testmesh_engine.actions.grpc_target import Call, call_of, secured_of
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.errors import ErrorKind, ServiceError, UsageError
from testmesh_engine.expressions import Value, to_json

if TYPE_CHECKING:
    from testmesh_engine.actions.grpc_channel import BrokenError, Ended
    from testmesh_engine.actions.grpc_schema import Method

_CONNECTING = re.compile(r"^failed to connect to all addresses; last error: (UNKNOWN|UNAVAILABLE|INTERNAL): ")


class GrpcCall:
    """One call; a status other than OK is a result, to be asserted on."""

    spec = SPEC

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Call the method.

        Raises ``ServiceError`` where the server can't be reached, is lost, answers what is no gRPC, does not know the
        method, or has not ended the call in time; ``UsageError`` for a request that the method does not take.
        """
        settings = Config(self.spec, config)
        call = call_of(settings, context.traceparent())
        context.request = call.shown(settings.value("request"))
        _check_reflection(settings)
        _require_driver()
        from testmesh_engine.actions.grpc_channel import MAX_MESSAGES, Channel  # noqa: PLC0415 - only flows with gRPC
        from testmesh_engine.actions.grpc_methods import method_for, requests_of  # noqa: PLC0415 - the same

        secured = secured_of(settings.value("tls"), context.folder)
        key = to_json([call.address, settings.value("tls")])
        channel = context.connections.get(Channel, key, lambda: Channel(call.address, secured))
        with _mapped(call, context, key):
            method = method_for(call, settings.value("proto"), channel, context)
            ended = channel.call(
                method.path,
                requests_of(method, settings.value("request")),
                metadata=call.metadata,
                deadline=context.deadline,
                interrupt=context.interrupt,
                most=call.most or MAX_MESSAGES,
            )
            return _result(ended, method)


def _check_reflection(settings: Config) -> None:
    has_proto = settings.value("proto") is not None
    if settings.boolean("use_reflection", default=not has_proto) is has_proto:
        raise UsageError("grpc_call takes either proto or use_reflection: true")


def _require_driver() -> None:
    try:
        import google.protobuf  # noqa: F401, PLC0415 - only flows that use gRPC pay for it
        import grpc  # noqa: F401, PLC0415 - the same
    except ImportError as error:
        raise UsageError(
            f"grpc_call needs a library: {error}", hint="Install it with: pip install 'testmesh[grpc]'"
        ) from error


@contextmanager
def _mapped(call: Call, context: Context, key: str) -> Iterator[None]:
    from testmesh_engine.actions.grpc_channel import BrokenError, Channel  # noqa: PLC0415 - only flows that use gRPC
    from testmesh_engine.actions.grpc_schema import UnknownError  # noqa: PLC0415 - the same

    try:
        yield
    except TimeRanOutError as error:
        raise ServiceError(f"no end of {call} within {error}", kind="timeout") from error
    except UnknownError as error:
        raise ServiceError(f"{call.address}: {error}", kind="protocol_error") from error
    except BrokenError as error:
        # The library waits ever longer before it connects again, and fails at once meanwhile.
        context.connections.drop(Channel, key)
        raise _broken(error, call, context) from error


def _broken(error: BrokenError, call: Call, context: Context) -> ServiceError:
    if error.messages:
        context.found = {"messages": len(error.messages)}
    if error.status == "DEADLINE_EXCEEDED":
        came = f" after {len(error.messages)} messages" if error.messages else ""
        return ServiceError(f"no end of {call} within {error.details}{came}", kind="timeout")
    said = _CONNECTING.sub("", error.details)
    if error.status == "UNAVAILABLE":
        never = said != error.details or error.details.startswith(("errors resolving", "DNS"))
        what = f"can't connect for {call}" if never else f"{call}: the connection was lost"
        hint = "Does the server speak TLS? Then write tls: true." if "Socket closed" in said else ""
        return ServiceError(f"{what}: {said}", kind="connection_error", hint=hint)
    kind: ErrorKind = "connection_error" if error.status == "CANCELLED" else "protocol_error"
    return ServiceError(f"{call}: {error.status}: {said}", kind=kind)


def _result(ended: Ended, method: Method) -> Result:
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - only flows that use gRPC pay

    from testmesh_engine.actions.grpc_values import value_of  # noqa: PLC0415 - the same

    try:
        messages = [value_of(method.decoded(data), method.pool) for data in ended.messages]
    except DecodeError as error:
        name = method.descriptor.output_type.full_name
        raise ServiceError(f"{method.path}: an answer is no {name}: {error}", kind="protocol_error") from error
    return {
        "status": ended.status,
        "code": ended.code,
        "message": ended.details,
        "body": messages[-1] if messages else None,
        "messages": [*messages],
        "metadata": ended.metadata,
        "trailers": ended.trailers,
    }
