"""Functions from one kind of value to another."""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal

from testmesh_engine.expressions import arithmetic
from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.values import (
    MAX_INTEGER_DIGITS,
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
    """Expr's own words for the kinds."""
    if kind_of(value) == "number":
        return "int" if isinstance(value, int) else "float"
    return {"nil": "nil", "boolean": "bool", "text": "string", "list": "array", "map": "map"}.get(
        kind_of(value), "bytes"
    )


def _to_json(frame: Frame, value: Value) -> str:
    pieces: list[str] = []

    def write(piece: str) -> None:
        frame.charge(len(piece))
        pieces.append(piece)

    write_json(value, write)
    return "".join(pieces)


def _string(frame: Frame, value: Value) -> str:
    return text_of(value) if isinstance(value, (str, bytes)) else _to_json(frame, value)


def _from_json(frame: Frame, text: str) -> Value:
    try:
        value = parse_json(text)
    except ValueError as error:
        raise FunctionError(str(error)) from None
    frame.charge_tree(value)
    return value


def _to_base64(frame: Frame, data: str | bytes) -> str:
    frame.charge(len(data) * 2)
    return base64.b64encode(_bytes(data)).decode("ascii")


def _from_base64(frame: Frame, text: str) -> str | bytes:
    frame.charge(len(text))
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FunctionError(f"{show(text)} is no base64") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode("utf-8", "replace")


def _url_encode(frame: Frame, text: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - few flows need it

    frame.charge(len(text) * 12)
    return quote(text, safe="", errors="replace")


def _sha256(_: Frame, data: str | bytes) -> str:
    import hashlib  # noqa: PLC0415 - few flows need it

    return hashlib.sha256(_bytes(data)).hexdigest()


TABLE = (
    function("int", "value: any", _int),
    function("float", "value: any", _float),
    function("string", "value: any", _string),
    function("type", "value: any", _type),
    function("toJSON", "value: any", _to_json),
    function("fromJSON", "text: text", _from_json),
    function("toBase64", "data: bytes or text", _to_base64),
    function("fromBase64", "text: text", _from_base64),
    function("urlEncode", "text: text", _url_encode),
    function("sha256", "data: bytes or text", _sha256),
)
