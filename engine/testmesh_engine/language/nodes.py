"""The tree of a YAML text: values that know where they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import Value

_MAX_EXCERPT = 240
"""Characters of a line that a problem shows."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. ``style`` is "" for plain text, else the character that opens it; ``tag`` is a written ``!tag``."""

    value: bool | int | Decimal | str | None
    line: int
    column: int
    path: str
    text: str = ""
    style: str = ""
    tag: str = ""
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int
    path: str


@dataclass(frozen=True, slots=True)
class MapNode:
    """A map; its keys are unique. ``entries`` keep the order of the text."""

    entries: dict[str, tuple[Scalar, Node]]
    line: int
    column: int
    path: str
    before_merge: tuple[Scalar, ...] = ()
    """Keys that stand before a ``<<`` with the same key: theirs is the value here, and not in YAML 1.1."""

    def get(self, key: str) -> Node | None:
        """The node under ``key``, if it is there."""
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node: TypeAlias = Scalar | ListNode | MapNode


def plain(node: Node) -> Value:
    """The value alone."""
    match node:
        case Scalar(value=value):
            return value
        case ListNode(items=items):
            return [plain(item) for item in items]
        case MapNode(entries=entries):
            return {key: plain(value) for key, (_, value) in entries.items()}


def child_path(path: str, key: str | int) -> str:
    """The path of what stands under ``key``: ``steps[3].config.headers["Content-Type"]``."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _WORD.fullmatch(key):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def kind_of_node(node: Node) -> str:
    """What was found, for messages: ``text "abc"``, ``the number 5``, ``a map``."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "a map"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool()):
            return node.text or ("true" if node.value else "false")
        case Scalar(value=str() as text):
            return f'text "{text[:37]}..."' if len(text) > 40 else f'text "{text}"'
        case Scalar():
            return f"the number {node.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text that problems point into.

    A flow inside a manifest has the manifest's name and lines; ``line_shift`` and ``column_shift`` say how far its own
    first character is from the manifest's. An object that came without text has no ``lines``, and problems name paths.
    """

    name: str
    lines: Sequence[str] = ()
    line_shift: int = 0
    column_shift: int = 0

    def problem(  # noqa: PLR0913 - a place is a line, a column and a path
        self,
        message: str,
        *,
        line: int,
        column: int,
        path: str = "",
        hint: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """A problem at a place of this text (counted from 1 within the flow's own text; 0 for none)."""
        if not self.lines or not line:
            return Problem(message=message, file=self.name, path=path, hint=hint, severity=severity)
        at_line, at_column = line + self.line_shift, column + self.column_shift
        return Problem(
            message=message,
            file=self.name,
            line=at_line,
            column=at_column,
            path=path,
            hint=hint,
            severity=severity,
            excerpt=self._excerpt(line, at_column),
        )

    def _excerpt(self, line: int, column: int) -> str:
        """The line up to a little behind ``column``; nothing of one that no person reads to there."""
        raw = self.text_of(line)
        if len(raw) <= _MAX_EXCERPT or column > _MAX_EXCERPT:
            return raw if column <= _MAX_EXCERPT else ""
        return f"{raw[:_MAX_EXCERPT]}…"

    def text_of(self, line: int) -> str:
        """The whole line as it stands in the file, "" where there is none."""
        index = line + self.line_shift - 1
        return self.lines[index] if 0 <= index < len(self.lines) else ""
