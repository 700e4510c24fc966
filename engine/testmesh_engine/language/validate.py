"""Text to flow: everything that can be known of a flow before it runs.

A pure function of the text, the catalogue of actions and the variables from outside; it imports no driver.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from testmesh_engine.contract.catalogue import Catalogue
from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.contract.record import dataclass
from testmesh_engine.language.called import CalledFlows
from testmesh_engine.language.files import Files, NoFiles
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.flow_reader import FlowReader
from testmesh_engine.language.manifest import FlowPart, read_flows
from testmesh_engine.language.model import Flow
from testmesh_engine.language.names import Outside
from testmesh_engine.language.needs import Need
from testmesh_engine.language.nodes import MapNode, Node, Scalar, Source
from testmesh_engine.language.objects import node_of
from testmesh_engine.language.offered import still_wrong
from testmesh_engine.language.scanning import lines_of
from testmesh_engine.language.written_secrets import written_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One flow of a file: ``flow`` is there if no problem is an error, ``needs`` is what it asks of its caller.

    ``secrets`` are the texts that the flow itself gives its secrets, which a problem may quote.
    """

    name: str
    problems: tuple[Problem, ...]
    flow: Flow | None = None
    needs: tuple[Need, ...] = ()
    secrets: frozenset[str] = frozenset()

    @property
    def ok(self) -> bool:
        """Whether the flow can be run."""
        return self.flow is not None


NO_FILES = NoFiles("the flow came without a folder")


def check_text(  # noqa: PLR0913 - what a flow is checked against
    text: str,
    *,
    name: str,
    catalogue: Catalogue,
    outside: Outside,
    files: Files = NO_FILES,
    callers: tuple[str, ...] = (),
) -> list[Checked]:
    """The flows of one file, most often one; a file of manifests may hold several. ``name`` is used in problems.

    ``files`` reads what the flow names beside itself; ``callers`` are the files of the flows that call it.

    Never raises for what stands in the file, and never returns an empty list.
    """
    source = Source(name=name, lines=lines_of(text))
    parts = read_flows(text, source)
    return [check_flow(part, catalogue=catalogue, outside=outside, files=files, callers=callers) for part in parts]


def check_flow(
    part: FlowPart,
    *,
    catalogue: Catalogue,
    outside: Outside,
    files: Files = NO_FILES,
    callers: tuple[str, ...] = (),
) -> Checked:
    """One flow, given what stands under ``flow:``."""
    secrets = written_secrets(part.node, part.source.lines)
    if part.node is None:
        return Checked(name=part.name, problems=part.problems, secrets=secrets)
    findings = Findings(part.source)
    check = partial(check_text, catalogue=catalogue, outside=outside)
    called = CalledFlows(files, part.source.name, callers, check)
    reader = FlowReader(findings, catalogue, outside, files, called)
    flow = reader.flow(part.node)
    told = {problem.line for problem in part.problems if problem.line}
    offered = [still_wrong(problem, findings.problems) for problem in part.problems]
    # What YAML could not read is read as it was most likely meant: of such a line nothing more is said. And one default
    # stands under many steps: what is wrong with it is said once.
    found = dict.fromkeys(problem for problem in (*part.notes, *findings.problems) if problem.line not in told)
    problems = tuple(sorted([*offered, *found], key=lambda problem: (problem.line, problem.column)))
    wrong = findings.failed or bool(part.problems)
    name = flow.name if flow else _name_of(part.node)
    return Checked(name=name, problems=problems, flow=None if wrong else flow, needs=reader.needs, secrets=secrets)


def errors_of(problems: Iterable[Problem], *, strict: bool) -> tuple[Problem, ...]:
    """Those problems that keep a flow from running; under ``strict`` warnings do."""
    return tuple(problem for problem in problems if strict or problem.severity is Severity.ERROR)


def _name_of(node: Node) -> str:
    name = node.get("name") if isinstance(node, MapNode) else None
    return name.value if isinstance(name, Scalar) and isinstance(name.value, str) else ""


def flow_of_object(data: object, *, name: str, path: str) -> FlowPart:
    """The flow that stands at ``path`` of an object, as kubectl read it: problems name paths, no lines."""
    return FlowPart(source=Source(name=name), node=node_of(data, path))
