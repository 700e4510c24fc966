"""From the results of a call's flows to its one verdict: counts added up, the worst result, the first failure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TypeVar

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Counts, Failure, FlowResult, Metrics, Outcome, StepResult
from testmesh_engine.contract.verdict import EXIT_CODES, Result, StepVerdict, Verdict

_WORST_FIRST = (130, 2, 1, 3, 0)
"""Of several flows the exit code that counts, as the command line has it: each asks for one of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSummary:
    """A flow that has ended, or as far as it has come; ``exit_code`` is what it asks for, if that is known."""

    result: FlowResult
    exit_code: int | None = None

    @property
    def skipped(self) -> bool:
        """Whether there was nothing to run, and nothing kept it from running."""
        return self.result.outcome is Outcome.SKIPPED and not self.result.interrupted

    def code(self) -> int:
        """The exit code: where it is not known, as the outcome says; an error is then the platform's."""
        if self.result.interrupted:
            return 130
        if self.exit_code is not None:
            return self.exit_code
        return {Outcome.PASSED: 0, Outcome.FAILED: 1}.get(self.result.outcome, 3)


def summarise(flow: FlowResult, *, final: bool, run_uid: str, attempt: int, current: str = "") -> Verdict:
    """The verdict on one flow. A flow that is not final is ``Running``, whatever its steps say so far."""
    return summarise_all([FlowSummary(result=flow)], final=final, run_uid=run_uid, attempt=attempt, current=current)


def summarise_all(
    flows: Sequence[FlowSummary], *, final: bool, run_uid: str, attempt: int, current: str = ""
) -> Verdict:
    """The verdict on all flows of a call, in their order.

    Where there are several, or rows, each step's id begins with that of which it is: ``row 2/ask``. A step that
    failed within another is named in the outer one's message.
    """
    results = [flow.result for flow in flows]
    leads = [lead_of(flow, alone=len(flows) == 1) for flow in results]
    return Verdict(
        final=final,
        result=_result_of(flows) if final else Result.RUNNING,
        counts=_added([flow.counts for flow in results], Counts),
        run_uid=run_uid,
        attempt=attempt,
        duration_ms=round(wall_ms(results)),
        steps=tuple(
            _step_verdict(step, lead) for flow, lead in zip(results, leads, strict=True) for step in flow.steps
        ),
        first_failure=_first_failure(flows, leads),
        metrics=_added([flow.metrics for flow in results], Metrics),
        current=current,
    )


def lead_of(flow: FlowResult, *, alone: bool) -> str:
    """What the ids of the flow's steps begin with in a verdict: its row, or its name where it is not alone."""
    # A row's label may go on with a value of it, in parentheses: its number is enough.
    label = flow.row.partition(" (")[0] or ("" if alone else flow.name)
    return f"{label}/" if label else ""


def _result_of(flows: Sequence[FlowSummary]) -> Result:
    """The worst of all. Flows that were skipped take nothing from those that passed, and are no pass alone."""
    codes = {flow.code() for flow in flows if not flow.skipped}
    code = next((code for code in _WORST_FIRST if code in codes), 2)
    return next(result for result, allowed in EXIT_CODES.items() if code in allowed)


def _first_failure(flows: Sequence[FlowSummary], leads: Sequence[str]) -> Failure | None:
    """The first failure of those flows that make the result; that of a skipped one where all were skipped."""
    every = list(zip(flows, leads, strict=True))
    counting = [(flow, lead) for flow, lead in every if not flow.skipped] or every
    failures = [(flow.code(), flow.result.first_failure, lead) for flow, lead in counting]
    bad = [(_WORST_FIRST.index(code), first, lead) for code, first, lead in failures if first is not None]
    if not bad:
        return None
    _, first, lead = min(bad, key=itemgetter(0))
    if first.step:
        return replace(first, step=f"{lead}{first.step}")
    return replace(first, message=f"{lead.removesuffix('/')}: {first.message}") if lead else first


def _step_verdict(step: StepResult, lead: str) -> StepVerdict:
    within = [inner for inner in _within(step) if inner.message and inner.id not in step.message]
    parts = [step.message, *(f"{inner.id}: {inner.message}" for inner in within)]
    return StepVerdict(
        id=f"{lead}{step.id}",
        action=step.action,
        phase=step.phase,
        outcome=step.outcome,
        duration_ms=round(step.duration_ms),
        message="; ".join(part for part in parts if part),
    )


def _within(step: StepResult) -> Iterator[StepResult]:
    """The steps inside of it that went wrong and count, at any depth."""
    for inner in step.steps:
        if inner.outcome in (Outcome.FAILED, Outcome.ERRORED) and not inner.ignored:
            yield inner
        yield from _within(inner)


def wall_ms(flows: Sequence[FlowResult]) -> float:
    """From the first flow's start to the last one's end; the sum where it is not known when they started."""
    try:
        starts = [datetime.fromisoformat(flow.started_at) for flow in flows]
    except ValueError:
        return sum(flow.duration_ms for flow in flows)
    ends = [start + timedelta(milliseconds=flow.duration_ms) for start, flow in zip(starts, flows, strict=True)]
    return (max(ends) - min(starts)) / timedelta(milliseconds=1) if starts else 0.0


_Numbers = TypeVar("_Numbers", Counts, Metrics)


def _added(parts: Iterable[_Numbers], kind: type[_Numbers]) -> _Numbers:
    known = list(parts)
    return kind(**{each.name: sum(getattr(part, each.name) for part in known) for each in fields(kind)})
