"""What YAML's own errors mean to the author of a flow: the line to write instead.

YAML gives ``!``, ``{``, ``[``, ``*``, ``&``, ``@``, `` ` ``, ``|``, ``>``, ``%``, a leading quote, ``: `` and `` #`` a
meaning of its own, which is met wherever an expression is written without quotes. A line is offered to paste only if
YAML reads on with it; the rest of the file is then read with that line, so that one call tells all that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import yaml

from testmesh_engine.contract.problem import Problem
from testmesh_engine.contract.record import dataclass
from testmesh_engine.language.nodes import Source
from testmesh_engine.language.quoting import missing_brackets, value_of
from testmesh_engine.language.scanning import Mark, error_of
from testmesh_engine.language.traps import (
    CLOSING,
    OWN_KEY,
    RULES,
    Guess,
    indentation,
    is_placeholder_line,
    no_item_guess,
    no_space,
)

_LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A problem, ``None`` where the contract says what was meant, and the line (from 0) to go on with, if any."""

    problem: Problem | None
    line: int = 0
    mended: str | None = None


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


def _tried(guess: Guess, line: int, lines: Sequence[str], mark: Mark) -> str | None:
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
    if met.start_line == line and mended[met.start_column : met.start_column + 1] in CLOSING:
        return False  # what this line opens is still not closed
    if _is_below(lines, line, met.line):
        return False  # what stands below it belongs to what it was
    # Once a quote above is closed, what stood behind it is text of YAML, and may have faults of its own.
    return met.line > mark.line or (line < met.line == mark.line and met.column != mark.column)


def _is_below(lines: Sequence[str], line: int, other: int) -> bool:
    """Whether the line ``other`` is the next one behind ``line``, and indented deeper."""
    if not line < other < len(lines) or any(raw.strip() for raw in lines[line + 1 : other]):
        return False
    return indentation(lines[other]) > indentation(lines[line])


def _guesses(mark: Mark, lines: Sequence[str]) -> Iterator[tuple[int, int, Guess]]:
    """What may be wrong, the likeliest first, each with its line and column (from 0)."""
    if mark.start_line < mark.line:
        yield from ((mark.start_line, mark.start_column, guess) for guess in _never_closed(mark, lines))
    yield from _line_above(mark, lines)
    # YAML stops at a character, or behind it; where what it was reading begins often tells more.
    places = dict.fromkeys(
        ((mark.line, mark.column), (mark.start_line, mark.start_column), (mark.line, max(mark.column - 1, 0)))
    )
    for rule in RULES:
        for line, column in places:
            if line < len(lines) and (guess := rule(lines[line], column, mark.said)) is not None:
                yield line, column, guess
    yield from _opened_above(mark, lines)
    yield from _words(mark, lines)


def _never_closed(mark: Mark, lines: Sequence[str]) -> Iterator[Guess]:
    """A quote or bracket of an earlier line than that where YAML stopped."""
    raw = lines[mark.start_line]
    closing = CLOSING.get(raw[mark.start_column : mark.start_column + 1])
    if closing is None or is_placeholder_line(raw):
        return
    message = f"this {raw[mark.start_column]} is not closed"
    hint = f"Close it with {closing}"
    quote = closing if closing in {'"', "'"} else ""
    mended = f"{raw.rstrip()}{quote}{missing_brackets(raw)}"
    yield Guess(message=message, hint=f"{hint}, perhaps", mended=mended)
    yield Guess(message=message, hint=f"{hint}.")


def _opened_above(mark: Mark, lines: Sequence[str]) -> Iterator[tuple[int, int, Guess]]:
    """A quote that is opened some lines above and closed by the next one of its kind, which opens another text."""
    for line in range(mark.line - 1, -1, -1):
        piece = value_of(lines[line])
        quote = piece.value[:1]
        if quote in {'"', "'"} and quote not in piece.value[1:]:
            hint = f"Close it with {quote}, perhaps"
            mended = f"{lines[line].rstrip()}{quote}"
            yield line, len(piece.before), Guess(message=f"this {quote} is not closed", hint=hint, mended=mended)
            return


def _line_above(mark: Mark, lines: Sequence[str]) -> Iterator[tuple[int, int, Guess]]:
    """A key where none can stand: mostly the line above is not what it seems."""
    raw = lines[mark.line] if mark.line < len(lines) else ""
    if "mapping values are not allowed" not in mark.said or not OWN_KEY.match(raw[: mark.column + 1]):
        return
    if mark.column > _LONGEST_KEY:
        yield mark.line, 0, Guess(message=f"a key has at most {_LONGEST_KEY} characters to YAML")
    above = next((line for line in range(mark.line - 1, -1, -1) if lines[line].strip()), mark.line)
    start = len(lines[above]) - len(lines[above].lstrip())
    if (guess := no_space(lines[above], 0, mark.said)) is not None:
        yield above, guess.column, guess
    if (guess := no_item_guess(lines[above], 0, mark.said)) is not None:
        yield above, guess.column, guess
    elif ":" not in lines[above]:
        hint = "Write a key, a colon and a space before it, or a colon behind it."
        yield above, start, Guess(message='this line is no "key: value"', hint=hint)
    hint = "Indent it like the keys that it belongs to, or take the value of the line above away."
    message = "a key can't stand below a line that has its value already"
    yield mark.line, len(raw) - len(raw.lstrip()), Guess(message=message, hint=hint)


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


def _words(mark: Mark, lines: Sequence[str]) -> Iterator[tuple[int, int, Guess]]:
    for words, (message, hint) in _WORDS.items():
        if words in mark.said:
            blank = mark.line >= len(lines) or not lines[mark.line].strip()
            line, column = (mark.start_line, mark.start_column) if blank or "':'" in words else (mark.line, mark.column)
            yield line, column, Guess(message=message, hint=hint)


def _unreadable(error: yaml.YAMLError, source: Source, lines: Sequence[str]) -> Problem:
    """A character that YAML does not allow: PyYAML tells its position in the text only."""
    position = int(getattr(error, "position", 0) or 0)
    before = "\n".join(lines)[:position]
    line, column = before.count("\n") + 1, position - before.rfind("\n")
    code = getattr(error, "character", 0)
    found = f"U+{code:04X}" if isinstance(code, int) else repr(code)
    return source.problem(f"the character {found} can't stand in a flow", line=line, column=column)
