"""Why a value is not there: the key, what has no such key, and the nearest key that it has."""

from __future__ import annotations

from testmesh_engine.expressions.errors import AbsentError, NoValueError, nearest
from testmesh_engine.expressions.scope import NameUse, Scope
from testmesh_engine.expressions.values import Missing, Value, show

_SHOWN_KEYS = 8


class Absent(Missing):
    """A key that its map does not have. It is made on every miss, so the words are made only when asked for."""

    __slots__ = ("_container", "_key", "_where")

    def __init__(self, container: dict[str, Value], key: str, where: str) -> None:
        self._container = container
        self._key = key
        self._where = where

    def __str__(self) -> str:
        near = nearest(self._key, self._container)
        start = f"{self._where} has no {show(self._key)}"
        return f"{start}; did you mean {show(near)}?" if near else f"{start}; {_contents(self._container)}"


class OutOfRange(Missing):
    """An index beyond the end of a list; unlike a key it does not equal nil, as in Expr."""

    __slots__ = ("_index", "_length", "_where")

    def __init__(self, length: int, index: int, where: str) -> None:
        self._length = length
        self._index = index
        self._where = where

    def __str__(self) -> str:
        items = "no items" if not self._length else "1 item" if self._length == 1 else f"{self._length} items"
        return f"{self._where} has {items}, so there is no [{self._index}]"


class Unset(OutOfRange):
    """A key that is known and has no value: its step was skipped, has failed or was not run."""

    __slots__ = ("error",)

    def __init__(self, error: NoValueError) -> None:
        self.error = error

    def __str__(self) -> str:
        return self.error.message


def _contents(container: dict[str, Value]) -> str:
    if not container:
        return "it is empty"
    names = ", ".join(show(key, 40) for key in list(container)[:_SHOWN_KEYS])
    more = len(container) - _SHOWN_KEYS
    return f"it has {names} and {more} more" if more > 0 else f"it has {names}"


def absence(value: Missing) -> AbsentError:
    """The error for a value that is needed and not there."""
    return value.error if isinstance(value, Unset) else AbsentError(str(value))


def need_value(use: NameUse, scope: Scope) -> None:
    """Read what ``use`` reads, as far as that is written out. Raises ``NoValueError`` where it has no value."""
    value: object = scope.lookup(use.name)
    for key in use.keys:
        if isinstance(value, Unset):
            raise value.error
        if not isinstance(value, dict) or key not in value:
            return
        value = value[key]
    if isinstance(value, Unset):
        raise value.error
