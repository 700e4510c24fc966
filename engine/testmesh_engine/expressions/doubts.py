"""What is doubtful about an outcome: that two kinds differ, or a key is not there, and this alone makes it so.

``id != 42`` holds for every text that ``id`` may be, and so does ``not (id == 42)``; ``none(rows, .id == 42)`` holds
for every list of them, and for rows that have no ``id``. An author who reads "passed" there reads more than was tested.
"""

from __future__ import annotations

from collections.abc import Callable

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions.compiler import SELECTING, Program
from testmesh_engine.expressions.errors import EvaluationError
from testmesh_engine.expressions.frame import Frame, Result
from testmesh_engine.expressions.inspection import Inspection
from testmesh_engine.expressions.nodes import Binary, Call, Conditional, Let, Node, Predicate, Unary
from testmesh_engine.expressions.values import Missing, Value, kind_of, show


@dataclass(frozen=True, slots=True)
class Doubt:
    """``said`` is why the outcome says nothing; ``absent`` is set where a key is not there, so nothing was compared."""

    said: str
    absent: bool = False


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
        self._visitors: dict[type[Node], Callable[..., Doubt | None]] = {
            Unary: self._negated,
            Binary: self._binary,
            Conditional: self._conditional,
            Let: self._let,
            Call: self._call,
        }

    def about(self, node: Node) -> Doubt | None:
        """What is doubtful about the value of ``node``, true or false."""
        visitor = self._visitors.get(type(node))
        return visitor(node) if visitor else None

    def _negated(self, node: Unary) -> Doubt | None:
        return self.about(node.operand) if node.operator == "not" else None

    def _binary(self, node: Binary) -> Doubt | None:
        if node.operator in ("and", "or"):
            return self._logic(node)
        if node.operator in ("==", "!="):
            return self._equality(node) or self._searches(node)
        if node.operator in ("in", "contains"):
            return self._membership(node)
        return self._searches(node)

    def _logic(self, node: Binary) -> Doubt | None:
        """Only the side that decided counts; where both did, either may be in doubt."""
        deciding = node.operator == "or"
        if self._value(node.left) is deciding:
            return self.about(node.left)
        if self._value(node.right) is deciding:
            return self.about(node.right)
        return _graver(self.about(node.left), self.about(node.right))

    def _equality(self, node: Binary) -> Doubt | None:
        left, right = self._value(node.left), self._value(node.right)
        if isinstance(left, EvaluationError) or isinstance(right, EvaluationError) or left is None or right is None:
            return None
        absent = next((side for side in (left, right) if isinstance(side, Missing)), None)
        if absent is not None:
            return Doubt(f"{absent}{self._allowing(node.left if absent is left else node.right)}", absent=True)
        if kind_of(left) == kind_of(right):
            return None
        return self._said(node, self._against(node.left, left, right), holds=node.operator == "!=")

    def _membership(self, node: Binary) -> Doubt | None:
        part, items = (node.left, node.right) if node.operator == "in" else (node.right, node.left)
        looked_for = self._known(part)
        kinds = other_kinds(looked_for, self._known(items))
        if not kinds:
            return None
        why = f"{kind_of(looked_for)} {show(looked_for)} is looked for, and the items are {kinds}"
        return self._said(node, why, holds=False)

    def _said(self, node: Node, why: str, *, holds: bool) -> Doubt:
        return Doubt(f"{self._source(node)} {'holds' if holds else 'is false'} whatever the values are: {why}")

    def _allowing(self, node: Node) -> str:
        """How to write a field of an item that no item needs to have."""
        field = self._program.source(node)
        return f" (write `({field} ?? nil)` where that is fine)" if self._item and field.startswith(".") else ""

    def _conditional(self, node: Conditional) -> Doubt | None:
        return self.about(node.then if self._value(node.test) is True else node.other)

    def _let(self, node: Let) -> Doubt | None:
        self._enter(node)
        return self.about(node.body) or self._searches(node.value)

    def _call(self, node: Call) -> Doubt | None:
        """``all``, ``any`` and ``none`` are what their predicate is."""
        return self._of_every_item(node) if node.name in ("all", "any", "none", "one") else None

    def _searches(self, node: Node) -> Doubt | None:
        """``len(filter(rows, .id == 42)) == 0``: nothing is found, as nothing could be."""
        for part in self._leaves(node):
            if isinstance(part, Call) and part.name in SELECTING:
                doubt = self._of_every_item(part)
                if doubt:
                    return doubt
        return None

    def _of_every_item(self, node: Call) -> Doubt | None:
        """The doubt that there is about each item; lists may be mixed, so one item that can be compared clears it."""
        items, predicate = self._selection(node) or ([], None)
        if predicate is None:
            return None
        source, outer, doubts = self._source(node.arguments[0]), self._item, []
        for index in range(len(items)):
            self._item = f"{source}[{index}]"
            doubt = self._of_item(predicate, items, index)
            self._item = outer
            if doubt is None:
                return None
            doubts.append(doubt)
        other = next((doubt for doubt in doubts if not doubt.absent), None)
        return other or (
            Doubt(f"no item of {source} can be compared: {doubts[0].said}", absent=True) if doubts else None
        )

    def _of_item(self, predicate: Predicate, items: list[Value], index: int) -> Doubt | None:
        self._holds(predicate, items, index)  # puts the item into its place
        return self.about(predicate.body)


def _graver(one: Doubt | None, other: Doubt | None) -> Doubt | None:
    return other if one is None or (other is not None and other.absent) else one
