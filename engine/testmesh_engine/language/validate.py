"""Text to flow: everything that can be known of a flow before it runs.

A pure function of the text, the catalogue of actions and the variables from outside; it imports no driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from testmesh_engine.contract.catalogue import Catalogue
from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.contract.result import Phase
from testmesh_engine.expressions import ExpressionError, compile_template
from testmesh_engine.language import planned
from testmesh_engine.language.files import Files, NoFiles
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.manifest import FlowPart, read_flows
from testmesh_engine.language.model import (
    DEFAULT_FLOW_TIMEOUT_SECONDS,
    DEFAULT_TEARDOWN_TIMEOUT_SECONDS,
    EnvVar,
    Flow,
    Step,
)
from testmesh_engine.language.names import BUILTINS, ROOTS, Known, Outside, circles
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, Source, kind_of_node, plain
from testmesh_engine.language.objects import node_of
from testmesh_engine.language.scanning import lines_of
from testmesh_engine.language.steps import StepReader

FLOW_KEYS = (
    *("name", "description", "suite", "tags", "version", "author"),
    *("env", "config", "setup", "steps", "teardown"),
)
_CONFIG_KEYS = ("timeout", "teardown_timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One flow of a file: ``flow`` is there if no problem is an error."""

    name: str
    problems: tuple[Problem, ...]
    flow: Flow | None = None

    @property
    def ok(self) -> bool:
        """Whether the flow can be run."""
        return self.flow is not None


NO_FILES = NoFiles("the flow came without a folder")


def check_text(
    text: str, *, name: str, catalogue: Catalogue, outside: Outside, files: Files = NO_FILES
) -> list[Checked]:
    """The flows of one file, most often one; a file of manifests may hold several. ``name`` is used in problems.

    ``files`` reads what the flow names beside itself.

    Never raises for what stands in the file, and never returns an empty list.
    """
    source = Source(name=name, lines=lines_of(text))
    parts = read_flows(text, source)
    return [check_flow(part, catalogue=catalogue, outside=outside, files=files) for part in parts]


def check_flow(part: FlowPart, *, catalogue: Catalogue, outside: Outside, files: Files = NO_FILES) -> Checked:
    """One flow, given what stands under ``flow:``."""
    if part.node is None:
        return Checked(name=part.name, problems=part.problems)
    findings = Findings(part.source)
    flow = _Reader(findings, catalogue, outside, files).flow(part.node)
    told = {problem.line for problem in part.problems if problem.line}
    # What YAML could not read is read as it was most likely meant: of such a line nothing more is said.
    found = [problem for problem in (*part.notes, *findings.problems) if problem.line not in told]
    problems = tuple(sorted([*part.problems, *found], key=lambda problem: (problem.line, problem.column)))
    name = flow.name if flow else _name_of(part.node)
    return Checked(name=name, problems=problems, flow=None if findings.failed or part.problems else flow)


def errors_of(problems: Iterable[Problem], *, strict: bool) -> tuple[Problem, ...]:
    """Those problems that keep a flow from running; under ``strict`` warnings do."""
    return tuple(problem for problem in problems if strict or problem.severity is Severity.ERROR)


def _keys_of(node: MapNode, key: str) -> Iterator[Scalar]:
    below = node.get(key)
    if isinstance(below, MapNode):
        yield from (entry for entry, _ in below.entries.values())


def _outputs(phase: Node | None) -> Iterator[Scalar]:
    for step in phase.items if isinstance(phase, ListNode) else ():
        if isinstance(step, MapNode):
            yield from (*_keys_of(step, "output"), *_keys_of(step, "save"))


def _name_of(node: Node) -> str:
    name = node.get("name") if isinstance(node, MapNode) else None
    return name.value if isinstance(name, Scalar) and isinstance(name.value, str) else ""


class _Reader:
    def __init__(self, findings: Findings, catalogue: Catalogue, outside: Outside, files: Files) -> None:
        self._findings = findings
        self._files = files
        self._known = Known(outside)
        self._steps = StepReader(findings, catalogue, self._known)

    def flow(self, node: Node) -> Flow | None:
        """The model, as far as it can be read; whether it may run is for the findings to say."""
        findings = self._findings
        root = findings.map(node, "flow")
        if root is None:
            return None
        findings.keys(root, "flow", allowed=FLOW_KEYS, planned=planned.FLOW_KEYS)
        name = self._name(root)
        env = self._env(root)
        timeout, teardown_timeout = self._config(root)
        setup, steps, teardown = (self._phase(root, phase) for phase in Phase)
        self._warn_of_unused(root)
        return Flow(
            name=name,
            file=findings.source.name,
            env=env,
            setup=setup,
            steps=steps,
            teardown=teardown,
            timeout=timeout,
            teardown_timeout=teardown_timeout,
            description=self._text(root, "description"),
            tags=self._tags(root),
            names=frozenset({*self._known.env, *self._known.read}),
        )

    def _name(self, root: MapNode) -> str:
        if "name" not in root.entries:
            self._findings.error(root, "the flow has no name", hint='Add name: "what the flow tests".')
        for key in ("suite", "author"):
            self._text(root, key)
        self._check_version(root)
        name = self._text(root, "name")
        if "name" in root.entries and not name.strip():
            self._findings.error(root.entries["name"][1], "the flow's name is empty")
        self._known.note_title(name)
        return name

    def _text(self, root: MapNode, key: str) -> str:
        node = root.get(key)
        return (self._findings.text(node, key) or "") if node else ""

    def _tags(self, root: MapNode) -> tuple[str, ...]:
        node = root.get("tags")
        return self._findings.tags(node) if node else ()

    def _check_version(self, root: MapNode) -> None:
        node = root.get("version")
        value = node.value if isinstance(node, Scalar) else None
        if node and (isinstance(value, bool) or not isinstance(value, (str, int, Decimal))):
            self._findings.error(node, f"version is text or a number, found {kind_of_node(node)}")

    def _warn_of_unused(self, root: MapNode) -> None:
        """A name that nothing reads is mostly a mistyped one; of a flow with errors not all that reads is known."""
        if self._findings.failed:
            return
        for key in (*_keys_of(root, "env"), *(key for phase in Phase for key in _outputs(root.get(phase.value)))):
            if not self._known.is_read(key.text):
                self._findings.warning(key, f"{key.text} is declared and never used", hint="Remove it, or use it.")

    def _env(self, root: MapNode) -> tuple[EnvVar, ...]:
        node = root.get("env")
        env = self._findings.map(node, "env") if node else None
        if env is None:
            return ()
        self._known.env.update(env.entries)
        found = [var for name, (key, value) in env.entries.items() if (var := self._variable(name, key, value))]
        self._check_circles(env, found)
        return tuple(found)

    def _check_circles(self, env: MapNode, variables: Iterable[EnvVar]) -> None:
        """A variable that the run sets needs no other one."""
        own = [variable for variable in variables if variable.name not in self._known.outside.names]
        needs = {variable.name: [use.name for use in variable.template.names] for variable in own}
        for circle in circles(needs):
            what = " -> ".join([*circle, circle[0]])
            hint = "Give one of them a value of its own."
            self._findings.error(env.entries[circle[0]][1], f"the variables of env need each other: {what}", hint=hint)

    def _variable(self, name: str, key: Scalar, node: Node) -> EnvVar | None:
        if not name.isidentifier() or name in BUILTINS or name in ROOTS:
            hint = "It is built in." if name in BUILTINS or name in ROOTS else "Use letters, digits and _."
            self._findings.error(key, f'"{name}" can\'t be a variable in env', hint=hint)
            return None
        value = plain(node)
        try:
            template = compile_template(value)
        except ExpressionError as error:
            self._findings.broken_text(node, error)
            return None
        self._known.check(self._findings, node, template.names, extra=self._known.outside.process)
        return EnvVar(name=name, value=value, template=template, line=node.line)

    def _config(self, root: MapNode) -> tuple[float, float]:
        node = root.get("config")
        config = self._findings.map(node, "config") if node else None
        if config is None:
            return DEFAULT_FLOW_TIMEOUT_SECONDS, DEFAULT_TEARDOWN_TIMEOUT_SECONDS
        self._findings.keys(config, "config", allowed=_CONFIG_KEYS, planned=planned.CONFIG_KEYS)
        timeout, teardown_timeout = (
            self._findings.duration(value, key, zero=False) if (value := config.get(key)) else None
            for key in _CONFIG_KEYS
        )
        return timeout or DEFAULT_FLOW_TIMEOUT_SECONDS, teardown_timeout or DEFAULT_TEARDOWN_TIMEOUT_SECONDS

    def _phase(self, root: MapNode, phase: Phase) -> tuple[Step, ...]:
        node = root.get(phase.value)
        if node is not None:
            return self._steps.read(node, phase)
        if phase is Phase.STEPS:
            self._findings.error(root, "the flow has no steps", hint="Add steps: with at least one step.")
        return ()


def flow_of_object(data: object, *, name: str, path: str) -> FlowPart:
    """The flow that stands at ``path`` of an object, as kubectl read it: problems name paths, no lines."""
    return FlowPart(source=Source(name=name), node=node_of(data, path))
