"""What one evaluation carries along: its scope, the values of its own names, and what it may still use up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from testmesh_engine.expressions import limits
from testmesh_engine.expressions.errors import EvaluationError
from testmesh_engine.expressions.scope import ClockedScope, LayeredScope, Scope
from testmesh_engine.expressions.values import Missing, Value

Result: TypeAlias = "Value | Missing"
"""A value, or that there is none."""

_ITEM_BYTES = 16  # a pointer in a list and the least object behind it


class Frame:
    """One evaluation. ``slots`` holds the values of ``let`` and of predicates, numbered by the compiler."""

    __slots__ = ("_calls", "_moment", "_placeholder_scope", "_room", "lookup", "scope", "slots")

    def __init__(self, scope: Scope, slots: int, moment: int | None = None) -> None:
        self.scope = scope
        self.lookup = scope.lookup
        self.slots: list[Result] = [None] * slots
        self._room = limits.MAX_BYTES
        self._calls = limits.MAX_CALLS
        self._moment = moment
        self._placeholder_scope: Scope | None = None

    def now(self) -> int:
        """What time it is, in nanoseconds of Unix time: one and the same throughout an evaluation."""
        if self._moment is None:
            self._moment = self.scope.now() if isinstance(self.scope, ClockedScope) else time.time_ns()
        return self._moment

    def placeholder_scope(self) -> Scope:
        """The scope of ``${…}``: that of the expression, where it makes no difference."""
        if self._placeholder_scope is None:
            scope = self.scope
            self._placeholder_scope = scope.in_placeholder() if isinstance(scope, LayeredScope) else scope
        return self._placeholder_scope

    def from_env(self, name: str) -> bool:
        """Whether ``name`` is a variable of an env layer."""
        return isinstance(self.scope, LayeredScope) and self.scope.from_env(name)

    def tick(self) -> None:
        """One more call of a predicate or comparison of parts. Raises ``EvaluationError`` beyond the bound."""
        self._calls -= 1
        if self._calls < 0:
            raise EvaluationError(f"the evaluation looks at its items more than {limits.MAX_CALLS:,} times")

    def work(self, items: int) -> None:
        """So many items to go through. Raises ``EvaluationError`` beyond the bound."""
        self._calls -= items >> 3  # a comparison in a loop of our own costs a small part of a predicate's call
        if self._calls < 0:
            self.tick()

    def charge(self, size: int) -> None:
        """``size`` bytes or characters more. Raises ``EvaluationError`` beyond the bound."""
        self._room -= size
        if self._room < 0:
            raise EvaluationError(f"the evaluation makes more than {limits.MAX_BYTES // 1024 // 1024} MiB of values")

    def require(self, size: int) -> None:
        """Raise ``EvaluationError`` where there is no room for ``size`` bytes or characters, before they are made.

        They are charged once they are: what a function yields is charged by who calls it.
        """
        if size > self._room:
            self.charge(size)

    def charge_items(self, count: int) -> None:
        """``count`` list items or map entries more. Raises ``EvaluationError`` beyond the bound."""
        self.charge(count * _ITEM_BYTES)

    def charge_tree(self, value: Result) -> None:
        """All that ``value`` holds, so that a list of lists of one list can't grow unseen."""
        if isinstance(value, list):
            self.charge_items(len(value))
            for item in value:
                self.charge_tree(item)
        elif isinstance(value, dict):
            self.charge_items(len(value))
            for item in value.values():
                self.charge_tree(item)


Code: TypeAlias = Callable[[Frame], Result]
"""A compiled node."""

Apply: TypeAlias = Callable[[Value, int], Result]
"""A compiled predicate: item and index."""
