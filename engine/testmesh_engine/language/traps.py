"""What may be wrong with one line that YAML could not read: a rule for each trap, the line to write with it.

A rule sees the line, where YAML stopped, and what it said. Whether its line is read is tried by explain.py.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from testmesh_engine.contract.record import dataclass
from testmesh_engine.language.quoting import is_collection, items_quoted, placeholders_quoted, quoted_line, value_of

INVISIBLE = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
"""What looks like a blank or like nothing, and is text to YAML."""

CLOSING = {'"': '"', "'": "'", "{": "}", "[": "]"}
_NO_ITEM = re.compile(r"-[A-Za-z_][\w.]*")
NO_ITEM_HINT = "Write - and a space, and indent what belongs to the item as its first key."
_PLACEHOLDER = re.compile(r"\{\{|\$\{")
_NO_SPACE = re.compile(r"""(?P<head>\s*(?:- +)*[A-Za-z_]\w*:)(?P<value>[\w"'\[{$.+-].*)""")
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_ESCAPE = re.compile(rf'(?P<pair>{_HIGH}{_LOW})|(?P<known>\\(?:[0abt\tnvfre "/\\N_LPxU]|u(?![dD][89a-fA-F])))|\\')
"""Pairs of surrogates, what YAML knows, and any other backslash."""

OWN_KEY = re.compile(r"\s*(?:- +)*[A-Za-z_][\w.-]*\s*:$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What may be wrong with a line. ``mended`` must be read by YAML, or it was none; ``None`` goes for no line."""

    message: str
    hint: str = ""
    """What to do; with a mended line, the words before it."""
    column: int = -1
    """From 0; -1 for where YAML stopped."""
    mended: str | None = None
    silent: bool = False


_Rule: TypeAlias = Callable[[str, int, str], Guess | None]
"""What may be wrong with a line where YAML stopped at a column (from 0), and said something."""


def indentation(raw: str) -> int:
    """How many blanks the line begins with."""
    return len(raw) - len(raw.lstrip(" "))


def is_placeholder_line(raw: str) -> bool:
    """Whether a placeholder stands in a collection of YAML's own."""
    return value_of(raw).value[:1] in {"[", "{"} and _PLACEHOLDER.search(raw) is not None


def _pasted(raw: str, line: str) -> str:
    """``line`` with the indentation of ``raw``."""
    return raw[: len(raw) - len(raw.lstrip(" "))] + line


def _quote(raw: str, column: int, message: str, words: str = "Quote it") -> Guess:
    return Guess(message=message, hint=words, mended=_pasted(raw, quoted_line(raw, column)))


def _invisible(raw: str, _column: int, _said: str) -> Guess | None:
    match = INVISIBLE.search(raw)
    if match is None:
        return None
    mended = INVISIBLE.sub(lambda found: "" if unicodedata.category(found[0]) == "Cf" else " ", raw)
    return Guess(
        message=invisible_message(match[0]),
        hint="Write it without",
        column=match.start(),
        mended=mended,
    )


def no_item(key: str) -> bool:
    """Whether a key is an item of a list whose ``-`` has no space behind it."""
    return _NO_ITEM.fullmatch(key) is not None


def no_item_guess(raw: str, _column: int, said: str) -> Guess | None:
    """``-action: delay`` in a list, or with what belongs to the item below it."""
    if not no_item(raw.strip().partition(":")[0]) or not ("indicator" in said or "mapping values" in said):
        return None
    return Guess(message="a space is missing after -", hint=NO_ITEM_HINT, column=indentation(raw))


def invisible_message(char: str) -> str:
    """What is said of a character that can't be seen."""
    return f"here stands an invisible character, {unicodedata.name(char, '').lower()} (U+{ord(char):04X})"


def _tab(raw: str, column: int, _said: str) -> Guess | None:
    indentation = raw[: len(raw) - len(raw.lstrip())]
    if "\t" not in indentation and raw[column : column + 1] != "\t":
        return None
    return Guess(message="a tab can't indent YAML", hint="Use two spaces for each level.")


def _bang(raw: str, column: int, _said: str) -> Guess | None:
    """Language.md: an expression that starts with ! is quoted in the text before YAML reads it."""
    for at in (column, None):
        piece = value_of(raw, at)
        if piece.value.startswith("!"):
            return Guess(message="", mended=_pasted(raw, quoted_line(raw, at)), silent=True)
    return None


def no_space(raw: str, _column: int, _said: str) -> Guess | None:
    """``key:value``."""
    match = _NO_SPACE.fullmatch(raw)
    if match is None:
        return None
    mended = f"{match['head']} {match['value']}"
    message = f"a space is missing after {match['head'].strip().removeprefix('- ')}"
    return Guess(message=message, hint="Write", column=match.end("head"), mended=mended)


def _placeholder(raw: str, _column: int, _said: str) -> Guess | None:
    piece = value_of(raw)
    if not is_placeholder_line(raw):
        return None
    line = quoted_line(raw) if piece.value.startswith("{{") else placeholders_quoted(raw)
    found = _PLACEHOLDER.finditer(raw, len(piece.before))
    first = next((match for match in found if value_of(raw, match.start()).value[:1] not in {'"', "'"}), None)
    return Guess(
        message="a placeholder that is not quoted",
        hint="Quote it within [ ] and { }" if piece.value[:2] != "{{" else "Quote it",
        column=first.start() if first else -1,
        mended=_pasted(raw, line),
    )


_STARTS = {
    "@": "",
    "`": "",
    "%": "",
    ",": "",
    "]": "",
    "}": "",
    "|": ", which begins a block of lines to YAML",
    ">": ", which begins a block of lines to YAML",
    "&": ", which names an anchor to YAML",
    "*": ", which names what an anchor marks to YAML",
    "?": ", which begins a key to YAML",
}


def _start(raw: str, column: int, _said: str) -> Guess | None:
    if raw.startswith("%"):
        return Guess(message="text can't start with %", hint="Remove this line: a flow needs no directive.", column=0)
    for at in (column, None):
        char = value_of(raw, at).value[:1]
        if char in _STARTS and char:
            return _quote(
                raw, at if at is not None else len(value_of(raw).before), f"text can't start with {char}{_STARTS[char]}"
            )
    return None


def _bracket_inside(raw: str, column: int, _said: str) -> Guess | None:
    """Text that is an item of YAML's ``[ ]`` or ``{ }`` and holds brackets of its own."""
    mended = items_quoted(raw)
    if mended == raw:
        return None
    changed = next(at for at, (old, new) in enumerate(zip(raw, mended, strict=False)) if old != new)
    holds = set(value_of(raw, changed).value) & set("[]{}")
    held = "text within [ ] or { } can't hold brackets of its own"
    message = held if holds else "text goes on after its closing quote"
    at = max(changed, column)
    return Guess(message=message, hint="Quote it", column=at, mended=mended)


def _goes_on(raw: str, column: int, said: str) -> Guess | None:
    if "expected node content" in said:  # nothing between two commas
        return None
    for at in (column, None):
        piece = value_of(raw, at)
        char, rest = piece.value[:1], piece.value[1:]
        if char in {'"', "'"} and (rest.count(char) > 1 or (char in rest and not rest.endswith(char))):
            return _quote(raw, len(piece.before), "text goes on after its closing quote", "Quote the whole")
        if char in {"[", "{"} and CLOSING[char] in rest and not is_collection(piece.value):
            what = "list" if char == "[" else "map"
            return _quote(
                raw, len(piece.before), f"text that starts with {char} is a {what} to YAML", "Quote the whole"
            )
    return None


def _escape(raw: str, column: int, said: str) -> Guess | None:
    if "escape" not in said and "hexdecimal" not in said:
        return None
    at = max(raw.rfind("\\", 0, column + 1), 0)
    mended = raw[:at] + _ESCAPE.sub(_mended_escape, raw[at:])
    found = raw[at : at + 2]
    if found not in {r"\u", r"\U", r"\x"}:
        message = f"{found} is no escape within double quotes"
        return Guess(message=message, hint="Write", column=at, mended=mended)
    if _SURROGATE.match(raw, at):
        message = f"YAML has no halves of characters as JSON writes them, {raw[at : at + 6]}"
        return Guess(message=message, hint="Write", column=at, mended=mended)
    hint = r"\x takes two hexadecimal digits, \u four, \U eight."
    return Guess(message=f"{found} is followed by no character's number", hint=hint, column=at)


def _mended_escape(match: re.Match[str]) -> str:
    if match["pair"]:
        return str(json.loads(f'"{match["pair"]}"'))
    return match[0] if match["known"] else r"\\"


def _second_colon(raw: str, column: int, said: str) -> Guess | None:
    if "mapping values are not allowed" not in said or OWN_KEY.match(raw[: column + 1]):
        return None
    return _quote(raw, len(value_of(raw).before), "a second ': ' in one line", "Quote text that holds ': '")


def _colon_inside(raw: str, column: int, said: str) -> Guess | None:
    """``includes(body, {a: {b: 1}})``: YAML reads a key up to the first colon, and a map behind it."""
    piece = value_of(raw)
    if "did not find expected key" not in said or column <= len(piece.before) or ": " not in piece.value:
        return None
    if piece.value[0] in {"[", "{", '"', "'"}:
        return None
    message = "text that holds ': ' is a map to YAML"
    return _quote(raw, len(piece.before), message, "Quote an expression that holds ': '")


def _no_key(raw: str, column: int, _said: str) -> Guess | None:
    if not raw[column:].startswith(":") or raw[:column].strip(" -"):
        return None
    return Guess(message="no key stands before the colon", hint="Write one, or quote the text.")


def _list_beside_key(raw: str, _column: int, said: str) -> Guess | None:
    if "block sequence entries are not allowed" not in said:
        return None
    hint = "Write its items on lines of their own, or quote text that starts with -"
    return Guess(message="a list can't begin beside its key", hint=hint, mended=_pasted(raw, quoted_line(raw)))


RULES: tuple[_Rule, ...] = (
    *(
        _tab,
        _invisible,
        no_item_guess,
        _bang,
        _escape,
        _placeholder,
        no_space,
        _no_key,
        _start,
        _bracket_inside,
        _goes_on,
    ),
    *(_list_beside_key, _second_colon, _colon_inside),
)
