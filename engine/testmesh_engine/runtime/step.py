"""Runs one step: its condition, its config, its attempts; from declaration to record."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from testmesh_engine.actions.base import Action, Connections, Context, Counters, Result
from testmesh_engine.actions.config import canonical
from testmesh_engine.actions.registry import load_action
from testmesh_engine.actions.waiting import Deadline, Interrupt, earliest
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.result import AssertionResult, AttemptResult, Json, Outcome, Phase, StepResult
from testmesh_engine.errors import ActionError, ErrorKind, Interrupted, PlatformError, UsageError
from testmesh_engine.expressions import Check, EvaluationError, Value, compile_template
from testmesh_engine.language.model import Assertion, Eventually, OnError, Quantifier, Step
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.attempts import plan_of, run_attempts
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.outcome import StepRecord
from testmesh_engine.runtime.present import shown, shown_check, shown_result, with_hint
from testmesh_engine.runtime.scope import FlowScope, Memory, NoValueError

DEFAULT_ATTEMPT_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What all steps of one part of a flow share."""

    flow: str
    phase: Phase
    memory: Memory
    masker: Masker
    identity: Identity
    deadline: Deadline
    interrupt: Interrupt
    connections: Connections
    counters: Counters
    failed: bool = False
    """Whether the flow has failed so far: FLOW_STATUS in teardown."""
    traces: list[str] = field(default_factory=list)
    """Tracebacks of the engine's own errors, for ``-v``."""


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One attempt: what came of it, and what it met."""

    number: int
    started: float
    ended: float = 0.0
    result: Result | None = None
    request: Mapping[str, Value] = field(default_factory=dict)
    found: Mapping[str, Value] = field(default_factory=dict)
    captured: dict[str, Value] = field(default_factory=dict)
    checks: tuple[AssertionResult, ...] = ()
    outcome: Outcome = Outcome.PASSED
    message: str = ""
    error: str = ""
    kind: ErrorKind | None = None
    cut: bool = False
    stopped: bool = False

    @property
    def holds(self) -> bool:
        """Whether it succeeded."""
        return self.outcome is Outcome.PASSED

    @property
    def again(self) -> bool:
        """Whether another one could do better."""
        return not self.stopped and self.kind not in ("variable_error", "engine_error")

    def fail(self, outcome: Outcome, message: str, kind: ErrorKind | None = None) -> None:
        """Note why it did not succeed; the first reason is the message."""
        if self.holds:
            self.outcome, self.message, self.kind = outcome, message, kind


def run_step(step: Step, around: Surroundings) -> StepRecord:
    """Run ``step`` and remember what it gave. Never raises but :class:`Interrupted`, after noting the record."""
    return _StepRun(step, around).record()


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a step is not started. ``counts`` is unset where that is as it should be."""

    reason: str
    kind: ErrorKind | None = None
    counts: bool = True


def not_run(step: Step, phase: Phase, stop: Stop) -> StepRecord:
    """The record of a step that was not started."""
    result = _blank(step, phase, Outcome.NOT_RUN, stop.reason)
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
    )


class _StepRun:
    def __init__(self, step: Step, around: Surroundings) -> None:
        self._step = step
        self._around = around
        self._at = builtins.moment(around.identity, flow=around.flow, step=step.shown, failed=around.failed)
        self._started = time.monotonic()

    def record(self) -> StepRecord:
        """Run it, whatever happens."""
        try:
            return self._run()
        except NoValueError as error:
            # What teardown would clean up was never made.
            outcome = Outcome.SKIPPED if self._around.phase is Phase.TEARDOWN else Outcome.ERRORED
            return self._ended(outcome, error.message, "variable_error")
        except (EvaluationError, UsageError) as error:
            return self._ended(Outcome.ERRORED, with_hint(error.message, error.hint), "variable_error")
        except Interrupted as error:
            return self._ended(Outcome.ERRORED, str(error), None)
        except Exception as error:  # noqa: BLE001 - our own bug must end the step, never the run without a verdict
            return self._ended(Outcome.ERRORED, self._bug(error), "engine_error")

    def _run(self) -> StepRecord:
        reason = self._skipped()
        if reason:
            return self._ended(Outcome.SKIPPED, reason, None)
        action = load_action(self._step.action.name)
        config = canonical(self._step.action, self._rendered())
        self._around.masker.learn(dict(config))
        plan = plan_of(self._step.attempts)
        deadline = self._bounds()
        everything = deadline if plan.deadline is None else earliest((deadline, plan.deadline))
        made = run_attempts(
            plan,
            lambda number: self._attempt(number, action, config, everything),
            deadline=deadline,
            interrupt=self._around.interrupt,
        )
        self._keep(made[-1])
        return self._finished(made)

    def _keep(self, last: _Attempt) -> None:
        memory, step = self._around.memory, self._step
        if last.result is None:
            memory.forget(step, f"step {step.shown} failed")
        else:
            memory.remember(step, last.result, last.captured)

    def _rendered(self) -> dict[str, Value]:
        scope = FlowScope(self._around.memory, self._at)
        return {name: template.render(scope) for name, template in self._step.config.items()}

    def _skipped(self) -> str:
        step = self._step
        if step.disabled:
            return "disabled"
        if step.when is None:
            return ""
        value = step.when.evaluate(FlowScope(self._around.memory, self._at))
        if not isinstance(value, bool):
            raise UsageError(f"when is no condition: {step.when.source} is neither true nor false")
        return "" if value else f"when: {step.when.source} is false"

    def _bounds(self) -> Deadline:
        """What bounds all attempts together."""
        seconds = self._step.timeout
        flow = self._around.deadline
        return flow if seconds is None else earliest((flow, Deadline.after(seconds, "the step's timeout")))

    def _attempt_deadline(self, config: Mapping[str, Value], bounds: Deadline) -> Deadline:
        if self._step.action.bounds_itself:
            return bounds
        given = config.get("timeout")
        seconds = DEFAULT_ATTEMPT_SECONDS if given is None else parse_duration(str(given))
        return earliest((bounds, Deadline.after(seconds, "config.timeout")))

    def _attempt(self, number: int, action: Action, config: Mapping[str, Value], bounds: Deadline) -> _Attempt:
        attempt = _Attempt(number=number, started=time.monotonic())
        context = Context(
            step=self._step.shown,
            deadline=self._attempt_deadline(config, bounds),
            interrupt=self._around.interrupt,
            connections=self._around.connections,
            counters=self._around.counters,
            holds=self._holds,
            attempt=number,
        )
        try:
            attempt.result = action.run(config, context)
        except ActionError as error:
            self._note(attempt, error)
        attempt.request, attempt.found = context.request, context.found
        self._around.masker.learn(dict(context.found))
        attempt.ended = time.monotonic()
        if attempt.result is not None:
            attempt.result.setdefault("duration_ms", round((attempt.ended - attempt.started) * 1000))
            attempt.result.setdefault("time", attempt.result["duration_ms"])
            attempt.result.setdefault("request", dict(context.request))
            self._around.masker.learn(attempt.result)
            self._judge(attempt, attempt.result)
        return attempt

    def _note(self, attempt: _Attempt, error: ActionError) -> None:
        attempt.error = with_hint(error.message, error.hint)
        attempt.cut = error.kind == "timeout"
        outcome = Outcome.ERRORED if isinstance(error, PlatformError) else Outcome.FAILED
        attempt.fail(outcome, attempt.error, error.kind)

    def _judge(self, attempt: _Attempt, result: Result) -> None:
        """Outputs, then all assertions; captured values are kept when an assertion fails."""
        scope = FlowScope(self._around.memory, self._at, result)
        for capture in self._step.outputs:
            try:
                attempt.captured[capture.name] = capture.output.extract(result, scope)
            except EvaluationError as error:
                attempt.error = f"output {capture.name}: {with_hint(error.message, error.hint)}"
                attempt.fail(Outcome.FAILED, attempt.error)
        self._around.masker.learn(attempt.captured)
        attempt.checks = self._checks(FlowScope(self._around.memory, self._at, result, attempt.captured))
        failed = [check for check in attempt.checks if not check.passed]
        if failed:
            more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
            attempt.fail(Outcome.FAILED, f"{failed[0].message}{more}")
        if not attempt.holds and isinstance(self._step.attempts, Eventually) and self._step.attempts.stop_on:
            attempt.stopped = self._step.attempts.stop_on.check(scope).holds

    def _holds(self, result: Result) -> bool:
        """Whether an action that waits may stop here: all outputs are found, all assertions hold."""
        probe = _Attempt(number=0, started=0.0)
        self._judge(probe, result)
        return probe.holds

    def _checks(self, scope: FlowScope) -> tuple[AssertionResult, ...]:
        found = [(assertion, assertion.expression.check(scope)) for assertion in self._step.asserts]
        alternatives = [check for assertion, check in found if assertion.quantifier is Quantifier.ANY]
        shown_ones = []
        for assertion, check in found:
            judged = _judged(assertion, check, any_holds=any(other.holds for other in alternatives))
            message = self._message(assertion, scope) if not judged.holds else ""
            shown_ones.append(shown_check(assertion.expression.source, judged, self._around.masker, message=message))
        return tuple(shown_ones)

    @staticmethod
    def _message(assertion: Assertion, scope: FlowScope) -> str:
        if assertion.message is None:
            return ""
        try:
            return str(assertion.message.render(scope))
        except EvaluationError as error:
            return f"(its message can't be shown: {error.message})"

    def _finished(self, made: list[_Attempt]) -> StepRecord:
        last = made[-1]
        self._around.counters.retries += len(made) - 1
        message = last.message if len(made) == 1 or last.holds else f"{last.message} (after {len(made)} attempts)"
        attempts = tuple(self._attempt_result(attempt, whole=attempt is last) for attempt in made)
        return self._ended(last.outcome, message, last.kind, attempts)

    def _attempt_result(self, attempt: _Attempt, *, whole: bool) -> AttemptResult:
        masker = self._around.masker
        return AttemptResult(
            number=attempt.number,
            duration_ms=round((attempt.ended - attempt.started) * 1000, 1),
            assertions=attempt.checks,
            error=masker.text(attempt.error),
            request=shown(dict(attempt.request), masker) if whole else None,
            response=_response(attempt, masker) if whole else None,
        )

    def _ended(
        self, outcome: Outcome, message: str, kind: ErrorKind | None, attempts: tuple[AttemptResult, ...] = ()
    ) -> StepRecord:
        if outcome is Outcome.SKIPPED:
            self._around.memory.pass_over(self._step, f"step {self._step.shown} was skipped")
        elif outcome is Outcome.ERRORED and not attempts:
            self._around.memory.forget(self._step, f"step {self._step.shown} did not work")
        blank = _blank(self._step, self._around.phase, outcome, self._around.masker.text(message))
        name = self._around.masker.text(self._rendered_name())
        result = StepResult(
            id=blank.id,
            action=blank.action,
            phase=blank.phase,
            outcome=outcome,
            duration_ms=round((time.monotonic() - self._started) * 1000, 1),
            name=name,
            message=blank.message,
            line=blank.line,
            attempts=attempts,
        )
        return StepRecord(result=result, kind=kind, ignored=self._step.on_error is OnError.IGNORE)

    def _rendered_name(self) -> str:
        if not self._step.name:
            return ""
        try:
            return str(compile_template(self._step.name).render(FlowScope(self._around.memory, self._at)))
        except ValueError:
            return self._step.name  # a name is for people: it is shown as written where it can't be rendered

    def _bug(self, error: Exception) -> str:
        self._around.traces.append(self._around.masker.text("".join(traceback.format_exception(error))))
        return f"engine error: {type(error).__name__}: {error} (run with -v for the traceback)"


def _response(attempt: _Attempt, masker: Masker) -> Json:
    if attempt.result is None:
        return shown_result(attempt.found, masker) if attempt.found else None
    hidden = {"request", "time", "duration_ms", "first_row"}
    return shown_result({name: value for name, value in attempt.result.items() if name not in hidden}, masker)


def _judged(assertion: Assertion, check: Check, *, any_holds: bool) -> Check:
    """The check by the list that its assertion stands in."""
    match assertion.quantifier:
        case Quantifier.ANY:
            return replace(check, holds=any_holds, message=f"none of assert_any holds: {check.message}")
        case Quantifier.NONE if check.holds:
            return Check(holds=False, message=f"{assertion.expression.source} holds and must not")
        case Quantifier.NONE:
            # One that has no value at all says nothing of what must not be.
            return Check(holds=True) if check.evaluated else check
        case Quantifier.ALL:
            return check
