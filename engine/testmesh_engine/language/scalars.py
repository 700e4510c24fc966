"""What a plain scalar is by YAML 1.2's core schema. Numbers are exact: ``10.00`` stays a Decimal of two places."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TypeAlias

Plain: TypeAlias = bool | int | Decimal | str | None
"""What a scalar can be."""

MAX_INTEGER_DIGITS = 4300
"""As Python's own bound on reading integers, which keeps a short line from taking seconds."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_FIRST_OF_NUMBER = frozenset("+-.0123456789")
_KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "null": ("nothing", (type(None),)),
    "bool": ("true or false", (bool,)),
    "int": ("a whole number", (int,)),
    "float": ("a number", (int, Decimal)),
}


def resolve_plain(text: str) -> Plain:  # noqa: PLR0911 - one line for each form of the core schema
    """The value of a plain scalar by YAML 1.2's core schema. Raises ``ValueError`` for a number out of bounds."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _FIRST_OF_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _OTHER_BASE.fullmatch(text):
        return _integer(text, 0)
    if _NUMBER.fullmatch(text):
        return _exact(text)
    if text.lower().lstrip("+-") in {".inf", ".nan"}:
        raise ValueError(f"{text} is no number that a service could send; quote it if text is meant")
    return text


def resolve_tagged(tag: str, text: str) -> Plain:
    """The value of a scalar with the tag ``!!null``, ``!!bool``, ``!!int``, ``!!float`` or ``!!str`` (given bare).

    Raises ``KeyError`` for any other tag, ``ValueError`` where the text is none of its kind.
    """
    if tag == "str":
        return text
    named, kinds = _KINDS[tag]
    value = resolve_plain(text)
    if type(value) not in kinds:
        raise ValueError(f"!!{tag} takes {named}, found {text}")
    return value


def _integer(text: str, base: int) -> int:
    if len(text) > MAX_INTEGER_DIGITS:
        raise ValueError(
            f"the number {text[:20]}… has more than {MAX_INTEGER_DIGITS} digits; quote it if text is meant"
        )
    return int(text, base)


def _exact(text: str) -> Decimal:
    if len(text) <= MAX_INTEGER_DIGITS:
        number = Decimal(text)
        if number.is_finite() and (not number or abs(number.adjusted()) <= 6144):
            return number
    raise ValueError(f"the number {text[:40]} is out of bounds (10^6144)")
