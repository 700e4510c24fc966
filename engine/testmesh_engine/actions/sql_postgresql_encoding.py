"""Writes a parameter as PostgreSQL reads it: as text whose type the server infers, or with a type of its own.

An untyped parameter takes the type of what it meets, so that one text reaches uuid, integer, numeric, jsonb and
timestamptz columns, and a number reaches a text column.
"""

from __future__ import annotations

from decimal import Decimal

from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, to_json
from testmesh_engine.expressions.values import number_text

BOOLEAN, BYTEA, INT8, INT4, TEXT, NUMERIC, JSONB = 16, 17, 20, 23, 25, 1700, 3802
_ARRAYS = {BOOLEAN: 1000, INT4: 1007, INT8: 1016, TEXT: 1009, NUMERIC: 1231}
_NUMBERS = (INT4, INT8, NUMERIC)


def encode(value: Value, *, as_array: bool) -> bytes | None:
    """The text of a parameter, ``None`` for NULL; a list is an array or JSON, as the parameter's type is.

    Raises ``UsageError`` for a text with a zero character, which PostgreSQL can't hold.
    """
    if value is None:
        return None
    text = _array(value) if as_array and isinstance(value, list) else _text(value)
    if "\0" in text:
        raise UsageError("a parameter holds a zero character, which PostgreSQL does not take")
    return text.encode("utf-8", "replace")


def own_type(value: Value) -> int:
    """The type's number in ``pg_type`` that the value has by itself."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return _integer_type(value)
    if isinstance(value, Decimal):
        return NUMERIC
    if isinstance(value, list):
        return _list_type(value)
    if isinstance(value, dict):
        return JSONB
    return BYTEA if isinstance(value, bytes) else TEXT


def is_own_array(value: Value) -> bool:
    """Whether :func:`own_type` of it is an array's."""
    return own_type(value) in _ARRAYS.values()


def _integer_type(value: int) -> int:
    # The smallest, as a literal has: functions take int4, and int4 widens to int8 by itself.
    if -(2**31) <= value < 2**31:
        return INT4
    return INT8 if -(2**63) <= value < 2**63 else NUMERIC


def _list_type(items: list[Value]) -> int:
    """An array where all items are of one kind, else JSON."""
    types = {own_type(item) for item in items if item is not None}
    if types and types <= set(_NUMBERS):
        return _ARRAYS[max(types, key=_NUMBERS.index)]
    single = types.pop() if len(types) == 1 else JSONB
    return _ARRAYS.get(single, JSONB)


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return number_text(value)
    return to_json(value)


def _array(value: Value) -> str:
    """``{1,NULL,"a b",{…}}``; https://www.postgresql.org/docs/current/arrays.html#ARRAYS-INPUT."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(map(_array, value)) + "}"
    escaped = _text(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
