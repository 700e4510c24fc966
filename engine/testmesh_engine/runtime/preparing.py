"""Lets actions note what they must know before a flow's first step (Kafka: where each topic ends)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from testmesh_engine.actions.base import Connections, Context, Counters, Preparing
from testmesh_engine.actions.registry import load_action
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.expressions import EvaluationError, Value
from testmesh_engine.language.model import Step
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.scope import FlowScope, Memory

PREPARE_SECONDS = 10.0
"""What noting the ends of topics may take before the first step: brokers that can't be reached in it are down."""


def prepare(  # noqa: PLR0913 - what the steps of a flow share
    steps: Iterable[tuple[Step, Memory]],
    *,
    flow: str,
    identity: Identity,
    interrupt: Interrupt,
    connections: Connections,
    counters: Counters,
    folder: Path | None,
) -> None:
    """Prepare every action of ``steps`` that must be, each with what its flow knows by now.

    Raises what the actions do: brokers do not answer.
    """
    all_steps = list(steps)
    for name in dict.fromkeys(step.action.name for step, _ in all_steps):
        action = load_action(name)
        if isinstance(action, Preparing):
            own = [(step, memory) for step, memory in all_steps if step.action.name == name]
            context = Context(
                step=name,
                deadline=Deadline.after(PREPARE_SECONDS, "the time to prepare"),
                interrupt=interrupt,
                connections=connections,
                counters=counters,
                holds=lambda _: True,
                folder=folder,
            )
            action.prepare([_known_config(step, memory, flow=flow, identity=identity) for step, memory in own], context)


def _known_config(step: Step, memory: Memory, *, flow: str, identity: Identity) -> Mapping[str, Value | None]:
    """The step's config, as far as it is known before the run: a key that needs a captured value is ``None``."""
    at = builtins.moment(identity, flow=flow, step=step.shown, failed=False)
    # What a loop gives has no value yet, also where something else is called so.
    unknown = dict.fromkeys(step.local, "it is given by a loop")
    scope = FlowScope(replace(memory, lost={**memory.lost, **unknown}), at)
    known: dict[str, Value | None] = {}
    for name, template in step.config.items():
        declared = step.action.key(name)
        if declared is None or (step.action.early and declared.name not in step.action.early):
            continue
        try:
            known[declared.name] = template.render(scope)
        except EvaluationError:
            known[declared.name] = None
    return known
