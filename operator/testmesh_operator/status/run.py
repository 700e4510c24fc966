"""The status of a run as it is written: its progress, its claim, its end. Pure; the times come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from testmesh_engine.contract.result import Outcome
from testmesh_engine.contract.verdict import StepVerdict, Verdict
from testmesh_operator.resources.testrun import (
    FirstFailure,
    JobReference,
    RunFlow,
    RunMetrics,
    RunResult,
    StepCounts,
    StepResult,
    StepStatus,
    TestRun,
    TestRunStatus,
)
from testmesh_operator.status.conditions import State, conditions, finished
from testmesh_operator.status.ending import Ending

_RESULTS = {
    Outcome.PASSED: StepResult.PASSED,
    Outcome.FAILED: StepResult.FAILED,
    Outcome.ERRORED: StepResult.ERRORED,
    Outcome.SKIPPED: StepResult.SKIPPED,
    Outcome.NOT_RUN: StepResult.NOT_RUN,
}


def progress(run: TestRun, state: State, *, now: datetime) -> TestRunStatus:
    """The status of a run that goes on: its other fields stay as they are."""
    return run.status.model_copy(
        update={
            "observed_generation": run.metadata.generation,
            "conditions": conditions(
                state, generation=run.metadata.generation, now=now, previous=run.status.conditions
            ),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Name and uid of a run's Job, and which attempt of it this is, from 0."""

    job: str
    uid: str | None
    number: int


def with_job(status: TestRunStatus, attempt: Attempt) -> TestRunStatus:
    """The same status with what is known of the Job; ``attempts`` counts from 1."""
    reference = JobReference(name=attempt.job, uid=attempt.uid)
    return status.model_copy(update={"job_ref": reference, "attempts": attempt.number + 1})


def final(run: TestRun, ending: Ending, *, now: datetime, attempt: Attempt | None = None) -> TestRunStatus:
    """The status of a finished run: all that the verdict knows, in one write; ``attempt`` is None before the Job."""
    state = finished(ending.reason, ending.message, passed=ending.result is RunResult.PASSED)
    start = run.status.start_time or now
    milliseconds = max(0, round((now - start).total_seconds() * 1000))
    flow = run.status.flow or _named(run)
    update = {
        "result": ending.result,
        "start_time": start,
        "completion_time": now,
        "duration_milliseconds": milliseconds,
        "duration": human_duration(milliseconds),
        "flow": flow,
        "runner_image": ending.image or run.status.runner_image,
        **(_of_verdict(ending.verdict, milliseconds) if ending.verdict else {}),
    }
    if ending.result is not RunResult.PASSED and "first_failure" not in update:
        update["first_failure"] = FirstFailure(flow=flow.name if flow else "", message=ending.message)
    status = progress(run, state, now=now).model_copy(update=update)
    return with_job(status, attempt) if attempt is not None else status


def _named(run: TestRun) -> RunFlow | None:
    """The flow of a run that ended before its claim: its history and its series show that end too."""
    return RunFlow(name=run.spec.flow_ref.name) if run.spec.flow_ref else None


def _of_verdict(verdict: Verdict, milliseconds: int) -> dict[str, object]:
    counts, first = verdict.counts, verdict.first_failure
    known: dict[str, object] = {
        "counts": StepCounts(
            total=counts.total,
            passed=counts.passed,
            failed=counts.failed,
            skipped=counts.skipped,
            errored=counts.errored,
        ),
        "steps": [_step(step) for step in verdict.steps],
        "truncated": verdict.truncated or None,
        "metrics": RunMetrics(
            assertions=verdict.metrics.assertions,
            http_requests=verdict.metrics.http_requests,
            sql_statements=verdict.metrics.sql_statements,
            kafka_messages=verdict.metrics.kafka_messages,
            retries=verdict.metrics.retries,
            start_milliseconds=max(0, milliseconds - verdict.duration_ms),
            run_milliseconds=verdict.duration_ms,
        ),
    }
    if first is not None:
        known["first_failure"] = FirstFailure(flow=first.flow, step=first.step, message=first.message)
    return known


def _step(step: StepVerdict) -> StepStatus:
    return StepStatus(
        id=step.id,
        action=step.action,
        phase=step.phase.value,
        result=_RESULTS[step.outcome],
        duration_milliseconds=step.duration_ms,
        message=step.message or None,
    )


def human_duration(milliseconds: int) -> str:
    """``850ms``, ``4.2s``, ``3m07s``, ``1h02m``."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    return f"{minutes // 60}h{minutes % 60:02}m"
