"""Functions from one kind of value to another."""

from __future__ import annotations

import re
from decimal import Decimal

from testmesh_engine.expressions import arithmetic
from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.values import (
    MAX_INTEGER_DIGITS,
    Kind,
    Value,
    kind_of,
    parse_json,
    read_decimal,
    show,
    text_of,
    write_json,
)

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def _float(_: Frame, value: Value) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise FunctionError(f"{kind_of(value)} {show(value)} is no number")
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not _NUMBER.fullmatch(text) or len(text) > MAX_INTEGER_DIGITS:
        raise FunctionError(f"{show(value)} spells no number")
    try:
        return read_decimal(text)
    except ValueError as error:
        raise FunctionError(str(error)) from None


def _int(frame: Frame, value: Value) -> int:
    number = _float(frame, value)
    if isinstance(value, str) and number != integer(number):
        raise FunctionError(f"{show(value)} spells no integer; `int(float(…))` cuts the fraction off")
    return integer(number)


def integer(number: int | Decimal) -> int:
    """The number without its fraction."""
    arithmetic.require_finite(number)
    return int(arithmetic.bounded(int(number)))


def _type(_: Frame, value: Value) -> str:
    kind = kind_of(value)
    return ("int" if isinstance(value, int) else "float") if kind == "number" else _TYPES[kind]


_TYPES: dict[Kind, str] = {
    "nil": "nil",
    "boolean": "bool",
    "text": "string",
    "bytes": "bytes",
    "list": "array",
    "map": "map",
    "time": "time.Time",
    "duration": "time.Duration",
    "time zone": "time.Location",
}
"""Expr's own words for the kinds."""


def _to_json(frame: Frame, value: Value) -> str:
    pieces: list[str] = []

    def write(piece: str) -> None:
        frame.charge(len(piece))
        pieces.append(piece)

    write_json(value, write)
    return "".join(pieces)


def _string(frame: Frame, value: Value) -> str:
    return text_of(value) if not isinstance(value, (list, dict)) else _to_json(frame, value)


def _from_json(frame: Frame, text: str) -> Value:
    try:
        value = parse_json(text)
    except ValueError as error:
        raise FunctionError(str(error)) from None
    frame.charge_tree(value)
    return value


TABLE = (
    function(
        "int",
        "value: any",
        _int,
        "The integer of a number, its fraction cut off, or that a text spells.",
        ('int("123")', "123"),
        ("int(1.9)", "1"),
    ),
    function(
        "float",
        "value: any",
        _float,
        "The exact number that a text spells; a number as it is.",
        ('float("123.45")', "123.45"),
    ),
    function(
        "string",
        "value: any",
        _string,
        "The value as text: a text as it is, anything else as its JSON.",
        ("string(1.50)", '"1.50"'),
        ("string(nil)", '"null"'),
    ),
    function(
        "type",
        "value: any",
        _type,
        'The kind of the value: "nil", "bool", "int", "float", "string", "array", "map", "bytes", "time.Time", '
        '"time.Duration", "time.Location".',
        ("type(42)", '"int"'),
        ("type([])", '"array"'),
    ),
    function(
        "toJSON", "value: any", _to_json, "The value as compact JSON.", ("toJSON({a: [1, 2]})", "'{\"a\":[1,2]}'")
    ),
    function(
        "fromJSON",
        "text: text",
        _from_json,
        "The value of a JSON text, numbers exact.",
        ("fromJSON('{\"a\": 1.50}').a", "1.5"),
    ),
)
