"""What a flow knows before its first step: its variables, its row, its times, its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Json
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import EvaluationError, compile_template
from testmesh_engine.language.model import Flow, Row, every_step
from testmesh_engine.report.events import Variable
from testmesh_engine.report.json_text import one_line
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.environment import Variables, variables_of
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.present import shown
from testmesh_engine.runtime.scope import FlowScope, Memory
from testmesh_engine.runtime.settle import late_value

_LABEL_CHARACTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """One flow as it starts: ``name`` and ``variables`` are masked, ``flow`` has its times."""

    flow: Flow
    memory: Memory
    name: str
    variables: tuple[Variable, ...]


def identity_of_row(identity: Identity, row: Row | None) -> Identity:
    """Each row has random values of its own, which the seed of the run repeats."""
    return replace(identity, seed=f"{identity.seed}/row {row.number}") if row else identity


def row_label(row: Row | None, masker: Masker) -> str:
    """``row 2 of 3 (user: john)``, "" without a row."""
    if row is None:
        return ""
    column, text = row.first
    value = masker.value(text if len(text) <= _LABEL_CHARACTERS else f"{text[:_LABEL_CHARACTERS]}…", key=column)
    return f"row {row.number} of {row.count}" + (f" ({masker.text(column)}: {value})" if column else "")


def begin(flow: Flow, layers: Layers, identity: Identity, masker: Masker) -> Beginning:
    """Compute what ``flow`` starts with. Raises ``UsageError`` for variables that have no value, or a wrong one."""
    at = builtins.moment(identity, flow=flow.name, step="env", failed=False)
    variables = variables_of(flow, layers, at)
    masker.learn_variables(variables.env)
    masker.learn({"row": variables.row or {}})
    given = {"row": variables.row, "input": variables.inputs}
    memory = Memory(env=variables.env, given={name: values for name, values in given.items() if values is not None})
    memory.expect(every_step((*flow.setup, *flow.steps, *flow.teardown)))
    scope = FlowScope(memory, at)
    for variable in flow.env:
        if variables.sources.get(variable.name) == "env":
            masker.learn_rendered(variable.template, scope)
    name = _rendered_name(flow, scope)
    memory.flow["name"] = name
    return Beginning(
        flow=_settled(flow, scope),
        memory=memory,
        name=masker.text(name),
        variables=tuple(_shown(flow, variables, masker)),
    )


def _settled(flow: Flow, scope: FlowScope) -> Flow:
    """``flow`` with those of its times that are placeholders."""
    try:
        times = {late.field: late_value(late, late.template.render(scope)) for late in flow.late}
    except EvaluationError as error:
        raise UsageError(f"config of the flow: {error.message}", hint=error.hint) from error
    return replace(
        flow,
        late=(),
        timeout=times.get("timeout", flow.timeout),
        teardown_timeout=times.get("teardown_timeout", flow.teardown_timeout),
    )


def _rendered_name(flow: Flow, scope: FlowScope) -> str:
    try:
        return str(compile_template(flow.name).render(scope))
    except ValueError:
        return flow.name  # a name is for people: it is shown as written where it can't be rendered


def _shown(flow: Flow, variables: Variables, masker: Masker) -> Iterator[Variable]:
    """The variables that the flow declares or reads, each with where it comes from."""
    for name in sorted(variables.sources.keys() & flow.names):
        value = _text(shown(variables.env[name], masker, key=name))
        yield Variable(name=name, value=value, source=variables.sources[name])


def _text(value: Json) -> str:
    return value if isinstance(value, str) else one_line(value)
