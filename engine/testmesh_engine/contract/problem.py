"""One thing that is wrong with a flow, where it stands, and what to do about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError


class Severity(StrEnum):
    """Errors stop a run before its first step; warnings do so only under ``--strict``."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem of one file.

    ``line`` and ``column`` count from 1, 0 where the text has none (a flow that came as an object: ``path`` then
    says where). ``path`` is the place within the flow, ``steps[3].assert[0]``. ``excerpt`` is the line of the file, and
    ``caret`` the column of it that is meant where that is another one: secrets were taken out before it.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""
    hint: str = ""
    excerpt: str = ""
    caret: int = 0
    severity: Severity = Severity.ERROR

    def place(self) -> str:
        """``file:line:column``, or ``file: path`` where there are no lines."""
        if self.line:
            return f"{self.file}:{self.line}:{self.column}"
        return f"{self.file}: {self.path}" if self.file and self.path else self.file or self.path

    def headline(self) -> str:
        """One line: place, severity, message."""
        place = self.place()
        return f"{place}: {self.severity.value}: {self.message}" if place else f"{self.severity.value}: {self.message}"

    def render(self) -> str:
        """The headline, the line of the file with a caret below the column, and the hint."""
        lines = [self.headline()]
        if self.excerpt and self.line:
            gutter = f"{self.line:>5} | "
            pad = "".join(map(_blank, self.excerpt[: (self.caret or self.column) - 1]))
            lines += [f"{gutter}{self.excerpt}", f"{' ' * 5} | {pad}^"]
        if self.hint:
            lines += [f"        {line}" for line in self.hint.splitlines()]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The form that ``testmesh validate --output json`` prints, one object for each problem."""
        return {key: value for key, value in asdict(self).items() if value or key == "message"}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Problem:
        """Read back what :meth:`to_json` wrote. Raises ``TypeError`` or ``ValueError`` for anything else."""
        return cls(**{**data, "severity": Severity(data.get("severity", Severity.ERROR))})


def _blank(char: str) -> str:
    """Blanks as wide as ``char``, so that the caret stands below what it points at; a tab stays one."""
    if char == "\t" or unicodedata.combining(char):
        return "\t" if char == "\t" else ""
    return "  " if unicodedata.east_asian_width(char) in {"W", "F"} else " "


class FlowInvalid(UsageError):
    """One or more files are no valid flows. ``problems`` holds all of them, in file order, never none."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.headline() for problem in self.problems))
