"""Pieces of HTML: the one function that escapes, and values written so that they can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from testmesh_engine.contract.result import Json, Outcome
from testmesh_engine.report.json_text import indented, one_line
from testmesh_engine.report.wording import OUTCOME_WORDS, on_one_line, without_controls

MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.ERRORED: "!", Outcome.SKIPPED: "-", Outcome.NOT_RUN: "·"}

_TOKEN = re.compile(r'(?P<text>"(?:\\.|[^"\\])*")(?P<key>:)?|(?P<number>-?\d[\d.eE+-]*|\b(?:true|false|null)\b)')


def text(value: str) -> str:
    """Text as HTML shows it, in an element or a quoted attribute: nothing that a service sent becomes markup."""
    return escape(without_controls(value), quote=True)


def line(value: str) -> str:
    """The same on one line."""
    return escape(on_one_line(value), quote=True)


def mark(outcome: Outcome) -> str:
    """A sign for the outcome: its shape and its words tell as much as its colour."""
    word = OUTCOME_WORDS[outcome]
    return f'<span class="mark" role="img" aria-label="{word}" title="{word}">{MARKS[outcome]}</span>'


def value(given: Json) -> str:
    """A value within a line: JSON."""
    return f"<code>{coloured(one_line(given))}</code>"


def block(title: str, given: Json) -> str:
    """A titled block that can be copied: text as it is, anything else as indented JSON."""
    inner = text(given) if isinstance(given, str) else coloured(indented(given))
    return f'<div><h3>{text(title)}</h3><div class="block"><pre tabindex="0">{inner}</pre></div></div>'


def coloured(written: str) -> str:
    """JSON text as HTML: keys, texts and numbers each in a colour."""
    parts, at = [], 0
    for found in _TOKEN.finditer(written):
        parts.append(text(written[at : found.start()]))
        parts.append(_token(found))
        at = found.end()
    return "".join([*parts, text(written[at:])])


def _token(found: re.Match[str]) -> str:
    if found["number"]:
        return f'<span class="n">{text(found["number"])}</span>'
    kind = "k" if found["key"] else "s"
    return f'<span class="{kind}">{text(found["text"])}</span>{found["key"] or ""}'


def joined(parts: Iterable[str]) -> str:
    """Pieces, one after the other."""
    return "".join(parts)
