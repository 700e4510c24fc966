"""Reads what stands under ``flow:``: each key to its place in the model, every problem noted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from testmesh_engine.contract.catalogue import Catalogue
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Phase
from testmesh_engine.language import keys
from testmesh_engine.language.called import CalledFlows
from testmesh_engine.language.data import read_table, rows_from
from testmesh_engine.language.env_file import constant_text, read_env_files
from testmesh_engine.language.files import Files
from testmesh_engine.language.filling import Filler
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.flow_config import read_config
from testmesh_engine.language.flow_output import output_names, read_outputs, read_secrets
from testmesh_engine.language.model import EnvFile, EnvVar, Flow, Input, Row, Step
from testmesh_engine.language.names import Known, Outside
from testmesh_engine.language.needs import Need
from testmesh_engine.language.nested import steps_within
from testmesh_engine.language.nodes import MapNode, Node, Scalar, kind_of_node
from testmesh_engine.language.steps import StepReader
from testmesh_engine.language.variables import check_circles, declare, read_env, read_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variables:
    """What is known before the first step."""

    env: tuple[EnvVar, ...]
    env_files: tuple[EnvFile, ...]
    inputs: tuple[Input, ...]
    rows: tuple[Row, ...]


class FlowReader:
    """Reads one flow; ``needs`` is then what it asks of its caller."""

    def __init__(
        self, findings: Findings, catalogue: Catalogue, outside: Outside, files: Files, called: CalledFlows
    ) -> None:
        self._findings = findings
        self._catalogue = catalogue
        self._files = files
        self._known = Known(outside)
        self._steps = StepReader(findings, catalogue, self._known, called)

    @property
    def needs(self) -> tuple[Need, ...]:
        """The variables that must or may come from outside, those that must first."""
        return tuple(sorted(self._known.needs.values(), key=lambda need: not need.required))

    def flow(self, node: Node) -> Flow | None:
        """The model, as far as it can be read; whether it may run is for the findings to say."""
        findings, known = self._findings, self._known
        root = findings.map(node, "flow")
        if root is None:
            return None
        findings.keys(root, "flow", allowed=keys.names(keys.FLOW))
        name = self._name(root)
        known.flow.outputs = output_names(root.get("output"))
        variables = self._variables(root)
        config = read_config(findings, root, self._catalogue, known)
        filler = Filler(self._catalogue, known, config.defaults, fail_fast=config.fail_fast)
        self._begin_steps(root)
        setup, steps = (self._phase(root, phase, filler) for phase in (Phase.SETUP, Phase.STEPS))
        outputs = read_outputs(findings, root.get("output"), known)
        self._begin_teardown(root)
        teardown = self._phase(root, Phase.TEARDOWN, filler)
        secrets = self._secrets(root, variables.env)
        self._warn_of_unused(root, filler)
        return Flow(
            name=name,
            file=findings.source.name,
            env=variables.env,
            setup=setup,
            steps=steps,
            teardown=teardown,
            timeout=config.timeout,
            teardown_timeout=config.teardown_timeout,
            late=config.late,
            description=self._text(root, "description"),
            suite=self._text(root, "suite"),
            tags=self._tags(root),
            version=self._version(root),
            author=self._text(root, "author"),
            exclusive=self._exclusive(root),
            inputs=variables.inputs,
            env_files=variables.env_files,
            secrets=secrets,
            outputs=outputs,
            rows=variables.rows,
            names=frozenset({*known.env, *known.read, *secrets}),
        )

    def _variables(self, root: MapNode) -> _Variables:
        """All names first: variables may name each other in any order."""
        findings, known = self._findings, self._known
        files = read_env_files(findings, node, self._files) if (node := root.get("env_file")) else ()
        known.files = frozenset(name for file in files for name in file.values)
        table = read_table(findings, node, self._files) if (node := root.get("data")) else None
        known.flow.columns = None if table is None else table.columns
        known.flow.rows = table is not None and bool(table.rows)
        known.flow.inputs = frozenset() if "inputs" in root.entries else None
        written, given = root.get("env"), root.get("inputs")
        declared = declare(findings, written, "env", known)
        inputs = declare(findings, given, "inputs", known)
        known.flow.inputs = frozenset(key.text for key in inputs) if given else None
        env = read_env(findings, written, declared, known)
        read = read_inputs(findings, given, inputs, known)
        rows = rows_from(table, known) if table else ()
        self._check_circles(root, env, read, rows)
        return _Variables(env=env, env_files=files, inputs=read, rows=rows)

    def _check_circles(
        self, root: MapNode, env: tuple[EnvVar, ...], inputs: tuple[Input, ...], rows: tuple[Row, ...]
    ) -> None:
        places: dict[str, Node] = {"row": root.get("data") or root}
        for key in ("env", "inputs"):
            below = root.get(key)
            if isinstance(below, MapNode):
                places |= {name: value for name, (_, value) in below.entries.items()}
        fixed = [*env, *(each.default for each in inputs if each.default)]
        for row in rows or (None,):
            found = len(self._findings.problems)
            own = [row.template] if row and row.template else []
            check_circles(self._findings, [*fixed, *own], places, self._known)
            if len(self._findings.problems) > found:
                return

    def _begin_steps(self, root: MapNode) -> None:
        declared = self._known.flow
        declared.in_env = False
        for phase in (Phase.SETUP, Phase.STEPS):
            steps = list(self._steps_of(root, phase))
            declared.ids |= {key.value for key in _ids(steps) if isinstance(key.value, str)}
            declared.below |= _declared_by(steps)

    def _begin_teardown(self, root: MapNode) -> None:
        """An id that teardown gives anew is that of its own step, from that step on."""
        steps, known = list(self._steps_of(root, Phase.TEARDOWN)), self._known
        known.flow.in_teardown = True
        known.flow.below = _declared_by(steps)
        known.ids -= {str(key.value) for key in _ids(steps)}

    def _steps_of(self, root: MapNode, phase: Phase) -> Iterator[MapNode]:
        """The steps of one part, each with those inside of it."""
        return steps_within(root.get(phase.value), self._catalogue)

    def _phase(self, root: MapNode, phase: Phase, filler: Filler) -> tuple[Step, ...]:
        node = root.get(phase.value)
        if node is not None:
            return self._steps.read(filler.steps(node, phase), phase)
        if phase is Phase.STEPS:
            self._findings.error(root, "the flow has no steps", hint="Add steps: with at least one step.")
        return ()

    def _secrets(self, root: MapNode, env: tuple[EnvVar, ...]) -> frozenset[str]:
        captured = frozenset(key.text for phase in Phase for key in _outputs(self._steps_of(root, phase)))
        return read_secrets(self._findings, root.get("secrets"), env, known=self._known, captured=captured)

    def _warn_of_unused(self, root: MapNode, filler: Filler) -> None:
        """A name that nothing reads is mostly a mistyped one; of a flow with errors not all that reads is known."""
        if self._findings.failed:
            return
        variables = (*_keys_of(root, "env"), *_keys_of(root, "inputs"))
        for key in (*variables, *(key for phase in Phase for key in _outputs(self._steps_of(root, phase)))):
            if not self._known.is_read(key.text):
                self._findings.warning(key, f"{key.text} is declared and never used", hint="Remove it, or use it.")
        for key in filler.unused():
            self._findings.warning(key, f"no step is a {key.text}: these defaults are never used")

    def _name(self, root: MapNode) -> str:
        if "name" not in root.entries:
            self._findings.error(root, "the flow has no name", hint='Add name: "what the flow tests".')
        name = self._text(root, "name")
        written = root.get("name")
        if isinstance(written, Scalar) and isinstance(written.value, str) and not name.strip():
            self._findings.error(root.entries["name"][1], "the flow's name is empty")
        self._known.note_title(name)
        return name

    def _text(self, root: MapNode, key: str) -> str:
        node = root.get(key)
        return (self._findings.text(node, key) or "") if node else ""

    def _exclusive(self, root: MapNode) -> str:
        node = root.get("exclusive")
        return (constant_text(self._findings, node, "exclusive") or "") if node else ""

    def _tags(self, root: MapNode) -> tuple[str, ...]:
        node = root.get("tags")
        return self._findings.tags(node) if node else ()

    def _version(self, root: MapNode) -> str:
        node = root.get("version")
        value = node.value if isinstance(node, Scalar) else None
        if node and (isinstance(value, bool) or not isinstance(value, (str, int, Decimal))):
            self._findings.error(node, f"version is text or a number, found {kind_of_node(node)}")
        return "" if value is None else str(value)


def _keys_of(node: MapNode, key: str) -> Iterator[Scalar]:
    below = node.get(key)
    if isinstance(below, MapNode):
        yield from (entry for entry, _ in below.entries.values())


def _ids(steps: Iterable[MapNode]) -> Iterator[Scalar]:
    for step in steps:
        key = step.get("id")
        if isinstance(key, Scalar):
            yield key


def _outputs(steps: Iterable[MapNode]) -> Iterator[Scalar]:
    for step in steps:
        yield from (*_keys_of(step, "output"), *_keys_of(step, "save"))


def _declared_by(steps: Collection[MapNode]) -> dict[str, str]:
    """What steps give, each name with what it is."""
    captured = {key.text: "captured by a step" for key in _outputs(steps)}
    return {**captured, **{str(key.value): "the id of a step" for key in _ids(steps)}}
