"""One attempt of a step: the action, then the outputs, then the assertions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import partial

from testmesh_engine.actions.base import Action, Context, Result
from testmesh_engine.actions.waiting import Deadline, earliest
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import AssertionResult, AttemptResult, Json, Outcome
from testmesh_engine.errors import ActionError, ErrorKind, PlatformError
from testmesh_engine.expressions import Scope, Value
from testmesh_engine.language.model import Step
from testmesh_engine.runtime.builtins import Moment
from testmesh_engine.runtime.called import call_flow
from testmesh_engine.runtime.conditions import NotAgain, WithoutResult, error_value
from testmesh_engine.runtime.judging import Judgement, judge
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.nested import Inside, NestedRun, RunSteps
from testmesh_engine.runtime.present import shown, shown_result, with_hint
from testmesh_engine.runtime.scope import FlowScope, Memory
from testmesh_engine.runtime.surroundings import Surroundings

DEFAULT_ATTEMPT_SECONDS = 30.0
_SHOWN_ELSEWHERE = frozenset({"request", "time", "duration_ms", "first_row"})


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt: what came of it, and what it met. ``stopped`` says why there is to be no other one."""

    number: int
    started: float
    ended: float = 0.0
    result: Result | None = None
    request: Mapping[str, Value] = field(default_factory=dict)
    found: Mapping[str, Value] = field(default_factory=dict)
    captured: dict[str, Value] = field(default_factory=dict)
    memory: Memory | None = None
    """What was known before it, and what it captured; ``None`` where it has no result."""
    checks: tuple[AssertionResult, ...] = ()
    outcome: Outcome = Outcome.PASSED
    message: str = ""
    error: str = ""
    kind: ErrorKind | None = None
    cut: bool = False
    stopped: str = ""
    inside: Inside = field(default_factory=Inside)

    @property
    def holds(self) -> bool:
        """Whether it succeeded."""
        return self.outcome is Outcome.PASSED

    @property
    def again(self) -> bool:
        """Whether another one could do better."""
        return not self.stopped and self.kind not in ("variable_error", "engine_error")

    def shown(self, around: Surroundings, *, whole: bool) -> AttemptResult:
        """What reports get of it; request and response only where it is ``whole``."""
        masker = around.masker
        return AttemptResult(
            number=self.number,
            duration_ms=round((self.ended - self.started) * 1000, 1),
            started_ms=around.since_start(self.started),
            assertions=self.checks,
            error=masker.text(self.error),
            request=masker.shows(shown(dict(self.request), masker)) if whole else None,
            response=self._response(masker) if whole else None,
        )

    def _response(self, masker: Masker) -> Json:
        if self.result is None:
            return shown_result(self.found, masker) if self.found else None
        given = {name: value for name, value in self.result.items() if name not in _SHOWN_ELSEWHERE}
        if self.inside.records:
            # What the steps inside gave stands with them.
            given = {name: value for name, value in given.items() if not isinstance(value, (dict, list))}
        return shown_result(given, masker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempting:
    """Makes the attempts of one step, all with the same ``config``, within ``bounds``."""

    step: Step
    around: Surroundings
    at: Moment
    action: Action
    config: Mapping[str, Value]
    bounds: Deadline
    not_again: NotAgain
    run_steps: RunSteps
    begun: Callable[[Inside], None]
    """Told of each attempt as it starts, with what will run inside of it."""

    def make(self, number: int) -> Attempt:
        """Make the ``number``-th one. Raises ``UsageError`` for what the flow does wrong, and ``Interrupted``."""
        if number > 1:
            self.around.trying(number)
        attempt = Attempt(number=number, started=time.monotonic())
        self.begun(attempt.inside)
        self._act(attempt, self._context(number, attempt.inside))
        if attempt.result is not None:
            self._complete(attempt, attempt.result)
            self._judge(attempt, attempt.result)
        if self.step.attempts is not None:
            attempt.stopped = self.not_again.reason(self._scope(attempt), attempt.kind, holds=attempt.holds)
        return attempt

    def _act(self, attempt: Attempt, context: Context) -> None:
        try:
            attempt.result = self.action.run(self.config, context)
        except ActionError as error:
            _note(attempt, error)
        finally:
            attempt.ended = time.monotonic()
            attempt.request, attempt.found = context.request, context.found
            self.around.masker.learn(dict(context.request))
            self.around.masker.learn(dict(context.found))

    @property
    def _for_success(self) -> bool:
        """Whether the step, or one around it, is tried again until this one succeeds, without saying what that is."""
        return not self.step.asserts and (self.step.attempts is not None or self.around.for_success)

    def _context(self, number: int, inside: Inside) -> Context:
        deadline = self._deadline()
        around = replace(self.around, for_success=self._for_success)
        nested = NestedRun(self.step, around, deadline=deadline, inside=inside, run_steps=self.run_steps)
        return Context(
            step=self.step.shown,
            deadline=deadline,
            interrupt=self.around.interrupt,
            connections=self.around.connections,
            counters=self.around.counters,
            holds=lambda result: self._judged(result).holds,
            attempt=number,
            folder=self.around.folder,
            trace_id=self.around.trace_id,
            written=self.step.written or self.step.shown,
            nested=nested if self.step.nested else None,
            call=partial(call_flow, step=self.step, around=around, deadline=deadline, inside=inside),
            expressions=self.step.expressions,
            scope=lambda names: FlowScope(self.around.memory, self.at, dict(names), error=self.around.error),
        )

    def _deadline(self) -> Deadline:
        if self.action.spec.bounds_itself:
            return self.bounds
        given = self.config.get("timeout")
        seconds = DEFAULT_ATTEMPT_SECONDS if given is None else parse_duration(str(given))
        return earliest((self.bounds, Deadline.after(seconds, "config.timeout")))

    def _complete(self, attempt: Attempt, result: Result) -> None:
        """Add what every result has. What was sent is known to the masker already."""
        self.around.masker.learn(result)
        result.setdefault("duration_ms", round((attempt.ended - attempt.started) * 1000))
        result.setdefault("time", result["duration_ms"])
        result.setdefault("request", dict(attempt.request))

    def _judged(self, result: Result) -> Judgement:
        return judge(self.step, result, at=self.at, around=self.around)

    def _judge(self, attempt: Attempt, result: Result) -> None:
        found = self._judged(result)
        attempt.captured, attempt.checks, attempt.error = found.captured, found.checks, found.output_error
        attempt.memory = found.memory
        if found.holds and (why := self._why_unsuccessful(result)):
            found.message = attempt.error = why
        if not found.holds:
            attempt.outcome, attempt.message, attempt.kind = Outcome.FAILED, found.message, "assertion"

    def _why_unsuccessful(self, result: Result) -> str:
        """What waits for a service to work and asserts nothing waits for more than any answer."""
        ask = self.action.spec.unsuccessful
        why = ask(result) if ask and self._for_success else ""
        return f"{why}, which without an assertion is no success" if why else ""

    def _scope(self, attempt: Attempt) -> Scope:
        """The scope of what is asked after an attempt."""
        error = None if attempt.holds else error_value(attempt.message, attempt.kind, timed_out=attempt.cut)
        scope = FlowScope(attempt.memory or self.around.memory, self.at, attempt.result, error=error)
        return scope if attempt.result is not None else WithoutResult(scope, self.step.action.results)


def _note(attempt: Attempt, error: ActionError) -> None:
    attempt.outcome = Outcome.ERRORED if isinstance(error, PlatformError) else Outcome.FAILED
    attempt.message = attempt.error = with_hint(error.message, error.hint)
    attempt.kind, attempt.cut = error.kind, error.kind == "timeout"
