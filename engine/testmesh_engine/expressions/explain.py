"""Why an assertion does not hold: the values of its operands, and where two values differ.

This runs only after a failure. Expressions are pure, so evaluating a part once more gives what it gave before.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from testmesh_engine.contract.result import Json, Operand
from testmesh_engine.expressions import access, arithmetic, inclusion
from testmesh_engine.expressions.compiler import Program
from testmesh_engine.expressions.difference import difference, text_difference
from testmesh_engine.expressions.doubts import other_kinds
from testmesh_engine.expressions.errors import EvaluationError
from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.inspection import LEAVES, Inspection, is_open
from testmesh_engine.expressions.nodes import (
    Binary,
    Call,
    Chain,
    Conditional,
    Exists,
    Is,
    Let,
    Member,
    MethodCall,
    Name,
    Node,
    Pointer,
    Predicate,
    Unary,
)
from testmesh_engine.expressions.operators import present
from testmesh_engine.expressions.values import Missing, Value, kind_of, number_text, settled, show, to_plain

_MAX_OPERAND = 4000
"""Characters of an operand's value in a report; the whole response stands beside it."""
_MAX_END = 60
"""Characters of the end of a text, where it is the end that is asked for."""
_MAX_ITEMS = 8
_MAX_DIFFERENCES = 5


class Explainer(Inspection):
    """Explains one failed evaluation; ``frame`` is a fresh one over the same scope."""

    def __init__(self, program: Program, frame: Frame) -> None:
        super().__init__(program, frame)
        self._visitors: dict[type[Node], Callable[..., str]] = {
            Unary: self._why_not,
            Binary: self._why_binary,
            Conditional: self._why_conditional,
            Let: self._why_let,
            Exists: self._why_absent,
            Is: self._why_other_kind,
            Call: self._why_call,
            MethodCall: self._why_computed,
        }

    def why(self, node: Node) -> str:
        """Why ``node`` is false, in one sentence without its own text."""
        visitor = self._visitors.get(type(node))
        return visitor(node) if visitor else f"{self._source(node)} is false"

    def operands(self, node: Node) -> tuple[Operand, ...]:
        """All operands of ``node`` that have a value, each once, in reading order."""
        found: dict[str, Operand] = {}
        for part in self._leaves(node):
            if part is node and isinstance(node, (Call, MethodCall)):
                continue
            source = self._source(part)
            value = self._value(part)
            if source not in found and not isinstance(value, (EvaluationError, Missing)):
                found[source] = Operand(source=source, value=_reported(value))
        return tuple(found.values())

    def _is(self, node: Node) -> str:
        """``body.total is 59.97``; for a computed value also what it was computed from."""
        value = self._value(node)
        if isinstance(value, (EvaluationError, Missing)):
            return str(value)
        return f"{self._source(node)} is {show(value)}{self._computed_from(node)}"

    def _computed_from(self, node: Node) -> str:
        inner = [part for part in self._leaves(node) if part is not node]
        shown = dict.fromkeys(self._is(part) for part in inner if isinstance(part, LEAVES))
        return f" ({', '.join(shown)})" if shown else ""

    # Each kind of node

    def _why_not(self, node: Unary) -> str:
        return f"{self._source(node.operand)} is true{self._computed_from(node.operand)}"

    def _why_binary(self, node: Binary) -> str:
        if node.operator == "and":
            return self.why(node.left if self._value(node.left) is False else node.right)
        if node.operator == "or":
            return "; ".join(dict.fromkeys((self.why(node.left), self.why(node.right))))
        if node.operator == "==":
            return self._why_unequal(node)
        if node.operator == "!=":
            return f"both are {show(self._known(node.left))}" if is_open(node.right) else self._is(node.left)
        return self._is(node) if node.operator == "??" else self._why_not_so(node)

    def _why_not_so(self, node: Binary) -> str:
        """For the operators that need no words of their own: the values of both sides."""
        if node.operator == "endsWith":
            return self._why_other_end(node)
        sides = [side for side in (node.left, node.right) if is_open(side)]
        return (", ".join(self._is(side) for side in sides) or "it is false") + self._why_not_among(node)

    def _why_other_end(self, node: Binary) -> str:
        text = self._known(node.left)
        if not isinstance(text, str) or len(text) <= _MAX_END:
            return self._is(node.left)
        return f'{self._source(node.left)} ends with "…{show(text[-_MAX_END:])[1:]}'

    def _why_not_among(self, node: Binary) -> str:
        """What the kinds say where a list holds nothing of the kind that is looked for."""
        if node.operator not in ("in", "contains"):
            return ""
        part, items = (node.left, node.right) if node.operator == "in" else (node.right, node.left)
        kinds = other_kinds(self._known(part), self._known(items))
        return f": {kind_of(self._known(part))} is looked for, and the items are {kinds}" if kinds else ""

    def _why_unequal(self, node: Binary) -> str:
        left, right = self._known(node.left), self._known(node.right)
        if isinstance(left, Missing) or isinstance(right, Missing):
            return "; ".join(str(side) for side in (left, right) if isinstance(side, Missing))
        if kind_of(left) != kind_of(right) and "nil" not in (kind_of(left), kind_of(right)):
            return self._against(node.left, left, right) + self._computed_from(node.left)
        place = difference(left, right) or text_difference(left, right)
        if place:
            return f"{self._source(node.left)}{place}"
        sides = [side for side in (node.left, node.right) if is_open(side)]
        return ", ".join(self._is(side) for side in sides) or f"{show(left)} is not {show(right)}"

    def _why_conditional(self, node: Conditional) -> str:
        chosen = node.then if self._value(node.test) is True else node.other
        return f"{self._source(node.test)} is {show(self._known(node.test))}, and {self.why(chosen)}"

    def _why_let(self, node: Let) -> str:
        self._enter(node)
        return self.why(node.body)

    def _why_absent(self, node: Exists) -> str:
        return self._missing_part(node.operand) or f"{self._source(node.operand)} has no value"

    def _missing_part(self, node: Node) -> str:
        """Which step of a path leads nowhere, "" if none does."""
        if isinstance(node, Chain):
            return self._missing_part(node.body)
        if not isinstance(node, Member):
            return self._why_no_name(node)
        before = self._missing_part(node.target)
        if before:
            return before
        try:
            found = access.part(self._known(node.target), self._known(node.key), self._source(node.target))
        except EvaluationError as error:
            return error.message
        return str(found) if isinstance(found, Missing) else ""

    def _why_no_name(self, node: Node) -> str:
        if not isinstance(node, Name) or not isinstance(self._value(node), Missing):
            return ""
        try:
            self._frame.scope.lookup(node.name)
        except EvaluationError as error:
            return error.message
        return f"nothing is called `{node.name}`"

    def _why_other_kind(self, node: Is) -> str:
        value = self._known(node.operand)
        if isinstance(value, Missing):
            return str(value)
        return f"{self._source(node.operand)} is {kind_of(value)}{'' if value is None else f' {show(value)}'}"

    def _why_computed(self, node: Node) -> str:
        return f"{self._source(node)} is false{self._computed_from(node)}"

    def _why_call(self, node: Call) -> str:
        if node.name in ("includes", "matches_schema", "approx"):
            return self._why_different(node)
        selection = self._selection(node)
        if selection is None:
            return self._why_computed(node)
        items, predicate = selection
        list_source = self._source(node.arguments[0])
        if node.name in ("all", "none"):
            return self._why_item(predicate, items, list_source, wanted=node.name == "all")
        if not items:
            return f"{list_source} is empty"
        return self._why_so_many(predicate, items, list_source)

    def _why_different(self, node: Call) -> str:
        """What differs, for the functions that compare."""
        source, values = self._source(node.arguments[0]), [present(self._known(each)) for each in node.arguments]
        if node.name == "approx":
            distance = arithmetic.absolute(arithmetic.subtract(values[0], values[1]))  # type: ignore[arg-type]  # numbers, as it is false
            return f"{self._is(node.arguments[0])}, which differs by {number_text(distance)}"
        from testmesh_engine.expressions import schema  # noqa: PLC0415 - few flows need it

        told = inclusion.differences if node.name == "includes" else schema.refusals
        found = list(
            islice(dict.fromkeys(map(str, told(settled(values[0]), settled(values[1]), self._frame.tick))), 50)
        )
        more = f"; and {len(found) - _MAX_DIFFERENCES} more" if len(found) > _MAX_DIFFERENCES else ""
        return "; ".join(f"{source}{difference}" for difference in found[:_MAX_DIFFERENCES]) + more

    def _why_so_many(self, predicate: Predicate, items: list[Value], source: str) -> str:
        """Of how many items the predicate is true, for ``any`` and ``one``."""
        holding = [index for index in range(len(items)) if self._holds(predicate, items, index)]
        if holding:
            places = ", ".join(f"[{index}]" for index in holding[:_MAX_ITEMS])
            return f"{len(holding)} of {len(items)} items of {source} do: {places}"
        return f"none of {len(items)} items of {source} do: {self._what_they_are(predicate, items, source)}"

    def _what_they_are(self, predicate: Predicate, items: list[Value], source: str) -> str:
        """The values that the predicate compares, item by item; the list itself where there is no such value."""
        body = predicate.body
        if isinstance(body, Binary) and body.operator not in ("and", "or") and isinstance(body.left, (Member, Pointer)):
            values = []
            for index in range(min(len(items), _MAX_ITEMS)):
                self._holds(predicate, items, index)
                values.append(self._value(body.left))
            if not any(isinstance(value, (Missing, EvaluationError)) for value in values):
                more = f" and {len(items) - _MAX_ITEMS} more" if len(items) > _MAX_ITEMS else ""
                shown = ", ".join(show(value) for value in values if not isinstance(value, EvaluationError))
                return f"{self._program.source(body.left)} is {shown}{more}"
            if values and all(isinstance(value, Missing) for value in values):
                return f"{values[0]!s}; {source} is {show(items)}"
        return f"{source} is {show(items)}"

    def _why_item(self, predicate: Predicate, items: list[Value], source: str, *, wanted: bool) -> str:
        """The first item that is not as it should be, and what it is."""
        index = next((i for i in range(len(items)) if self._holds(predicate, items, i) is not wanted), None)
        if index is None:
            return "it is false"
        outer, self._item = self._item, f"{source}[{index}]"
        why = self.why(predicate.body) if wanted else f"{self._item} does: it is {show(items[index])}"
        labelled = why if self._item in why else f"{self._item}: {why}"
        if wanted and isinstance(items[index], (dict, list)) and show(items[index]) not in labelled:
            labelled += f"; {self._item} is {show(items[index])}"
        self._item = outer
        return labelled


def _reported(value: Value) -> Json:
    shown = show(value, _MAX_OPERAND)
    return shown if len(shown) > _MAX_OPERAND else to_plain(value)
