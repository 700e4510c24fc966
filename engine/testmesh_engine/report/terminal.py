"""Where the console report writes: a terminal with colours and one live line at its bottom, or plain lines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from unicodedata import combining, east_asian_width

from testmesh_engine.contract.result import Outcome
from testmesh_engine.report.files import STDOUT, open_text

BOLD, DIM, RED, GREEN, YELLOW, MAGENTA, CYAN = "1", "2", "31", "32", "33", "35", "36"
COLOURS = {
    Outcome.PASSED: GREEN,
    Outcome.FAILED: RED,
    Outcome.ERRORED: MAGENTA,
    Outcome.SKIPPED: YELLOW,
    Outcome.NOT_RUN: DIM,
}
_MARKS = {
    Outcome.PASSED: ("✓", "ok  "),
    Outcome.FAILED: ("✗", "FAIL"),
    Outcome.ERRORED: ("!", "ERR "),
    Outcome.SKIPPED: ("-", "skip"),
    Outcome.NOT_RUN: ("·", "not run"),
}


class Terminal:
    """Standard output or a file. ``live`` is set where a line may be drawn again and again in its place.

    Colours and a live line only on a terminal; none of either under NO_COLOR or TERM=dumb, no live line under CI.
    FORCE_COLOR asks for colours elsewhere: logs of CI systems show them.
    """

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        self._path = path
        self._out = open_text(path)
        able = self._out.isatty() and environ.get("TERM", "") != "dumb"
        forced = environ.get("FORCE_COLOR", "0") not in ("", "0")
        self._colour = not environ.get("NO_COLOR", "") and (able or forced)
        self.live = able and not environ.get("NO_COLOR", "") and not environ.get("CI", "")
        encoding = (self._out.encoding or "ascii").lower().replace("-", "")
        self._plain = not encoding.startswith("utf")
        self._drawn = ""

    def painted(self, text: str, *colours: str) -> str:
        """The text in colours, where there are any."""
        return f"\033[{';'.join(colours)}m{text}\033[0m" if self._colour and colours else text

    def mark(self, outcome: Outcome, *, ignored: bool = False) -> str:
        """The sign of the outcome; without colours and Unicode it is a word. Yellow where it does not count."""
        return self.painted(_MARKS[outcome][1 if self._plain else 0], YELLOW if ignored else COLOURS[outcome])

    def say(self, line: str) -> None:
        """Write a line, above the live one."""
        self.draw("")
        self._write(line + "\n")

    def draw(self, text: str) -> None:
        """Put ``text`` in the place of the live line; "" takes it away."""
        if not self.live:
            return
        columns = self._columns()
        text = _fitting(text, columns - 1)
        if text == self._drawn:
            return
        # A window that was made narrower has wrapped the old line: all its rows go.
        rows = max(0, _cells(self._drawn) - 1) // columns
        self._write((f"\033[{rows}A" if rows else "") + f"\r\033[J{text}")
        self._drawn = text
        self._out.flush()

    def flush(self) -> None:
        """Let everything be seen that was said."""
        self._out.flush()

    def close(self) -> None:
        """Take the live line away; close a file."""
        self.draw("")
        self._out.flush()
        if self._path != STDOUT:
            self._out.close()

    def _write(self, text: str) -> None:
        self._out.write(text.encode("ascii", "replace").decode() if self._plain else text)

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns or 80
        except OSError:
            return 80


def _fitting(text: str, columns: int) -> str:
    """The head of the text that has room in so many columns."""
    if _cells(text) <= columns:
        return text
    while text and _cells(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"


def _cells(text: str) -> int:
    """The columns that the text takes: letters of East Asia two, marks upon a letter none."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
