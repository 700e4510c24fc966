"""Functions over lists and maps as a whole."""

from __future__ import annotations

from collections.abc import Hashable

from testmesh_engine.expressions.fingerprint import fingerprint
from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.functions.predicates import key_text
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.operators import has
from testmesh_engine.expressions.values import Value, kind_of, show


def _uniq(_: Frame, items: list[Value]) -> list[Value]:
    first: dict[Hashable, Value] = {}
    for item in items:
        first.setdefault(fingerprint(item), item)
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


def _len(_: Frame, value: Value) -> int:
    if isinstance(value, (list, dict, str, bytes)):
        return len(value)
    raise FunctionError(f"{kind_of(value)} {show(value)} has no length; a list, a map or a text has")


def _get(_: Frame, container: Value, key: Value) -> Value:
    if isinstance(container, dict):
        name = key_text(key)
        return container[name] if has(container, name) else None
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
        made[key_text(pair[0])] = pair[1]
    return made


TABLE = (
    function(
        "len",
        "value: any",
        _len,
        "How many items a list, entries a map, characters a text, or bytes there are.",
        ("len([1, 2])", "2"),
        ('len("äöü")', "3"),
        ("len({a: 1})", "1"),
    ),
    function(
        "get",
        "value: any, key: any",
        _get,
        "The item at a place or the value of a key, nil if there is none; never an error for an absent one.",
        ("get([1, 2], 5)", "nil"),
        ('get({a: 1}, "a")', "1"),
    ),
    function(
        "first",
        "list: list",
        lambda _, items: items[0] if items else None,
        "The first item, nil if the list is empty.",
        ("first([1, 2])", "1"),
        ("first([])", "nil"),
    ),
    function(
        "last",
        "list: list",
        lambda _, items: items[-1] if items else None,
        "The last item, nil if the list is empty.",
        ("last([1, 2])", "2"),
    ),
    function(
        "take",
        "list: list, count: integer",
        _take,
        "The first `count` items, or all if there are fewer.",
        ("take([1, 2, 3], 2)", "[1, 2]"),
    ),
    function(
        "reverse",
        "list: list",
        lambda _, items: items[::-1],
        "The items from the last to the first.",
        ("reverse([1, 2])", "[2, 1]"),
    ),
    function(
        "uniq",
        "list: list",
        _uniq,
        "Each item once, the first of equal ones; `1` equals `1.0`.",
        ("uniq([1, 1.0, 2])", "[1, 2]"),
    ),
    function(
        "flatten",
        "list: list",
        _flatten,
        "The items of all lists within the list, at every depth.",
        ("flatten([1, [2, [3]]])", "[1, 2, 3]"),
    ),
    function(
        "concat",
        "list: list, *lists: list",
        _concat,
        "The items of all lists, one list after another.",
        ("concat([1], [2, 3])", "[1, 2, 3]"),
    ),
    function(
        "keys",
        "map: map",
        lambda _, entries: list(entries),
        "The keys of a map, in its order.",
        ("keys({a: 1, b: 2})", '["a", "b"]'),
    ),
    function(
        "values",
        "map: map",
        lambda _, entries: list(entries.values()),
        "The values of a map, in its order.",
        ("values({a: 1, b: 2})", "[1, 2]"),
    ),
    function(
        "toPairs",
        "map: map",
        lambda _, entries: [[key, value] for key, value in entries.items()],
        "A list of [key, value] from a map.",
        ("toPairs({a: 1})", '[["a", 1]]'),
    ),
    function(
        "fromPairs",
        "pairs: list",
        _from_pairs,
        "A map from a list of [key, value].",
        ('fromPairs([["a", 1]])', "{a: 1}"),
    ),
)
