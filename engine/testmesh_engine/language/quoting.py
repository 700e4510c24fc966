"""The line to paste: a line of a flow with what YAML would take from its author in quotes.

Works on one line alone. Whoever shows its result for a line that YAML could not read has tried it (explain.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from testmesh_engine.contract.record import dataclass

_HEAD = re.compile(r"""\s*(?:-[ \t]+)*(?:(?:[A-Za-z_][\w.-]*|"[^"]*"|'[^']*')[ \t]*:[ \t]+)?""")
_NO_SPACE = re.compile(r"([A-Za-z_]\w*:)([^\s/].*)", re.DOTALL)
_COMMENT = re.compile(r"\s#(?:\s|$)")
_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}|\{\{.*?\}\}")
_WHOLE = re.compile(r"""\$\{[^{}]*\}|\{\{.*?\}\}|"(?:[^"\\]|\\.)*"|(?<!\w)'[^']*'""")
"""What is read as one: a placeholder, a quoted text."""
_QUOTED = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')?""")
"""Text in quotes as a whole, or no text at all."""

_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A line in three: what stands before a value (``- ``, a key), the value, and what stands behind it."""

    before: str
    value: str
    after: str = ""


def value_of(raw: str, column: int | None = None) -> Piece:
    """The value of the line ``raw``: the one at ``column`` (from 0), else what follows its ``- `` and key.

    Within a ``[ ]`` or ``{ }`` that the line opens it is one item of it. A comment is none of it, but where the text
    before it is not complete: ``any(rows, # > 1)``.
    """
    raw = raw.rstrip()
    match = _HEAD.match(raw)
    start = match.end() if match else 0
    if column is not None and start > column:
        start = column
    if column is not None and raw[start : start + 1] in {"[", "{"} and column > start:
        return _item_at(raw, start, column)
    end = _before_comment(raw, start)
    return Piece(raw[:start], raw[start:end].rstrip(), raw[start:end][len(raw[start:end].rstrip()) :] + raw[end:])


def missing_brackets(raw: str) -> str:
    """What closes the brackets that YAML's own collections open in this line."""
    open_brackets: list[str] = []
    piece = value_of(raw)
    for position in _breaks(piece.value, 0) if piece.value[:1] in {"[", "{"} else ():
        char = piece.value[position : position + 1]
        if char in {"[", "{"}:
            open_brackets.append("]" if char == "[" else "}")
        elif char in {"]", "}"} and open_brackets:
            open_brackets.pop()
    return "".join(reversed(open_brackets))


def cut_off_hint(raw: str, column: int, text: str) -> str:
    """The hint where YAML has ended plain ``text``, which starts at ``column`` (from 0), before its author did."""
    end = column + len(text)
    if raw[end:].lstrip().startswith("#"):
        return f"YAML takes what follows ' #' for a comment; quote the whole:  {quoted_line(raw, column)}"
    piece = value_of(raw, column)
    if piece.value not in {text, ""} and raw[column:end] == text and raw[:column].count("[") + raw[:column].count("{"):
        return f"Within [ ] and {{ }} YAML ends text at a comma; quote the whole:  {quoted_line(raw, column)}"
    return ""


def quoted_line(raw: str, column: int | None = None) -> str:
    """The line, without its indentation, with its value (see :func:`value_of`) in quotes."""
    piece = value_of(raw, column)
    return f"{piece.before}{quoted(piece.value)}{piece.after}".strip()


def no_space_hint(text: str) -> str:
    """The hint for text that is a key and its value without a space between, "" for any other."""
    match = _NO_SPACE.fullmatch(text)
    return f"Put a space after the colon:  {match[1]} {match[2]}" if match else ""


def quoted(text: str) -> str:
    """``text`` in the quotes that need the least escaping."""
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def placeholders_quoted(raw: str) -> str:
    """The line, without its indentation, with each text of its ``[ ]`` that holds a placeholder in quotes."""
    position = 0
    while match := _PLACEHOLDER.search(raw, position):
        piece = value_of(raw, match.start())
        if piece.value[:1] in {'"', "'", ""}:
            position = match.end()
            continue
        before = f"{piece.before}{quoted(piece.value)}"
        raw, position = before + piece.after, len(before)
    return raw.strip()


def items_quoted(raw: str) -> str:
    """The line with each text of its ``[ ]`` and ``{ }`` in quotes that holds brackets, or goes on behind a quote."""
    start = len(value_of(raw).before)
    if raw[start : start + 1] not in {"[", "{"}:
        return raw
    ends = [end for end in _breaks(raw, start) if end != -1]
    pieces, last = [raw[: start + 1]], start + 1
    for end in (*ends[1:], len(raw)):
        pieces += [_quoted_item(raw[last:end]), raw[end : end + 1]]
        last = end + 1
    return "".join(pieces)


def _quoted_item(text: str) -> str:
    item = text.strip()
    first = item[:1]
    opens = first in {"[", "{"} and not item.startswith("{{")
    if opens or _QUOTED.fullmatch(item) or not (set(item) & set("[]{}") or first in {'"', "'"}):
        return text
    return text.replace(item, quoted(item))


def is_collection(text: str) -> bool:
    """Whether text that starts with ``[`` or ``{`` ends with what closes it: a list or map as a whole."""
    depth, position = 0, 0
    while position < len(text):
        if whole := _WHOLE.match(text, position):
            position = whole.end()
            continue
        depth += (text[position] in _OPENING) - (text[position] in _CLOSING)
        position += 1
        if not depth:
            break
    return text[:1] in {"[", "{"} and not depth and position == len(text)


def _before_comment(raw: str, start: int) -> int:
    """Where the comment at the end of ``raw`` begins, its length if there is none."""
    for match in _COMMENT.finditer(raw, start):
        text = raw[start : match.start()]
        ends = list(_breaks(text, 0))
        if not ends or ends[-1] != -1:
            return match.start()
    return len(raw)


def _item_at(raw: str, start: int, column: int) -> Piece:
    """The item at ``column`` of the collection that opens at ``start``; an expression's own brackets are part of it."""
    first, last = start + 1, len(raw)
    for position in _breaks(raw, start):
        if position > column or position == -1:
            last = position if position > column else last
            break
        first = position + 1
    value = raw[first:last].strip()
    before = len(raw[first:last]) - len(raw[first:last].lstrip()) + first
    return Piece(raw[:before], value, raw[before + len(value) :])


def _breaks(raw: str, start: int) -> Iterator[int]:
    """Where the items of YAML's ``[ ]`` and ``{ }`` begin and end from ``start`` on, and -1 if the text ends open.

    A bracket that stands first in an item is YAML's; one behind other text, a quoted text and a placeholder are part
    of that text, as their author meant it.
    """
    position, first, depth = start, start, 0
    while position < len(raw):
        char = raw[position]
        if whole := _WHOLE.match(raw, position):
            position = whole.end()
            continue
        inside = bool(raw[first:position].strip())
        if (char in _OPENING and (inside or char == "(")) or (depth and char in _CLOSING):
            depth += 1 if char in _OPENING else -1
        elif not depth and (char in ",[]{}" or raw.startswith(": ", position)):
            yield position
            first = position + 1
        position += 1
    if depth:
        yield -1
