"""Avro data by one schema of a registry, as values of the language: https://avro.apache.org/docs/1.12.0/specification/."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

from testmesh_engine.actions.kafka_formats import UnreadableError
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, from_python

if TYPE_CHECKING:
    from testmesh_engine.actions.kafka_schemas import Schema

_INSTALL = "Install it with: pip install 'testmesh[schema-registry]'"


class AvroCodec:
    """Reads and writes by one schema."""

    def __init__(self, schema: Schema) -> None:
        try:
            import fastavro  # noqa: PLC0415 - only flows with Avro pay for it
        except ModuleNotFoundError as error:
            raise UsageError("format: avro needs fastavro", hint=_INSTALL) from error
        self._fastavro = fastavro
        self._number = schema.id
        self._named: dict[str, Any] = {}
        try:
            for _, text in schema.references:
                fastavro.parse_schema(_plain(text), named_schemas=self._named)
            self._schema = fastavro.parse_schema(_plain(schema.text), named_schemas=self._named)
        except (fastavro.schema.SchemaParseException, fastavro.schema.UnknownType, ValueError) as error:
            raise UnreadableError(f"schema {schema.id} can't be used: {error}") from error

    def decoded(self, data: bytes) -> Value:
        """What ``data`` says: decimals exact, times as ISO text, bytes as bytes."""
        rest = BytesIO(data)
        try:
            found = self._fastavro.schemaless_reader(rest, self._schema, None)
        except Exception as error:
            raise UnreadableError(f"the data does not fit schema {self._number} ({_said(error)})") from error
        if rest.read(1):
            raise UnreadableError(f"there is more data than schema {self._number} speaks of")
        return from_python(_walk(found, self._schema, self._named, _shown))

    def encoded(self, value: Value) -> bytes:
        """``value`` in bytes."""
        target = BytesIO()
        try:
            given = _walk(value, self._schema, self._named, _meant)
            self._fastavro.schemaless_writer(target, self._schema, given, strict_allow_default=True)
        except Exception as error:
            raise UsageError(f"value does not fit Avro schema {self._number}: {_said(error)}") from error
        return target.getvalue()


def _plain(text: str) -> Any:
    return json.loads(text) if text.lstrip()[:1] in '{["' else text


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


_Leaf = Callable[[Any, Mapping[str, Any]], Any]


def _walk(value: Any, schema: Any, named: Mapping[str, Any], leaf: _Leaf) -> Any:
    """``value`` with each part that is neither record, list nor map replaced by what ``leaf`` makes of it.

    Of a union, the branch is known where there is one beside null; a value of another union is a leaf of any kind.
    """
    if isinstance(schema, list):
        branches = [branch for branch in schema if branch != "null"]
        if value is None:
            return None
        return _walk(value, branches[0], named, leaf) if len(branches) == 1 else leaf(value, {})
    if isinstance(schema, str):
        return _walk(value, named[schema], named, leaf) if schema in named else leaf(value, {"type": schema})
    return _walk_whole(value, schema, named, leaf)


def _walk_whole(value: Any, schema: Mapping[str, Any], named: Mapping[str, Any], leaf: _Leaf) -> Any:
    kind = schema["type"]
    if kind in ("record", "error") and isinstance(value, dict):
        fields = {field["name"]: field["type"] for field in schema["fields"]}
        return {
            name: _walk(item, fields[name], named, leaf) if name in fields else item for name, item in value.items()
        }
    if kind == "array" and isinstance(value, list):
        return [_walk(item, schema["items"], named, leaf) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _walk(item, schema["values"], named, leaf) for name, item in value.items()}
    return _walk(value, kind, named, leaf) if isinstance(kind, (dict, list)) else leaf(value, schema)


def _shown(value: Any, schema: Mapping[str, Any]) -> Any:
    """What was read, as the language has it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float) and schema.get("type") == "float":
        return _shortest(value)
    if isinstance(value, dict):  # of a union with several branches
        return {name: _shown(item, {}) for name, item in value.items()}
    return [_shown(item, {}) for item in value] if isinstance(value, list) else value


def _meant(value: Any, schema: Mapping[str, Any]) -> Any:
    """What is to be written, as fastavro takes it."""
    logical = str(schema.get("logicalType", ""))
    if isinstance(value, str) and "timestamp" in logical:
        return datetime.fromisoformat(value)
    if isinstance(value, str) and logical.startswith("time-"):
        return time.fromisoformat(value)
    if logical == "decimal" and isinstance(value, (int, str)):
        return Decimal(value)
    if isinstance(value, str) and schema.get("type") in ("bytes", "fixed"):
        return value.encode()
    if isinstance(value, Decimal) and logical != "decimal":
        return float(value)
    return value


def _shortest(value: float) -> float:
    """The number of the fewest digits that is the same in 32 bits: 0.1, not 0.10000000149011612."""
    found = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next((short for short in found if _single(short) == value), value)


def _single(value: float) -> float:
    try:
        (rounded,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return math.inf
    return float(rounded)
