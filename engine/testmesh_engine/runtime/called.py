"""Runs the flow that a step calls, and says what it comes to for its caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from testmesh_engine.actions.base import Connections, Counters, Result
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import FlowResult, Outcome, StepResult
from testmesh_engine.errors import NothingRanError, PlatformError, ServiceError, TestMeshError, UsageError
from testmesh_engine.expressions import Value
from testmesh_engine.language.model import Flow, Step
from testmesh_engine.runtime.beginning import begin
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.nested import Inside
from testmesh_engine.runtime.outcome import EXIT_USAGE, StepRecord
from testmesh_engine.runtime.scope import Memory
from testmesh_engine.runtime.surroundings import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledEnd:
    """How a called flow ended: ``output`` are the values themselves, ``result`` is masked."""

    result: FlowResult
    records: tuple[StepRecord, ...]
    output: Mapping[str, Value]
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What a called flow shares with the run that it is a part of."""

    masker: Masker
    connections: Connections
    counters: Counters
    trace_id: str
    started: float
    for_success: bool


def call_flow(
    given: Mapping[str, Value], *, step: Step, around: Surroundings, deadline: Deadline, inside: Inside
) -> Result:
    """Run the flow that ``step`` calls with these inputs; what ran is noted in ``inside``.

    Raises what the flow fails with, ``NothingRanError`` where it was skipped, ``Interrupted``.
    """
    if step.calls is None or around.call is None:
        raise UsageError(f"{step.shown} has no flow to run")
    around.masker.learn_variables(given)
    end = around.call(step, step.calls, given, replace(around, deadline=deadline))
    inside.records.extend(
        replace(each, result=_within(each.result, step.shown, step.calls.file)) for each in end.records
    )
    around.interrupt.check()
    result = end.result
    if result.outcome is Outcome.SKIPPED:
        raise NothingRanError(f"the flow {result.name} was skipped: {_why(result)}")
    if result.outcome is not Outcome.PASSED:
        raise _failure(end, step, inside)
    seen: dict[str, Value] = {"name": result.name, "status": "success", "output": dict(end.output)}
    return {"status": "success", "output": dict(end.output), "flow": seen}


def _within(result: StepResult, outer: str, file: str) -> StepResult:
    """A step of a called flow in ``file``, shown with the step that called it; what that one calls has its own."""
    inner = tuple(_within(each, outer, file) for each in result.steps)
    return replace(result, id=f"{outer}/{result.id}", file=result.file or file, steps=inner)


def _why(result: FlowResult) -> str:
    failure = result.first_failure
    if failure is None:
        return result.outcome.value
    return f"{failure.step}: {failure.message}" if failure.step else failure.message


def _failure(end: CalledEnd, step: Step, inside: Inside) -> TestMeshError:
    failure = end.result.first_failure
    if failure is not None and failure.step:
        inside.cause = f"{step.shown}/{failure.step}"
    kind = next((record.kind for record in end.records if record.bad and record.kind), None)
    message = f"flow {end.result.name}, {_why(end.result)}"
    if end.result.outcome is Outcome.FAILED:
        return ServiceError(message, kind=kind or "assertion")
    if end.exit_code == EXIT_USAGE:
        return UsageError(message)
    return PlatformError(message, kind=kind or "engine_error")


_OF_KIND: Mapping[str, Value] = {"number": 0, "boolean": False, "list": [], "map": {}}


def expected_memory(flow: Flow, layers: Layers, identity: Identity, masker: Masker) -> Memory:
    """What is known of a flow before the run that calls it: its variables, but those that need its caller's input."""
    inputs = {each.name for each in flow.inputs}
    # Something of the right kind, so that all else can be computed; it is forgotten below.
    given = {each.name: _OF_KIND.get(each.kind, "") for each in flow.inputs if each.default is None}
    known = replace(layers, input=given)
    try:
        memory = begin(flow, known, identity, masker).memory
    except TestMeshError:
        memory = Memory(env={})  # it will say so itself, when it is called
    unknown = {"input", *inputs}
    while more := {each.name for each in flow.env if any(use.name in unknown for use in each.template.names)} - unknown:
        unknown |= more
    memory.given.pop("input", None)
    memory.lost |= dict.fromkeys(unknown, "it depends on the caller's input")
    return memory
