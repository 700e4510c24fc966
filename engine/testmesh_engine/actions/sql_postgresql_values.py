"""Reads the text in which PostgreSQL sends a value: what each type is in the language.

Numbers are exact, json is parsed, arrays are lists, times are ISO 8601, bytea is bytes; anything else is the server's
text. The session is set so that this text does not depend on the server's settings (``sql_postgresql_connect.py``).
https://www.postgresql.org/docs/current/datatype.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import Value, parse_json
from testmesh_engine.expressions.values import read_decimal

Reader = Callable[[str], Value]
"""From the server's text to the value. Raises ``ValueError`` for what the language can't hold."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the server's catalogue says of a type: an array of ``element``, a domain over ``base``, or neither (0)."""

    element: int = 0
    base: int = 0
    delimiter: str = ","


def reader_of(oid: int, shapes: Mapping[int, Shape]) -> Reader:
    """The reader of a type's text; ``shapes`` holds all that :func:`is_known` does not know, elements included."""
    known = _READERS.get(oid)
    if known is not None:
        return known
    shape = shapes.get(oid, Shape())
    if shape.element:
        item = reader_of(shape.element, shapes)
        return lambda text: read_array(text, item, shape.delimiter)
    return reader_of(shape.base, shapes) if shape.base else str


def is_known(oid: int) -> bool:
    """Whether the type is read without asking the server what it is."""
    return oid in _READERS


def read_array(text: str, item: Reader, delimiter: str = ",") -> Value:
    """A list of ``{1,NULL,"a b"}``, nested as it is; bounds other than 1 (``[0:1]={…}``) are left out.

    https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    outermost: list[Value] = []
    levels = [outermost]
    for match in _ARRAY_TOKEN.finditer(text, text.index("{")):
        part = match[0]
        if part == "{":
            inner: list[Value] = []
            levels[-1].append(inner)
            levels.append(inner)
        elif part == "}":
            levels.pop()
        elif part[0] == '"':
            levels[-1].append(item(_ESCAPED.sub(r"\1", part[1:-1])))
        else:
            levels[-1].extend(_bare_items(part, item, delimiter))
    return outermost[0]


_ARRAY_TOKEN = re.compile(r'[{}]|"(?:[^"\\]|\\.)*"|[^{}"]+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _bare_items(text: str, item: Reader, delimiter: str) -> list[Value]:
    """The items between two braces or quoted items, delimiters at either end included."""
    return [None if bare == "NULL" else item(bare) for bare in text.split(delimiter) if bare]


def _boolean(text: str) -> Value:
    return text == "t"


def _number(text: str) -> Value:
    """NaN and the infinities stay text: they are no numbers of the language."""
    return text if text.endswith(("NaN", "Infinity")) else read_decimal(text)


def _bytes(text: str) -> Value:
    return bytes.fromhex(text[2:]) if text.startswith("\\x") else text


_MOMENT = re.compile(
    r"(?P<date>\d{4,}-\d\d-\d\d )?(?P<time>\d\d:\d\d:\d\d(?:\.\d+)?)(?P<offset>[+-]\d\d(?::\d\d){0,2})?"
)


def _moment(text: str) -> Value:
    """``2024-01-02 01:04:05.5+00`` as ``2024-01-02T01:04:05.5Z``; infinity, and years before Christ, as they are."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return text
    offset = match["offset"] or ""
    zone = "Z" if offset == "+00" else f"{offset}:00" if len(offset) == 3 else offset
    return f"{(match['date'] or '').replace(' ', 'T')}{match['time']}{zone}"


_READERS: Mapping[int, Reader] = {
    # pg_type.dat: these numbers are the same in every server.
    16: _boolean,
    17: _bytes,
    18: str,  # "char"
    19: str,  # name
    20: int,
    21: int,
    23: int,
    25: str,  # text
    26: int,  # oid
    114: parse_json,
    700: _number,
    701: _number,
    790: str,  # money
    869: str,  # inet
    1042: str,  # character(n)
    1043: str,  # character varying
    1082: str,  # date
    1083: str,  # time
    1114: _moment,
    1184: _moment,
    1186: str,  # interval
    1266: _moment,  # time with time zone
    1700: _number,
    2950: str,  # uuid
    3802: parse_json,
}
