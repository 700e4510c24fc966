"""Finds the action of a step in the catalogue, and says of an unknown one what it is."""

from __future__ import annotations

from testmesh_engine.contract.catalogue import ActionSpec, Catalogue
from testmesh_engine.language import refused
from testmesh_engine.language.findings import Findings, allowed_hint, unknown_name_hint
from testmesh_engine.language.nodes import MapNode, Node


def step_action(findings: Findings, step: MapNode, catalogue: Catalogue) -> ActionSpec | None:
    """The declaration of the step's action; nothing where there is none of its name."""
    node = step.get("action")
    if node is None:
        names = ", ".join(catalogue.names())
        findings.error(step, "the step has no action", hint=f"Add action: one of {names}.")
        return None
    name = findings.text(node, "action")
    if name is None:
        return None
    spec = catalogue.find(name)
    if spec is None:
        unknown_action(findings, node, name, catalogue)
    return spec


def unknown_action(
    findings: Findings, node: Node, name: str, catalogue: Catalogue, *, what: str = "unknown action"
) -> None:
    """Note that there is no action ``name``, with what there is instead; ``what`` is how the message begins."""
    names = list(catalogue.names())
    if fault := catalogue.fault(name):
        findings.error(node, fault, hint="Mend or uninstall that package; other actions work without it.")
    elif instead := refused.of_action(name):
        findings.error(node, f"TestMesh has no action {name}", hint=f"{instead} {allowed_hint(names)}")
    elif (meant := refused.meant_action(name)) in names:
        findings.error(node, f'{what} "{name}"', hint=f'Write "{meant}". {allowed_hint(names)}')
    else:
        findings.error(node, f'{what} "{name}"', hint=unknown_name_hint(name, names))
