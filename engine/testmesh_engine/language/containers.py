"""Reads the steps inside of a container, and says what each of its lists may know of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Protocol

from testmesh_engine.contract.catalogue import ActionSpec, Kind
from testmesh_engine.contract.record import dataclass
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.model import Step, StepList, every_step
from testmesh_engine.language.names import Known
from testmesh_engine.language.nested import Branch, branches, lists_of
from testmesh_engine.language.nodes import MapNode, Node, Scalar, plain


class ReadSteps(Protocol):
    """How a list of steps is read."""

    def __call__(self, node: Node, what: str, *, outer: str, local: Collection[str]) -> tuple[Step, ...]:
        """The steps under the key ``what`` of the step shown as ``outer``; they see the names ``local``."""


@dataclass(frozen=True, slots=True)
class _List:
    key: str
    branch: Branch
    at_once: bool


class ContainerReader:
    """Reads all lists of one step: none of them sees what another one gives, the steps below see it all."""

    def __init__(self, findings: Findings, known: Known) -> None:
        self._findings = findings
        self._known = known

    def lists(self, step: MapNode, spec: ActionSpec, shown: str, read: ReadSteps) -> tuple[StepList, ...]:
        """The lists of ``step``, which is shown as ``shown``."""
        config = step.get("config")
        written = [
            _List(name, branch, key.kind is Kind.BRANCHES)
            for key, name, node in lists_of(config, spec)
            for branch in branches(self._findings, key, node)
        ]
        if not written or not isinstance(config, MapNode):
            return ()
        found = self._all(written, shown, partial(read, local=tuple(self._loop_names(config, spec))))
        if spec.nesting is not None and spec.nesting.at_once(_plain(config)):
            self._leave_nothing(found, shown)
        return found

    def _all(self, written: list[_List], shown: str, read: Callable[..., tuple[Step, ...]]) -> tuple[StepList, ...]:
        known = self._known
        ids, captured = set(known.ids), set(known.captured)
        inside = dict(known.inside)
        all_ids, all_captured, found = set(ids), set(captured), list[StepList]()
        for each in written:
            known.ids, known.captured = set(ids), set(captured)
            outer = f"{shown}/{each.branch.name}" if each.at_once and each.branch.name else shown
            steps = read(each.branch.steps, each.key, outer=outer)
            if each.at_once:
                self._check_writes(each, steps, found)
            found.append(StepList(name=_name(each, steps, found), steps=steps))
            new = (known.ids - ids) | (known.captured - captured)
            why = "It runs at the same time." if each.at_once else "Only one of the two runs."
            known.inside |= dict.fromkeys(new, f"Another branch of {shown} gives it. {why}")
            all_ids |= known.ids
            all_captured |= known.captured
        known.ids, known.captured, known.inside = all_ids, all_captured, inside
        return tuple(found)

    def _check_writes(self, each: _List, steps: tuple[Step, ...], before: list[StepList]) -> None:
        others = {name for other in before for name in _captured(other.steps)}
        for name in sorted(others & set(_captured(steps))):
            message = f"{name} is captured by two branches: which of them comes last is chance"
            self._findings.error(each.branch.steps, message, hint="Give the two variables names of their own.")

    def _leave_nothing(self, found: Collection[StepList], shown: str) -> None:
        """What rounds give that run at once is known to themselves alone."""
        known = self._known
        for step in every_step(step for each in found for step in each.steps):
            for name in filter(None, (step.id, *(capture.name for capture in step.outputs))):
                path = f"{shown}.items[0].{step.id or '…'}"
                known.inside[name] = f"The rounds of {shown} run at once and leave no names behind: read {path}."
                known.ids.discard(name)
                known.captured.discard(name)

    def _loop_names(self, config: MapNode, spec: ActionSpec) -> Iterator[str]:
        if spec.nesting is None:
            return
        try:
            names = spec.nesting.names(_plain(config))
        except ValueError as error:
            message, key = error.args
            self._findings.error(config.entries[key][1], message)
            return
        for name in names:
            if taken := self._taken(name):
                at = next((node for _, node in config.entries.values() if _spells(node, name)), config)
                hint = "Give it another name: item_name, index_name."
                self._findings.error(at, f"{name} can't be a name of the loop: {taken}", hint=hint)
            yield name

    def _taken(self, name: str) -> str:
        known = self._known
        if name in known.local:
            return ""  # a loop within a loop: the inner one is meant
        if name in known.ids or name in known.flow.ids:
            return "it is the id of a step"
        if name in known.captured:
            return "a step above captures it"
        if name in known.env or name in known.files:
            return "it is a variable of the flow"
        return known.taken(name).rstrip(".").replace("It is", "it is")


def _captured(steps: Collection[Step]) -> Iterator[str]:
    return (capture.name for step in every_step(steps) for capture in step.outputs)


def _name(each: _List, steps: tuple[Step, ...], before: Collection[StepList]) -> str:
    """What the list is called: unique among those of its container."""
    if not each.at_once:
        return each.branch.name
    name = each.branch.name or (steps[0].shown.rpartition("/")[2] if steps else "")
    return name if all(name != other.name for other in before) else f"{name}_{len(before) + 1}"


def _plain(config: MapNode) -> dict[str, object]:
    return {name: plain(node) for name, (_, node) in config.entries.items()}


def _spells(node: Node, text: str) -> bool:
    return isinstance(node, Scalar) and node.value == text
