"""What is doubtful about an outcome: that two kinds differ, and this alone makes it true or false.

``id != 42`` holds for every text that ``id`` may be, and so does ``not (id == 42)``; ``none(rows, .id == 42)`` holds
for every list of them. An author who reads "passed" there reads more than was tested.
"""

from __future__ import annotations

from collections.abc import Callable

from testmesh_engine.expressions.compiler import SELECTING, Program
from testmesh_engine.expressions.errors import EvaluationError
from testmesh_engine.expressions.frame import Frame, Result
from testmesh_engine.expressions.inspection import Inspection
from testmesh_engine.expressions.nodes import Binary, Call, Conditional, Let, Node, Predicate, Unary
from testmesh_engine.expressions.values import Missing, Value, kind_of, show

_MAX_ITEMS = 1000
"""Items of one list that are looked at again."""


def other_kinds(part: Result, items: Result) -> str:
    """The kinds of ``items`` where none of them is of the kind of ``part``, "" where one is or it makes no sense."""
    if not isinstance(items, list) or not items or isinstance(part, Missing) or part is None:
        return ""
    kinds = sorted({kind_of(item) for item in items})
    return "" if kind_of(part) in kinds else " and ".join(kinds)


class Doubts(Inspection):
    """Looks once more at one evaluation; ``frame`` is a fresh one over the same scope."""

    def __init__(self, program: Program, frame: Frame) -> None:
        super().__init__(program, frame)
        self._visitors: dict[type[Node], Callable[..., str]] = {
            Unary: self._negated,
            Binary: self._binary,
            Conditional: self._conditional,
            Let: self._let,
            Call: self._call,
        }

    def about(self, node: Node) -> str:
        """What is doubtful about the value of ``node``, true or false; "" if nothing is."""
        visitor = self._visitors.get(type(node))
        return visitor(node) if visitor else ""

    def _negated(self, node: Unary) -> str:
        return self.about(node.operand) if node.operator == "not" else ""

    def _binary(self, node: Binary) -> str:
        if node.operator in ("and", "or"):
            return self._logic(node)
        if node.operator in ("==", "!="):
            return self._equality(node) or self._searches(node)
        if node.operator in ("in", "contains"):
            return self._membership(node)
        return self._searches(node)

    def _logic(self, node: Binary) -> str:
        """Only the side that decided counts; where both did, either may be in doubt."""
        deciding = node.operator == "or"
        if self._value(node.left) is deciding:
            return self.about(node.left)
        if self._value(node.right) is deciding:
            return self.about(node.right)
        return self.about(node.left) or self.about(node.right)

    def _equality(self, node: Binary) -> str:
        left, right = self._value(node.left), self._value(node.right)
        if isinstance(left, (EvaluationError, Missing)) or isinstance(right, (EvaluationError, Missing)):
            return ""
        kinds = kind_of(left), kind_of(right)
        if kinds[0] == kinds[1] or "nil" in kinds:
            return ""
        return self._said(node, self._against(node.left, left, right), holds=node.operator == "!=")

    def _membership(self, node: Binary) -> str:
        part, items = (node.left, node.right) if node.operator == "in" else (node.right, node.left)
        looked_for = self._known(part)
        kinds = other_kinds(looked_for, self._known(items))
        if not kinds:
            return ""
        why = f"{kind_of(looked_for)} {show(looked_for)} is looked for, and the items are {kinds}"
        return self._said(node, why, holds=False)

    def _said(self, node: Node, why: str, *, holds: bool) -> str:
        return f"{self._source(node)} {'holds' if holds else 'is false'} whatever the values are: {why}"

    def _conditional(self, node: Conditional) -> str:
        return self.about(node.then if self._value(node.test) is True else node.other)

    def _let(self, node: Let) -> str:
        self._enter(node)
        return self.about(node.body)

    def _call(self, node: Call) -> str:
        """``all``, ``any`` and ``none`` are what their predicate is."""
        return self._of_every_item(node) if node.name in ("all", "any", "none") else ""

    def _searches(self, node: Node) -> str:
        """``len(filter(rows, .id == 42)) == 0``: nothing is found, as nothing could be."""
        for part in self._leaves(node):
            if isinstance(part, Call) and part.name in SELECTING:
                doubt = self._of_every_item(part)
                if doubt:
                    return doubt
        return ""

    def _of_every_item(self, node: Call) -> str:
        selection = self._selection(node)
        if selection is None or not selection[0]:
            return ""
        items, predicate = selection
        outer, doubt = self._item, ""
        for index in range(min(len(items), _MAX_ITEMS)):
            self._item = f"{self._source(node.arguments[0])}[{index}]"
            found = self._of_item(predicate, items, index)
            doubt = doubt or found
            self._item = outer
            if not found:
                return ""
        return doubt

    def _of_item(self, predicate: Predicate, items: list[Value], index: int) -> str:
        self._holds(predicate, items, index)  # puts the item into its place
        return self.about(predicate.body)
