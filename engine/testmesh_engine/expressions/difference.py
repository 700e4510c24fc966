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
            return f"[{index}]{_below(one, other)}"
    if len(left) == len(right):
        return ""
    longer, word = (left, "more") if len(left) > len(right) else (right, "fewer")
    at = min(len(left), len(right))
    return f" has {len(left)} items, not {len(right)}: {show(longer[at])} at [{at}] is one {word}"


def _maps(left: dict[str, Value], right: dict[str, Value]) -> str:
    for key, item in left.items():
        if key not in right:
            return f"{_step(key)} is {show(item)}, and should not be there"
        if not equal(item, right[key]):
            return f"{_step(key)}{_below(item, right[key])}"
    absent = next((key for key in right if key not in left), None)
    return "" if absent is None else f" has no {show(absent)}, which should be {show(right[absent])}"


def _below(left: Value, right: Value) -> str:
    deeper = difference(left, right)
    if deeper:
        return deeper
    if kind_of(left) != kind_of(right):
        return f" is {kind_of(left)} {show(left)} against {kind_of(right)} {show(right)}"
    return f" is {show(left)}, not {show(right)}"


def _step(key: str) -> str:
    return f".{key}" if _WORD.fullmatch(key) else f"[{show(key)}]"
