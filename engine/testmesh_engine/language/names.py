"""The names that a flow may read, and when they are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from testmesh_engine.expressions import ExpressionError, NameUse, compile_template
from testmesh_engine.language.findings import Findings, did_you
from testmesh_engine.language.nodes import ListNode, MapNode, Node

BUILTINS: frozenset[str] = frozenset({
    *("RANDOM_ID", "UUID", "RANDOM_INT", "RANDOM_STRING"),
    *("TIMESTAMP", "TIMESTAMP_UNIX", "TIMESTAMP_MS", "ISO_TIMESTAMP", "DATE", "TIME", "DATETIME", "TODAY"),
    *("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "DAY_OF_WEEK"),
    *("FLOW_ID", "FLOW_NAME", "FLOW_STATUS", "EXECUTION_ID", "RUN_ID"),
})  # fmt: skip
"""Computed by runtime/builtins.py, one value for each step."""

ROOTS: frozenset[str] = frozenset({"env", "vars", "steps"})
"""What is never shadowed: the env layers, the captured variables, the steps by id."""

RESULT_ROOTS: frozenset[str] = frozenset({"result", "response", "request", "duration_ms", "time"})
"""What every action exposes beside its own result keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The variables that come from outside of the file: ``--var``, the run's env, env files, the process.

    ``complete`` is set where this is all there will be (a run). Else (``validate``) a name in capitals may still
    come from the run, and is a warning.
    """

    names: frozenset[str] = frozenset()
    process: frozenset[str] = frozenset()
    """All variables of the process: only ``env`` may ask for those that are not in ``names`` (HOME, PATH …)."""
    complete: bool = False


@dataclass(slots=True)
class Known:
    """What has been declared above the place that is being checked."""

    outside: Outside
    env: set[str] = field(default_factory=set)
    captured: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    """Every name that was read anywhere, known or not; ``env`` where it is read by a key that is not written out."""

    keys: set[str] = field(default_factory=set)
    """Every key that was read of a name, where it is written out: ``x`` of ``vars.x`` and of ``step.x``."""

    def is_read(self, name: str) -> bool:
        """Whether a declared name is read anywhere, as far as can be told: ``env`` as a whole reads all of it."""
        return name in self.read or name in self.keys or not self.read.isdisjoint(ROOTS)

    def all(self, extra: Iterable[str] = ()) -> set[str]:
        """Every name that may be read here."""
        return {*self.outside.names, *self.env, *self.captured, *self.ids, *BUILTINS, *ROOTS, *extra}

    def check(self, findings: Findings, node: Node, uses: Iterable[NameUse], *, extra: Collection[str] = ()) -> None:
        """Note each name that ``uses`` read and nothing above declares."""
        names: set[str] | None = None
        for use in uses:
            self.read.add(use.key if use.name == "env" and use.key else use.name)
            if use.key:
                self.keys.add(use.key)
            names = self.all(extra) if names is None else names
            if use.name not in names and not use.name.startswith("$"):
                self._unknown(findings, node_at(node, use.path), use, names)

    def note_title(self, text: str) -> None:
        """Note what the name of a flow or step reads; one that can't be rendered is shown as it is written."""
        with suppress(ExpressionError):
            self.read.update(use.name for use in compile_template(text).names)

    def _unknown(self, findings: Findings, node: Node, use: NameUse, names: set[str]) -> None:
        from_outside = use.name.isupper()
        hint = did_you(use.name, names)
        if from_outside and (use.optional or not self.outside.complete):
            if not use.optional:
                way = f"It must come with the run: --var {use.name}=…, the TestRun's env, or an entry in env."
                message = f"nothing in this file declares {use.name}"
                findings.warning(node, message, hint=f"{hint} {way}".strip(), offset=use.offset)
            return
        way = f"Declare it in env, capture it by an output above, or give --var {use.name}=…"
        findings.error(node, f"unknown variable {use.name}", hint=hint or way, offset=use.offset)


def circles(needs: Mapping[str, Collection[str]]) -> Iterator[tuple[str, ...]]:
    """The names that need each other, each circle from its first name in the order of ``needs``; none shares a name.

    ``needs`` is what each name needs; what is no key of it needs nothing, and a name that needs itself is no circle.
    """
    left = {name: [other for other in others if other != name] for name, others in needs.items()}
    while True:
        while done := [name for name, others in left.items() if not any(other in left for other in others)]:
            for name in done:
                del left[name]
        if not left:
            return
        # Each name that is left needs another one that is: whoever follows them comes back.
        walked = [next(iter(left))]
        while (following := next(other for other in left[walked[-1]] if other in left)) not in walked:
            walked.append(following)
        circle = walked[walked.index(following) :]
        first = min(range(len(circle)), key=lambda place: list(needs).index(circle[place]))
        yield (*circle[first:], *circle[:first])
        for name in circle:
            del left[name]


def node_at(node: Node, path: Iterable[str | int]) -> Node:
    """The node below ``node`` at ``path``, or the deepest one that is there."""
    for part in path:
        if isinstance(node, ListNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        elif isinstance(node, MapNode) and isinstance(part, str) and part in node.entries:
            node = node.entries[part][1]
        else:
            return node
    return node
