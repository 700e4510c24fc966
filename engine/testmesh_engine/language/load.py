"""YAML text to a tree of nodes with places, by the rules of YAML 1.2's core schema.

Built on PyYAML's events: its constructors know YAML 1.1 only (``on`` is true there, ``12:30`` a number), keep the last
of two equal keys, and lose the places. What YAML takes from an author is explained (explain.py), and the text read on
with the line that was meant, so that one call tells everything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field

import yaml

from testmesh_engine.contract.problem import FlowInvalid, Problem
from testmesh_engine.contract.record import dataclass
from testmesh_engine.language.compose import Composer, Lost
from testmesh_engine.language.explain import explain_scanner_error
from testmesh_engine.language.nodes import Node, Scalar, Source
from testmesh_engine.language.scanning import events, lines_of

MAX_TEXT_CHARACTERS = 1024 * 1024
"""A flow is at most 256 KiB in a cluster; a file with several manifests may hold a few."""

MAX_TOLD = 50
"""Lines that YAML can't read: a text is read anew for each, and who has that many reads no further."""

_NO_TEXT = re.compile("[\ud800-\udfff\u0085\u2028\u2029]")
"""Lone surrogates, and what libyaml takes for a line's end: YAML 1.2 and editors do not."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a text."""

    source: Source
    root: Node


@dataclass(slots=True)
class Loaded:
    """What could be read of a text: all documents but empty ones, none where YAML stopped for good."""

    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """In the order of the text. With problems, the documents are what was most likely meant."""


def load_documents(text: str, source: Source) -> list[Document]:
    """All documents of ``text``; empty ones are left out. Raises :class:`FlowInvalid` with all problems of it."""
    loaded = read_documents(text, source)
    if loaded.problems:
        raise FlowInvalid(loaded.problems)
    return loaded.documents


def read_documents(text: str, source: Source) -> Loaded:
    """What can be read of ``text``, and every problem that YAML has with it. Never raises for what stands in it."""
    if (refused := _refusal(text, source)) is not None:
        return Loaded(problems=[refused])
    reading = _Reading(lines_of(text), source)
    loaded = reading.whole(text)
    loaded.problems.sort(key=lambda problem: (problem.line, problem.column))
    return loaded


def _refusal(text: str, source: Source) -> Problem | None:
    """Why a text is not read at all."""
    if len(text) > MAX_TEXT_CHARACTERS:
        return source.problem("the file is larger than a flow may be (1 MiB)", line=1, column=1)
    match = _NO_TEXT.search(text)
    if match is None:
        return None
    before = lines_of(text[: match.start()])
    code = f"{ord(match[0]):04X}"
    hint = "" if match[0] >= "\ud800" else f'Write it within double quotes as "\\u{code}", or remove it.'
    message = f"the character U+{code} can't stand in a flow"
    return source.problem(message, line=len(before), column=len(before[-1]) + 1, hint=hint)


class _Reading:
    """Reads one text, again and again with one more line mended, until YAML reads all of it or stops for good."""

    def __init__(self, lines: Sequence[str], source: Source) -> None:
        self._lines = list(lines)
        self._source = source
        self._told: dict[int, Problem] = {}
        self._bangs: set[tuple[int, int]] = set()
        """Line and column (from 1) of each text that starts with ``!`` and was quoted for its author."""

    def whole(self, text: str) -> Loaded:
        """The documents, with all problems."""
        # Each time one line more is told, or one text more that starts with ! is quoted.
        for _ in range(MAX_TOLD + text.count("!")):
            composer = Composer(self._source, self._lines, frozenset(self._bangs))
            try:
                roots = composer.roots(events(text))
            except Lost:
                return Loaded(problems=self._problems(composer))
            except yaml.YAMLError as error:
                if not self._mend_scanner_error(error):
                    return Loaded(problems=self._problems(composer))
            else:
                if all(self._lines[line] == mended for line, (mended, _) in composer.mended.items()):
                    return self._loaded(roots, composer)
                self._mend_lines(composer)
            text = "\n".join(self._lines)
        more = self._source.problem("there is more that YAML can't read", line=1, column=1)
        return Loaded(problems=[*self._told.values()] or [more])

    def _loaded(self, roots: list[Node], composer: Composer) -> Loaded:
        found = [root for root in roots if not (isinstance(root, Scalar) and root.value is None)]
        documents = [] if composer.lost else [Document(self._source, root) for root in found]
        return Loaded(documents=documents, problems=self._problems(composer))

    def _problems(self, composer: Composer) -> list[Problem]:
        """All that was found; of a line that was mended nothing more is said."""
        told = {problem.line for problem in self._told.values()}
        return [*self._told.values(), *(problem for problem in composer.problems if problem.line not in told)]

    def _mend_scanner_error(self, error: yaml.YAMLError) -> bool:
        """Note the error; whether there is a line to go on with."""
        explained = explain_scanner_error(error, self._source, self._lines)
        if explained.problem is not None:
            self._told.setdefault(explained.line, explained.problem)
        if explained.mended is None or self._lines[explained.line] == explained.mended:
            return False
        if explained.problem is None:
            self._note_bang(explained.line, explained.mended)
        self._lines[explained.line] = explained.mended
        return True

    def _mend_lines(self, composer: Composer) -> None:
        for line, (mended, problem) in composer.mended.items():
            if problem is not None:
                self._told.setdefault(line, problem)
            else:
                self._note_bang(line, mended)
            self._lines[line] = mended

    def _note_bang(self, line: int, mended: str) -> None:
        """Where the first character of ``mended`` that differs stands: the quote that was put before ``!``."""
        before = self._lines[line]
        pairs = zip(before, mended, strict=False)
        column = next((index for index, (old, new) in enumerate(pairs) if old != new), len(before))
        self._bangs.add((line + 1, column + 1))
