"""Runs one step: its condition, config and attempts, and what is done about a failure; from declaration to record."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace

from testmesh_engine.actions.config import canonical
from testmesh_engine.actions.registry import load_action
from testmesh_engine.actions.waiting import Deadline, Interrupt, earliest
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import AttemptResult, Outcome, Phase, StepResult
from testmesh_engine.errors import ErrorKind, Interrupted, NothingRanError, UsageError
from testmesh_engine.expressions import EvaluationError, NoValueError, Value, compile_template
from testmesh_engine.language.model import OnError, Step
from testmesh_engine.language.step_config import NO_TIME
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.attempt import Attempt, Attempting
from testmesh_engine.runtime.attempts import Course, RealClock, bounds_of, plan_of, run_attempts
from testmesh_engine.runtime.conditions import NotAgain, error_value, need_values, why_skipped
from testmesh_engine.runtime.ending import Ending, after, ending_of
from testmesh_engine.runtime.nested import Inside
from testmesh_engine.runtime.outcome import StepRecord
from testmesh_engine.runtime.present import with_hint
from testmesh_engine.runtime.scope import FlowScope
from testmesh_engine.runtime.settle import settled
from testmesh_engine.runtime.surroundings import Surroundings

_FAILURES = frozenset({Outcome.FAILED, Outcome.ERRORED})


def run_step(step: Step, around: Surroundings) -> StepRecord:
    """Run ``step``, remember what it gave, and run its ``error_steps`` where it has failed. Never raises."""
    run = _StepRun(step, around)
    ending = run.ending()
    run.remember(ending)
    if ending.outcome not in _FAILURES or run.interrupted:
        return run.record(ending, [])
    error = run.error(ending)
    inside = run_all(step.error_steps, around.inside(error=error))
    # What failed in them is no error of the flow: for the steps below it is still this one.
    around.memory.error = error
    return run.record(ending, inside)


def run_all(steps: Iterable[Step], around: Surroundings) -> list[StepRecord]:
    """Run each of ``steps``, whatever becomes of the others, while there is time and nobody interrupts."""
    records = []
    for step in steps:
        stop = no_more(around.deadline, around.interrupt)
        records.append(run_step(step, around) if stop is None else not_run(step, around.phase, stop))
    return records


def run_in_order(steps: Iterable[Step], around: Surroundings) -> list[StepRecord]:
    """Run ``steps`` as a flow does: none after one that has failed, but in teardown all of them."""
    if around.phase is Phase.TEARDOWN:
        return run_all(steps, around)
    records = []
    stop: Stop | None = None
    for step in steps:
        stop = stop or no_more(around.deadline, around.interrupt)
        record = run_step(step, around) if stop is None else not_run(step, around.phase, stop)
        records.append(record)
        if record.bad and step.on_error is OnError.FAIL and stop is None:
            stop = Stop(f"{step.shown} {record.result.outcome.value}")
    return records


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a step is not started. ``counts`` is unset where that is as it should be."""

    reason: str
    kind: ErrorKind | None = None
    counts: bool = True


def no_more(deadline: Deadline, interrupt: Interrupt) -> Stop | None:
    """Why no further step starts, ``None`` if one may."""
    if interrupt.is_set():
        return Stop(f"interrupted by {interrupt.reason}")
    return Stop(f"{deadline.what} was used up", "timeout") if deadline.passed else None


def not_run(step: Step, phase: Phase, stop: Stop) -> StepRecord:
    """The record of a step that was not started."""
    result = replace(_blank(step, phase, Outcome.NOT_RUN, stop.reason), ignored=not stop.counts)
    return StepRecord(result=result, kind=stop.kind, ignored=not stop.counts)


def _blank(step: Step, phase: Phase, outcome: Outcome, message: str) -> StepResult:
    return StepResult(
        id=step.shown,
        action=step.action.name,
        phase=phase,
        outcome=outcome,
        name=step.name,
        message=message,
        line=step.line,
        tags=step.tags,
    )


class _StepRun:
    """One run of one step. ``interrupted`` is set once a signal has ended it."""

    def __init__(self, step: Step, around: Surroundings) -> None:
        self.interrupted = False
        self._step = step
        self._around = around
        self._at = builtins.moment(around.identity, flow=around.flow, step=step.shown, failed=around.failed)
        self._started = time.monotonic()
        self._course: Course[Attempt] = Course()
        self._inside = Inside()

    def ending(self) -> Ending:
        """Run it, whatever happens."""
        try:
            return self._run()
        except NoValueError as error:
            # What teardown would clean up was never made.
            outcome = Outcome.SKIPPED if self._around.phase is Phase.TEARDOWN else Outcome.ERRORED
            return Ending(outcome=outcome, message=error.message, kind="variable_error")
        except (EvaluationError, UsageError) as error:
            message = with_hint(error.message, error.hint)
            return Ending(outcome=Outcome.ERRORED, message=message, kind="variable_error")
        except NothingRanError as error:
            return Ending(outcome=Outcome.SKIPPED, message=error.message)
        except Interrupted as error:
            self.interrupted = True
            return Ending(outcome=Outcome.ERRORED, message=f"{error}{self._so_far()}")
        except Exception as error:  # noqa: BLE001 - our own bug must end the step, never the run without a verdict
            return Ending(outcome=Outcome.ERRORED, message=self._bug(error), kind="engine_error")

    def _run(self) -> Ending:
        scope = self._scope()
        reason = why_skipped(self._step, scope, self._around.masker)
        if reason:
            return Ending(outcome=Outcome.SKIPPED, message=reason)
        if self._around.phase is Phase.TEARDOWN:
            need_values(self._step, scope)
        step = settled(self._step, scope)
        self._around.connections.step_begins(step.id)
        action = load_action(step.action.name)
        config = self._config(step, scope)
        deadline = self._deadline(step)
        bounds = bounds_of(step.attempts, deadline)
        not_again = NotAgain(step.attempts, self._around.masker)
        attempting = Attempting(
            step=step,
            around=self._around,
            at=self._at,
            action=action,
            config=config,
            bounds=bounds,
            not_again=not_again,
            run_steps=run_in_order,
            begun=self._begun,
        )
        plan = plan_of(step.attempts, bounds.at)
        run_attempts(plan, attempting.make, RealClock(deadline, self._around.interrupt), self._course)
        return ending_of(self._course, step.attempts, bounds, unread=not_again.unread)

    def _begun(self, inside: Inside) -> None:
        self._inside = inside

    def _scope(self) -> FlowScope:
        return FlowScope(self._around.memory, self._at, error=self._around.error)

    def _config(self, step: Step, scope: FlowScope) -> Mapping[str, Value]:
        rendered = {name: template.render(scope) for name, template in step.config.items()}
        config = canonical(step.action, rendered)
        self._around.masker.learn(dict(config))
        for template in step.config.values():
            self._around.masker.learn_rendered(template, scope)
        timeout = config.get("timeout")
        if isinstance(timeout, (str, int)) and not parse_duration(str(timeout)):
            raise UsageError(f"config.timeout {NO_TIME}", hint="Write for example 30s, or leave it out.")
        return config

    def _deadline(self, step: Step) -> Deadline:
        """What bounds all attempts together."""
        flow = self._around.deadline
        return flow if step.timeout is None else earliest((flow, Deadline.after(step.timeout, "the step's timeout")))

    def _so_far(self) -> str:
        """The last attempt that ended, for a step that a signal has ended in the midst of another one."""
        made = self._course.made
        last = f": {made[-1].message}" if made and made[-1].message else ""
        return f" ({after(len(made))}{last})" if made else ""

    def _bug(self, error: Exception) -> str:
        self._around.traces.append(self._around.masker.text("".join(traceback.format_exception(error))))
        return f"engine error: {type(error).__name__}: {error} (run with -v for the traceback)"

    def error(self, ending: Ending) -> Value:
        """``error`` in the expressions of the steps after it, nil where there is none."""
        if ending.outcome not in _FAILURES:
            return None
        return error_value(ending.message, ending.kind, timed_out=ending.timed_out)

    def remember(self, ending: Ending) -> None:
        """Note what the step gave and how it ended, for all that is looked at after it."""
        memory, step, made = self._around.memory, self._step, self._course.made
        if ending.outcome is Outcome.SKIPPED:
            memory.pass_over(step, f"step {step.shown} was skipped")
        elif made and made[-1].result is not None:
            memory.remember(step, made[-1].result, made[-1].captured)
        else:
            memory.forget(step, f"step {step.shown} failed")
        # Whose fault it is is for the exit code; to the flow a step has failed or has not.
        outcome = Outcome.FAILED if ending.outcome is Outcome.ERRORED else ending.outcome
        memory.ended(step, outcome, self.error(ending))

    def record(self, ending: Ending, after: list[StepRecord]) -> StepRecord:
        """The step's record, with the steps that ran inside of it and those that ran ``after`` it had failed."""
        around, step, inside = self._around, self._step, self._shown_inside()
        around.counters.retries += max(0, len(self._course.made) - 1)
        message = around.masker.text(ending.message) + _failures_of(step, after)
        broken = any(each.kind == "engine_error" for each in after)
        kind: ErrorKind | None = "engine_error" if broken else ending.kind
        ignored = self._may_be_ignored(ending) and kind != "engine_error"
        result = replace(
            _blank(step, around.phase, ending.outcome, message),
            name=around.masker.text(self._rendered_name()),
            tags=tuple(map(around.masker.text, step.tags)),
            started_ms=around.since_start(self._started),
            duration_ms=round((time.monotonic() - self._started) * 1000, 1),
            ignored=ignored and ending.outcome in _FAILURES,
            attempts=self._attempts(),
            steps=tuple(record.result for record in (*inside.records, *after)),
        )
        return StepRecord(result=result, kind=kind, ignored=ignored, cause=inside.cause)

    def _may_be_ignored(self, ending: Ending) -> bool:
        """Whether the flow says so, and the step failed by itself: no signal ended it, nor the flow's time."""
        around = self._around
        out_of_time = ending.timed_out and around.deadline.passed and around.phase is not Phase.TEARDOWN
        return self._step.on_error is OnError.IGNORE and not self.interrupted and not out_of_time

    def _shown_inside(self) -> Inside:
        """What ran in the last attempt that is shown, or in the one in which the step ended."""
        return self._course.made[-1].inside if self._course.end is not None else self._inside

    def _attempts(self) -> tuple[AttemptResult, ...]:
        made = self._course.made
        return tuple(attempt.shown(self._around, whole=attempt is made[-1]) for attempt in made)

    def _rendered_name(self) -> str:
        if not self._step.name:
            return ""
        try:
            return str(compile_template(self._step.name).render(self._scope()))
        except ValueError:
            return self._step.name  # a name is for people: it is shown as written where it can't be rendered


def _failures_of(step: Step, inside: list[StepRecord]) -> str:
    """What is said of error_steps that went wrong themselves, beside the failure that they were run for."""
    wrong = [record.result for record in inside if record.bad]
    if not wrong:
        return ""
    names = ", ".join(f"{result.id.removeprefix(f'{step.shown}/')} {result.outcome}" for result in wrong)
    return f" (in its error_steps: {names.replace('_', ' ')})"
