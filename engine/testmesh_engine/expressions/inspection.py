"""Looking once more at the parts of an expression that was evaluated: their values, their texts, their operands.

Expressions are pure, so evaluating a part once more gives what it gave before.
"""

from __future__ import annotations

from collections.abc import Iterator

from testmesh_engine.expressions.compiler import Program
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
    MethodCall,
    Name,
    Node,
    Placeholder,
    Pointer,
    Predicate,
    Slice,
    Text,
    Unary,
)
from testmesh_engine.expressions.values import MISSING, Value, kind_of, show

LEAVES = (Name, Member, Slice, Chain, Placeholder, Text, Pointer)
"""What is shown as one operand."""


class Inspection:
    """Evaluates the parts of one program; ``frame`` is a fresh one over the scope it was evaluated in."""

    def __init__(self, program: Program, frame: Frame) -> None:
        self._program = program
        self._frame = frame
        self._item = ""
        """What the item of the innermost predicate is called: ``rows[2]``."""

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

    def _known(self, node: Node) -> Result:
        value = self._value(node)
        return MISSING if isinstance(value, EvaluationError) else value

    def _leaves(self, node: Node) -> Iterator[Node]:
        """The operands within ``node``: paths, names, placeholders, calls; not what stands in predicates."""
        if isinstance(node, LEAVES):
            yield node
        elif isinstance(node, Let):
            yield from self._leaves(node.value)
            self._enter(node)
            yield from self._leaves(node.body)
        elif not isinstance(node, Predicate):
            if isinstance(node, (Call, MethodCall)):
                yield node
            for child in children(node):
                yield from self._leaves(child)

    def _enter(self, node: Let) -> None:
        value = self._value(node.value)
        self._frame.slots[self._program.locals[node]] = MISSING if isinstance(value, EvaluationError) else value

    def _holds(self, predicate: Predicate, items: list[Value], index: int) -> bool:
        base = self._program.locals[predicate]
        self._frame.slots[base], self._frame.slots[base + 1] = items[index], index
        return self._value(predicate.body) is True

    def _selection(self, node: Node) -> tuple[list[Value], Predicate] | None:
        """The items and the predicate of a call that has both, such as ``all(rows, .ok)``."""
        if not isinstance(node, Call) or len(node.arguments) != 2 or not isinstance(node.arguments[1], Predicate):
            return None
        items = self._known(node.arguments[0])
        return (items, node.arguments[1]) if isinstance(items, list) else None

    def _against(self, node: Node, left: Result, right: Result) -> str:
        what = f"{kind_of(left)} {show(left)} against {kind_of(right)} {show(right)}"
        return f"{self._source(node)} is {what}" if is_open(node) else what


def is_open(node: Node) -> bool:
    """Whether the value of ``node`` is not written out in its text."""
    parts = list(children(node))
    if isinstance(node, Literal) or (isinstance(node, (ListOf, MapOf)) and not parts):
        return False
    return not parts or isinstance(node, (*LEAVES, Call, MethodCall)) or any(is_open(part) for part in parts)


def children(node: Node) -> Iterator[Node]:
    """The parts of a node that are evaluated with it, in reading order."""
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
    elif isinstance(node, MethodCall):
        yield from (node.target, *node.arguments)
