"""Whom a ``grpc_call`` step calls, with what beside the message, and by which TLS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_files import path_of, read_file
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, show, to_json

if TYPE_CHECKING:
    from testmesh_engine.actions.grpc_channel import Secured

_METADATA_NAME = re.compile(r"[0-9a-z_.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a step calls."""

    address: str
    service: str
    method: str
    metadata: tuple[tuple[str, str | bytes], ...]
    most: int | None

    def __str__(self) -> str:
        return f"{self.service}/{self.method} at {self.address}"

    def shown(self, request: Value) -> dict[str, Value]:
        """What is sent, for reports."""
        shown: dict[str, Value] = {"address": self.address, "method": f"{self.service}/{self.method}"}
        if self.metadata:
            shown["metadata"] = dict(self.metadata)
        return shown if request is None else {**shown, "request": request}


def call_of(settings: Config, traceparent: str) -> Call:
    """The call that a step means. Raises ``UsageError``."""
    service, method = settings.text("service"), settings.text("method").strip("/")
    if "/" in method:
        service, method = method.split("/", 1)
    if not service:
        raise UsageError("grpc_call needs service", hint="Or the whole of it as method: package.Service/Method.")
    most = settings.value("max_messages")
    if isinstance(most, int) and most < 1:
        raise UsageError(f"max_messages is 1 or more, found {most}")
    return Call(
        address=settings.text("address").strip().removeprefix("grpc://"),
        service=service,
        method=method,
        metadata=_metadata(settings.map("metadata"), traceparent),
        most=most if isinstance(most, int) else None,
    )


def _metadata(given: Mapping[str, Value], traceparent: str) -> tuple[tuple[str, str | bytes], ...]:
    found: dict[str, str | bytes] = {"traceparent": traceparent} if traceparent else {}
    for written, value in given.items():
        name = written.lower()
        if not _METADATA_NAME.fullmatch(name):
            raise UsageError(
                f"metadata: {show(written, 80)} is no name", hint="It has letters, digits, _, - and . only."
            )
        text = value if isinstance(value, (str, bytes)) else to_json(value)
        found[name] = text.encode() if name.endswith("-bin") and isinstance(text, str) else text
        if not name.endswith("-bin") and not (isinstance(text, str) and text.isascii() and text.isprintable()):
            raise UsageError(
                f"metadata: the value of {written} is no printable ASCII",
                hint=f"Under the name {written}-bin it may be anything.",
            )
    return tuple(found.items())


def secured_of(tls: Value, folder: Path | None) -> Secured | None:
    """The TLS of a step: none, ``true``, or a map. Raises ``UsageError`` for files that can't be used."""
    if tls is None or tls is False:
        return None
    from testmesh_engine.actions.grpc_channel import Secured  # noqa: PLC0415 - only flows that use gRPC pay for it

    given = tls if isinstance(tls, dict) else {}
    pem = {
        name: _pem(name, given[name], folder) for name in ("ca_cert", "client_cert", "client_key") if given.get(name)
    }
    if ("client_cert" in pem) != ("client_key" in pem):
        raise UsageError("tls takes client_cert and client_key together")
    return Secured(
        ca=pem.get("ca_cert"),
        certificate=pem.get("client_cert"),
        key=pem.get("client_key"),
        server_name=str(given.get("server_name") or ""),
    )


def _pem(name: str, value: Value, folder: Path | None) -> bytes:
    text = str(value)
    data = text.encode() if "-----BEGIN " in text else read_file(str(path_of(text, folder, key=name)), None, key=name)
    if b"-----BEGIN " not in data:
        raise UsageError(f"{name} holds no certificate or key in PEM form")
    return data
