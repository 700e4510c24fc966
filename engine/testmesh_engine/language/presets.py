"""Reads the spellings of an action that hold a key of its config: ``redis_get`` is ``redis`` with ``command: GET``."""

from __future__ import annotations

from dataclasses import replace

from testmesh_engine.contract.catalogue import ActionSpec
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.nodes import MapNode, Scalar, child_path


def with_preset(findings: Findings, step: MapNode, spec: ActionSpec) -> MapNode:
    """``step`` with what its action's spelling says laid into its config; a key that says it again is noted."""
    action = step.get("action")
    preset = spec.presets.get(action.text, {}) if isinstance(action, Scalar) else {}
    if not isinstance(action, Scalar) or not preset:
        return step
    key, config = step.entries.get("config", (_at(action, "config"), None))
    if config is None or (isinstance(config, Scalar) and config.value is None):
        config = MapNode({}, step.line, step.column, child_path(step.path, "config"))
    if not isinstance(config, MapNode):
        return step
    for name, text in preset.items():
        if name in config.entries:
            hint = f"Leave {name} out, or write the action as {spec.name}."
            findings.error(config.entries[name][0], f"{action.text} has {name}: {text} already", hint=hint)
        else:
            entry = (_at(action, name), _at(action, text))
            config = replace(config, entries={name: entry, **config.entries})
    return replace(step, entries={**step.entries, "config": (key, config)})


def _at(place: Scalar, text: str) -> Scalar:
    """What nobody wrote stands where ``place`` does."""
    return Scalar(text, place.line, place.column, place.path, text=text)
