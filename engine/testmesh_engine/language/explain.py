"""What YAML's own errors mean to the author of a flow: the line to write instead.

YAML gives ``!``, ``{``, ``[``, ``*``, ``&``, ``@``, `` ` ``, ``|``, ``>``, ``%``, a leading quote, ``: `` and `` #`` a
meaning of its own, which is met wherever an expression is written without quotes. A line is offered to paste only if
YAML reads on with it; the rest of the file is then read with that line, so that one call tells all that is wrong.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from testmesh_engine.contract.problem import Problem
from testmesh_engine.language.nodes import Source
from testmesh_engine.language.quoting import missing_brackets, placeholders_quoted, quoted_line, value_of
from testmesh_engine.language.scanning import Mark, error_of

INVISIBLE = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
"""What looks like a blank or like nothing, and is text to YAML."""

_CLOSING = {'"': '"', "'": "'", "{": "}", "[": "]"}
_NO_ITEM = re.compile(r"-[A-Za-z_][\w.]*")
NO_ITEM_HINT = "Write - and a space, and indent what belongs to the item as its first key."
_LONGEST_KEY = 1024
_PLACEHOLDER = re.compile(r"\{\{|\$\{")
_NO_SPACE = re.compile(r"""(?P<head>\s*(?:- +)*[A-Za-z_]\w*:)(?P<value>[\w"'\[{$.+-].*)""")
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_ESCAPE = re.compile(rf'(?P<pair>{_HIGH}{_LOW})|(?P<known>\\(?:[0abt\tnvfre "/\\N_LPxU]|u(?![dD][89a-fA-F])))|\\')
"""Pairs of surrogates, what YAML knows, and any other backslash."""

_OWN_KEY = re.compile(r"\s*(?:- +)*[A-Za-z_][\w.-]*\s*:$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A problem, ``None`` where the contract says what was meant, and the line (from 0) to go on with, if any."""

    problem: Problem | None
    line: int = 0
    mended: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guess:
    """What may be wrong with a line. ``mended`` must be read by YAML, or it was none; ``None`` goes for no line."""

    message: str
    hint: str = ""
    """What to do; with a mended line, the words before it."""
    column: int = -1
    """From 0; -1 for where YAML stopped."""
    mended: str | None = None
    silent: bool = False


_Rule: TypeAlias = Callable[[str, int, str], _Guess | None]
"""What may be wrong with a line where YAML stopped at a column (from 0), and said something."""


def explain_scanner_error(error: yaml.YAMLError, source: Source, lines: Sequence[str]) -> Explained:
    """The problem that a scanner or parser error in ``lines`` is, at its place, with the line to write."""
    mark = Mark.of(error)
    if mark is None:
        return Explained(problem=_unreadable(error, source, lines))
    for line, column, guess in _guesses(mark, lines):
        mended = _tried(guess, line, lines, mark)
        if guess.mended is not None and mended is None:
            continue
        if guess.silent:
            return Explained(problem=None, line=line, mended=mended)
        at = column if guess.column < 0 else guess.column
        hint = guess.hint if mended is None else f"{guess.hint}:  {mended.strip()}"
        problem = source.problem(guess.message, line=line + 1, column=at + 1, hint=hint)
        return Explained(problem=problem, line=line, mended=mended)
    message = f"YAML can't read this: {mark.said}"
    return Explained(problem=source.problem(message, line=mark.line + 1, column=mark.column + 1))


def _tried(guess: _Guess, line: int, lines: Sequence[str], mark: Mark) -> str | None:
    """The mended line with which YAML reads on, also with its brackets closed; ``None`` where it does not."""
    if guess.mended is None:
        return None
    closed = guess.mended.rstrip() + missing_brackets(guess.mended)
    return next(
        (mended for mended in dict.fromkeys((guess.mended, closed)) if _reads_on(lines, line, mended, mark)), None
    )


def _reads_on(lines: Sequence[str], line: int, mended: str, mark: Mark) -> bool:
    """Whether YAML gets further than ``mark`` once ``mended`` stands in place of ``line``."""
    met = error_of("\n".join((*lines[:line], mended, *lines[line + 1 :])))
    if met is None:
        return True
    if met.start_line == line and mended[met.start_column : met.start_column + 1] in _CLOSING:
        return False  # what this line opens is still not closed
    if _is_below(lines, line, met.line):
        return False  # what stands below it belongs to what it was
    # Once a quote above is closed, what stood behind it is text of YAML, and may have faults of its own.
    return met.line > mark.line or (line < met.line == mark.line and met.column != mark.column)


def _is_below(lines: Sequence[str], line: int, other: int) -> bool:
    """Whether the line ``other`` is the next one behind ``line``, and indented deeper."""
    if not line < other < len(lines) or any(raw.strip() for raw in lines[line + 1 : other]):
        return False
    return _indentation(lines[other]) > _indentation(lines[line])


def _indentation(raw: str) -> int:
    return len(raw) - len(raw.lstrip(" "))


def _guesses(mark: Mark, lines: Sequence[str]) -> Iterator[tuple[int, int, _Guess]]:
    """What may be wrong, the likeliest first, each with its line and column (from 0)."""
    if mark.start_line < mark.line:
        yield from ((mark.start_line, mark.start_column, guess) for guess in _never_closed(mark, lines))
    yield from _line_above(mark, lines)
    # YAML stops at a character, or behind it; where what it was reading begins often tells more.
    places = dict.fromkeys(
        ((mark.line, mark.column), (mark.start_line, mark.start_column), (mark.line, max(mark.column - 1, 0)))
    )
    for rule in _RULES:
        for line, column in places:
            if line < len(lines) and (guess := rule(lines[line], column, mark.said)) is not None:
                yield line, column, guess
    yield from _opened_above(mark, lines)
    yield from _words(mark, lines)


def _never_closed(mark: Mark, lines: Sequence[str]) -> Iterator[_Guess]:
    """A quote or bracket of an earlier line than that where YAML stopped."""
    raw = lines[mark.start_line]
    closing = _CLOSING.get(raw[mark.start_column : mark.start_column + 1])
    if closing is None or _is_placeholder_line(raw):
        return
    message = f"this {raw[mark.start_column]} is not closed"
    hint = f"Close it with {closing}"
    quote = closing if closing in {'"', "'"} else ""
    mended = f"{raw.rstrip()}{quote}{missing_brackets(raw)}"
    yield _Guess(message=message, hint=f"{hint}, perhaps", mended=mended)
    yield _Guess(message=message, hint=f"{hint}.")


def _opened_above(mark: Mark, lines: Sequence[str]) -> Iterator[tuple[int, int, _Guess]]:
    """A quote that is opened some lines above and closed by the next one of its kind, which opens another text."""
    for line in range(mark.line - 1, -1, -1):
        piece = value_of(lines[line])
        quote = piece.value[:1]
        if quote in {'"', "'"} and quote not in piece.value[1:]:
            hint = f"Close it with {quote}, perhaps"
            mended = f"{lines[line].rstrip()}{quote}"
            yield line, len(piece.before), _Guess(message=f"this {quote} is not closed", hint=hint, mended=mended)
            return


def _line_above(mark: Mark, lines: Sequence[str]) -> Iterator[tuple[int, int, _Guess]]:
    """A key where none can stand: mostly the line above is not what it seems."""
    raw = lines[mark.line] if mark.line < len(lines) else ""
    if "mapping values are not allowed" not in mark.said or not _OWN_KEY.match(raw[: mark.column + 1]):
        return
    if mark.column > _LONGEST_KEY:
        yield mark.line, 0, _Guess(message=f"a key has at most {_LONGEST_KEY} characters to YAML")
    above = next((line for line in range(mark.line - 1, -1, -1) if lines[line].strip()), mark.line)
    start = len(lines[above]) - len(lines[above].lstrip())
    if (guess := _no_space(lines[above], 0, mark.said)) is not None:
        yield above, guess.column, guess
    if (guess := _no_item(lines[above], 0, mark.said)) is not None:
        yield above, guess.column, guess
    elif ":" not in lines[above]:
        hint = "Write a key, a colon and a space before it, or a colon behind it."
        yield above, start, _Guess(message='this line is no "key: value"', hint=hint)
    hint = "Indent it like the keys that it belongs to, or take the value of the line above away."
    message = "a key can't stand below a line that has its value already"
    yield mark.line, len(raw) - len(raw.lstrip()), _Guess(message=message, hint=hint)


def _is_placeholder_line(raw: str) -> bool:
    return value_of(raw).value[:1] in {"[", "{"} and _PLACEHOLDER.search(raw) is not None


def _pasted(raw: str, line: str) -> str:
    """``line`` with the indentation of ``raw``."""
    return raw[: len(raw) - len(raw.lstrip(" "))] + line


def _quote(raw: str, column: int, message: str, words: str = "Quote it") -> _Guess:
    return _Guess(message=message, hint=words, mended=_pasted(raw, quoted_line(raw, column)))


def _invisible(raw: str, _column: int, _said: str) -> _Guess | None:
    match = INVISIBLE.search(raw)
    if match is None:
        return None
    mended = INVISIBLE.sub(lambda found: "" if unicodedata.category(found[0]) == "Cf" else " ", raw)
    return _Guess(
        message=invisible_message(match[0]),
        hint="Write it without",
        column=match.start(),
        mended=mended,
    )


def no_item(key: str) -> bool:
    """Whether a key is an item of a list whose ``-`` has no space behind it."""
    return _NO_ITEM.fullmatch(key) is not None


def _no_item(raw: str, _column: int, said: str) -> _Guess | None:
    """``-action: delay`` in a list, or with what belongs to the item below it."""
    if not no_item(raw.strip().partition(":")[0]) or not ("indicator" in said or "mapping values" in said):
        return None
    return _Guess(message="a space is missing after -", hint=NO_ITEM_HINT, column=_indentation(raw))


def invisible_message(char: str) -> str:
    """What is said of a character that can't be seen."""
    return f"here stands an invisible character, {unicodedata.name(char, '').lower()} (U+{ord(char):04X})"


def _tab(raw: str, column: int, _said: str) -> _Guess | None:
    indentation = raw[: len(raw) - len(raw.lstrip())]
    if "\t" not in indentation and raw[column : column + 1] != "\t":
        return None
    return _Guess(message="a tab can't indent YAML", hint="Use two spaces for each level.")


def _bang(raw: str, column: int, _said: str) -> _Guess | None:
    """Language.md: an expression that starts with ! is quoted in the text before YAML reads it."""
    for at in (column, None):
        piece = value_of(raw, at)
        if piece.value.startswith("!"):
            return _Guess(message="", mended=_pasted(raw, quoted_line(raw, at)), silent=True)
    return None


def _no_space(raw: str, _column: int, _said: str) -> _Guess | None:
    match = _NO_SPACE.fullmatch(raw)
    if match is None:
        return None
    mended = f"{match['head']} {match['value']}"
    message = f"a space is missing after {match['head'].strip().removeprefix('- ')}"
    return _Guess(message=message, hint="Write", column=match.end("head"), mended=mended)


def _placeholder(raw: str, _column: int, _said: str) -> _Guess | None:
    piece = value_of(raw)
    if not _is_placeholder_line(raw):
        return None
    line = quoted_line(raw) if piece.value.startswith("{{") else placeholders_quoted(raw)
    found = _PLACEHOLDER.finditer(raw, len(piece.before))
    first = next((match for match in found if value_of(raw, match.start()).value[:1] not in {'"', "'"}), None)
    return _Guess(
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


def _start(raw: str, column: int, _said: str) -> _Guess | None:
    if raw.startswith("%"):
        return _Guess(message="text can't start with %", hint="Remove this line: a flow needs no directive.", column=0)
    for at in (column, None):
        char = value_of(raw, at).value[:1]
        if char in _STARTS and char:
            return _quote(
                raw, at if at is not None else len(value_of(raw).before), f"text can't start with {char}{_STARTS[char]}"
            )
    return None


def _bracket_inside(raw: str, column: int, _said: str) -> _Guess | None:
    """Text that is an item of YAML's ``[ ]`` or ``{ }`` and holds brackets of its own."""
    start = len(value_of(raw).before)
    item = value_of(raw, column).value
    if raw[start : start + 1] not in {"[", "{"} or column <= start or item[:1] in {"[", "{", '"', "'", ""}:
        return None
    if not set(item) & set("[]{}"):
        return None
    return _quote(raw, column, "text within [ ] or { } can't hold brackets of its own")


def _goes_on(raw: str, column: int, said: str) -> _Guess | None:
    if "expected node content" in said:  # nothing between two commas
        return None
    for at in (column, None):
        piece = value_of(raw, at)
        char, rest = piece.value[:1], piece.value[1:]
        if char in {'"', "'"} and (rest.count(char) > 1 or (char in rest and not rest.endswith(char))):
            return _quote(raw, len(piece.before), "text goes on after its closing quote", "Quote the whole")
        if char in {"[", "{"} and _CLOSING[char] in rest:
            what = "list" if char == "[" else "map"
            return _quote(
                raw, len(piece.before), f"text that starts with {char} is a {what} to YAML", "Quote the whole"
            )
    return None


def _escape(raw: str, column: int, said: str) -> _Guess | None:
    if "escape" not in said and "hexdecimal" not in said:
        return None
    at = max(raw.rfind("\\", 0, column + 1), 0)
    mended = raw[:at] + _ESCAPE.sub(_mended_escape, raw[at:])
    found = raw[at : at + 2]
    if found not in {r"\u", r"\U", r"\x"}:
        message = f"{found} is no escape within double quotes"
        return _Guess(message=message, hint="Write", column=at, mended=mended)
    if _SURROGATE.match(raw, at):
        message = f"YAML has no halves of characters as JSON writes them, {raw[at : at + 6]}"
        return _Guess(message=message, hint="Write", column=at, mended=mended)
    hint = r"\x takes two hexadecimal digits, \u four, \U eight."
    return _Guess(message=f"{found} is followed by no character's number", hint=hint, column=at)


def _mended_escape(match: re.Match[str]) -> str:
    if match["pair"]:
        return str(json.loads(f'"{match["pair"]}"'))
    return match[0] if match["known"] else r"\\"


def _second_colon(raw: str, column: int, said: str) -> _Guess | None:
    if "mapping values are not allowed" not in said or _OWN_KEY.match(raw[: column + 1]):
        return None
    return _quote(raw, len(value_of(raw).before), "a second ': ' in one line", "Quote text that holds ': '")


def _no_key(raw: str, column: int, _said: str) -> _Guess | None:
    if not raw[column:].startswith(":") or raw[:column].strip(" -"):
        return None
    return _Guess(message="no key stands before the colon", hint="Write one, or quote the text.")


def _list_beside_key(raw: str, _column: int, said: str) -> _Guess | None:
    if "block sequence entries are not allowed" not in said:
        return None
    hint = "Write its items on lines of their own, or quote text that starts with -"
    return _Guess(message="a list can't begin beside its key", hint=hint, mended=_pasted(raw, quoted_line(raw)))


_RULES: tuple[_Rule, ...] = (
    *(_tab, _invisible, _no_item, _bang, _escape, _placeholder, _no_space, _no_key, _start, _bracket_inside, _goes_on),
    *(_list_beside_key, _second_colon),
)

_WORDS = {
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
        "Put a comma between items; quote text that holds one of , [ ] { }.",
    ),
    "did not find expected node content": ("something is missing here", 'Write a value, or "" for an empty text.'),
    "comment or line break": (
        "text can't start with | or >, which begin a block of lines to YAML",
        "Write nothing behind | and >, or quote the text.",
    ),
    "could not find expected ':'": ('this line is no "key: value"', "Write a key, a colon and a space before it."),
    "did not find expected <document start>": (
        "text stands behind the end of the flow",
        "Remove the line ... above it, or the text.",
    ),
    "unknown directive": ("text can't start with %", "Remove this line: a flow needs no directive."),
    "incompatible YAML document": ("a flow is read as YAML 1.2", "Remove this line."),
}
"""What libyaml says, the message, and the hint."""


def _words(mark: Mark, lines: Sequence[str]) -> Iterator[tuple[int, int, _Guess]]:
    for words, (message, hint) in _WORDS.items():
        if words in mark.said:
            blank = mark.line >= len(lines) or not lines[mark.line].strip()
            line, column = (mark.start_line, mark.start_column) if blank or "':'" in words else (mark.line, mark.column)
            yield line, column, _Guess(message=message, hint=hint)


def _unreadable(error: yaml.YAMLError, source: Source, lines: Sequence[str]) -> Problem:
    """A character that YAML does not allow: PyYAML tells its position in the text only."""
    position = int(getattr(error, "position", 0) or 0)
    before = "\n".join(lines)[:position]
    line, column = before.count("\n") + 1, position - before.rfind("\n")
    code = getattr(error, "character", 0)
    found = f"U+{code:04X}" if isinstance(code, int) else repr(code)
    return source.problem(f"the character {found} can't stand in a flow", line=line, column=column)
