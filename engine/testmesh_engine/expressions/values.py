"""The values of the language: what JSON has, with exact numbers, and bytes; within expressions also times.

Numbers are ``int`` and ``Decimal``, never ``float``. A boolean is no number, and text never equals a number.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal, NoReturn, TypeAlias

from testmesh_engine.contract.result import Json
from testmesh_engine.expressions.times import Duration, Time, Zone

Value: TypeAlias = "bool | int | Decimal | str | bytes | Time | Duration | Zone | list[Value] | dict[str, Value] | None"
"""What an expression may see and yield. Times, durations and zones are within expressions only: see :func:`settled`."""

Kind: TypeAlias = Literal["nil", "boolean", "number", "text", "bytes", "list", "map", "time", "duration", "time zone"]
"""What a value is, in the words of messages."""

MAX_JSON_DEPTH = 512
MAX_EXPONENT = 6144
"""As decimal128: beyond it a few characters of JSON would fill the memory."""
MAX_INTEGER_DIGITS = 4300
"""As Python's own bound on reading integers."""


class Missing:
    """No value at all: the name or the key is not there. It equals nil and nothing else."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __str__(self) -> str:
        return "it is not there"

    def __bool__(self) -> NoReturn:
        # A missing value that is taken for false would be a check that never checked.
        raise TypeError("a missing value is neither true nor false")


MISSING = Missing()
"""Nothing is called so; compare with ``is``."""


class CaseBlindMap(dict[str, Value]):
    """A map whose keys are found in any case, as HTTP headers are; it shows them as they came."""

    def __init__(self, items: Mapping[str, Value]) -> None:
        super().__init__(items)
        self._spelling = {key.lower(): key for key in reversed(list(items))}

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._spelling

    def __getitem__(self, key: str) -> Value:
        return super().__getitem__(self._spelling.get(key.lower(), key))

    def get(self, key: str, default: object = None) -> object:  # type: ignore[override]  # dict's overloads say the same
        """The value under ``key`` in any case."""
        return super().get(self._spelling.get(key.lower(), key), default)


def kind_of(value: Value | Missing) -> Kind:
    """What ``value`` is: number, text, boolean, nil, list, map or bytes. Raises ``TypeError`` for anything else."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    for base, named in _KINDS.items():
        if isinstance(value, base):
            return named
    raise TypeError(f"{type(value).__name__} is no value of the language")


_KINDS: dict[type, Kind] = {
    type(None): "nil",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    str: "text",
    bytes: "bytes",
    list: "list",
    dict: "map",
    Time: "time",
    Duration: "duration",
    Zone: "time zone",
    Missing: "nil",
}


def from_python(value: object) -> Value:
    """A value of the language from plain Python data: floats by their shortest digits, tuples as lists.

    Raises ``TypeError`` for anything else, keys that are no text included.
    """
    if value is None or isinstance(value, (bool, int, Decimal, str, bytes, CaseBlindMap)):
        return value
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {_text_key(key): from_python(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [from_python(item) for item in value]
    raise TypeError(f"{type(value).__name__} is no value of the language")


def _text_key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise TypeError(f"a map's keys are text, not {type(key).__name__}")


def equal(left: Value, right: Value) -> bool:
    """Whether two values are the same: numbers by value, maps in any order, different kinds never."""
    # A stack of its own rather than Python's: values are up to 512 levels deep.
    pairs = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        if isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pairs.extend(() if one is other else zip(one, other, strict=True))
        elif isinstance(one, dict) and isinstance(other, dict):
            if len(one) != len(other) or any(key not in other for key in one):
                return False
            pairs.extend(() if one is other else ((item, other[key]) for key, item in one.items()))
        elif not _equal_scalars(one, other):
            return False
    return True


def _equal_scalars(left: Value, right: Value) -> bool:
    if type(left) is type(right) and not isinstance(left, Decimal):
        return left == right
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    return _equal_numbers(left, right) if kind == "number" else left == right


def _equal_numbers(left: object, right: object) -> bool:
    try:
        return left == right
    except InvalidOperation:  # a signalling NaN, which equals nothing
        return False


# Reading and writing JSON

_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = re.compile(r"[^][{}]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes, *, unique: bool = False) -> Value:
    """Read JSON exactly: integers as ``int``, other numbers as ``Decimal`` with every digit.

    Raises ``ValueError`` with the reason for text that is no JSON, for NaN and Infinity, for more than 512 levels,
    integers of more than 4,300 digits and exponents beyond 6,144; with ``unique`` also for a key that stands twice in
    one object, of which else the last counts. A lone surrogate is read as U+FFFD.
    """
    if isinstance(text, bytes):
        text = _decoded(text)
    _check_depth(text)
    try:
        hook = _unique if unique else None
        value: Value = json.loads(text, parse_float=read_decimal, parse_constant=_no_constant, object_pairs_hook=hook)
    except RecursionError:
        raise ValueError(f"the JSON is nested more than {MAX_JSON_DEPTH} deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise ValueError(f"an integer has more than {MAX_INTEGER_DIGITS} digits") from None
        raise
    lone = _SURROGATE_ESCAPE.search(text) or _SURROGATE.search(text)
    return _without_surrogates(value) if lone else value


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"no JSON: byte {error.start} is no UTF-8") from None


def read_decimal(text: str) -> Decimal:
    """The number that ``text`` spells, every digit of it. Raises ``ValueError`` beyond the bound on exponents."""
    number = Decimal(text)
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"the number {text[:40]} is beyond 10^{MAX_EXPONENT}")
    return number if number or -MAX_EXPONENT <= number.as_tuple().exponent <= MAX_EXPONENT else Decimal(0)  # type: ignore[operator]  # a finite number's exponent is an int


def _unique(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        first, second, *_ = (show(value, 40) for key, value in pairs if key == twice)
        raise ValueError(f"{show(twice, 40)} stands twice in one object, as {first} and as {second}")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check_depth(text: str) -> None:
    # One C pass for each level that is there, some six for a usual body: twice as fast as walking the result.
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return
    brackets = _NOT_BRACKETS.sub("", _QUOTED.sub("", text))
    for _ in range(MAX_JSON_DEPTH):
        shorter = brackets.replace("[]", "").replace("{}", "")
        if shorter == brackets:
            break
        brackets = shorter
    if brackets and brackets.replace("[]", "").replace("{}", "") != brackets:
        raise ValueError(f"the JSON is nested more than {MAX_JSON_DEPTH} deep")


def _without_surrogates(value: Value) -> Value:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_SURROGATE.sub("\ufffd", key): _without_surrogates(item) for key, item in value.items()}
    return value


def to_json(value: Value) -> str:
    """Compact JSON: numbers in plain digits as received, bytes as base64, NaN and infinities as text."""
    pieces: list[str] = []
    write_json(value, pieces.append)
    return "".join(pieces)


_quote = json.JSONEncoder(ensure_ascii=False).encode


def write_json(value: Value, write: Callable[[str], object]) -> None:
    """Write what :func:`to_json` gives, piece by piece; ``write`` may raise to stop it."""
    # One function, so that each of up to 512 levels takes one frame of Python's stack.
    if isinstance(value, list):
        write("[")
        for index, item in enumerate(value):
            if index:
                write(",")
            write_json(item, write)
        write("]")
    elif isinstance(value, dict):
        separator = "{"
        for key, item in value.items():
            write(f"{separator}{_quote(key)}:")
            write_json(item, write)
            separator = ","
        write("}" if value else "{}")
    else:
        write(_scalar_json(value))


def _scalar_json(value: Value) -> str:
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return number_text(value) if _is_finite(value) else _quote(str(value))
    if isinstance(value, bytes):
        return _quote(base64.b64encode(value).decode("ascii"))
    if value is None:
        return "null"
    if isinstance(value, (Time, Duration, Zone)):
        return _quote(temporal_text(value))
    raise TypeError(f"{type(value).__name__} is no value of the language")


def temporal_text(value: Time | Duration | Zone) -> str:
    """RFC 3339, a duration as Go writes it (``1h0m0s``), the name of a zone."""
    return value.name if isinstance(value, Zone) else str(value)


def settled(value: Value) -> Value:
    """The value as it leaves an expression: times, durations and zones as text, at every depth."""
    if isinstance(value, (Time, Duration, Zone)):
        return temporal_text(value)
    if isinstance(value, list):
        return [settled(item) for item in value]
    if isinstance(value, dict) and not isinstance(value, CaseBlindMap):
        return {key: settled(item) for key, item in value.items()}
    return value


def text_of(value: Value) -> str:
    """The value within a text: text as it is, bytes as base64, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, (Time, Duration, Zone)):
        return temporal_text(value)
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else to_json(value)


def _is_finite(number: int | Decimal) -> bool:
    return isinstance(number, int) or number.is_finite()


def number_text(number: int | Decimal) -> str:
    """The digits of a number: ``59.90`` stays so, ``1E+2`` is ``100``; only far exponents are written as such."""
    if isinstance(number, int):
        return str(number)
    plain = number.is_finite() and abs(number.adjusted()) <= 40 and number.as_tuple().exponent >= -60  # type: ignore[operator]  # finite: an int
    return format(number, "f") if plain else str(number)


def to_plain(value: Value) -> Json:
    """The value as a report holds it: numbers exact, NaN and infinities as text, bytes as base64."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, list):
        return list(map(to_plain, value))
    if isinstance(value, dict):
        return dict(zip(value, map(to_plain, value.values()), strict=True))
    return temporal_text(value) if isinstance(value, (Time, Duration, Zone)) else value


def show(value: Value | Missing, limit: int = 200) -> str:
    """The value for a message: text quoted, lists and maps as JSON, cut after ``limit`` characters."""
    if isinstance(value, Missing):
        return "not there"
    if value is None:
        return "nil"
    if isinstance(value, (Time, Duration, Zone)):
        return temporal_text(value)
    shown = _Shown(limit)
    try:
        write_json(value[: limit + 1] if isinstance(value, (str, bytes)) else value, shown.write)
    except _ShownEnough:
        return shown.text()[:limit] + "…"
    return shown.text()


class _ShownEnough(Exception):
    """There is no room for more."""


class _Shown:
    """Text up to a limit, so that a long value is not written out to be cut."""

    def __init__(self, limit: int) -> None:
        self._pieces: list[str] = []
        self._room = limit

    def write(self, piece: str) -> None:
        self._pieces.append(piece)
        self._room -= len(piece)
        if self._room < 0:
            raise _ShownEnough

    def text(self) -> str:
        return "".join(self._pieces)
