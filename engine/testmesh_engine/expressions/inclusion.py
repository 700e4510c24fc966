"""Whether a value includes a part, and where it does not: for ``includes(a, part)``.

A map includes a map if it has each of its keys with what is included there; a list includes a list if each item of the
part is included in an item of its own, in any order; anything else includes what equals it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from testmesh_engine.expressions.difference import below, step
from testmesh_engine.expressions.errors import nearest
from testmesh_engine.expressions.values import Value, equal, show

Tick: TypeAlias = Callable[[], None]
"""Called for each comparison; raises where there are too many."""


def includes(whole: Value, part: Value, tick: Tick) -> bool:
    """Whether ``whole`` includes ``part``."""
    tick()
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and includes(whole[key], item, tick) for key, item in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return not _unmatched(whole, part, tick)
    return equal(whole, part)


def differences(whole: Value, part: Value, tick: Tick) -> Iterator[str]:
    """Where ``whole`` does not include ``part``, each as what follows the name of ``whole``: ``.qty is 2, not 3``."""
    if isinstance(whole, dict) and isinstance(part, dict):
        yield from _map_differences(whole, part, tick)
    elif isinstance(whole, list) and isinstance(part, list):
        for item in _unmatched(whole, part, tick):
            yield f" has no item{' of its own' if _anywhere(whole, item, tick) else ''} that includes {show(item)}" + (
                _nearest_item(whole, item, tick)
            )
    elif not equal(whole, part):
        yield below(whole, part)


def _map_differences(whole: dict[str, Value], part: dict[str, Value], tick: Tick) -> Iterator[str]:
    for key, item in part.items():
        if key in whole:
            yield from (f"{step(key)}{found}" for found in differences(whole[key], item, tick))
        else:
            near = nearest(key, whole)
            yield f" has no {show(key)}" + (
                f"; did you mean {show(near)}?" if near else f", which should be {show(item)}"
            )


def _unmatched(whole: list[Value], part: list[Value], tick: Tick) -> list[Value]:
    """The items of ``part`` that get no item of their own: a matching by augmenting paths, so that none is wasted."""
    fitting = [[index for index, item in enumerate(whole) if includes(item, wanted, tick)] for wanted in part]
    owner: dict[int, int] = {}

    def placed(wanted: int, seen: set[int]) -> bool:
        for index in fitting[wanted]:
            tick()
            if index in seen:
                continue
            seen.add(index)
            if index not in owner or placed(owner[index], seen):
                owner[index] = wanted
                return True
        return False

    return [item for wanted, item in enumerate(part) if not placed(wanted, set())]


def _anywhere(whole: list[Value], part: Value, tick: Tick) -> bool:
    return any(includes(item, part, tick) for item in whole)


def _nearest_item(whole: list[Value], part: Value, tick: Tick) -> str:
    """The item with the fewest differences, where its differences tell more than the item itself."""
    if not isinstance(part, (dict, list)) or _anywhere(whole, part, tick):
        return ""
    found = [(list(differences(item, part, tick)), index) for index, item in enumerate(whole)]
    if not found:
        return ""
    differing, index = min(found, key=lambda each: len(each[0]))
    return f"; the nearest is [{index}]: [{index}]{differing[0]}"
