"""An expression's tree as text again, and as a value that can be compared: what the parser must read back the same."""

from __future__ import annotations

from decimal import Decimal

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
from testmesh_engine.expressions.values import Value

Shape = tuple[object, ...]

_POINTERS = {"item": "#", "index": "#index", "acc": "#acc"}
_KINDS = {"nil": "null", "text": "string", "list": "array", "map": "object"}


def quoted(text: str) -> str:
    """A text literal: every character that could mean something is escaped."""
    return '"' + "".join(char if char.isalnum() or char in " _-." else f"\\u{{{ord(char):x}}}" for char in text) + '"'


def literal(value: Value) -> str:
    """A literal of the value."""
    if isinstance(value, bytes):
        return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Decimal):
        return f"{value}" if "." in str(value) or "E" in str(value) else f"{value}.0"
    return (
        {None: "nil", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)
    )


def printed(node: Node) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of node
    """The text of a tree, everything in parentheses."""
    match node:
        case Literal():
            return literal(node.value)
        case Text():
            return '"' + "".join(_within_text(part) for part in node.parts) + '"'
        case Placeholder():
            return _placeholder(node)
        case Name():
            return node.name
        case Pointer():
            return "" if node.implied else _POINTERS[node.which]
        case Member():
            return f"{_target(node.target)}{'?.' if node.optional else ''}[{printed(node.key)}]"
        case Slice():
            first = printed(node.first) if node.first else ""
            return f"{_target(node.target)}[{first}:{printed(node.stop) if node.stop else ''}]"
        case Chain():
            return f"({printed(node.body)})"
        case Unary():
            return f"({node.operator} {printed(node.operand)})"
        case Binary():
            return f"({printed(node.left)} {node.operator} {printed(node.right)})"
        case Conditional():
            if node.then is node.test:
                return f"({printed(node.test)} ?: {printed(node.other)})"
            return f"(if {printed(node.test)} {{ {printed(node.then)} }} else {{ {printed(node.other)} }})"
        case ListOf():
            return f"[{', '.join(map(printed, node.items))}]"
        case MapOf():
            return "{ " + ", ".join(f"({printed(key)}): {printed(value)}" for key, value in node.pairs) + " }"
        case Predicate():
            return f"{{ {printed(node.body)} }}"
        case Call():
            return f"::{node.name}({', '.join(map(printed, node.arguments))})"
        case MethodCall():
            dot = "?." if node.optional else "."
            return f"{_target(node.target)}{dot}{node.name}({', '.join(map(printed, node.arguments))})"
        case Let():
            return f"(let {node.name} = {printed(node.value)}; {printed(node.body)})"
        case Exists():
            return f"({_target(node.operand)} exists)"
        case Is():
            return f"({_target(node.operand)} is {'not ' if node.negated else ''}{_KINDS.get(node.kind, node.kind)})"
    raise TypeError(type(node).__name__)


def _target(node: Node) -> str:
    if isinstance(node, Pointer) and node.implied:
        return "#"
    # A chain within a chain, or a longer path of the same one: parentheses would end it where `?.` cuts it short.
    if isinstance(node, (Member, Slice, MethodCall)):
        return printed(node)
    return f"({printed(node)})"


def _placeholder(node: Placeholder) -> str:
    if node.default is None:
        return f"${{({printed(node.body)})}}"
    return f"${{{printed_path(node.body)}:{'-' if node.or_empty else ''}{_default(node.default)}}}"


def _within_text(part: Node) -> str:
    return _placeholder(part) if isinstance(part, Placeholder) else quoted(str(part.value))[1:-1]  # type: ignore[attr-defined]  # a literal


def _default(node: Node) -> str:
    if isinstance(node, Text):
        return "".join(_placeholder(part) if isinstance(part, Placeholder) else str(part.value) for part in node.parts)  # type: ignore[attr-defined]  # same
    return str(node.value)  # type: ignore[attr-defined]  # same


def printed_path(node: Node) -> str:
    """A path as a placeholder with a default has it."""
    if isinstance(node, Member) and isinstance(node.key, Literal):
        key = node.key.value
        return f"{printed_path(node.target)}[{literal(key) if isinstance(key, int) else quoted(str(key))}]"
    return printed(node)


def shape(node: object) -> object:
    """The tree as nested tuples: what it is, and not where it stood."""
    if isinstance(node, Pointer):
        return ("Pointer", node.which)
    if isinstance(node, Conditional) and node.then is node.test:
        return ("Conditional", shape(node.test), "same", shape(node.other))
    if isinstance(node, Literal):
        return ("Literal", type(node.value).__name__, str(node.value))
    if isinstance(node, Node):
        fields = [name for kind in type(node).__mro__ for name in getattr(kind, "__slots__", ())]
        kept = [name for name in fields if name not in ("start", "end", "at", "bare")]
        return (type(node).__name__, *(shape(getattr(node, name)) for name in kept))
    return tuple(map(shape, node)) if isinstance(node, tuple) else node
