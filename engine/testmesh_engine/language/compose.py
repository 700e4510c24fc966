"""YAML's events to nodes: anchors filled in and bounded, keys unique, tags refused, each value with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from testmesh_engine.contract.problem import Problem
from testmesh_engine.expressions import nearest
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, Source, child_path
from testmesh_engine.language.positions import is_assertion, is_expression, is_list_of_items
from testmesh_engine.language.quoting import quoted_line, value_of
from testmesh_engine.language.scalars import Plain, resolve_plain, resolve_tagged
from testmesh_engine.language.scanning import Event
from testmesh_engine.language.traps import INVISIBLE, NO_ITEM_HINT, invisible_message, no_item

MAX_NODES = 200_000
"""With aliases counted each time they are used: a small text must not become a large tree."""

MAX_DEPTH = 64

_NO_SPACE = re.compile(r"([A-Za-z_]\w*:)[^\s/].*")
_ITEM_LINE = re.compile(r"\s*- ")
_CORE = "tag:yaml.org,2002:"


class Lost(Exception):
    """The text can't be read any further; the composer's ``problems`` say why."""


class Composer:
    """Builds the trees of one text. ``bangs`` are the places of texts that were quoted for their leading ``!``.

    ``problems`` do not keep the rest from being read, but where ``lost`` is set the trees are not what was meant.
    ``mended`` is, by line (from 0), what the line was meant to be, and what is said of it (nothing for ``!``).
    """

    def __init__(self, source: Source, lines: Sequence[str], bangs: frozenset[tuple[int, int]]) -> None:
        self.problems: list[Problem] = []
        self.lost = False
        self.mended: dict[int, tuple[str, Problem | None]] = {}
        self._source = source
        self._lines = lines
        self._bangs = bangs
        self._anchors: dict[str, Node] = {}
        self._open_anchors: set[str] = set()
        self._nodes = 0

    def roots(self, events: Iterator[Event]) -> list[Node]:
        """The root of every document. Raises :class:`Lost`, or ``yaml.YAMLError`` where YAML stops."""
        found: list[Node] = []
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if event.version and tuple(event.version) < (1, 2):
                    hint = "Remove this line: a flow is read as YAML 1.2, in which yes, on and 010 mean something else."
                    self._note(event, "a flow can't be YAML 1.1", hint=hint)
                self._anchors = {}
                found.append(self._node(next(events), events, "", 0))
        return found

    def _note(self, event: Event, message: str, *, path: str = "", hint: str = "") -> None:
        self.problems.append(self._problem(event, message, path=path, hint=hint))

    def _problem(self, event: Event, message: str, *, path: str = "", hint: str = "", offset: int = 0) -> Problem:
        mark = event.start_mark
        return self._source.problem(message, line=mark.line + 1, column=mark.column + 1 + offset, path=path, hint=hint)

    def _mend(self, event: Event, line: str, problem: Problem | None) -> None:
        """Note what the line of ``event`` was meant to be; one mended line at a time."""
        number = event.start_mark.line
        raw = self._lines[number]
        self.mended.setdefault(number, (raw[: len(raw) - len(raw.lstrip(" "))] + line, problem))

    def _stop(self, event: Event, why: str) -> Lost:
        self._note(event, f"the text is {why}")
        return Lost()

    def _node(self, event: Event, events: Iterator[Event], path: str, depth: int) -> Node:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise self._stop(event, f"nested more than {MAX_DEPTH} deep")
        if self._nodes > MAX_NODES:
            raise self._stop(event, "far too large")
        if isinstance(event, yaml.ScalarEvent):
            node: Node = self._scalar(event, path)
            self._remember(event.anchor, node)
            return node
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path, depth)
        return self._collection(event, events, path, depth)

    def _collection(self, event: Event, events: Iterator[Event], path: str, depth: int) -> Node:
        is_list = isinstance(event, yaml.SequenceStartEvent)
        if event.tag and event.tag not in {"!", f"{_CORE}seq" if is_list else f"{_CORE}map"}:
            self._tagged(event, path)
        if event.anchor:
            self._open_anchors.add(event.anchor)
        node = self._list(event, events, path, depth) if is_list else self._map(event, events, path, depth)
        self._open_anchors.discard(event.anchor or "")
        self._remember(event.anchor, node)
        return node

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor:
            self._anchors[anchor] = node

    def _alias(self, event: Event, path: str, depth: int) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            return self._unknown_alias(event, path)
        size, height = _extent(node)
        self._nodes += size
        if depth + height > MAX_DEPTH:
            raise self._stop(event, f"nested more than {MAX_DEPTH} deep once its aliases (*name) are filled in")
        if self._nodes > MAX_NODES:
            raise self._stop(event, "far too large once its aliases (*name) are filled in")
        return node

    def _unknown_alias(self, event: Event, path: str) -> Scalar:
        inside = event.anchor in self._open_anchors
        message = f"*{event.anchor} stands inside of what it names" if inside else f"no anchor &{event.anchor} above"
        near = nearest(event.anchor, self._anchors)
        if is_expression(path) and not inside and not near:
            line = quoted_line(self._raw(event), event.start_mark.column)
            hint = f"Quote an expression that starts with *:  {line}"
            self._mend(event, line, self._problem(event, message, hint=hint))
        else:
            hint = "" if inside else f"Did you mean *{near}?" if near else "Quote text that starts with *."
            self._note(event, message, hint=hint)
            self.lost = True
        return Scalar(None, event.start_mark.line + 1, event.start_mark.column + 1, "")

    def _raw(self, event: Event) -> str:
        line = event.start_mark.line
        return self._lines[line] if line < len(self._lines) else ""

    def _scalar(self, event: Event, path: str) -> Scalar:
        value: Plain = event.value
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if place in self._bangs:
            return self._bang(event, path)
        try:
            if event.tag:
                value = resolve_tagged(event.tag.removeprefix(_CORE), event.value)
            elif event.implicit[0]:
                value = resolve_plain(event.value)
        except KeyError:
            self._tagged(event, path)
        except ValueError as error:
            self._note(event, str(error), path=path)
        if not event.style and event.end_mark.line > event.start_mark.line:
            self._check_items(event, path)
        return Scalar(
            value,
            *place,
            path,
            text=event.value,
            style=event.style or "",
            end_line=event.end_mark.line + 1,
            end_column=event.end_mark.column + 1,
        )

    def _check_items(self, event: Event, path: str) -> None:
        """Lines that start with ``- `` deeper than the assertion above them are part of its text to YAML."""
        if not is_assertion(path):
            return
        for number in range(event.start_mark.line + 1, event.end_mark.line + 1):
            raw = self._lines[number] if number < len(self._lines) else ""
            if match := _ITEM_LINE.match(raw):
                hint = "Indent it like the line above; to YAML it goes on with the text of that line."
                problem = self._source.problem(
                    "this line is no item of its own", line=number + 1, column=match.end() - 1, path=path, hint=hint
                )
                self.problems.append(problem)

    def _bang(self, event: Event, path: str) -> Scalar:
        """Text that starts with ``!`` and was quoted for its author: an expression, or a tag after all."""
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if not is_expression(path):
            written = re.split(r"[\s,]", event.value, maxsplit=1)[0]
            hint = f"Quote what starts with !:  {self._raw(event).strip()}"
            self._note(event, f"YAML reads {written} as a tag, not as text", path=path, hint=hint)
        end = column + len(event.value)
        return Scalar(event.value, line, column, path, text=event.value, end_line=line, end_column=end)

    def _tagged(self, event: Event, path: str) -> None:
        """Have the line read again with the text that starts with ``!`` in quotes."""
        column = event.start_mark.column
        raw = self._raw(event)
        at = column if value_of(raw, column).value.startswith("!") else None
        if value_of(raw, at).value.startswith("!"):
            self._mend(event, quoted_line(raw, at), None)
            return
        self._note(event, "YAML reads what starts with ! as a tag", path=path, hint="Remove it, or quote the text.")

    def _list(self, start: Event, events: Iterator[Event], path: str, depth: int) -> ListNode:
        items: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, child_path(path, len(items)), depth + 1))
        return ListNode(tuple(items), start.start_mark.line + 1, start.start_mark.column + 1, path)

    def _map(self, start: Event, events: Iterator[Event], path: str, depth: int) -> MapNode:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merged: list[tuple[Scalar, Node, frozenset[str]]] = []
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event, events, path, depth)
            value = self._node(next(events), events, child_path(path, key.text), depth + 1)
            if key.text == "<<" and not key.style:
                merged.append((key, value, frozenset(entries)))
            elif key.text in entries:
                self._duplicate(event, key, entries[key.text][0], path)
            else:
                entries[key.text] = (key, value)
                if start.flow_style:
                    self._check_space(event, key, value)
        before: list[Scalar] = []
        own = frozenset(entries)
        for key, value, above in merged:
            before += self._merge(entries, key, value, above | (entries.keys() - own))
        return MapNode(entries, start.start_mark.line + 1, start.start_mark.column + 1, path, tuple(before))

    def _duplicate(self, event: Event, key: Scalar, first: Scalar, path: str) -> None:
        self._note(
            event,
            f'the key "{key.text}" stands twice in one map, first in line {first.line + self._source.line_shift}',
            path=child_path(path, key.text),
            hint="Remove one of the two, or rename it.",
        )

    def _key(self, event: Event, events: Iterator[Event], path: str, depth: int) -> Scalar:
        key = self._node(event, events, path, depth + 1)
        if isinstance(key, Scalar):
            if not key.style and no_item(key.text) and is_list_of_items(path):
                self._note(event, "a space is missing after -", path=path, hint=NO_ITEM_HINT)
            if not key.style and (match := INVISIBLE.search(key.text)):
                self._invisible(event, match, path)
            return key
        self._placeholder_key(event, path)
        return Scalar("", key.line, key.column, path, text=f"?{event.start_mark.index}", style="?")

    def _check_space(self, event: Event, key: Scalar, value: Node) -> None:
        """``{a:1}`` is a key without a value to YAML."""
        is_empty = isinstance(value, Scalar) and not value.text and not value.style
        if not key.style and is_empty and (match := _NO_SPACE.fullmatch(key.text)):
            column, raw = event.start_mark.column + len(match[1]), self._raw(event)
            line = f"{raw[:column]} {raw[column:]}".strip()
            message = f"a space is missing after {match[1]}"
            problem = self._problem(event, message, path=key.path, hint=f"Write:  {line}", offset=len(match[1]))
            self._mend(event, line, problem)

    def _invisible(self, event: Event, match: re.Match[str], path: str) -> None:
        problem = self._problem(event, invisible_message(match[0]), path=path, hint="Remove it.", offset=match.start())
        self._mend(event, INVISIBLE.sub("", self._raw(event)).strip(), problem)

    def _placeholder_key(self, event: Event, path: str) -> None:
        raw, column = self._raw(event), max(event.start_mark.column - 1, 0)
        if raw[column : column + 2] == "{{":
            line = quoted_line(raw, column)
            problem = self._problem(
                event, "a placeholder that is not quoted", path=path, hint=f"Quote it:  {line}", offset=-1
            )
            self._mend(event, line, problem)
            return
        self._note(event, "a map or a list can't be a key", path=path, hint="Quote it if text is meant.")

    def _merge(
        self, entries: dict[str, tuple[Scalar, Node]], key: Scalar, value: Node, above: frozenset[str]
    ) -> Iterator[Scalar]:
        """Fill in what ``<<`` gives; the keys of ``above`` that it has too are handed back."""
        given: dict[str, tuple[Scalar, Node]] = {}
        for source in value.items if isinstance(value, ListNode) else (value,):
            if isinstance(source, MapNode):
                given = {**source.entries, **given}
            else:
                hint = "Name a map with &name where it stands, and write <<: *name here."
                problem = self._source.problem(
                    "<< takes a map or a list of maps", line=key.line, column=key.column, hint=hint
                )
                self.problems.append(problem)
        for name, entry in given.items():
            if name in above:
                yield entries[name][0]
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
