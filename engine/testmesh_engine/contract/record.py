"""Dataclasses that cost little to define: there are more than 150 of them, and each process defines them anew.

Python's own writes and compiles six functions for a frozen dataclass, 0.4 ms of a start that is to take 200 in all.
Here it writes ``__init__`` alone, and the other methods are the same few functions for all classes. To mypy and to
readers it is :func:`dataclasses.dataclass`; ``fields``, ``replace`` and ``asdict`` work as ever.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass
else:

    def dataclass(
        *, frozen: bool = False, slots: bool = False, kw_only: bool = False, eq: bool = True
    ) -> Callable[[type], type]:
        """As :func:`dataclasses.dataclass`. That a ``frozen`` one is never changed is mypy's to hold, not Python's."""
        define = dataclasses.dataclass(repr=False, eq=False, slots=slots, kw_only=kw_only)

        def defined(cls: type) -> type:
            # Python's own would ask for the signature of a class without a docstring, to make one of it.
            cls.__doc__ = cls.__doc__ or cls.__name__
            return _completed(define(cls), eq=eq, hashed=frozen)

        return defined


def _completed(cls: type, *, eq: bool, hashed: bool) -> type:
    """``cls`` with the methods that it does not have of its own."""
    own = cls.__dict__
    fields = dataclasses.fields(cls)
    if "__repr__" not in own:
        cls.__repr__ = _shown  # type: ignore[method-assign, assignment]
    if eq and "__eq__" not in own:
        values = _values_of([field.name for field in fields if field.compare])
        cls.__eq__ = _equality(values)  # type: ignore[method-assign, assignment]
        if own.get("__hash__") is None:
            cls.__hash__ = _hash(values) if hashed else None  # type: ignore[method-assign, assignment]
    return cls


def _shown(self: Any) -> str:
    named = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(named)})"


def _values_of(names: list[str]) -> Callable[[Any], object]:
    """What two of a class are equal by."""
    return attrgetter(*names) if names else lambda _: ()


def _equality(values: Callable[[Any], object]) -> Callable[[Any, object], bool]:
    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    return equal


def _hash(values: Callable[[Any], object]) -> Callable[[Any], int]:
    return lambda self: hash(values(self))
