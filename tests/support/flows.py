"""Runs flows inside the test's own process, against a real server, and keeps what reports would hear."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from testmesh_engine.actions.registry import Registry
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.result import FlowResult, Outcome, StepResult
from testmesh_engine.language.model import Flow, rows_of
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text
from testmesh_engine.report.events import Event
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.flow import FlowRun, RunOptions
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.signals import Interrupts

IDENTITY = Identity(run_id="run-1", execution_id="execution-1", seed="seed")


@dataclass
class Ran:
    """One run: its result, its exit code, and every event."""

    result: FlowResult
    exit_code: int
    events: list[Event] = field(default_factory=list)

    def step(self, step_id: str) -> StepResult:
        """The step of that id."""
        return next(step for step in self.result.steps if step.id == step_id)

    def outcomes(self) -> dict[str, Outcome]:
        """How each step ended."""
        return {step.id: step.outcome for step in self.result.steps}


@dataclass
class Options:
    """What a test may set of a run; ``on_event`` is called in the midst of it."""

    layers: Layers = field(default_factory=Layers)
    secrets: tuple[str, ...] = ()
    timeout: float | None = None
    teardown: bool = True
    grace: float | None = None
    skippable: bool = False
    strict: bool = False
    seed: str = IDENTITY.seed
    on_event: Callable[[Event, Interrupts], None] = lambda _event, _interrupts: None


def read(text: str, layers: Layers | None = None) -> Flow:
    """The flow of ``text`` (dedented; what stands under ``flow:``, without its name)."""
    layers = layers or Layers()
    body = textwrap.indent(textwrap.dedent(text), "  ")
    outside = Outside(names=layers.names(), process=frozenset(layers.process), complete=True)
    (checked,) = check_text(f"flow:\n  name: tested\n{body}", name="t.yaml", catalogue=Registry(), outside=outside)
    assert checked.flow is not None, "\n".join(problem.render() for problem in checked.problems)
    return checked.flow


def run(text: str, options: Options | None = None) -> Ran:
    """Run the flow of ``text``, as :func:`read` takes it, which has no data."""
    (ran,) = run_rows(text, options)
    return ran


def run_rows(text: str, options: Options | None = None) -> list[Ran]:
    """Run the flow of ``text`` once for each row of its data, one after the other."""
    options = options or Options()
    return [run_flow(flow, options) for flow in rows_of(read(text, options.layers))]


def run_flow(flow: Flow, options: Options) -> Ran:
    """Run ``flow`` once."""
    interrupts = Interrupts()
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        options.on_event(event, interrupts)

    settings = RunOptions(
        identity=replace(IDENTITY, seed=options.seed),
        layers=options.layers,
        secrets=options.secrets,
        deadline=Deadline.after(options.timeout, "--timeout") if options.timeout else None,
        teardown=options.teardown,
        grace=options.grace,
        skippable=options.skippable,
        strict=options.strict,
    )
    end = FlowRun(flow, settings, interrupts, tell).run()
    interrupts.run.close()
    interrupts.teardown.close()
    return Ran(end.result, end.exit_code, events)
