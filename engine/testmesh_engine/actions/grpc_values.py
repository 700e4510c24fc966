"""Protobuf messages as values of the language, and back.

Fields have the names that the .proto file gives them; 64-bit integers are numbers, where JSON's mapping has text.
https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, from_python, show, to_json

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

_WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
_BY_JSON = frozenset(
    f"google.protobuf.{name}"
    for name in ("Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "Any", "Empty")
)
"""Messages with a form of their own in JSON."""


def value_of(message: Message, pool: DescriptorPool) -> Value:
    """``message`` as a value. A field that is not set is there with its default, unless it knows that it is not set."""
    name = message.DESCRIPTOR.full_name
    if name in _WRAPPERS:
        return _scalar(message.DESCRIPTOR.fields_by_name["value"], getattr(message, "value"))  # noqa: B009 - no type has it
    if name in _BY_JSON:
        from google.protobuf import json_format  # noqa: PLC0415 - only flows that use gRPC pay

        return from_python(json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=pool))
    found: dict[str, Value] = {}
    for field in message.DESCRIPTOR.fields:
        if not field.has_presence or message.HasField(field.name):
            found[field.name] = _field(field, getattr(message, field.name), pool)
    return found


def _field(field: Any, value: Any, pool: DescriptorPool) -> Value:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {_key(key): _one(inner, item, pool) for key, item in value.items()}
    if field.is_repeated:
        return [_one(field, item, pool) for item in value]
    return _one(field, value, pool)


def _key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _one(field: Any, value: Any, pool: DescriptorPool) -> Value:
    return value_of(value, pool) if field.message_type is not None else _scalar(field, value)


def _scalar(field: Any, value: Any) -> Value:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else int(value)
    if isinstance(value, float):
        return _number(value, single=field.type == field.TYPE_FLOAT)
    return from_python(value)


def _number(value: float, *, single: bool) -> Value:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if single:
        # The shortest digits that the 32 bits stand for: 0.1, not 0.10000000149011612.
        value = next(
            (short for digits in range(6, 9) if _single(short := float(f"{value:.{digits}g}")) == value), value
        )
    return Decimal(repr(value))


def _single(value: float) -> float:
    import struct  # noqa: PLC0415 - only flows that use gRPC pay

    try:
        (rounded,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return math.inf
    return float(rounded)


def message_of(value: Value, kind: type[Message], pool: DescriptorPool) -> Message:
    """A message of this kind. Raises ``UsageError`` with what does not fit, and where."""
    from google.protobuf import json_format  # noqa: PLC0415 - only flows that use gRPC pay

    name = kind.DESCRIPTOR.full_name
    if not isinstance(value, dict) and name not in _BY_JSON | _WRAPPERS:
        raise UsageError(f"request takes a map, the message {name}, found {show(value, 80)}")
    try:
        return json_format.Parse(to_json(value), kind(), descriptor_pool=pool)
    except json_format.ParseError as error:
        fields = ", ".join(field.name for field in kind.DESCRIPTOR.fields)
        said = str(error).splitlines()[0]
        raise UsageError(f"request is no {name}: {said}", hint=f"Its fields: {fields or 'none'}.") from error
