"""The syntax tree. Every node knows the part of the text it stands for: ``text[start:end]``."""

from __future__ import annotations

from typing import Literal as OneOf

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions.values import Value


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of an expression; two nodes are the same only if they are one object."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """A number, a text without placeholders, bytes, true, false or nil."""

    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Text(Node):
    """A text with placeholders: literals and :class:`Placeholder` in order, joined when it is evaluated."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Placeholder(Node):
    """``${…}`` or ``{{…}}``: its value, or ``default`` where it has none (``or_empty``: or is nil or "").

    ``bare`` is one that stands by itself in an expression: text of an env layer is then read as a literal.
    """

    body: Node
    default: Node | None = None
    or_empty: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """A name of the scope, of a ``let``, or of a step id with a ``-`` in it."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Pointer(Node):
    """``#``, ``#index`` or ``#acc`` within a predicate; ``implied`` where only ``.field`` is written."""

    which: OneOf["item", "index", "acc"]
    implied: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Member(Node):
    """``target.key``, ``target["key"]`` or ``target[0]``; ``optional`` with ``?.``."""

    target: Node
    key: Node
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Slice(Node):
    """``target[first:stop]``."""

    target: Node
    first: Node | None
    stop: Node | None


@dataclass(frozen=True, slots=True, eq=False)
class Chain(Node):
    """A path with ``?.`` in it: nil as a whole where what stands before a ``?.`` is nil."""

    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """``!``, ``-`` or ``+``."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """Two operands; ``operator`` is the one spelling of it (``and``, not ``&&``), ``at`` where it stands."""

    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True, eq=False)
class Conditional(Node):
    """``test ? then : other``, ``if test { then } else { other }``."""

    test: Node
    then: Node
    other: Node


@dataclass(frozen=True, slots=True, eq=False)
class ListOf(Node):
    """``[a, b]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class MapOf(Node):
    """``{key: value}``; a key is a literal text or an expression in parentheses."""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Predicate(Node):
    """The part of a call that is evaluated for each item."""

    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """A call of a built-in function, piped or not."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class MethodCall(Node):
    """``target.Year()``, of a time or a duration; ``optional`` with ``?.``."""

    target: Node
    name: str
    arguments: tuple[Node, ...]
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Let(Node):
    """``let name = value; body``."""

    name: str
    value: Node
    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class Exists(Node):
    """``operand exists``: whether the whole path leads to a value (nil is one)."""

    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Is(Node):
    """``operand is [not] kind``."""

    operand: Node
    kind: str
    negated: bool
