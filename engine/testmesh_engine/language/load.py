"""YAML text to a tree of nodes with places, by the rules of YAML 1.2's core schema.

Built on PyYAML's events: its constructors know YAML 1.1 only (``on`` is true there, ``12:30`` a number), keep the last
of two equal keys, and lose the places. Numbers are exact: ``10.00`` stays a Decimal of two places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import yaml

from testmesh_engine.contract.problem import FlowInvalid, Problem
from testmesh_engine.expressions import Value
from testmesh_engine.language.explain import explain_scanner_error, explain_tag
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, Source, child_path

MAX_TEXT_CHARACTERS = 1024 * 1024
"""A flow is at most 256 KiB in a cluster; a file with several manifests may hold a few."""

MAX_NODES = 200_000
"""With aliases counted each time they are used: a small text must not become a large tree."""

MAX_DEPTH = 64

_Parser = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""libyaml's is ten times as fast; its events only are used, never its constructors."""

_Event: TypeAlias = Any
_Mark: TypeAlias = Any
"""PyYAML's events and marks of both parsers share no type that has their fields."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
MAX_INTEGER_DIGITS = 4300
"""As Python's own bound on reading integers, which keeps a short line from taking seconds."""
_OTHER_BASE = re.compile(r"0o[0-7]{1,1000}|0x[0-9a-fA-F]{1,1000}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,12})?", re.ASCII)
_FIRST_OF_NUMBER = frozenset("+-.0123456789")


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a text."""

    source: Source
    root: Node


def load_documents(text: str, source: Source) -> list[Document]:
    """All documents of ``text``; empty ones are left out.

    Raises :class:`FlowInvalid` with the first thing that YAML can't read, and all duplicate keys before it.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        raise FlowInvalid([source.problem("the file is larger than a flow may be (1 MiB)", line=1, column=1)])
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line, column = text.count("\n", 0, error.start) + 1, error.start - text.rfind("\n", 0, error.start)
        message = f"the character U+{ord(text[error.start]):04X} can't stand in a flow"
        raise FlowInvalid([source.problem(message, line=line, column=column)]) from error
    return _Composer(text, source).documents()


def resolve_plain(text: str) -> Value:  # noqa: PLR0911 - one line for each form of the core schema
    """The value of a plain scalar by YAML 1.2's core schema. Raises ``ValueError`` for a number out of bounds."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _FIRST_OF_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _NUMBER.fullmatch(text):
        return _exact(text)
    if text.lower().lstrip("+-") in {".inf", ".nan"}:
        raise ValueError(f"{text} is no number that a service could send; quote it if text is meant")
    return text


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS:
        raise ValueError(
            f"the number {text[:20]}… has more than {MAX_INTEGER_DIGITS} digits; quote it if text is meant"
        )
    return int(text)


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    if number and abs(number.adjusted()) > 6144:
        raise ValueError(f"the number {text[:40]} is out of bounds (10^6144)")
    return number


class _Composer:
    """Builds the trees of one text; ``problems`` are those that do not keep the rest from being read."""

    def __init__(self, text: str, source: Source) -> None:
        self._source = source
        self._text = text
        self._problems: list[Problem] = []
        self._anchors: dict[str, Node] = {}
        self._open_anchors: set[str] = set()
        self._nodes = 0

    def documents(self) -> list[Document]:
        """Every document that has something in it."""
        found: list[Document] = []
        try:
            events = self._events()
            for event in events:
                if isinstance(event, yaml.DocumentStartEvent):
                    self._anchors = {}
                    root = self._node(next(events), events, "", 0)
                    if not (isinstance(root, Scalar) and root.value is None):
                        found.append(Document(self._source, root))
        except yaml.YAMLError as error:
            self._problems.append(explain_scanner_error(error, self._source, self._text))
        if self._problems:
            raise FlowInvalid(self._problems)
        return found

    def _events(self) -> Iterator[_Event]:
        parser = _Parser(self._text)
        try:
            while True:
                event = parser.get_event()
                if event is None or isinstance(event, yaml.StreamEndEvent):
                    return
                yield event
        finally:
            parser.dispose()

    def _node(self, event: _Event, events: Iterator[_Event], path: str, depth: int) -> Node:
        mark = event.start_mark
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            self._stop(mark, f"nested more than {MAX_DEPTH} deep" if depth > MAX_DEPTH else "far too large")
        if isinstance(event, yaml.ScalarEvent):
            node: Node = self._scalar(event, path)
            self._remember(event.anchor, node)
            return node
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if event.anchor:
            self._open_anchors.add(event.anchor)
        if isinstance(event, yaml.SequenceStartEvent):
            node = self._list(event, events, path, depth)
        else:
            node = self._map(event, events, path, depth)
        self._open_anchors.discard(event.anchor or "")
        self._remember(event.anchor, node)
        return node

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor:
            self._anchors[anchor] = node

    def _stop(self, mark: _Mark, why: str) -> None:
        problem = self._source.problem(f"the text is {why}", line=mark.line + 1, column=mark.column + 1)
        raise FlowInvalid([*self._problems, problem])

    def _problem(self, mark: _Mark, message: str, *, path: str = "", hint: str = "") -> None:
        self._problems.append(
            self._source.problem(message, line=mark.line + 1, column=mark.column + 1, path=path, hint=hint)
        )

    def _alias(self, event: _Event, depth: int) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = event.anchor in self._open_anchors
            self._problem(
                event.start_mark,
                f"*{event.anchor} stands inside of what it names" if inside else f"no anchor &{event.anchor} above",
                hint=f'An expression or text that starts with * is quoted: "*{event.anchor}"',
            )
            mark = event.start_mark
            return Scalar(None, mark.line + 1, mark.column + 1, "")
        size, height = _extent(node)
        self._nodes += size
        if depth + height > MAX_DEPTH:
            self._stop(event.start_mark, f"nested more than {MAX_DEPTH} deep once its aliases (*name) are filled in")
        if self._nodes > MAX_NODES:
            self._stop(event.start_mark, "far too large once its aliases (*name) are filled in")
        return node

    def _scalar(self, event: _Event, path: str) -> Scalar:
        value: Value = event.value
        tag = event.tag or ""
        if tag and not tag.startswith("tag:yaml.org,2002:str"):
            hint = explain_tag(self._source, event.start_mark.line + 1, event.start_mark.column)
            self._problem(event.start_mark, f"YAML reads {tag} as a tag, not as text", path=path, hint=hint)
        elif event.implicit[0]:
            try:
                value = resolve_plain(event.value)
            except ValueError as error:
                self._problem(event.start_mark, str(error), path=path)
        return Scalar(
            value if not isinstance(value, (bytes, list, dict)) else None,
            event.start_mark.line + 1,
            event.start_mark.column + 1,
            path,
            text=event.value,
            style=event.style or "",
            end_line=event.end_mark.line + 1,
            end_column=event.end_mark.column + 1,
        )

    def _list(self, start: _Event, events: Iterator[_Event], path: str, depth: int) -> ListNode:
        items: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, child_path(path, len(items)), depth + 1))
        return ListNode(tuple(items), start.start_mark.line + 1, start.start_mark.column + 1, path)

    def _map(self, start: _Event, events: Iterator[_Event], path: str, depth: int) -> MapNode:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merged: list[tuple[Scalar, Node]] = []
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event, events, path, depth)
            value = self._node(next(events), events, child_path(path, key.text), depth + 1)
            if key.text == "<<" and not key.style:
                merged.append((key, value))
            elif key.text in entries:
                self._duplicate(event.start_mark, key, entries[key.text][0], path)
            else:
                entries[key.text] = (key, value)
        for key, value in merged:
            self._merge(entries, key, value)
        return MapNode(entries, start.start_mark.line + 1, start.start_mark.column + 1, path)

    def _duplicate(self, mark: _Mark, key: Scalar, first: Scalar, path: str) -> None:
        self._problem(
            mark,
            f'the key "{key.text}" stands twice in one map, first in line {first.line + self._source.line_shift}',
            path=child_path(path, key.text),
            hint="Remove one of the two, or rename it.",
        )

    def _key(self, event: _Event, events: Iterator[_Event], path: str, depth: int) -> Scalar:
        mark = event.start_mark
        key = self._node(event, events, path, depth + 1)
        if isinstance(key, Scalar):
            return key
        self._problem(
            mark,
            "a map or a list can't be a key",
            path=path,
            hint='Quote a placeholder: "{{name}}", or write ${name}',
        )
        return Scalar("", mark.line + 1, mark.column + 1, path, text=f"?{mark.index}", style="?")

    def _merge(self, entries: dict[str, tuple[Scalar, Node]], key: Scalar, value: Node) -> None:
        sources = value.items if isinstance(value, ListNode) else (value,)
        for source in sources:
            if not isinstance(source, MapNode):
                self._problems.append(
                    self._source.problem("<< takes a map or a list of maps", line=key.line, column=key.column)
                )
                continue
            for name, entry in source.entries.items():
                entries.setdefault(name, entry)


def _extent(node: Node) -> tuple[int, int]:
    """How many nodes there are, and how many levels below the first."""
    if isinstance(node, Scalar):
        return 1, 0
    children = node.items if isinstance(node, ListNode) else [value for _, value in node.entries.values()]
    size, height = 1, 0
    for child_size, child_height in map(_extent, children):
        size, height = size + child_size, max(height, child_height + 1)
    return size, height
