"""Functions that calculate with the items of a list, or put them in order. All are exact."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from decimal import Decimal

from testmesh_engine.expressions import arithmetic
from testmesh_engine.expressions.frame import Apply, Frame
from testmesh_engine.expressions.functions.predicates import value_of
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.values import Value, kind_of, show

# Numbers in lists


def _numbers(items: Sequence[Value]) -> list[int | Decimal]:
    for index, item in enumerate(items):
        if kind_of(item) != "number":
            raise FunctionError(f"item {index} is {kind_of(item)} {show(item)}, not a number")
    return [item for item in items if isinstance(item, (int, Decimal))]


def _sum(_: Frame, items: list[Value], predicate: Apply | None = None) -> int | Decimal:
    if predicate is not None:
        items = [value_of(predicate, item, index) for index, item in enumerate(items)]
    total: int | Decimal = 0
    for number in _numbers(items):
        total = arithmetic.add(total, number)
    return total


def _all_numbers(values: Sequence[Value]) -> list[int | Decimal]:
    """The numbers of the arguments, lists of them included."""
    flat: list[Value] = []
    for value in values:
        flat.extend(value if isinstance(value, list) else [value])
    numbers = _numbers(flat)
    if not numbers:
        raise FunctionError("there are no numbers")
    return numbers


def _min(_: Frame, *values: Value) -> int | Decimal:
    return functools.reduce(lambda a, b: b if arithmetic.less(b, a) else a, _all_numbers(values))


def _max(_: Frame, *values: Value) -> int | Decimal:
    return functools.reduce(lambda a, b: b if arithmetic.less(a, b) else a, _all_numbers(values))


def _mean(_: Frame, *values: Value) -> int | Decimal:
    numbers = _all_numbers(values)
    return arithmetic.divide(functools.reduce(arithmetic.add, numbers), len(numbers))


def _median(_: Frame, *values: Value) -> int | Decimal:
    numbers = sorted(_all_numbers(values))
    middle = len(numbers) // 2
    if len(numbers) % 2:
        return numbers[middle]
    return arithmetic.divide(arithmetic.add(numbers[middle - 1], numbers[middle]), 2)


# Order


def _descending(order: str) -> bool:
    if order not in ("asc", "desc"):
        raise FunctionError(f'the order is "asc" or "desc", not {show(order)}')
    return order == "desc"


_ORDERED = frozenset({"number", "text", "time", "duration"})


def _sorted(pairs: list[tuple[Value, Value]], order: str) -> list[Value]:
    """The second of each pair, by the first: all numbers, all texts, all times or all durations."""
    kinds = {kind_of(key) for key, _ in pairs}
    if len(kinds) > 1 or kinds - _ORDERED:
        raise FunctionError(f"only numbers or only texts can be sorted, these are {' and '.join(sorted(kinds))}")
    if any(isinstance(key, Decimal) and key.is_nan() for key, _ in pairs):
        raise FunctionError("NaN has no place in an order")
    ordered = sorted(pairs, key=lambda pair: pair[0], reverse=_descending(order))  # type: ignore[arg-type,return-value]  # one kind, as was just checked
    return [value for _, value in ordered]


def _sort(_: Frame, items: list[Value], order: str = "asc") -> list[Value]:
    return _sorted([(item, item) for item in items], order)


def _sort_by(_: Frame, items: list[Value], predicate: Apply, order: str = "asc") -> list[Value]:
    return _sorted([(value_of(predicate, item, index), item) for index, item in enumerate(items)], order)


TABLE = (
    function(
        "sum",
        "list: list, predicate?: predicate",
        _sum,
        "The sum of the items, or of what the predicate gives for each; 0 for an empty list.",
        ("sum([1, 2.5])", "3.5"),
        ("sum([{n: 1}, {n: 2}], .n)", "3"),
    ),
    function(
        "min",
        "value: any, *values: any",
        _min,
        "The least number of the arguments and of the lists among them.",
        ("min(5, 7)", "5"),
        ("min([3, 1, 2])", "1"),
    ),
    function(
        "max",
        "value: any, *values: any",
        _max,
        "The greatest number of the arguments and of the lists among them.",
        ("max(5, 7)", "7"),
        ("max([3, 1], 9)", "9"),
    ),
    function(
        "mean",
        "value: any, *values: any",
        _mean,
        "The mean of the numbers, to 34 digits; of none it is an error.",
        ("mean([1, 2, 3])", "2"),
    ),
    function(
        "median",
        "value: any, *values: any",
        _median,
        "The number in the middle, or the mean of the two there; of none it is an error.",
        ("median([1, 9, 2])", "2"),
        ("median([1, 2])", "1.5"),
    ),
    function(
        "sort",
        "list: list, order?: text",
        _sort,
        'The items in order, "asc" or "desc": all numbers, all texts, all times or all durations.',
        ("sort([3, 1, 2])", "[1, 2, 3]"),
        ('sort(["b", "a"], "desc")', '["b", "a"]'),
    ),
    function(
        "sortBy",
        "list: list, predicate: predicate, order?: text",
        _sort_by,
        'The items in the order of what the predicate gives, "asc" or "desc".',
        ("sortBy([{n: 2}, {n: 1}], .n)", "[{n: 1}, {n: 2}]"),
        ('sortBy([1, 2], #, "desc")', "[2, 1]"),
    ),
)
