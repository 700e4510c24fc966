"""libyaml as this package uses it: its events, and where it stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

from testmesh_engine.contract.record import dataclass

_Parser = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""libyaml's is ten times as fast; its events only are used, never its constructors."""

Event: TypeAlias = Any
"""PyYAML's events and marks of both parsers share no type that has their fields."""

_BREAK = re.compile(r"\r\n|[\r\n]")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where YAML stopped, and where what it was reading begins; lines and columns from 0."""

    line: int
    column: int
    said: str
    start_line: int
    start_column: int

    @classmethod
    def of(cls, error: yaml.YAMLError) -> Mark | None:
        """The mark of an error, ``None`` for one that has no line."""
        start = getattr(error, "context_mark", None)
        at = getattr(error, "problem_mark", None) or start
        if at is None:
            return None
        begins = start or at
        said = str(getattr(error, "problem", "") or "the text is no YAML")
        return cls(at.line, at.column, said, begins.line, begins.column)


def lines_of(text: str) -> list[str]:
    """The lines as editors count them. ``str.splitlines`` breaks at U+0085, U+2028 and others too."""
    return _BREAK.split(text)


def events(text: str) -> Iterator[Event]:
    """The events of a text. Raises ``yaml.YAMLError`` at the first thing that YAML can't read."""
    parser = _Parser(text)
    try:
        while True:
            event = parser.get_event()
            if event is None or isinstance(event, yaml.StreamEndEvent):
                return
            yield event
    finally:
        parser.dispose()


def error_of(text: str) -> Mark | None:
    """Where YAML stops, ``None`` where it reads all."""
    try:
        for _ in events(text):
            pass
    except yaml.YAMLError as error:
        return Mark.of(error)
    return None
