"""How keys and values are written in bytes: ``format``, ``key_format``, and what Avro and Protobuf are read with."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_auth import WAYS, fault_of_auth
from testmesh_engine.actions.kafka_record import Message, Record, text_or_bytes
from testmesh_engine.contract.catalogue import Key, Kind
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, parse_json, show, to_json

if TYPE_CHECKING:
    from testmesh_engine.actions.kafka_client import Bounds
    from testmesh_engine.actions.kafka_schemas import Schemas

_WORDS = ("JSON", "TEXT", "BYTES", "AVRO", "PROTOBUF")
_HEADER_BYTES = 5
"""A zero and the schema's number, before what a Schema Registry's serializers write."""


class Format(StrEnum):
    """How bytes are read and written. ``AUTO`` recognises JSON and text."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"
    BYTES = "bytes"
    AVRO = "avro"
    PROTOBUF = "protobuf"

    @property
    def needs_registry(self) -> bool:
        """Whether the bytes say nothing without a schema."""
        return self in (Format.AVRO, Format.PROTOBUF)


class UnreadableError(Exception):
    """Bytes are not what their format says; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of a step."""

    key: Format = Format.AUTO
    value: Format = Format.AUTO


REGISTRY_FIELDS = (
    Key(name="url", kind=Kind.TEXT, required=True, doc="where it is: http://localhost:8081"),
    Key(
        name="auth",
        kind=Kind.MAP,
        doc=f"who is asking, as in http_request: {', '.join(WAYS[:-1])}",
        fault=fault_of_auth,
    ),
    Key(name="ca_cert", kind=Kind.TEXT, doc="whom alone to trust: a file in PEM form, or the PEM itself"),
    Key(name="verify_ssl", kind=Kind.BOOLEAN, doc="false: any certificate will do", default="true"),
)
FORMAT_KEYS = (
    Key(
        name="format",
        kind=Kind.TEXT,
        doc="how values are written: json, text, bytes, avro or protobuf",
        default="json or text, whichever it is",
        aliases=("value_format",),
        choices=_WORDS,
    ),
    Key(
        name="key_format",
        kind=Kind.TEXT,
        doc="how keys are written, in the same words",
        default="text",
        choices=_WORDS,
    ),
    Key(
        name="schema_registry",
        kind=Kind.MAP,
        doc="the Schema Registry that knows the schemas of avro and protobuf",
        fields=REGISTRY_FIELDS,
    ),
)


def read_formats(config: Config) -> Formats:
    """The formats that a step says. Raises ``UsageError`` for one that needs a registry where there is none."""
    formats = Formats(_format(config, "key_format"), _format(config, "format"))
    for name, given in (("format", formats.value), ("key_format", formats.key)):
        if given.needs_registry and not config.map("schema_registry"):
            hint = "Add schema_registry: {url: http://…}."
            raise UsageError(f"{name}: {given} needs a Schema Registry, which knows the schemas", hint=hint)
    return formats


def _format(config: Config, name: str) -> Format:
    return Format(config.text(name, "auto").lower())


class Decoder:
    """Reads the keys and values of records. ``schemas`` is made where a schema is needed first."""

    def __init__(self, formats: Formats, schemas: Callable[[], Schemas] | None, bounds: Callable[[], Bounds]) -> None:
        self._formats = formats
        self._schemas = schemas
        self._bounds = bounds

    def message(self, record: Record) -> Message:
        """The record as the step sees it. Raises ``PlatformError`` where the registry gives no answer."""
        key, key_fault = self._part(record.key, self._formats.key, text_or_bytes)
        value, value_fault = self._part(record.value, self._formats.value, _recognised)
        return Message(
            record,
            key,
            value,
            key_fault=key_fault and f"its key is no {key_fault}",
            value_fault=value_fault and f"its value is no {value_fault}",
        )

    def _part(self, data: bytes | None, form: Format, read: Callable[[bytes], Value]) -> tuple[Value, str]:
        """What ``data`` says, and what is wrong with it; ``read`` reads what no format is said of."""
        if data is None or form is Format.AUTO:
            return (None if data is None else read(data)), ""
        try:
            return self._decoded(data, form), ""
        except UnreadableError as error:
            return text_or_bytes(data), f"{form}: {error}"

    def _decoded(self, data: bytes, form: Format) -> Value:
        if form.needs_registry and self._schemas is not None:
            return self._schemas().decoded(data, form, self._bounds())
        return _READ[form](data)


def _recognised(data: bytes) -> Value:
    try:
        return parse_json(data)
    except ValueError:
        return text_or_bytes(data)


def _json(data: bytes) -> Value:
    # JSON Schema's serializer writes the header too.
    body = data[_HEADER_BYTES:] if data[:1] == b"\0" else data
    try:
        return parse_json(body)
    except ValueError as error:
        raise UnreadableError(str(error)) from error


def _text(data: bytes) -> Value:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"byte {error.start} is not UTF-8") from error


_READ: dict[Format, Callable[[bytes], Value]] = {
    Format.JSON: _json,
    Format.TEXT: _text,
    Format.BYTES: lambda data: data,
}


def written(value: Value, form: Format, what: str) -> bytes | None:
    """``value`` as bytes in a format that needs no schema. Raises ``UsageError`` for a value that it can't hold."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value
    if form is Format.BYTES:
        raise UsageError(f"{what} with format: bytes takes bytes, found {kind_of(value)} {show(value, 80)}")
    if isinstance(value, str):
        if form is Format.JSON:
            _check_json(value, what)
        return value.encode()
    return to_json(value).encode()


def _check_json(text: str, what: str) -> None:
    try:
        parse_json(text)
    except ValueError as error:
        hint = f"Text is sent as it is. A text of JSON has quotes of its own: {to_json(to_json(text))}"
        raise UsageError(f"{what} is no JSON: {error}", hint=hint) from error
