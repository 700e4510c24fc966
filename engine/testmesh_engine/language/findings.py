"""Collects the problems of one flow, and reads values out of its tree, each problem at its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from testmesh_engine.contract.catalogue import Kind, fault_of
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.expressions import ExpressionError, nearest
from testmesh_engine.language import refused
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, Source, child_path, kind_of_node
from testmesh_engine.language.quoting import no_space_hint

_MEANT = {"retry": "max_attempts", "eventually": "timeout", "poll": "timeout", "data": "file"}
"""The key that is meant where a value alone stands in place of a map."""

_WORD = re.compile(r"[A-Za-z_][\w-]*")


class Findings:
    """The problems found so far in one flow, and the readers that add to them.

    A reader of a value that is wrong notes why and returns ``None`` (or nothing at all), so that one pass finds all.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    @property
    def failed(self) -> bool:
        """Whether any problem is an error."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def error(self, node: Node, message: str, *, hint: str = "", offset: int = 0) -> None:
        """Note an error at ``node``, or ``offset`` characters into its text."""
        self._note(node, message, hint=hint, offset=offset, severity=Severity.ERROR)

    def warning(self, node: Node, message: str, *, hint: str = "", offset: int = 0) -> None:
        """Note a warning, which stops a run only under ``--strict``."""
        self._note(node, message, hint=hint, offset=offset, severity=Severity.WARNING)

    def _note(self, node: Node, message: str, *, hint: str, offset: int, severity: Severity) -> None:
        line, column = place_in(node, offset, self.source)
        self.problems.append(
            self.source.problem(message, line=line, column=column, path=node.path, hint=hint, severity=severity)
        )

    def broken_text(self, node: Node, error: ExpressionError, *, hint: str = "") -> None:
        """Note text that does not compile, at the character that is wrong."""
        self.error(node, error.message, hint=hint or error.hint, offset=error.offset)

    def map(self, node: Node, what: str) -> MapNode | None:
        """``node`` as a map."""
        if isinstance(node, MapNode):
            return node
        text = node.text if isinstance(node, Scalar) else ""
        meant = f"Write {what}: {{{_MEANT[what]}: {text}}}" if what in _MEANT and text else ""
        self.error(node, f"{what} is a map, found {kind_of_node(node)}", hint=no_space_hint(text) or meant)
        return None

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        """The items of a list, none where it is none."""
        if isinstance(node, ListNode):
            return node.items
        listed = node.text if isinstance(node, Scalar) and _WORD.fullmatch(node.text) else ""
        hint = f"Write {what}: [{listed}]" if listed else 'Start each item with "- ".'
        self.error(node, f"{what} is a list, found {kind_of_node(node)}", hint=hint)
        return ()

    def tags(self, node: Node) -> tuple[str, ...]:
        """The items of ``tags``, each text."""
        return tuple(self._tag(item) for item in self.items(node, "tags"))

    def _tag(self, node: Node) -> str:
        tag = self.text(node, "a tag")
        if tag is not None and not tag.strip():
            self.error(node, "a tag is empty", hint="Remove it, or write a word.")
        return tag or ""

    def text(self, node: Node, what: str) -> str | None:
        """``node`` as text; a number or a word like ``true`` is refused with its quoted form."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        hint = f'Quote it: "{node.text}"' if isinstance(node, Scalar) and node.text else ""
        self.error(node, f"{what} is text, found {kind_of_node(node)}", hint=hint)
        return None

    def boolean(self, node: Node, what: str, *, hint: str = "") -> bool | None:
        """``node`` as true or false."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.error(node, f"{what} is true or false, found {kind_of_node(node)}", hint=hint)
        return None

    def integer(self, node: Node, what: str, *, least: int = 1) -> int | None:
        """``node`` as a whole number."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        self.error(node, f"{what} is a whole number from {least} on, found {kind_of_node(node)}")
        return None

    def duration(self, node: Node, what: str, *, zero: bool = True) -> float | None:
        """``node`` in seconds; without ``zero`` for what bounds something: in no time nothing can be done."""
        value = node.value if isinstance(node, Scalar) else None
        fault = fault_of(Kind.DURATION, value, found=kind_of_node(node))
        if fault:
            self.error(node, f"{what} {fault}")
            return None
        seconds = parse_duration(str(value))
        if not seconds and not zero:
            self.error(node, f"{what} is 0, which leaves no time", hint="Write for example 30s, or leave it out.")
            return None
        return seconds

    def choice(self, node: Node, what: str, allowed: Iterable[str]) -> str | None:
        """``node`` as one of ``allowed``."""
        names = list(allowed)
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, str) and value in names:
            return value
        self.error(node, f"{what} is one of {', '.join(names)}; found {kind_of_node(node)}", hint=did_you(value, names))
        return None

    def keys(self, node: MapNode, what: str, *, allowed: Collection[str], way: str = "") -> None:
        """Note each key that is not ``allowed``; ``way`` is what else may have been meant."""
        for name, (key, _) in node.entries.items():
            if name in allowed:
                continue
            at = Scalar(name, key.line, key.column, child_path(node.path, name))
            instead = refused.of_key(name, what=what, allowed=tuple(allowed))
            hint = f"{instead} {allowed_hint(allowed)}" if instead else unknown_name_hint(name, allowed)
            self.error(at, f'{what} has no key "{name}"', hint=f"{hint} {way}".strip())


def did_you(name: object, known: Iterable[str]) -> str:
    """``Did you mean …?``, "" where nothing is near."""
    close = nearest(name, known) if isinstance(name, str) else ""
    return f'Did you mean "{close}"?' if close else ""


def unknown_name_hint(name: str, known: Iterable[str]) -> str:
    """The nearest name and all that are allowed."""
    names = list(known)
    return " ".join(filter(None, [did_you(name, names), allowed_hint(names)]))


def allowed_hint(names: Iterable[str]) -> str:
    """All that are allowed."""
    return f"Allowed: {', '.join(dict.fromkeys(names))}."


def place_in(node: Node, offset: int, source: Source) -> tuple[int, int]:
    """Line and column (from 1) of the character at ``offset`` of a scalar's text, or of the node itself.

    Exact for text on one line and for literal blocks; folded text and escapes give the place where the text starts.
    """
    if not isinstance(node, Scalar) or not offset or not isinstance(node.value, str):
        return node.line, node.column
    if node.style == "|":
        return _place_in_block(node, offset, source)
    if node.line != node.end_line:
        return node.line, node.column
    quotes = 1 if node.style else 0
    if node.end_column - node.column - 2 * quotes != len(node.text):
        return node.line, node.column
    return node.line, node.column + quotes + offset


def _place_in_block(node: Scalar, offset: int, source: Source) -> tuple[int, int]:
    before = node.text[:offset]
    line = node.line + 1 + before.count("\n")
    raw = source.text_of(line)[source.column_shift :]
    text = node.text[before.rfind("\n") + 1 :].partition("\n")[0]
    return line, raw.find(text) + 1 + offset - (before.rfind("\n") + 1)
