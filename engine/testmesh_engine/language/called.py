"""Reads the flows that a flow calls: each is checked with its caller, and its problems name its own file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Protocol

from testmesh_engine.contract.catalogue import ActionSpec, Kind
from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.language.env_file import constant_text
from testmesh_engine.language.files import Files
from testmesh_engine.language.findings import Findings, did_you
from testmesh_engine.language.model import Flow
from testmesh_engine.language.names import Known
from testmesh_engine.language.nodes import MapNode, Node

MOST_DEEP = 20
"""Flows that call each other so deep are made by a mistake."""


class Read(Protocol):
    """What is known of a flow once it has been checked: ``validate.Checked``."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with it."""

    @property
    def flow(self) -> Flow | None:
        """The flow, if it can be run."""


class Check(Protocol):
    """How the text of a file is checked."""

    def __call__(self, text: str, *, name: str, files: Files, callers: tuple[str, ...]) -> Sequence[Read]:
        """The flows in it; ``callers`` are the files of those that call them, the outermost first."""


@dataclass(frozen=True, slots=True)
class _Below:
    """What lies beside a called flow, by the paths that it has itself."""

    files: Files
    folder: str

    def read(self, name: str) -> str:
        return self.files.read(posixpath.join(self.folder, name))


class CalledFlows:
    """The flows that one flow calls, each read once. ``file`` is the caller's own."""

    def __init__(self, files: Files, file: str, callers: tuple[str, ...], check: Check) -> None:
        self._files = files
        self._file = file
        self._callers = (*callers, file)
        self._check = check
        self._read: dict[str, Flow | None] = {}

    def of(self, findings: Findings, step: MapNode, spec: ActionSpec, known: Known) -> Flow | None:
        """The flow that ``step`` calls; nothing for one that calls none, or whose flow can't be run."""
        config = step.get("config")
        path = _under(config, spec, Kind.FLOW)
        if not isinstance(config, MapNode) or path is None:
            return None
        name = constant_text(findings, path, "flow")
        flow = self._flow(findings, path, name) if name else None
        given = _under(config, spec, Kind.MAP)
        if flow is not None and (given is None or isinstance(given, MapNode)):
            _check_input(findings, config, given, flow, known)
        return flow

    def _flow(self, findings: Findings, node: Node, path: str) -> Flow | None:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(self._file), path))
        if name not in self._read:
            self._read[name] = self._checked(findings, node, path, name)
        return self._read[name]

    def _checked(self, findings: Findings, node: Node, path: str, name: str) -> Flow | None:
        if name in map(posixpath.normpath, self._callers):
            findings.error(node, f"a circle of flows that call each other: {' -> '.join((*self._callers, name))}")
            return None
        if len(self._callers) > MOST_DEEP:
            findings.error(node, f"flows call each other more than {MOST_DEEP} deep")
            return None
        try:
            text = self._files.read(path)
        except UsageError as error:
            findings.error(node, error.message, hint=_HINT)
            return None
        below = _Below(self._files, posixpath.dirname(path))
        found = self._check(text, name=name, files=below, callers=self._callers)
        findings.problems.extend(each for one in found for each in one.problems if each.severity is Severity.ERROR)
        return _one_of(findings, node, path, found)


_HINT = (
    "Write the path of a flow file, from this file's folder. The name of another TestFlow in a cluster is not "
    "supported yet."
)


def _one_of(findings: Findings, node: Node, path: str, found: Sequence[Read]) -> Flow | None:
    if len(found) != 1:
        findings.error(node, f"{path} holds {len(found)} flows", hint="Call a file that holds one.")
        return None
    flow = found[0].flow
    if flow is not None and flow.rows:
        findings.error(node, f"{path} has data: it runs once for each row, and can't be called")
        return None
    return flow


def _under(config: Node | None, spec: ActionSpec, kind: Kind) -> Node | None:
    """What stands under the key of that kind, where the action is one that calls flows."""
    if not isinstance(config, MapNode) or not any(key.kind is Kind.FLOW for key in spec.keys):
        return None
    words = (name for key in spec.keys if key.kind is kind for name in (key.name, *key.aliases))
    return next((config.entries[name][1] for name in words if name in config.entries), None)


def _check_input(findings: Findings, config: MapNode, given: MapNode | None, flow: Flow, known: Known) -> None:
    """That all that is given is asked for, and all that must be given is."""
    names = {each.name for each in flow.inputs}
    entries = given.entries if given is not None else {}
    for name, (key, _) in entries.items():
        if name not in names:
            listed = f"It has {', '.join(sorted(names))}." if names else "It declares no inputs."
            hint = did_you(name, names) or listed
            findings.error(key, f"the flow {flow.name} has no input {name}", hint=hint)
    for name in _missing(flow, known):
        if name not in entries:
            findings.error(
                given or config, f"the flow {flow.name} needs the input {name}", hint="Write it under input."
            )


def _missing(flow: Flow, known: Known) -> Iterator[str]:
    elsewhere = {*known.outside.names, *(name for file in flow.env_files for name in file.values)}
    return (each.name for each in flow.inputs if each.default is None and each.name not in elsewhere)
