"""Runs one flow: environment, preparations, setup, steps, and teardown on every way out."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import field, replace
from functools import partial

from testmesh_engine.actions.base import Connections
from testmesh_engine.actions.waiting import Deadline, Interrupt, earliest
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Failure, FlowResult, Outcome, Phase
from testmesh_engine.errors import ActionError, Interrupted, UsageError
from testmesh_engine.expressions import Value
from testmesh_engine.language.model import Flow, OnError, Step, every_step
from testmesh_engine.report.events import (
    AttemptStarted,
    Event,
    FlowFinished,
    FlowStarted,
    StepFinished,
    StepStarted,
    TeardownStarted,
    Variable,
)
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.beginning import begin, identity_of_row, row_label
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.called import CalledEnd, Within, expected_memory
from testmesh_engine.runtime.environment import missing_inputs
from testmesh_engine.runtime.flow_output import output_of
from testmesh_engine.runtime.flow_result import Account
from testmesh_engine.runtime.guard import Guard
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.outcome import (
    EXIT_PASSED,
    EXIT_PLATFORM,
    EXIT_USAGE,
    StepRecord,
    exit_code_of,
    test_failed,
)
from testmesh_engine.runtime.preparing import prepare
from testmesh_engine.runtime.present import with_hint
from testmesh_engine.runtime.scope import Memory
from testmesh_engine.runtime.signals import EXIT_INTERRUPTED, Interrupts
from testmesh_engine.runtime.step import Stop, no_more, not_run, run_step
from testmesh_engine.runtime.surroundings import Surroundings, folder_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the caller decides for a run. Times in seconds."""

    identity: Identity
    layers: Layers = field(default_factory=Layers)
    secrets: tuple[str, ...] = ()
    secret_names: frozenset[str] = frozenset()
    """The variables of the run whose values are secrets."""
    deadline: Deadline | None = None
    """``--timeout``: the end of the whole call, beside what each flow allows itself."""
    teardown: bool = True
    grace: float | None = None
    """What is left for teardown after a signal; ``None``: the flow's own ``teardown_timeout``."""
    strict: bool = False
    """``--strict``: what is a warning of an assertion fails it."""
    skippable: bool = False
    """The flow was found, not named: without a value for one of its inputs it is skipped, and no error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEnd:
    """How a flow ended: its result, and the exit code that it asks for."""

    result: FlowResult
    exit_code: int


class FlowRun:
    """One run of one flow. Reports hear of everything through ``tell``."""

    def __init__(
        self,
        flow: Flow,
        options: RunOptions,
        interrupts: Interrupts,
        tell: Callable[[Event], None],
        within: Within | None = None,
    ) -> None:
        self._flow = flow
        self._options = options
        self._interrupts = interrupts
        self._identity = identity_of_row(options.identity, flow.row)
        self._within = within
        self._masker = within.masker if within else Masker(options.secrets, names=options.secret_names)
        for name in flow.secrets:
            self._masker.hide(name)
        self._tell = tell if within else Guard(self._masker, tell).tell
        for layer in options.layers.all():
            self._masker.learn(layer)
        self._connections = within.connections if within else Connections()
        self._account = Account(
            flow=flow,
            masker=self._masker,
            name=self._masker.text(flow.name),
            row=row_label(flow.row, self._masker),
            seed=options.identity.seed,
        )
        if within is not None:
            self._account.counters, self._account.started = within.counters, within.started
        self._records = self._account.records
        self._traces: list[str] = []
        self._interrupted = False
        self._broken = False
        self._started_told = False

    def run(self) -> FlowEnd:
        """Run it to its end. Never raises for anything that a flow or a service can do."""
        if self._within is not None:
            return self._run()
        with closing(self._connections):
            return self._run()

    def _run(self) -> FlowEnd:
        try:
            self._interrupts.run.check()
            without = missing_inputs(self._flow, self._options.layers)
            if without:
                return self._without_inputs(without)
            memory = self._begin()
            self._interrupts.run.check()
            self._prepare(memory)
        except UsageError as error:
            return self._never_started(error.message, error.hint, EXIT_USAGE)
        except ActionError as error:
            return self._never_started(error.message, error.hint, EXIT_PLATFORM)
        except Interrupted as error:
            self._interrupted = True
            return self._never_started(f"not started: {error}", "", EXIT_INTERRUPTED)
        try:
            self._setup_and_steps(memory)
            self._make_output(memory)
        except Exception:  # noqa: BLE001 - our own bug outside of any step: teardown still has to run
            self._traces.append(self._masker.text(traceback.format_exc()))
            self._broken = True
        self._teardown(memory)
        return self._end()

    def _begin(self) -> Memory:
        beginning = begin(self._flow, self._options.layers, self._identity, self._masker)
        self._flow = self._account.flow = beginning.flow
        self._account.name = beginning.name
        # Values that were learnt since may stand in the row.
        self._account.row = row_label(self._flow.row, self._masker)
        self._tell_start(beginning.variables)
        return beginning.memory

    def _tell_start(self, variables: tuple[Variable, ...] = ()) -> None:
        self._tell(
            FlowStarted(
                name=self._account.name,
                file=self._flow.file,
                total=sum(len(self._flow.phase(phase)) for phase in Phase),
                started_at=self._account.started_at,
                row=self._account.row,
                variables=variables,
            )
        )
        self._started_told = True

    def _prepare(self, memory: Memory) -> None:
        """Note what must be known before the first step, also for the flows that this one calls: once for the run."""
        if self._within is not None:
            return
        prepare(
            self._expected(self._flow, memory),
            flow=self._flow.name,
            identity=self._identity,
            interrupt=self._interrupts.run,
            connections=self._connections,
            counters=self._account.counters,
            folder=folder_of(self._flow.file),
        )

    def _expected(self, flow: Flow, memory: Memory) -> Iterator[tuple[Step, Memory]]:
        """All steps that may run, each with what its flow knows by now."""
        for step in (step for phase in Phase for step in every_step(flow.phase(phase))):
            yield step, memory
            if step.calls is not None:
                own = expected_memory(step.calls, self._options.layers, self._identity, self._masker)
                yield from self._expected(step.calls, own)

    def _call(self, step: Step, flow: Flow, given: Mapping[str, Value], around: Surroundings) -> CalledEnd:
        """Run a flow that ``step`` calls, as a part of this run."""
        options = replace(
            self._options,
            layers=replace(self._options.layers, input=given),
            # Two calls of one flow must not make the same random values.
            identity=replace(around.identity, seed=f"{around.identity.seed}/{step.shown}"),
            deadline=around.deadline,
            skippable=False,
        )
        within = Within(
            masker=around.masker,
            connections=around.connections,
            counters=around.counters,
            trace_id=around.trace_id,
            started=around.started,
            for_success=around.for_success,
        )
        interrupts = Interrupts(run=around.interrupt, teardown=self._interrupts.teardown)
        run = FlowRun(flow, options, interrupts, lambda _: None, within)
        end = run.run()
        around.traces.extend(run._traces)
        return CalledEnd(
            result=end.result,
            records=tuple(run._records),
            output=run._account.output.values,
            exit_code=end.exit_code,
        )

    def _setup_and_steps(self, memory: Memory) -> None:
        deadline = Deadline.after(self._flow.timeout, "the flow's config.timeout")
        if self._options.deadline is not None:
            deadline = earliest((deadline, self._options.deadline))
        stop: Stop | None = None
        for phase in (Phase.SETUP, Phase.STEPS):
            around = self._around(phase, memory, deadline, self._interrupts.run)
            for step in self._flow.phase(phase):
                stop = stop or no_more(deadline, self._interrupts.run)
                record = self._one(step, around, stop)
                if record.bad and step.on_error is OnError.FAIL and stop is None:
                    stop = Stop(f"{step.shown} {record.result.outcome.value}")

    def _one(self, step: Step, around: Surroundings, stop: Stop | None) -> StepRecord:
        if stop is not None:
            record = not_run(step, around.phase, stop)
            around.memory.pass_over(step, f"step {step.shown} was not run")
        else:
            so_far = partial(self._result, Outcome.PASSED)
            self._tell(StepStarted(id=step.shown, action=step.action.name, phase=around.phase, so_far=so_far))
            record = run_step(step, around)
        self._records.append(record)
        self._traces.extend(around.traces)
        around.traces.clear()
        self._tell(StepFinished(step=record.result))
        return record

    def _make_output(self, memory: Memory) -> None:
        """What the flow's caller sees; of a flow that has failed already it is what can be found."""
        at = builtins.moment(self._identity, flow=self._flow.name, step="output", failed=self._failed())
        output = self._account.output = output_of(self._flow, memory, at, self._masker)
        memory.flow["output"] = dict(output.values)
        memory.flow_absent = "the flow has not found it"

    def _failed(self) -> bool:
        return self._account.outcome() is not Outcome.PASSED

    def _teardown(self, memory: Memory) -> None:
        """Teardown runs on every way out once a step was started, each of its steps whatever became of the others."""
        self._interrupted = self._interrupts.run.is_set()
        if not self._flow.teardown:
            return
        self._tell(TeardownStarted(so_far=partial(self._result, self._account.outcome())))
        deadline = Deadline.after(self._teardown_seconds(), "the time for teardown")
        around = self._around(Phase.TEARDOWN, memory, deadline, self._interrupts.teardown)
        around.failed = self._failed()
        without = self._without_teardown()
        memory.begin_teardown(every_step(self._flow.teardown))
        for step in self._flow.teardown:
            self._one(step, around, without or no_more(deadline, self._interrupts.teardown))
        self._interrupted = self._interrupted or self._interrupts.run.is_set()

    def _without_teardown(self) -> Stop | None:
        """Why there is to be no teardown, ``None`` if there is."""
        if not self._options.teardown:
            return Stop("--no-teardown", counts=False)
        started = any(record.result.outcome not in (Outcome.NOT_RUN, Outcome.SKIPPED) for record in self._records)
        return None if started else Stop("no step was started", counts=False)

    def _teardown_seconds(self) -> float:
        grace = self._options.grace
        if self._interrupted and grace is not None:
            return min(grace, self._flow.teardown_timeout)
        return self._flow.teardown_timeout

    def _around(self, phase: Phase, memory: Memory, deadline: Deadline, interrupt: Interrupt) -> Surroundings:
        return Surroundings(
            flow=self._flow.name,
            phase=phase,
            memory=memory,
            masker=self._masker,
            identity=self._identity,
            deadline=deadline,
            interrupt=interrupt,
            connections=self._connections,
            counters=self._account.counters,
            started=self._account.started,
            trying=lambda number: self._tell(AttemptStarted(number=number)),
            folder=folder_of(self._flow.file),
            trace_id=self._trace_id(),
            for_success=phase is Phase.STEPS and self._within is not None and self._within.for_success,
            call=self._call,
            strict=self._options.strict,
        )

    def _trace_id(self) -> str:
        if self._within is not None:
            return self._within.trace_id
        return builtins.trace_id(self._identity, flow=self._flow.name, file=self._flow.file)

    def _cut_short(self) -> bool:
        """Whether a signal kept the flow from a verdict: a test that had failed before stays failed, whatever came."""
        return self._interrupted and not test_failed(self._records)

    def _end(self) -> FlowEnd:
        outcome = self._account.outcome()
        if self._broken and outcome is not Outcome.FAILED:
            failure = self._account.failure("engine error: not every step was run (-v shows where)")
            code = EXIT_INTERRUPTED if self._cut_short() else EXIT_PLATFORM
            return self._tell_end(self._result(Outcome.ERRORED, failure=failure), code)
        code = exit_code_of(outcome, self._records, interrupted=self._cut_short())
        return self._tell_end(self._result(outcome), code)

    def _without_inputs(self, names: tuple[str, ...]) -> FlowEnd:
        """A flow that its caller gave too little: skipped where it was only found, wrong where it was named."""
        what = f"the input {names[0]} has no value" if len(names) == 1 else f"inputs without value: {', '.join(names)}"
        hint = f"Give {' '.join(f'--var {name}=…' for name in names)}"
        if not self._options.skippable:
            return self._never_started(what, f"{hint}.", EXIT_USAGE)
        return self._never_started(what, f"{hint} to run it.", EXIT_PASSED, outcome=Outcome.SKIPPED)

    def _never_started(self, message: str, hint: str, code: int, *, outcome: Outcome = Outcome.ERRORED) -> FlowEnd:
        """Nothing runs: every step is there, none was started, and the flow says why."""
        if not self._started_told:
            self._tell_start()
        said = self._masker.text(with_hint(message, hint))
        for phase in Phase:
            for step in self._flow.phase(phase):
                record = not_run(step, phase, Stop("the flow did not start", counts=outcome is Outcome.ERRORED))
                self._records.append(record)
                self._tell(StepFinished(step=record.result))
        failure = self._account.failure(said)
        return self._tell_end(self._result(outcome, failure=failure), code)

    def _tell_end(self, result: FlowResult, code: int) -> FlowEnd:
        self._tell(FlowFinished(result=result, trace="\n".join(self._traces), exit_code=code))
        return FlowEnd(result=result, exit_code=code)

    def _result(self, outcome: Outcome, *, failure: Failure | None = None) -> FlowResult:
        interrupted = self._interrupts.run.reason if self._cut_short() else ""
        return self._account.result(outcome, failure=failure, interrupted=interrupted)
