"""Runs one flow: environment, preparations, setup, steps, and teardown on every way out."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from testmesh_engine.actions.base import Connections, Context, Counters, Preparing
from testmesh_engine.actions.registry import load_action
from testmesh_engine.actions.waiting import Deadline, Interrupt, earliest
from testmesh_engine.contract.result import Failure, FlowResult, Metrics, Outcome, Phase
from testmesh_engine.errors import ActionError, Interrupted, UsageError
from testmesh_engine.expressions import EvaluationError, Value, compile_template
from testmesh_engine.language.model import Flow, OnError, Step
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepFinished, StepStarted, TeardownStarted
from testmesh_engine.runtime import builtins, environment
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.environment import Layers
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.outcome import (
    EXIT_PLATFORM,
    EXIT_USAGE,
    StepRecord,
    exit_code_of,
    first_failure,
    flow_outcome,
    test_failed,
    why_nothing_passed,
)
from testmesh_engine.runtime.present import with_hint
from testmesh_engine.runtime.scope import FlowScope, Memory
from testmesh_engine.runtime.signals import EXIT_INTERRUPTED, Interrupts
from testmesh_engine.runtime.step import Stop, Surroundings, not_run, run_step

PREPARE_SECONDS = 10.0
"""What noting the ends of topics may take before the first step: brokers that can't be reached in it are down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the caller decides for a run. Times in seconds."""

    identity: Identity
    layers: Layers = field(default_factory=Layers)
    secrets: tuple[str, ...] = ()
    timeout: float | None = None
    teardown: bool = True
    grace: float | None = None
    """What is left for teardown after a signal; ``None``: the flow's own ``teardown_timeout``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEnd:
    """How a flow ended: its result, and the exit code that it asks for."""

    result: FlowResult
    exit_code: int


class FlowRun:
    """One run of one flow. Reports hear of everything through ``tell``."""

    def __init__(self, flow: Flow, options: RunOptions, interrupts: Interrupts, tell: Callable[[Event], None]) -> None:
        self._flow = flow
        self._options = options
        self._interrupts = interrupts
        self._tell = tell
        self._masker = Masker(options.secrets)
        self._connections = Connections()
        self._counters = Counters()
        self._records: list[StepRecord] = []
        self._started = time.monotonic()
        self._started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._traces: list[str] = []
        self._interrupted = False
        self._broken = False
        self._started_told = False
        self._name = self._masker.text(flow.name)

    def run(self) -> FlowEnd:
        """Run it to its end. Never raises for anything that a flow or a service can do."""
        with closing(self._connections):
            return self._run()

    def _run(self) -> FlowEnd:
        try:
            self._interrupts.run.check()
            memory = self._memory()
            self._tell_start()
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
        except Exception:  # noqa: BLE001 - our own bug outside of any step: teardown still has to run
            self._traces.append(self._masker.text(traceback.format_exc()))
            self._broken = True
        self._teardown(memory)
        return self._end()

    def _tell_start(self) -> None:
        total = sum(len(self._flow.phase(phase)) for phase in Phase)
        self._tell(FlowStarted(name=self._name, file=self._flow.file, total=total, started_at=self._started_at))
        self._started_told = True

    def _memory(self) -> Memory:
        flow, options = self._flow, self._options
        at = builtins.moment(options.identity, flow=flow.name, step="env", failed=False)
        env = environment.resolve(flow.env, options.layers, at)
        self._masker.learn(env)
        memory = Memory(env=env)
        self._name = self._masker.text(_rendered_name(flow, FlowScope(memory, at)))
        memory.expect((*flow.setup, *flow.steps, *flow.teardown))
        return memory

    def _prepare(self, memory: Memory) -> None:
        """Let actions note what they must know before the first step."""
        steps = [step for phase in Phase for step in self._flow.phase(phase)]
        for name in dict.fromkeys(step.action.name for step in steps):
            action = load_action(name)
            if isinstance(action, Preparing):
                known = [self._known_config(step, memory) for step in steps if step.action.name == name]
                action.prepare(known, self._context(name, Deadline.after(PREPARE_SECONDS, "the time to prepare")))

    def _known_config(self, step: Step, memory: Memory) -> Mapping[str, Value | None]:
        """The step's config, as far as it is known before the run: a key that needs a captured value is ``None``."""
        at = builtins.moment(self._options.identity, flow=self._flow.name, step=step.shown, failed=False)
        scope = FlowScope(memory, at)
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

    def _context(self, step: str, deadline: Deadline) -> Context:
        return Context(
            step=step,
            deadline=deadline,
            interrupt=self._interrupts.run,
            connections=self._connections,
            counters=self._counters,
            holds=lambda _: True,
        )

    def _setup_and_steps(self, memory: Memory) -> None:
        deadline = Deadline.after(self._flow.timeout, "the flow's config.timeout")
        if self._options.timeout is not None:
            left = self._options.timeout
            deadline = earliest((deadline, Deadline.after(left, "--timeout")))
        stop: Stop | None = None
        for phase in (Phase.SETUP, Phase.STEPS):
            around = self._around(phase, memory, deadline, self._interrupts.run)
            for step in self._flow.phase(phase):
                stop = stop or _no_more(deadline, self._interrupts.run)
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

    def _teardown(self, memory: Memory) -> None:
        """Teardown runs on every way out once a step was started, each of its steps whatever became of the others."""
        self._interrupted = self._interrupts.run.is_set()
        if not self._flow.teardown:
            return
        self._tell(TeardownStarted(so_far=partial(self._result, flow_outcome(self._records))))
        deadline = Deadline.after(self._teardown_seconds(), "the time for teardown")
        around = self._around(Phase.TEARDOWN, memory, deadline, self._interrupts.teardown)
        around.failed = flow_outcome(self._records) is not Outcome.PASSED
        without = self._without_teardown()
        for step in self._flow.teardown:
            self._one(step, around, without or _no_more(deadline, self._interrupts.teardown))
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
            identity=self._options.identity,
            deadline=deadline,
            interrupt=interrupt,
            connections=self._connections,
            counters=self._counters,
        )

    def _cut_short(self) -> bool:
        """Whether a signal kept the flow from a verdict: a test that had failed before stays failed, whatever came."""
        return self._interrupted and not test_failed(self._records)

    def _end(self) -> FlowEnd:
        outcome = flow_outcome(self._records)
        if self._broken and outcome is not Outcome.FAILED:
            failure = Failure(flow=self._name, step="", message="engine error: not every step was run (-v shows where)")
            code = EXIT_INTERRUPTED if self._cut_short() else EXIT_PLATFORM
            return self._tell_end(self._result(Outcome.ERRORED, failure=failure), code)
        code = exit_code_of(outcome, self._records, interrupted=self._cut_short())
        return self._tell_end(self._result(outcome), code)

    def _never_started(self, message: str, hint: str, code: int) -> FlowEnd:
        """Nothing runs: every step is there, none was started, and the flow says why."""
        if not self._started_told:
            self._tell_start()
        said = self._masker.text(with_hint(message, hint))
        for phase in Phase:
            for step in self._flow.phase(phase):
                record = not_run(step, phase, Stop("the flow did not start"))
                self._records.append(record)
                self._tell(StepFinished(step=record.result))
        failure = Failure(flow=self._name, step="", message=said)
        return self._tell_end(self._result(Outcome.ERRORED, failure=failure), code)

    def _tell_end(self, result: FlowResult, code: int) -> FlowEnd:
        self._tell(FlowFinished(result=result, trace="\n".join(self._traces)))
        return FlowEnd(result=result, exit_code=code)

    def _result(self, outcome: Outcome, *, failure: Failure | None = None) -> FlowResult:
        steps = tuple(record.result for record in self._records)
        failure = failure or first_failure(self._name, self._records)
        if failure is None and outcome is not Outcome.PASSED:
            failure = why_nothing_passed(self._name, self._records)
        return FlowResult(
            name=self._name,
            file=self._flow.file,
            outcome=outcome,
            started_at=self._started_at,
            duration_ms=round((time.monotonic() - self._started) * 1000, 1),
            steps=steps,
            first_failure=failure,
            metrics=self._metrics(),
            interrupted=self._cut_short(),
        )

    def _metrics(self) -> Metrics:
        return Metrics(
            assertions=sum(_last_assertions(self._records)),
            http_requests=self._counters.http_requests,
            sql_statements=self._counters.sql_statements,
            kafka_messages=self._counters.kafka_messages,
            retries=self._counters.retries,
        )


def _no_more(deadline: Deadline, interrupt: Interrupt) -> Stop | None:
    """Why no further step starts, ``None`` if one may."""
    if interrupt.is_set():
        return Stop(f"interrupted by {interrupt.reason}")
    return Stop(f"{deadline.what} was used up", "timeout") if deadline.passed else None


def _rendered_name(flow: Flow, scope: FlowScope) -> str:
    try:
        return str(compile_template(flow.name).render(scope))
    except ValueError:
        return flow.name  # a name is for people: it is shown as written where it can't be rendered


def _last_assertions(records: Iterable[StepRecord]) -> Iterable[int]:
    return (len(record.result.attempts[-1].assertions) for record in records if record.result.attempts)
