"""Functions over lists and maps."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Decimal

from testmesh_engine.expressions import arithmetic
from testmesh_engine.expressions.frame import Apply, Frame, Result
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.values import Missing, Value, kind_of, show, to_json


def _holds(predicate: Apply, item: Value, index: int) -> bool:
    result = predicate(item, index)
    if result is True or result is False:
        return result
    if isinstance(result, Missing):
        raise FunctionError(f"the predicate has no value for item {index}: {result}")
    raise FunctionError(f"the predicate gives {show(result)} for item {index}, which is neither true nor false")


def _value(predicate: Apply, item: Value, index: int) -> Value:
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
        value = _value(predicate, item, index)
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
        groups.setdefault(_key_text(_value(predicate, item, index)), []).append(item)
    return dict(groups)


def _key_text(value: Value) -> str:
    return value if isinstance(value, str) else to_json(value)


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


# Numbers in lists


def _numbers(items: Sequence[Value]) -> list[int | Decimal]:
    for index, item in enumerate(items):
        if kind_of(item) != "number":
            raise FunctionError(f"item {index} is {kind_of(item)} {show(item)}, not a number")
    return [item for item in items if isinstance(item, (int, Decimal))]


def _sum(_: Frame, items: list[Value], predicate: Apply | None = None) -> int | Decimal:
    if predicate is not None:
        items = [_value(predicate, item, index) for index, item in enumerate(items)]
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


def _sorted(pairs: list[tuple[Value, Value]], order: str) -> list[Value]:
    """The second of each pair, by the first: all numbers, or all texts."""
    kinds = {kind_of(key) for key, _ in pairs}
    if kinds - {"number"} and kinds - {"text"}:
        raise FunctionError(f"only numbers or only texts can be sorted, these are {' and '.join(sorted(kinds))}")
    if any(isinstance(key, Decimal) and key.is_nan() for key, _ in pairs):
        raise FunctionError("NaN has no place in an order")
    ordered = sorted(pairs, key=lambda pair: pair[0], reverse=_descending(order))  # type: ignore[arg-type,return-value]  # one kind, as was just checked
    return [value for _, value in ordered]


def _sort(_: Frame, items: list[Value], order: str = "asc") -> list[Value]:
    return _sorted([(item, item) for item in items], order)


def _sort_by(_: Frame, items: list[Value], predicate: Apply, order: str = "asc") -> list[Value]:
    return _sorted([(_value(predicate, item, index), item) for index, item in enumerate(items)], order)


def _fingerprint(value: Value) -> Hashable:
    """Equal for equal values, and for no others."""
    if isinstance(value, list):
        return ("list", *map(_fingerprint, value))
    if isinstance(value, dict):
        return ("map", frozenset((key, _fingerprint(item)) for key, item in value.items()))
    return (kind_of(value), value)


def _uniq(_: Frame, items: list[Value]) -> list[Value]:
    first: dict[Hashable, Value] = {}
    for item in items:
        first.setdefault(_fingerprint(item), item)
    return list(first.values())


def _flatten(frame: Frame, items: list[Value]) -> list[Value]:
    flat: list[Value] = []
    frame.charge_items(len(items))
    for item in items:
        flat.extend(_flatten(frame, item) if isinstance(item, list) else [item])
    return flat


def _concat(frame: Frame, *lists: list[Value]) -> list[Value]:
    frame.charge_items(sum(map(len, lists)))
    return [item for items in lists for item in items]


def _take(_: Frame, items: list[Value], count: int) -> list[Value]:
    if count < 0:
        raise FunctionError(f"it can't take {count} items")
    return items[:count]


# Maps and sizes


def _len(_: Frame, value: Value) -> int:
    if isinstance(value, (list, dict, str, bytes)):
        return len(value)
    raise FunctionError(f"{kind_of(value)} {show(value)} has no length; a list, a map or a text has")


def _get(_: Frame, container: Value, key: Value) -> Value:
    if isinstance(container, dict):
        return container.get(_key_text(key))
    if isinstance(container, list) and isinstance(key, int) and not isinstance(key, bool):
        return container[key] if -len(container) <= key < len(container) else None
    if container is None:
        return None
    raise FunctionError(f"{kind_of(container)} {show(container)} has no {show(key)}")


def _from_pairs(_: Frame, pairs: list[Value]) -> dict[str, Value]:
    made: dict[str, Value] = {}
    for index, pair in enumerate(pairs):
        if not isinstance(pair, list) or len(pair) != 2:
            raise FunctionError(f"item {index} is {show(pair)}, not a key and a value")
        made[_key_text(pair[0])] = pair[1]
    return made


TABLE = (
    function("all", "list: list, predicate: predicate", _all),
    function("any", "list: list, predicate: predicate", _any),
    function("none", "list: list, predicate: predicate", _none),
    function("one", "list: list, predicate: predicate", _one),
    function("filter", "list: list, predicate: predicate", _filter),
    function("map", "list: list, predicate: predicate", _map),
    function("count", "list: list, predicate?: predicate", _count),
    function("sum", "list: list, predicate?: predicate", _sum),
    function("find", "list: list, predicate: predicate", _find),
    function("findIndex", "list: list, predicate: predicate", _find_index),
    function("findLast", "list: list, predicate: predicate", _find_last),
    function("findLastIndex", "list: list, predicate: predicate", _find_last_index),
    function("groupBy", "list: list, predicate: predicate", _group_by),
    function("sortBy", "list: list, predicate: predicate, order?: text", _sort_by),
    function("reduce", "list: list, predicate: predicate, initial?: any", _reduce),
    function("len", "value: any", _len),
    function("get", "value: any, key: any", _get),
    function("min", "value: any, *values: any", _min),
    function("max", "value: any, *values: any", _max),
    function("mean", "value: any, *values: any", _mean),
    function("median", "value: any, *values: any", _median),
    function("first", "list: list", lambda _, items: items[0] if items else None),
    function("last", "list: list", lambda _, items: items[-1] if items else None),
    function("take", "list: list, count: integer", _take),
    function("reverse", "list: list", lambda _, items: items[::-1]),
    function("sort", "list: list, order?: text", _sort),
    function("uniq", "list: list", _uniq),
    function("flatten", "list: list", _flatten),
    function("concat", "list: list, *lists: list", _concat),
    function("keys", "map: map", lambda _, entries: list(entries)),
    function("values", "map: map", lambda _, entries: list(entries.values())),
    function("toPairs", "map: map", lambda _, entries: [[key, value] for key, value in entries.items()]),
    function("fromPairs", "pairs: list", _from_pairs),
)
