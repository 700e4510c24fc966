"""Where two lists or maps differ, so that nobody has to compare two screens of JSON."""

from __future__ import annotations

import re

from testmesh_engine.expressions.values import Value, equal, kind_of, show

_WORD = re.compile(r"[^\W\d]\w*")


def difference(left: Value, right: Value) -> str:
    """The first difference as what follows the name of ``left``: ``.items[1].qty is 2, not 3``.

    "" where they are no two lists or maps, or are equal.
    """
    if isinstance(left, list) and isinstance(right, list):
        return _lists(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return _maps(left, right)
    return ""


def _lists(left: list[Value], right: list[Value]) -> str:
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if not equal(one, other):
            return f"[{index}]{below(one, other)}"
    if len(left) == len(right):
        return ""
    longer, word = (left, "more") if len(left) > len(right) else (right, "fewer")
    at = min(len(left), len(right))
    return f" has {len(left)} items, not {len(right)}: {show(longer[at])} at [{at}] is one {word}"


def _maps(left: dict[str, Value], right: dict[str, Value]) -> str:
    for key, item in left.items():
        if key not in right:
            return f"{step(key)} is {show(item)}, and should not be there"
        if not equal(item, right[key]):
            return f"{step(key)}{below(item, right[key])}"
    absent = next((key for key in right if key not in left), None)
    return "" if absent is None else f" has no {show(absent)}, which should be {show(right[absent])}"


def below(left: Value, right: Value) -> str:
    """How two values differ, as what follows the name of ``left``, whatever they are: `` is 2, not 3``."""
    deeper = difference(left, right) or text_difference(left, right)
    if deeper:
        return deeper
    if kind_of(left) != kind_of(right):
        return f" is {_named(left)} against {_named(right)}"
    return f" is {show(left)}, not {show(right)}"


def _named(value: Value) -> str:
    return "nil" if value is None else f"{kind_of(value)} {show(value)}"


def step(key: str | int) -> str:
    """The key or index as a path has it: ``.qty``, ``["x y"]``, ``[0]``."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _WORD.fullmatch(key) else f"[{show(key)}]"


_LONG, _AROUND = 60, 20


def text_difference(left: Value, right: Value) -> str:
    """Where two long texts differ, as what follows the name of ``left``; "" where they are no two long texts."""
    if not isinstance(left, str) or not isinstance(right, str) or min(len(left), len(right)) <= _LONG:
        return ""
    at = next((index for index, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), -1)
    if at < 0:
        longer, word = (left, "more") if len(left) > len(right) else (right, "fewer")
        size = abs(len(left) - len(right))
        return f" has {size} characters {word} at its end: {show(longer[-min(size, _LONG) :])}"
    return f" differs from character {at + 1} on: it is {_around(left, at)}, not {_around(right, at)}"


def _around(text: str, at: int) -> str:
    start, end = max(0, at - _AROUND), at + _AROUND
    shown = show(text[start:end])[1:-1]
    return f'"{"…" if start else ""}{shown}{"…" if end < len(text) else ""}"'
