"""Reads what a failed step means: ``on_error`` as a word or a map, and where its ``error_steps`` stand."""

from __future__ import annotations

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Phase
from testmesh_engine.language import keys
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.model import OnError
from testmesh_engine.language.nodes import ListNode, MapNode, Node

_RETRY = "retry"
_WORDS = (*(word.value for word in OnError), _RETRY)


@dataclass(frozen=True, slots=True)
class Handling:
    """What becomes of the flow where the step fails, and the list of steps that run then."""

    on_error: OnError = OnError.FAIL
    steps: Node | None = None


def handling(findings: Findings, step: MapNode, phase: Phase) -> Handling:
    """The step's ``on_error`` and ``error_steps``."""
    node, own = step.get("on_error"), step.get("error_steps")
    if isinstance(node, ListNode):
        findings.error(node, "on_error is a word or a map, found a list", hint="Write the steps under error_steps.")
        return Handling(steps=own)
    steps = own
    if isinstance(node, MapNode):
        findings.keys(node, "on_error", allowed=keys.names(keys.ON_ERROR))
        steps = _one_of(findings, node, own)
        node = _word_node(findings, node)
    return Handling(_word(findings, node, step, phase), steps)


def _one_of(findings: Findings, node: MapNode, own: Node | None) -> Node | None:
    inner = node.entries.get("steps")
    if inner is not None and own is not None:
        findings.error(inner[0], "a step has error_steps or steps of on_error, not both")
    return own if own is not None else node.get("steps")


def _word_node(findings: Findings, node: MapNode) -> Node | None:
    given = [name for name in ("action", "type") if name in node.entries]
    if len(given) > 1:
        findings.error(node.entries["type"][0], "type is another word for action")
    if not node.entries:
        findings.error(node, "on_error is empty", hint=f"Write one of {', '.join(_WORDS)}.")
    return node.get(given[0]) if given else None


def _word(findings: Findings, node: Node | None, step: MapNode, phase: Phase) -> OnError:
    word = findings.choice(node, "on_error", _WORDS) if node is not None else None
    if node is not None and word == _RETRY and _RETRY not in step.entries:
        hint = "Add retry: {max_attempts: 3}. When the last attempt has failed the flow fails."
        findings.error(node, "on_error: retry needs retry, and the step has none", hint=hint)
    if word is None or word == _RETRY:
        return OnError.FAIL
    # In teardown every step runs in any case: who writes "continue" there means that a failure does not matter.
    return OnError.IGNORE if phase is Phase.TEARDOWN and word == OnError.CONTINUE else OnError(word)
