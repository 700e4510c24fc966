"""Reads the text in which MySQL and MariaDB send a value, and writes one as they read it.

Numbers are exact, times are ISO 8601, JSON is parsed, what is binary is bytes. Neither has booleans: 0 and 1 are
numbers. https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from testmesh_engine.expressions import Value, parse_json, to_json
from testmesh_engine.expressions.values import number_text, read_decimal

Cell = str | bytes | None
"""What the driver hands over where it is to read nothing by itself; ``bytes`` for what is binary."""

_TIMESTAMP, _DATETIME, _BIT, _JSON = 7, 12, 16, 245
_INTEGERS = (1, 2, 3, 8, 9, 13)
"""TINYINT, SMALLINT, INT, BIGINT, MEDIUMINT, YEAR; of the last two the order is the server's."""

_NUMBERS = (0, 4, 5, 246)
"""DECIMAL as it was, FLOAT, DOUBLE, DECIMAL."""


def read(kind: int, cell: Cell) -> Value:
    """The value of a cell of the type ``kind``. Raises ``ValueError`` for what the language can't hold."""
    if cell is None:
        return None
    if isinstance(cell, bytes):
        return int.from_bytes(cell, "big") if kind == _BIT else cell
    reader = _READERS.get(kind)
    return cell if reader is None else reader(cell)


def _moment(text: str) -> str:
    """``2024-01-02 01:04:05`` as ``2024-01-02T01:04:05``; a date that is none stays as it is."""
    return text if text.startswith("0000") else text.replace(" ", "T", 1)


def _instant(text: str) -> str:
    moment = _moment(text)
    return moment if moment == text else f"{moment}Z"  # the session's time zone is UTC


_READERS: Mapping[int, Callable[[str], Value]] = {
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys(_NUMBERS, read_decimal),
    _TIMESTAMP: _instant,
    _DATETIME: _moment,
    _JSON: parse_json,
}


def literal(value: Value, quoted: Callable[[str], str]) -> str:
    """``value`` as it stands in a statement; ``quoted`` is the driver's, which knows how the server reads quotes."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (int, Decimal)):
        return number_text(value)
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return quoted(value if isinstance(value, str) else to_json(value))
