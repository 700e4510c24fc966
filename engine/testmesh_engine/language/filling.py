"""What lies under the steps of a flow before they are read: ``config.defaults``, ``fail_fast``, known connections.

Works on nodes, so that a problem points at the place that the value was written at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from testmesh_engine.contract.catalogue import ActionSpec, Catalogue
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Phase
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.names import Known
from testmesh_engine.language.nested import AFTER_FAILURE, each_step, lists_of
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, child_path
from testmesh_engine.language.step_action import unknown_action

_OF_STEP = ("timeout", "retry")
"""What defaults may hold beside the keys of the action's config."""

_ATTEMPTS = ("retry", "eventually", "poll")


@dataclass(frozen=True, slots=True)
class Defaults:
    """``config.defaults``: by the action's own name, the keys of its config by their own names, and those of a step."""

    config: Mapping[str, Mapping[str, tuple[Scalar, Node]]]
    step: Mapping[str, Mapping[str, tuple[Scalar, Node]]]
    keys: Mapping[str, Scalar]
    """Where each action stands."""


NO_DEFAULTS = Defaults({}, {}, {})


def read_defaults(findings: Findings, node: Node, catalogue: Catalogue) -> Defaults:
    """``config.defaults``; what is no action, or no key of one, is noted and left out."""
    written = findings.map(node, "defaults")
    return NO_DEFAULTS if written is None else _read(findings, written, catalogue)


def _read(findings: Findings, written: MapNode, catalogue: Catalogue) -> Defaults:
    config: dict[str, Mapping[str, tuple[Scalar, Node]]] = {}
    step: dict[str, Mapping[str, tuple[Scalar, Node]]] = {}
    places: dict[str, Scalar] = {}
    for name, (key, below) in written.entries.items():
        spec = catalogue.find(name)
        if spec is None:
            unknown_action(findings, key, key.text, catalogue, what="defaults has no action")
        elif spec.name in places:
            findings.error(key, f"{name} is another word for {places[spec.name].text}", hint="Put both into one.")
        elif (own := findings.map(below, f"defaults.{name}")) is not None:
            places[spec.name] = key
            config[spec.name] = _of_config(findings, own, spec)
            step[spec.name] = _of_step(own, spec)
    return Defaults(config, step, places)


def _of_config(findings: Findings, own: MapNode, spec: ActionSpec) -> dict[str, tuple[Scalar, Node]]:
    allowed = [name for key in spec.keys for name in (key.name, *key.aliases)]
    findings.keys(own, f"defaults.{spec.name}", allowed=[*allowed, *_OF_STEP])
    found: dict[str, tuple[Scalar, Node]] = {}
    for name, entry in own.entries.items():
        key = spec.key(name)
        if key is not None and key.name in found:
            findings.error(entry[0], f"{name} is another word for {found[key.name][0].text}")
        elif key is not None:
            found[key.name] = entry
    return found


def _of_step(own: MapNode, spec: ActionSpec) -> dict[str, tuple[Scalar, Node]]:
    """``timeout`` of an action that has one of its own is that one: it bounds one attempt."""
    return {name: own.entries[name] for name in _OF_STEP if name in own.entries and spec.key(name) is None}


class Filler:
    """Lays what a flow says for all its steps under each of them."""

    def __init__(self, catalogue: Catalogue, known: Known, defaults: Defaults, *, fail_fast: bool) -> None:
        self._catalogue = catalogue
        self._known = known
        self._defaults = defaults
        self._fail_fast = fail_fast
        self._used: set[str] = set()

    def unused(self) -> list[Scalar]:
        """The actions of the defaults that no step has."""
        return [key for name, key in self._defaults.keys.items() if name not in self._used]

    def steps(self, node: Node, phase: Phase) -> Node:
        """The steps of one part, each with what lies under it."""
        # In teardown "continue" would mean that a failure does not count.
        goes_on = not self._fail_fast and phase is not Phase.TEARDOWN
        return self._list(node, goes_on=goes_on)

    def _list(self, node: Node, *, goes_on: bool) -> Node:
        if not isinstance(node, ListNode):
            return node
        return replace(node, items=tuple(self._step(item, goes_on=goes_on) for item in node.items))

    def _step(self, node: Node, *, goes_on: bool) -> Node:
        if not isinstance(node, MapNode):
            return node
        action = node.get("action")
        spec = self._catalogue.find(action.text) if isinstance(action, Scalar) else None
        entries = {**node.entries}
        if spec is not None:
            self._used.add(spec.name)
            self._fill(entries, node, spec)
        if goes_on and "on_error" not in entries:
            entries["on_error"] = _scalar(node, "on_error", "continue")
        for key in AFTER_FAILURE:
            if key in entries:
                entries[key] = (entries[key][0], each_step(entries[key][1], partial(self._step, goes_on=False)))
        config = entries.get("config", (None, None))[1]
        for _, name, below in lists_of(config, spec):
            config = _with(config, name, each_step(below, partial(self._step, goes_on=goes_on)))
            entries["config"] = (entries["config"][0], config)
        return replace(node, entries=entries)

    def _fill(self, entries: dict[str, tuple[Scalar, Node]], step: MapNode, spec: ActionSpec) -> None:
        config = _config_of(step)
        if config is not None:
            filled = self._with_connection(_merged(config, self._defaults.config.get(spec.name, {}), spec), step, spec)
            if filled.entries:
                key = entries["config"][0] if "config" in entries else _scalar(step, "config", "")[0]
                entries["config"] = (key, filled)
        for name, entry in self._defaults.step.get(spec.name, {}).items():
            below = entries.get(name)
            if below is not None:
                entries[name] = (below[0], _under(below[1], entry[1]))
            elif name != "retry" or not _has_attempts(entries, config):
                entries[name] = entry

    def _with_connection(self, config: MapNode, step: MapNode, spec: ActionSpec) -> MapNode:
        """The keys that are taken from a variable of a known name where nothing says them."""
        for key in spec.keys:
            name = self._variable(key.variables)
            if name and not {key.name, *key.aliases} & config.entries.keys():
                entry = _scalar(step, f"config.{key.name}", f"${{{name}}}")
                config = replace(config, entries={**config.entries, key.name: entry})
        return config

    def _variable(self, names: tuple[str, ...]) -> str:
        there = next((name for name in names if self._known.declares(name)), "")
        # A run that is still to come may bring it: the first is what the flow then needs.
        return there or (names[0] if names and not self._known.outside.complete else "")


def _with(config: Node | None, name: str, below: Node) -> Node:
    """``config``, a map that has the key ``name``, with something else under it."""
    assert isinstance(config, MapNode)  # noqa: S101 - what has keys is a map
    return replace(config, entries={**config.entries, name: (config.entries[name][0], below)})


def _config_of(step: MapNode) -> MapNode | None:
    """The step's config, an empty one where there is none, ``None`` for what is no map."""
    node = step.get("config")
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return MapNode({}, step.line, step.column, child_path(step.path, "config"))
    return node if isinstance(node, MapNode) else None


def _has_attempts(entries: Mapping[str, object], config: MapNode | None) -> bool:
    return any(name in entries for name in _ATTEMPTS) or (config is not None and "poll" in config.entries)


def _merged(config: MapNode, defaults: Mapping[str, tuple[Scalar, Node]], spec: ActionSpec) -> MapNode:
    """``config`` over ``defaults``, whose keys are the action's own names: a step may write another word for one."""
    entries = {**config.entries}
    for name, (key, node) in defaults.items():
        declared = spec.key(name)
        words = (name, *(declared.aliases if declared else ()))
        written = next((word for word in words if word in entries), "")
        if written:
            blind = declared is not None and declared.case_blind
            entries[written] = (entries[written][0], _under(entries[written][1], node, case_blind=blind))
        else:
            entries[name] = (key, node)
    return replace(config, entries=entries)


def _under(upper: Node, lower: Node, *, case_blind: bool = False) -> Node:
    """Maps are merged; anything else that is written replaces the default."""
    if not isinstance(upper, MapNode) or not isinstance(lower, MapNode):
        return upper
    written = {name.lower() for name in upper.entries} if case_blind else set[str]()
    below = {name: entry for name, entry in lower.entries.items() if name.lower() not in written}
    entries = {**below, **upper.entries}
    for name in upper.entries.keys() & lower.entries.keys():
        entries[name] = (upper.entries[name][0], _under(upper.entries[name][1], lower.entries[name][1]))
    return replace(upper, entries=entries)


def _scalar(step: MapNode, key: str, text: str) -> tuple[Scalar, Scalar]:
    """A key and its value that nobody wrote: both stand where the step does."""
    path = f"{step.path}.{key}"
    name = key.rpartition(".")[2]
    at = (step.line, step.column, path)
    return Scalar(name, *at, text=name), Scalar(text, *at, text=text)
