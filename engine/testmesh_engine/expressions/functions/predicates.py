"""Functions that ask a predicate of each item of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from testmesh_engine.expressions.frame import Apply, Frame, Result
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.times import Duration, Time
from testmesh_engine.expressions.values import Missing, Value, show, text_of, to_json


def _holds(predicate: Apply, item: Value, index: int) -> bool:
    result = predicate(item, index)
    if result is True or result is False:
        return result
    if isinstance(result, Missing):
        raise FunctionError(f"the predicate has no value for item {index}: {result}")
    raise FunctionError(f"the predicate gives {show(result)} for item {index}, which is neither true nor false")


def value_of(predicate: Apply, item: Value, index: int) -> Value:
    """What the predicate gives for an item. Raises ``FunctionError`` where it gives nothing."""
    result = predicate(item, index)
    if isinstance(result, Missing):
        raise FunctionError(f"the predicate has no value for item {index}: {result}")
    return result


def _matches(items: list[Value], predicate: Apply) -> Iterable[int]:
    return (index for index, item in enumerate(items) if _holds(predicate, item, index))


def _all(_: Frame, items: list[Value], predicate: Apply) -> bool:
    return all(_holds(predicate, item, index) for index, item in enumerate(items))


def _any(_: Frame, items: list[Value], predicate: Apply) -> bool:
    return any(_holds(predicate, item, index) for index, item in enumerate(items))


def _none(frame: Frame, items: list[Value], predicate: Apply) -> bool:
    return not _any(frame, items, predicate)


def _one(_: Frame, items: list[Value], predicate: Apply) -> bool:
    return sum(1 for _index in _matches(items, predicate)) == 1


def _filter(_: Frame, items: list[Value], predicate: Apply) -> list[Value]:
    return [items[index] for index in _matches(items, predicate)]


def _map(frame: Frame, items: list[Value], predicate: Apply) -> list[Value]:
    mapped: list[Value] = []
    for index, item in enumerate(items):
        value = value_of(predicate, item, index)
        frame.charge_tree(value)
        mapped.append(value)
    return mapped


def _count(_: Frame, items: list[Value], predicate: Apply | None = None) -> int:
    return sum(1 for _index in _matches(items, predicate or _itself))


def _itself(item: Value, _: int) -> Value:
    return item


def _find(_: Frame, items: list[Value], predicate: Apply) -> Value:
    index = next(iter(_matches(items, predicate)), None)
    return None if index is None else items[index]


def _find_index(_: Frame, items: list[Value], predicate: Apply) -> int | None:
    return next(iter(_matches(items, predicate)), None)


def _find_last_index(_: Frame, items: list[Value], predicate: Apply) -> int | None:
    return next((index for index in range(len(items) - 1, -1, -1) if _holds(predicate, items[index], index)), None)


def _find_last(frame: Frame, items: list[Value], predicate: Apply) -> Value:
    index = _find_last_index(frame, items, predicate)
    return None if index is None else items[index]


def _group_by(_: Frame, items: list[Value], predicate: Apply) -> dict[str, Value]:
    groups: dict[str, list[Value]] = {}
    for index, item in enumerate(items):
        groups.setdefault(key_text(value_of(predicate, item, index)), []).append(item)
    return dict(groups)


def key_text(value: Value) -> str:
    """The value as the key of a map: text as it is, anything else as JSON."""
    return (
        text_of(value) if isinstance(value, (Time, Duration)) else value if isinstance(value, str) else to_json(value)
    )


def _reduce(frame: Frame, items: list[Value], predicate: Callable[..., Result], *initial: Value) -> Value:
    if not items and not initial:
        raise FunctionError("the list is empty, and there is no initial value")
    total, rest = (initial[0], items) if initial else (items[0], items[1:])
    for index, item in enumerate(rest, start=len(items) - len(rest)):
        result = predicate(item, index, total)
        if isinstance(result, Missing):
            raise FunctionError(f"the predicate has no value for item {index}: {result}")
        frame.charge_tree(result)
        total = result
    return total


TABLE = (
    function(
        "all",
        "list: list, predicate: predicate",
        _all,
        "Whether the predicate holds for every item; true for an empty list.",
        ("all([1, 2], # > 0)", "true"),
        ("all([], # > 0)", "true"),
    ),
    function(
        "any",
        "list: list, predicate: predicate",
        _any,
        "Whether the predicate holds for at least one item.",
        ("any([1, 2], # > 1)", "true"),
        ("any([], true)", "false"),
    ),
    function(
        "none",
        "list: list, predicate: predicate",
        _none,
        "Whether the predicate holds for no item; true for an empty list.",
        ("none([1, 2], # > 2)", "true"),
    ),
    function(
        "one",
        "list: list, predicate: predicate",
        _one,
        "Whether the predicate holds for exactly one item.",
        ("one([1, 2], # > 1)", "true"),
        ("one([2, 2], # > 1)", "false"),
    ),
    function(
        "filter",
        "list: list, predicate: predicate",
        _filter,
        "The items for which the predicate holds.",
        ("filter([1, 2, 3], # > 1)", "[2, 3]"),
    ),
    function(
        "map",
        "list: list, predicate: predicate",
        _map,
        "What the predicate gives for each item.",
        ("map([{n: 1}, {n: 2}], .n)", "[1, 2]"),
        ("map([5, 6], #index)", "[0, 1]"),
    ),
    function(
        "count",
        "list: list, predicate?: predicate",
        _count,
        "How many items the predicate holds for; without one, how many items are true.",
        ("count([1, 2, 3], # > 1)", "2"),
        ("count([true, false])", "1"),
    ),
    function(
        "find",
        "list: list, predicate: predicate",
        _find,
        "The first item for which the predicate holds, nil if there is none.",
        ("find([1, 2, 3], # > 1)", "2"),
        ("find([1], # > 1)", "nil"),
    ),
    function(
        "findIndex",
        "list: list, predicate: predicate",
        _find_index,
        "The place of the first item for which the predicate holds, nil if there is none.",
        ("findIndex([1, 2, 3], # > 1)", "1"),
    ),
    function(
        "findLast",
        "list: list, predicate: predicate",
        _find_last,
        "The last item for which the predicate holds, nil if there is none.",
        ("findLast([1, 2, 3], # > 1)", "3"),
    ),
    function(
        "findLastIndex",
        "list: list, predicate: predicate",
        _find_last_index,
        "The place of the last item for which the predicate holds, nil if there is none.",
        ("findLastIndex([1, 2, 3], # > 1)", "2"),
    ),
    function(
        "groupBy",
        "list: list, predicate: predicate",
        _group_by,
        "A map from what the predicate gives, as text, to the items that it gives it for.",
        ("groupBy([1, 2, 3], # > 1)", '{"false": [1], "true": [2, 3]}'),
    ),
    function(
        "reduce",
        "list: list, predicate: predicate, initial?: any",
        _reduce,
        "One value from all items: `#acc` is the value so far, at first `initial` or the first item.",
        ("reduce([1, 2, 3], #acc + #)", "6"),
        ('reduce([1, 2], #acc + string(#), "n")', '"n12"'),
    ),
)
