"""The lists of steps inside of a step: where they stand, and the forms that branches have.

Works on nodes, as what lies under every step does (filling.py), and what is declared anywhere below (flow_reader.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from testmesh_engine.contract.catalogue import ActionSpec, Catalogue, Key, Kind
from testmesh_engine.contract.record import dataclass
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, kind_of_node

AFTER_FAILURE = ("error_steps", "on_error")
"""Keys of a step that hold steps which run where it has failed."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A list of steps of its own; ``name`` is "" for a single step, which is called by its own name."""

    name: str
    steps: Node


def lists_of(config: Node | None, spec: ActionSpec | None) -> Iterator[tuple[Key, str, Node]]:
    """The keys of ``config`` that hold steps, each with the word it was written with and what stands there."""
    if spec is None or not isinstance(config, MapNode):
        return
    for name, (_, below) in config.entries.items():
        key = spec.key(name)
        if key is not None and key.kind.nests:
            yield key, name, below


def each_step(node: Node, change: Callable[[Node], Node]) -> Node:
    """``node``, a list of steps or a map that holds such lists, with each of its steps changed."""
    if isinstance(node, ListNode):
        return replace(node, items=tuple(_changed(item, change) for item in node.items))
    if isinstance(node, MapNode):
        held = {
            name: (key, each_step(below, change) if isinstance(below, ListNode) else below)
            for name, (key, below) in node.entries.items()
        }
        return replace(node, entries=held)
    return node


def _changed(item: Node, change: Callable[[Node], Node]) -> Node:
    branch = isinstance(item, ListNode) or (isinstance(item, MapNode) and _is_branch(item))
    return each_step(item, change) if branch else change(item)


def _is_branch(item: MapNode) -> bool:
    return "action" not in item.entries and "steps" in item.entries


def steps_within(node: Node | None, catalogue: Catalogue) -> Iterator[MapNode]:
    """The steps of a list, each with all inside of it, in the order of the text."""
    found: list[Node] = []

    def note(step: Node) -> Node:
        found.append(step)
        return step

    if node is not None:
        each_step(node, note)
    for step in found:
        if isinstance(step, MapNode):
            yield step
            for below in _below(step, catalogue):
                yield from steps_within(below, catalogue)


def _below(step: MapNode, catalogue: Catalogue) -> Iterator[Node]:
    action = step.get("action")
    spec = catalogue.find(action.text) if isinstance(action, Scalar) else None
    yield from (node for _, _, node in lists_of(step.get("config"), spec))
    yield from (step.entries[key][1] for key in AFTER_FAILURE if key in step.entries)


def branches(findings: Findings, key: Key, node: Node) -> tuple[Branch, ...]:
    """The lists that stand under a key of steps: one, or of branches each of them."""
    if key.kind is Kind.STEPS:
        return (Branch(key.name, node),)
    if isinstance(node, MapNode):
        found = tuple(Branch(name, below) for name, (_, below) in node.entries.items())
    else:
        items = findings.items(node, key.name)
        found = tuple(branch for item in items if (branch := _branch(findings, item)))
    if not found and isinstance(node, (MapNode, ListNode)):
        findings.error(node, f"{key.name} is empty", hint="Write at least one step.")
    return found


def _branch(findings: Findings, item: Node) -> Branch | None:
    """One branch: a step, a list of them, or ``{name, steps}``."""
    if isinstance(item, ListNode):
        return Branch("", item)
    if not isinstance(item, MapNode):
        findings.error(item, f"a branch is a step or a list of steps, found {kind_of_node(item)}")
        return None
    if not _is_branch(item):
        return Branch("", ListNode((item,), item.line, item.column, item.path))
    findings.keys(item, "a branch", allowed=("name", "steps"))
    name = item.get("name")
    return Branch((findings.text(name, "name") or "") if name else "", item.entries["steps"][1])
