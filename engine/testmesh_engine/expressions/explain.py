"""Why an assertion does not hold: the values of its operands, and where two values differ.

This runs only after a failure. Expressions are pure, so evaluating a part once more gives what it gave before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from testmesh_engine.contract.result import Json, Operand
from testmesh_engine.expressions import access
from testmesh_engine.expressions.compiler import Program
from testmesh_engine.expressions.difference import difference
from testmesh_engine.expressions.errors import EvaluationError
from testmesh_engine.expressions.frame import Frame, Result
from testmesh_engine.expressions.nodes import (
    Binary,
    Call,
    Chain,
    Conditional,
    Exists,
    Is,
    Let,
    ListOf,
    Literal,
    MapOf,
    Member,
    Name,
    Node,
    Placeholder,
    Pointer,
    Predicate,
    Slice,
    Text,
    Unary,
)
from testmesh_engine.expressions.values import MISSING, Missing, Value, kind_of, show, to_plain

_MAX_OPERAND = 4000
"""Characters of an operand's value in a report; the whole response stands beside it."""

_LEAVES = (Name, Member, Slice, Chain, Placeholder, Text, Pointer)
_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})


class Explainer:
    """Explains one failed evaluation; ``frame`` is a fresh one over the same scope."""

    def __init__(self, program: Program, frame: Frame) -> None:
        self._program = program
        self._frame = frame
        self._item = ""
        self._visitors: dict[type[Node], Callable[..., str]] = {
            Unary: self._why_not,
            Binary: self._why_binary,
            Conditional: self._why_conditional,
            Let: self._why_let,
            Exists: self._why_absent,
            Is: self._why_other_kind,
            Call: self._why_call,
        }

    def why(self, node: Node) -> str:
        """Why ``node`` is false, in one sentence without its own text."""
        visitor = self._visitors.get(type(node))
        return visitor(node) if visitor else f"{self._source(node)} is false"

    def operands(self, node: Node) -> tuple[Operand, ...]:
        """All operands of ``node`` that have a value, each once, in reading order."""
        found: dict[str, Operand] = {}
        for part in self._leaves(node):
            if part is node and isinstance(node, Call):
                continue
            source = self._source(part)
            value = self._value(part)
            if source not in found and not isinstance(value, (EvaluationError, Missing)):
                found[source] = Operand(source=source, value=_reported(value))
        return tuple(found.values())

    def warning(self, node: Node) -> str:
        """What is doubtful about an assertion that holds: a ``!=`` between different kinds, which always holds."""
        if isinstance(node, Binary) and node.operator in ("and", "or"):
            return self.warning(node.left) or self.warning(node.right)
        if not isinstance(node, Binary) or node.operator != "!=":
            return ""
        left, right = self._value(node.left), self._value(node.right)
        if isinstance(left, (EvaluationError, Missing)) or isinstance(right, (EvaluationError, Missing)):
            return ""
        kinds = kind_of(left), kind_of(right)
        if kinds[0] == kinds[1] or "nil" in kinds:
            return ""
        return f"{self._source(node)} holds whatever the values are: {self._against(node.left, left, right)}"

    # Values and texts

    def _value(self, node: Node) -> Result | EvaluationError:
        try:
            return self._program.codes[node](self._frame)
        except EvaluationError as error:
            return error

    def _source(self, node: Node) -> str:
        """The text of ``node``; within an item of a list, with the item's own place: ``rows[2].ok``."""
        root: Node = node
        while isinstance(root, (Member, Slice, Chain)):
            root = root.body if isinstance(root, Chain) else root.target
        if isinstance(root, Pointer) and root.which == "item" and self._item:
            return self._item + self._program.text[root.end : node.end]
        return self._program.source(node)

    def _is(self, node: Node) -> str:
        """``body.total is 59.97``; for a computed value also what it was computed from."""
        value = self._value(node)
        if isinstance(value, (EvaluationError, Missing)):
            return str(value)
        return f"{self._source(node)} is {show(value)}{self._computed_from(node)}"

    def _computed_from(self, node: Node) -> str:
        inner = [part for part in self._leaves(node) if part is not node]
        shown = dict.fromkeys(self._is(part) for part in inner if isinstance(part, _LEAVES))
        return f" ({', '.join(shown)})" if shown else ""

    def _leaves(self, node: Node) -> Iterator[Node]:
        """The operands within ``node``: paths, names, placeholders, calls; not what stands in predicates."""
        if isinstance(node, _LEAVES):
            yield node
        elif isinstance(node, Let):
            yield from self._leaves(node.value)
            self._enter(node)
            yield from self._leaves(node.body)
        elif not isinstance(node, Predicate):
            if isinstance(node, Call):
                yield node
            for child in _children(node):
                yield from self._leaves(child)

    def _enter(self, node: Let) -> None:
        value = self._value(node.value)
        self._frame.slots[self._program.locals[node]] = MISSING if isinstance(value, EvaluationError) else value

    # Each kind of node

    def _why_not(self, node: Unary) -> str:
        return f"{self._source(node.operand)} is true{self._computed_from(node.operand)}"

    def _why_binary(self, node: Binary) -> str:
        if node.operator == "and":
            return self.why(node.left if self._value(node.left) is False else node.right)
        if node.operator == "or":
            return f"{self.why(node.left)}; {self.why(node.right)}"
        if node.operator == "==":
            return self._why_unequal(node)
        if node.operator == "!=":
            return f"both are {show(self._known(node.left))}" if _is_open(node.right) else self._is(node.left)
        if node.operator == "??":
            return self._is(node)
        sides = [side for side in (node.left, node.right) if _is_open(side)]
        return ", ".join(self._is(side) for side in sides) or "it is false"

    def _known(self, node: Node) -> Result:
        value = self._value(node)
        return MISSING if isinstance(value, EvaluationError) else value

    def _why_unequal(self, node: Binary) -> str:
        left, right = self._known(node.left), self._known(node.right)
        if isinstance(left, Missing) or isinstance(right, Missing):
            return "; ".join(str(side) for side in (left, right) if isinstance(side, Missing))
        if kind_of(left) != kind_of(right) and "nil" not in (kind_of(left), kind_of(right)):
            return self._against(node.left, left, right) + self._computed_from(node.left)
        place = difference(left, right)
        if place:
            return f"{self._source(node.left)}{place}"
        sides = [side for side in (node.left, node.right) if _is_open(side)]
        return ", ".join(self._is(side) for side in sides) or f"{show(left)} is not {show(right)}"

    def _against(self, node: Node, left: Result, right: Result) -> str:
        what = f"{kind_of(left)} {show(left)} against {kind_of(right)} {show(right)}"
        return f"{self._source(node)} is {what}" if _is_open(node) else what

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

    def _why_call(self, node: Call) -> str:
        items = self._known(node.arguments[0])
        if not isinstance(items, list) or len(node.arguments) != 2 or not isinstance(node.arguments[1], Predicate):
            return f"{self._source(node)} is false{self._computed_from(node)}"
        list_source = self._source(node.arguments[0])
        if node.name in ("all", "none"):
            return self._why_item(node.arguments[1], items, list_source, wanted=node.name == "all")
        if not items:
            return f"{list_source} is empty"
        matching = sum(1 for index in range(len(items)) if self._holds(node.arguments[1], items, index))
        count = f"{matching} of {len(items)} items" if matching else f"none of {len(items)} items"
        return f"{count} of {list_source} {'does' if matching == 1 else 'do'}: {list_source} is {show(items)}"

    def _holds(self, predicate: Predicate, items: list[Value], index: int) -> bool:
        base = self._program.locals[predicate]
        self._frame.slots[base], self._frame.slots[base + 1] = items[index], index
        return self._value(predicate.body) is True

    def _why_item(self, predicate: Predicate, items: list[Value], source: str, *, wanted: bool) -> str:
        """The first item that is not as it should be."""
        index = next((i for i in range(len(items)) if self._holds(predicate, items, i) is not wanted), None)
        if index is None:
            return "it is false"
        outer, self._item = self._item, f"{source}[{index}]"
        why = self.why(predicate.body) if wanted else f"{self._item} does: it is {show(items[index])}"
        labelled = why if self._item in why else f"{self._item}: {why}"
        self._item = outer
        return labelled


def _is_open(node: Node) -> bool:
    """Whether the value of ``node`` is not written out in its text."""
    if isinstance(node, Literal):
        return False
    children = list(_children(node))
    return not children or isinstance(node, (*_LEAVES, Call)) or any(_is_open(child) for child in children)


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, Binary):
        yield from (node.left, node.right)
    elif isinstance(node, (Unary, Exists, Is)):
        yield node.operand
    elif isinstance(node, Conditional):
        yield from (node.test, node.then, node.other)
    elif isinstance(node, ListOf):
        yield from node.items
    elif isinstance(node, MapOf):
        yield from (part for pair in node.pairs for part in pair)
    elif isinstance(node, Call):
        yield from node.arguments


def _reported(value: Value) -> Json:
    shown = show(value, _MAX_OPERAND)
    return shown if len(shown) > _MAX_OPERAND else to_plain(value)
