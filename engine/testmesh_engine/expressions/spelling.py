"""The literal that a text spells, where the language reads text as one."""

from __future__ import annotations

import re

from testmesh_engine.expressions.values import MAX_INTEGER_DIGITS, Value, read_decimal

# As in JSON: "02134" is a postal code, no number.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "nil": None, "null": None}


def spelled(text: str) -> Value:
    """``10.00`` as the number, ``true`` as the boolean, ``null`` as nil; any other text as it is."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_INTEGER_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _DECIMAL.fullmatch(text):
        return text
    try:
        return read_decimal(text)
    except ValueError:
        return text
