"""What the caller of a flow sees of it: its ``output``, found once its steps have run."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Json
from testmesh_engine.expressions import EvaluationError, Value
from testmesh_engine.language.model import Flow
from testmesh_engine.runtime.builtins import Moment
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.present import shown, with_hint
from testmesh_engine.runtime.scope import FlowScope, Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOutput:
    """The values by name, those for reports masked; ``problem`` is why the first of them was not found, or ""."""

    values: Mapping[str, Value]
    shown: Mapping[str, Json]
    problem: str = ""


NO_OUTPUT = FlowOutput(values={}, shown={})


def output_of(flow: Flow, memory: Memory, at: Moment, masker: Masker) -> FlowOutput:
    """The output of ``flow`` by what it has learnt; never raises."""
    known = {**memory.steps, **memory.captured}
    scope = FlowScope(memory, at)
    values: dict[str, Value] = {}
    problems: list[str] = []
    for line in flow.outputs:
        try:
            values[line.name] = line.output.extract(known, scope)
        except EvaluationError as error:
            problems.append(masker.text(f"the flow's output {line.name}: {with_hint(error.message, error.hint)}"))
    masker.learn(values)
    return FlowOutput(
        values=values,
        shown={name: shown(value, masker, key=name) for name, value in values.items()},
        problem=problems[0] if problems else "",
    )
