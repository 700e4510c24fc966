"""Where the placeholders of a text stand: ``${…}``, ``{{…}}``, and the spellings that are none.

Shared by templates and by the lexer of expressions, so that both see the same placeholders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions.errors import ExpressionError

_OPENING = re.compile(r"\$\$\{|\$\{|\\\{\{|\{\{")
_OPENING_SQL = re.compile(r"\$\{|\\\{\{|\{\{")
# `path:default`: a path cannot stand before a colon in any expression.
_PATH = re.compile(r"""\s*\$?[^\W\d][\w-]*(?:\.[\w$-]+|\[\s*(?:-?\d+|"[^"]*"|'[^']*')\s*\])*\s*:(?!:)""")
_QUOTES = "\"'`"


@dataclass(frozen=True, slots=True)
class Hole:
    """One placeholder: ``text[start:end]`` with its braces, ``text[first:last]`` without.

    ``colon`` is where ``:default`` begins, -1 without one.
    """

    start: int
    end: int
    first: int
    last: int
    colon: int = -1


@dataclass(frozen=True, slots=True)
class Plain:
    """Text between placeholders; the spellings of one that is none are already read as what they spell."""

    start: int
    text: str


def has_holes(text: str) -> bool:
    """Whether ``text`` holds a placeholder, or the spelling of one that is none."""
    return "${" in text or "{{" in text


def split(text: str, start: int, end: int, *, sql: bool = False, lenient: bool = False) -> Iterator[Plain | Hole]:
    """The placeholders of ``text[start:end]`` and what stands between them, in order.

    ``lenient`` takes an opening without an end for text, else it raises ``ExpressionError``.
    """
    opening = _OPENING_SQL if sql else _OPENING
    plain = position = start
    while match := opening.search(text, position, end):
        if match[0] in ("$${", "\\{{"):
            yield Plain(plain, text[plain : match.start()] + match[0][1:])
            plain = position = match.end()
            continue
        hole = find_hole(text, match.start(), end)
        if hole is None and not lenient:
            raise unclosed(text, match.start())
        if hole is None:
            position = match.end()
            continue
        if plain < hole.start:
            yield Plain(plain, text[plain : hole.start])
        yield hole
        plain = position = hole.end
    if plain < end:
        yield Plain(plain, text[plain:end])


def unclosed(text: str, start: int) -> ExpressionError:
    """The error for a placeholder that has no end."""
    dollar = text[start] == "$"
    opening, closing, literal = ("${", "}", "$${") if dollar else ("{{", "}}", "\\{{")
    hint = f"close it with `{closing}`, or write `{literal}` for the text itself"
    if not dollar:
        hint += "; a predicate that makes a map is `{ {a: .x} }`"
    return ExpressionError(f"`{opening}` is never closed", start, hint=hint)


def find_hole(text: str, start: int, end: int) -> Hole | None:
    """The placeholder that opens at ``start``, or ``None`` if it has no end before ``end``."""
    first = start + 2
    closing = "}" if text[start] == "$" else "}}"
    path = _PATH.match(text, first, end)
    last = _closing(text, path.end() if path else first, end, closing=closing, quotes=path is None)
    if last < 0:
        return None
    return Hole(start, last + len(closing), first, last, path.end() - 1 if path else -1)


def _closing(text: str, position: int, end: int, *, closing: str, quotes: bool) -> int:
    """Where ``closing`` stands outside of quotes and inner braces, -1 if nowhere."""
    depth = 0
    while position < end:
        char = text[position]
        if depth == 0 and text.startswith(closing, position, end):
            return position
        if quotes and char in _QUOTES:
            position = _after_quoted(text, position, end)
            continue
        depth += (char == "{") - (char == "}")
        position += 1
    return -1


def _after_quoted(text: str, position: int, end: int) -> int:
    quote = text[position]
    position += 1
    while position < end and text[position] != quote:
        position += 2 if text[position] == "\\" and quote != "`" else 1
    return position + 1
