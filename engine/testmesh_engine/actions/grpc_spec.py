"""The declaration of ``grpc_call``: its keys, what may stand under them, its results."""

from __future__ import annotations

import re

from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind

_ADDRESS = re.compile(r"(grpc://)?(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):\d{1,5}")


def fault_of_address(address: object) -> str:
    """What is wrong with the address of a server."""
    text = str(address).strip()
    if _ADDRESS.fullmatch(text):
        return ""
    hint = "; TLS is asked for by tls: true" if text.startswith(("https://", "grpcs://")) else ""
    return f"takes host:port, such as localhost:50051{hint}"


def fault_of_tls(tls: object) -> str:
    """What is wrong with ``tls``: true, false, or a map of files."""
    known = ("ca_cert", "client_cert", "client_key", "server_name")
    if isinstance(tls, bool):
        return ""
    if not isinstance(tls, dict):
        return f"takes true, or a map of {', '.join(known)}"
    unknown = [name for name in tls if name not in known]
    return f"has no key {unknown[0]}; it takes {', '.join(known)}" if unknown else ""


SPEC = ActionSpec(
    name="grpc_call",
    doc="Calls one gRPC method; every kind: one message or a stream of them, either way.",
    example=(
        "- id: order\n"
        "  action: grpc_call\n"
        "  config: {address: localhost:50051, service: shop.v1.Orders, method: Get, request: {id: 7}}\n"
        '  assert: [status == "OK", body.total == 59.98]\n'
    ),
    aliases=("grpc", "grpc_stream"),
    keys=(
        Key(name="address", kind=Kind.TEXT, required=True, doc="host:port of the server", fault=fault_of_address),
        Key(name="service", kind=Kind.TEXT, doc="the service, with its package or without"),
        Key(name="method", kind=Kind.TEXT, required=True, doc="the method, or package.Service/Method"),
        Key(
            name="request",
            kind=Kind.ANY,
            doc="the message, by the fields' names; for a stream of them, a list",
            aliases=("message",),
        ),
        Key(
            name="metadata",
            kind=Kind.MAP,
            doc="what goes along, by name; a name that ends in -bin takes any bytes",
            case_blind=True,
        ),
        Key(
            name="tls",
            kind=Kind.ANY,
            doc="true, or a map of ca_cert, client_cert, client_key (path or PEM text) and server_name",
            default="false",
            fault=fault_of_tls,
        ),
        Key(
            name="proto",
            kind=Kind.ANY,
            doc="the .proto file or descriptor set of the service beside the flow, or a list; else the server is asked",
            aliases=("proto_file",),
        ),
        Key(
            name="use_reflection",
            kind=Kind.BOOLEAN,
            doc="says that the server is asked what it serves",
            default="true without proto",
        ),
        Key(name="max_messages", kind=Kind.INTEGER, doc="end the call after so many messages; its status is CANCELLED"),
        Key(
            name="timeout",
            kind=Kind.DURATION,
            doc="bounds the whole call; the server is told it",
            default="30s",
            aliases=("deadline",),
        ),
    ),
    results={
        "status": "the name of the status, such as OK or NOT_FOUND",
        "code": "its number: 0 is OK, 5 NOT_FOUND",
        "message": "what the server says of it",
        "body": "the last message, nil where none came; fields by the names of the .proto file, numbers exact",
        "messages": "all messages, in order",
        "metadata": "what the server sent before the messages, by name in any case",
        "trailers": "what it sent after them",
    },
    unsuccessful=lambda result: "" if result["status"] == "OK" else f"status is {result['status']}",
)
