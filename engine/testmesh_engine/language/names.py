"""The names that a flow may read, and when they are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field, replace

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import RESERVED, ExpressionError, NameUse, compile_template
from testmesh_engine.language import faker, refused
from testmesh_engine.language.findings import Findings, did_you
from testmesh_engine.language.needs import Need
from testmesh_engine.language.nodes import ListNode, MapNode, Node
from testmesh_engine.language.result_keys import ALWAYS, WHOLE, Fault, ResultKeys, fault_of_error
from testmesh_engine.language.roots import Declared
from testmesh_engine.language.unknown_names import meant, of_this_step

BUILTINS: frozenset[str] = frozenset({
    *("RANDOM_ID", "UUID", "RANDOM_INT", "RANDOM_STRING", "$uuid", "$random_int", "$timestamp", faker.ROOT),
    *("TIMESTAMP", "TIMESTAMP_UNIX", "TIMESTAMP_MS", "ISO_TIMESTAMP", "DATE", "TIME", "DATETIME", "TODAY"),
    *("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "DAY_OF_WEEK"),
    *("FLOW_ID", "FLOW_NAME", "FLOW_STATUS", "EXECUTION_ID", "RUN_ID"),
})  # fmt: skip
"""Computed by runtime/builtins.py, one value for each step."""

ROOTS: frozenset[str] = frozenset({"env", "vars", "steps"})
"""What is never shadowed: the env layers, the captured variables, the steps by id."""

_NO_RESULT = "The step has no result yet: name a step above by its id, as in create.status."
"""What is said of result keys where the step has not run."""

_MAPS_OF_VARIABLES = frozenset({"env", "input", "vars"})

ERROR = "error"
"""The error of the step that failed last; nil where none has. What captures this name comes before it."""

RESULT_ROOTS: frozenset[str] = frozenset((*WHOLE, *ALWAYS))
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
    files: frozenset[str] = frozenset()
    """The names in the files of ``env_file``."""
    flow: Declared = field(default_factory=Declared)
    needs: dict[str, Need] = field(default_factory=dict)
    """What the flow needs from outside, by name."""
    local: set[str] = field(default_factory=set)
    """Names that only the steps of a nested list have: those of a loop."""
    inside: dict[str, str] = field(default_factory=dict)
    """Names that steps inside of a container give to nobody outside of it, each with what to read instead."""
    read: set[str] = field(default_factory=set)
    """Every name that was read anywhere, known or not; ``env`` where it is read by a key that is not written out."""

    keys: set[str] = field(default_factory=set)
    """Every key that was read of a name, where it is written out: ``x`` of ``vars.x`` and of ``step.x``."""
    results: dict[str, ResultKeys] = field(default_factory=dict)
    """What is known of the results of steps with an id."""
    here: str = ""
    """The id of the step that is being read."""
    result: ResultKeys | None = None
    """What is known of its own result."""
    own: frozenset[str] = frozenset()
    """The result keys of its action."""

    def is_read(self, name: str) -> bool:
        """Whether a declared name is read anywhere, as far as can be told: ``env`` as a whole reads all of it."""
        return name in self.read or name in self.keys or not self.read.isdisjoint({*ROOTS, "input"})

    def all(self, extra: Iterable[str] = ()) -> set[str]:
        """Every name that may be read here."""
        return {*BUILTINS, *ROOTS, *self.flow.roots(), ERROR, *extra}.union(*self._declared())

    def has(self, name: str, extra: Collection[str] = ()) -> bool:
        """Whether ``name`` may be read here."""
        return self.declares(name, extra) or name in BUILTINS or name in ROOTS or name in (*self.flow.roots(), ERROR)

    def declares(self, name: str, extra: Collection[str] = ()) -> bool:
        """Whether something gives ``name``: the flow, or the run."""
        # No new set for each name that is asked for: a flow of many steps would take the square of their number.
        return name in extra or any(name in names for names in self._declared())

    def _declared(self) -> tuple[Collection[str], ...]:
        return self.outside.names, self.env, self.files, self.captured, self.ids, self.local

    def declare(self, step_id: str, results: ResultKeys | None) -> None:
        """A step has been read: from here on its id is known, "" for none, and its ``results`` as far as they are."""
        self.here, self.own = "", frozenset()
        if step_id:
            self.ids.add(step_id)
            self.results.pop(step_id, None)
        if step_id and results is not None:
            self.results[step_id] = results

    def taken(self, name: str) -> str:
        """Why nothing in the flow may be called ``name``, "" where it may."""
        if name in RESERVED:
            return "It is a word of the expressions, which could not read it."
        return "It is built in." if name in BUILTINS or name in ROOTS else self.flow.taken(name)

    def need(self, need: Need) -> None:
        """Note what the flow needs from outside; one that it can't do without counts more."""
        before = self.needs.get(need.name)
        if before is None or (need.required and not before.required):
            self.needs[need.name] = need

    def check(self, findings: Findings, node: Node, uses: Iterable[NameUse], *, extra: Collection[str] = ()) -> None:
        """Note each name that ``uses`` read and nothing above declares."""
        for use in uses:
            at = node_at(node, use.path)
            self._note_read(use, extra)
            if not self.has(use.name, extra):
                self._unknown(findings, at, use, extra)
            elif use.name == faker.ROOT and not self.declares(faker.ROOT, extra):
                self._check_faker(findings, at, use)
            elif use.name == "env":
                self._check_env(findings, at, use, extra)
            elif fault := self._fault(use, extra):
                findings.error(at, fault[0], hint=fault[1], offset=use.offset)

    def _note_read(self, use: NameUse, extra: Collection[str]) -> None:
        """A key of the step's own result is no variable that is read, but where something in the flow is called so."""
        name = use.key if use.name in _MAPS_OF_VARIABLES and use.key else use.name
        if name not in extra or any(name in names for names in self._declared()[1:]):
            self.read.add(name)
        if use.key:
            self.keys.add(use.key)

    def _fault(self, use: NameUse, extra: Collection[str]) -> Fault | None:
        """What is wrong with the keys that are read of a name that is known, as far as they are known."""
        name = use.name
        if name == "steps" and use.key == self.here and self.here:
            return f"steps.{self.here} has no value here", of_this_step(replace(use, keys=use.keys[1:]), extra)
        if name == "steps" and use.key in self.ids and use.key in self.results:
            return self.results[use.key].fault_of_step(use.key, use.keys[1:], under_steps=True)
        if name not in ROOTS and (name in extra or name in self.local or name in self.captured):
            is_own = name in extra and name not in self.local and name not in self.captured
            return self._fault_of_own(use) if is_own else None
        if name in self.ids:
            return self.results[name].fault_of_step(name, use.keys, under_steps=False) if name in self.results else None
        if name not in ROOTS and self.declares(name, extra):
            return None
        above = self.flow.fault(use, captured=self.captured, ids=self.ids)
        return above or (fault_of_error(ERROR, use.keys) if name == ERROR else None)

    def _fault_of_own(self, use: NameUse) -> Fault | None:
        """The same for a result key of the step that is being read."""
        if self.result is None:
            return None
        if use.name in WHOLE:
            return self.result.fault_of_whole(use.name, use.keys)
        return self.result.fault_below("", (use.name, *use.keys))

    def _check_env(self, findings: Findings, node: Node, use: NameUse, extra: Collection[str]) -> None:
        """``env.X`` is the variable X of the env layers, whatever else is called so."""
        name, known = use.key, {*self.outside.names, *self.env, *self.files}
        if not name or name in known or (self.flow.in_env and name in extra):
            return
        if name.isupper():
            self.need(Need(name=name, required=not use.soft, line=node.line))
        if use.soft:
            return
        hint = f"A step captures {name}: write vars.{name}." if name in self.captured else did_you(name, known)
        if name.isupper() and not self.outside.complete:
            self._must_come(findings, node, use, name, hint=hint)
            return
        message = f"nothing in env is called {name}"
        findings.error(node, message, hint=hint or f"Declare it in env, or give --var {name}=…", offset=use.offset)

    @staticmethod
    def _must_come(findings: Findings, node: Node, use: NameUse, name: str, *, hint: str) -> None:
        way = f"It must come with the run: --var {name}=…, the TestRun's env, or an entry in env."
        message = f"nothing in this file declares {name}"
        findings.warning(node, message, hint=f"{hint} {way}".strip(), offset=use.offset)

    @staticmethod
    def _check_faker(findings: Findings, node: Node, use: NameUse) -> None:
        problem = faker.problem_of(use.key)
        if problem is not None:
            findings.error(node, problem[0], hint=problem[1], offset=use.offset)

    def note_title(self, text: str) -> None:
        """Note what the name of a flow or step reads; one that can't be rendered is shown as it is written."""
        with suppress(ExpressionError):
            for use in compile_template(text).names:
                self._note_read(use, ())

    def _unknown(self, findings: Findings, node: Node, use: NameUse, extra: Collection[str]) -> None:
        from_outside = use.name.isupper()
        if from_outside:
            self.need(Need(name=use.name, required=not use.optional, line=node.line))
        if from_outside and (use.optional or not self.outside.complete):
            if not use.optional:
                hint = refused.of_name(use.name) or did_you(use.name, self.all(extra))
                self._must_come(findings, node, use, use.name, hint=hint)
            return
        what = "$ is no name here" if use.name == "$" else f"unknown variable {use.name}"
        findings.error(node, what, hint=self._meant(node, use, extra), offset=use.offset)

    def _meant(self, node: Node, use: NameUse, extra: Collection[str]) -> str:
        """What to do about a name that nobody knows."""
        if use.name in self.inside:
            return self.inside[use.name]
        if use.name in self.flow.below and use.name != self.here:
            return f"It is {self.flow.below[use.name]} further below, and has no value here."
        return (
            refused.of_name(use.name)
            or (_NO_RESULT if use.name in self.own and use.name not in extra else "")
            or did_you(use.name, self.all(extra))
            or meant(node, use, extra, here=self.here)
            or f"Declare it in env, capture it by an output above, or give --var {use.name}=…"
        )


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
