"""Text that parses and can't mean what its author thinks: refused before a run, with what to write instead."""

from __future__ import annotations

import re

from testmesh_engine.expressions.errors import ExpressionError
from testmesh_engine.expressions.holes import Hole
from testmesh_engine.expressions.nodes import Exists, Is, Literal, Member, Name, Node
from testmesh_engine.expressions.tokens import Token, TokenKind

_DASHED = re.compile(r"[\w-]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\w:.]+(?:[+-]\d{2}:\d{2})?)?(?![\w-])", re.ASCII)


def refuse_dashed_header(left: Node, right: Node, text: str) -> None:
    """``headers.Content-Type`` is a subtraction, and no header is a number. Raises ``ExpressionError``."""
    if not isinstance(left, Member) or not isinstance(right, (Name, Exists, Is)) or right.start != left.end + 1:
        return
    if _last_name(left.target) == "headers" and isinstance(left.key, Literal):
        match = _DASHED.match(text, left.key.start)
        written = match[0] if match else text[left.key.start : right.end]
        raise ExpressionError(
            f"`{written}` is a subtraction here", left.key.start, hint=f'write `headers["{written}"]`'
        )


def refuse_bare_date(text: str, start: int, end: int) -> None:
    """``2024-01-01`` is 2022, which nobody has meant. Raises ``ExpressionError``."""
    match = _DATE.match(text, start, end)
    if match:
        hint = f'write "{match[0]}" in quotes, or date("{match[0]}")'
        raise ExpressionError(f"`{match[0]}` is no text without quotes, and no time", start, hint=hint)


def refuse_constant_key(function: str, body: Node) -> None:
    """``sortBy(rows, "age")`` would sort by one and the same text. Raises ``ExpressionError``."""
    if function in ("sortBy", "groupBy") and isinstance(body, Literal):
        key = body.value if isinstance(body.value, str) and body.value.isidentifier() else "key"
        raise ExpressionError(f"`{function}` has the same key for every item", body.start, hint=f"write `.{key}`")


def refuse_doubled_braces(token: Token) -> None:
    """``map(rows, {{size: .n}})`` is a placeholder with a default, and no map. Raises ``ExpressionError``."""
    if token.kind is not TokenKind.HOLE or not token.value.startswith("{{"):
        return
    hole = token.parts[0]
    if isinstance(hole, Hole) and hole.colon >= 0:
        hint = f"a predicate that makes a map is another: write `{{ {token.value[1:-1].strip()} }}`"
        raise ExpressionError("`{{` opens a placeholder", token.start, hint=hint)


def _last_name(node: Node) -> object:
    if isinstance(node, Member):
        return node.key.value if isinstance(node.key, Literal) else ""
    return node.name if isinstance(node, Name) else ""
