"""What YAML's own errors mean to the author of a flow: the line to write instead.

YAML gives ``!``, ``{``, ``[``, ``*``, ``&``, ``@``, `` ` ``, ``|``, ``>``, ``%``, a leading quote, ``: `` and `` #`` a
meaning of its own, which is met wherever an expression is written without quotes.
"""

from __future__ import annotations

import re

import yaml

from testmesh_engine.contract.problem import Problem
from testmesh_engine.language.nodes import Source

_ITEM = re.compile(r"^(\s*(?:- )?(?:[A-Za-z_][\w.-]*:\s+)?)(.*\S)\s*$")
_CLOSING = {'"': '"', "'": "'", "{": "}", "[": "]"}
_UNQUOTED_PLACEHOLDER = re.compile(r"\{\{|\$\{")


def explain_scanner_error(error: yaml.YAMLError, source: Source, text: str) -> Problem:
    """The problem that a scanner or parser error is, at its place, with the line to write."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _unreadable(error, source, text)
    if (opened := _never_closed(error, source, mark.line)) is not None:
        return opened
    line, column = mark.line + 1, mark.column + 1
    said = str(getattr(error, "problem", "") or "the text is no YAML")
    raw = source.text_of(line)[source.column_shift :]
    message, hint = _meaning(said, raw, mark.column)
    start = getattr(error, "context_mark", None)
    if start is not None and start.line != mark.line and not hint:
        hint = f"It belongs to what begins in line {start.line + 1 + source.line_shift}."
    return source.problem(message, line=line, column=column, hint=hint)


def _never_closed(error: yaml.YAMLError, source: Source, met: int) -> Problem | None:
    """The problem that a quote or bracket of an earlier line than ``met`` (from 0) is, at the line that opens it."""
    start = getattr(error, "context_mark", None)
    if start is None or start.line >= met:
        return None
    raw = source.text_of(start.line + 1)[source.column_shift :]
    closing = _CLOSING.get(raw[start.column : start.column + 1])
    if closing is None:
        return None
    message = f"this {raw[start.column]} is not closed"
    hint = f"Close it with {closing}. YAML has read on to line {met + 1 + source.line_shift}."
    return source.problem(message, line=start.line + 1, column=start.column + 1, hint=hint)


def explain_tag(source: Source, line: int, column: int) -> str:
    """The hint for text that starts with ``!``, and so arrives as a tag."""
    raw = source.text_of(line)[source.column_shift :]
    return f"Quote what starts with !:  {quoted_line(raw, column)}"


def quoted_line(raw: str, column: int | None = None) -> str:
    """The line with what stands after its ``- `` or key in quotes: the line to paste."""
    match = _ITEM.match(raw)
    if match is None:
        return raw.strip()
    head, value = match.groups()
    if column is not None and len(head) > column:
        head, value = raw[:column], raw[column:].rstrip()
    return f"{head.strip()} {quoted(value)}".strip()


def quoted(text: str) -> str:
    """``text`` in the quotes that need the least escaping."""
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _meaning(said: str, raw: str, column: int) -> tuple[str, str]:
    """Message and hint for what PyYAML said of the line ``raw`` at ``column`` (from 0)."""
    match = _ITEM.match(raw)
    return _meaning_of_line(raw, column, match[2] if match else raw) or _meaning_of_words(said, raw)


def _meaning_of_line(raw: str, column: int, value: str) -> tuple[str, str] | None:
    """What can be told from the line itself, whatever YAML stumbled upon in it."""
    char = raw[column : column + 1]
    if "\t" in raw[: len(raw) - len(raw.lstrip())] or char == "\t":
        return "a tab can't indent YAML", "Use two spaces for each level."
    if value.startswith("!"):
        return "text that starts with ! is a tag to YAML", f"Quote it:  {quoted_line(raw)}"
    if _UNQUOTED_PLACEHOLDER.search(value) and value[:1] in {"[", "{"}:
        return "a placeholder that is not quoted", 'Quote it within [ ] and { }:  ["${name}", "{{name}}"]'
    if char and char in "@`%":
        return f"text can't start with {char}", f"Quote it:  {quoted_line(raw)}"
    if len(value) > 1 and value[0] in "\"'" and value[0] in value[1:] and value[-1] != value[0]:
        return "text goes on after its closing quote", f"Quote the whole:  {quoted_line(raw)}"
    return None


_WORDS = {
    "cannot start any token": ("text can't start with this character", "Quote it:  {line}"),
    "mapping values are not allowed": ("a second ': ' in one line", "Quote text that holds ': ':  {line}"),
    "unexpected end of stream": ("a quote is not closed", "Close it; within '…' a quote is doubled: 'it''s'"),
    "found undefined alias": ("no anchor of this name above", "Quote text that starts with *:  {line}"),
    "unknown escape character": ("an unknown escape in double quotes", "Use single quotes:  {line}"),
    "did not find expected key": (
        "this line does not fit where it stands",
        "Mostly its indentation differs from that of its neighbours.",
    ),
    "did not find expected '-' indicator": (
        "this line does not fit into the list above it",
        "Start it with - if it is an item, or indent it as the key it belongs to.",
    ),
    "did not find expected ',' or": (
        "[ or { is not closed as YAML expects it",
        "Quote the text if none was meant:  {line}",
    ),
}
"""What PyYAML says, the message, and the hint; ``{line}`` is the line to paste."""


def _meaning_of_words(said: str, raw: str) -> tuple[str, str]:
    for words, (message, hint) in _WORDS.items():
        if words in said:
            return message, hint.replace("{line}", quoted_line(raw))
    return f"YAML can't read this: {said}", ""


def _unreadable(error: yaml.YAMLError, source: Source, text: str) -> Problem:
    """A character that YAML does not allow: PyYAML tells its position in the text only."""
    position = int(getattr(error, "position", 0) or 0)
    before = text[:position]
    line, column = before.count("\n") + 1, position - before.rfind("\n")
    code = getattr(error, "character", 0)
    found = f"U+{code:04X}" if isinstance(code, int) else repr(code)
    return source.problem(f"the character {found} can't stand in a flow", line=line, column=column)
