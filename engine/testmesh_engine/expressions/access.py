"""Reading a part of a value: the key of a map, the item of a list, a slice. Never an attribute of an object."""

from __future__ import annotations

from decimal import Decimal

from testmesh_engine.expressions.absent import Absent, OutOfRange
from testmesh_engine.expressions.errors import AbsentError, EvaluationError
from testmesh_engine.expressions.frame import Result
from testmesh_engine.expressions.operators import named, present
from testmesh_engine.expressions.values import MISSING, Missing, Value, kind_of, number_text, show


def part(container: Result, key: Result, where: str) -> Result:
    """``container[key]``; an absent key is a :class:`Missing` that can say which keys there are.

    ``where`` is the text of the container. Raises ``EvaluationError`` where it has no parts of this kind.
    """
    container, key = present(container), present(key)
    if isinstance(container, dict):
        return _entry(container, key, where)
    if key == "length" and isinstance(container, (list, str, bytes)):
        return len(container)
    if isinstance(container, (list, str)):
        return _item(container, key, where)
    if container is None:
        raise AbsentError(f"{where} is nil, so it has no {show(key)}", "write `?.` where that is fine")
    raise EvaluationError(f"{named(where, container)}, which has no {show(key)}")


def _entry(container: dict[str, Value], key: Value, where: str) -> Result:
    if isinstance(key, (int, Decimal)) and not isinstance(key, bool):
        key = number_text(key)
    if not isinstance(key, str):
        raise EvaluationError(f"{where} is a map, and {kind_of(key)} {show(key)} is no key of one")
    # A key that is there with nil and one that is not there are different things.
    return container[key] if key in container else Absent(container, key, where)


def _item(container: list[Value] | str, key: Value, where: str) -> Result:
    index = as_index(key)
    if index is None:
        what = "list" if isinstance(container, list) else "text"
        hint = (
            f"write `{where}[0]` or `map({where}, .{key})`"
            if isinstance(container, list) and isinstance(key, str)
            else ""
        )
        raise EvaluationError(f"{where} is a {what} {show(container)}, which has no {show(key)}", hint)
    if -len(container) <= index < len(container):
        return container[index]
    return OutOfRange(len(container), index, where)


def as_index(key: Value) -> int | None:
    """The integer that ``key`` is by value, ``None`` for anything else."""
    if isinstance(key, bool):
        return None
    if isinstance(key, Decimal):
        return int(key) if key.is_finite() and abs(key) < 2**63 and key == key.to_integral_value() else None
    return key if isinstance(key, int) else None


def part_or_missing(container: Result, key: Result, where: str) -> Result:
    """As :func:`part`, but what has no value has no parts either: for ``exists``, ``??`` and defaults."""
    if container is None or isinstance(container, Missing) or isinstance(key, Missing):
        return MISSING
    return part(container, key, where)


def cut(container: Result, first: Result, stop: Result, where: str) -> Value:
    """``container[first:stop]``, cut to what is there. Raises ``EvaluationError`` for anything but lists and text."""
    whole = present(container)
    if not isinstance(whole, (list, str)):
        raise EvaluationError(f"a part `[a:b]` is that of a list or a text: {named(where, whole)}")
    return whole[_bound(first, where) : _bound(stop, where)]


def _bound(value: Result, where: str) -> int | None:
    if value is None:
        return None
    index = as_index(present(value))
    if index is None:
        raise EvaluationError(f"the bounds of `{where}[a:b]` are integers, not {show(value)}")
    return index
