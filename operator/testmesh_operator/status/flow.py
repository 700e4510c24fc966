"""The status of a flow: whether it is valid, and how its last runs went. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_operator.resources.testflow import (
    RECENT_RUNS,
    FlowHash,
    FlowMetrics,
    RecentRun,
    TestFlow,
    TestFlowStatus,
)
from testmesh_operator.resources.testrun import RunResult, TestRun
from testmesh_operator.status.conditions import State, conditions, flow_checked
from testmesh_operator.status.reasons import Reason

_SHOWN = 5
"""Problems in a condition's message; the rest is counted."""

_CLOCKS = timedelta(seconds=5)
"""How far the API server's clock, which dates a flow, may be ahead of ours, which dates a run's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What is known of a flow's text. ``valid`` is None where the validator broke: then the runner decides."""

    valid: bool | None
    reason: str
    message: str
    hash: str = ""

    @property
    def state(self) -> State:
        """The flow's conditions."""
        return flow_checked(self.reason, self.message, valid=self.valid)


def verified(problems: Sequence[Problem], *, text_hash: str) -> Verified:
    """The verdict on a text from the validator's problems; warnings are shown, but refuse nothing."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        return Verified(valid=False, reason=Reason.FLOW_INVALID, message=describe(errors), hash=text_hash)
    message = describe(problems) if problems else "The flow is valid."
    return Verified(valid=True, reason="FlowValid", message=message, hash=text_hash)


def describe(problems: Sequence[Problem]) -> str:
    """The first problems, each with its place and what to do; how many more there are."""
    lines = [_line(problem) for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"… and {len(problems) - _SHOWN} more.")
    return "\n".join(lines)


def _line(problem: Problem) -> str:
    return f"{problem.headline()} ({problem.hint})" if problem.hint else problem.headline()


def checked(flow: TestFlow, result: Verified, *, now: datetime) -> TestFlowStatus:
    """The status after a check; what it remembers of runs stays."""
    generation = flow.metadata.generation
    return flow.status.model_copy(
        update={
            "observed_generation": generation,
            "conditions": conditions(result.state, generation=generation, now=now, previous=flow.status.conditions),
            "flow": FlowHash(hash=result.hash) if result.hash else None,
        }
    )


def remember(status: TestFlowStatus, runs: Iterable[RecentRun]) -> TestFlowStatus:
    """The status with these finished runs added, each once, in whatever order they come.

    After a restart they come from a list: what an operator that was killed had no time to write is not lost.
    """
    known = status.recent_runs or []
    added = [run for run in runs if run.uid not in {item.uid for item in known} and _fits(run, known)]
    if not added:
        return status
    recent = sorted([*added, *known], key=lambda run: run.completion_time, reverse=True)[:RECENT_RUNS]
    passed = [run.completion_time for run in recent if run.result is RunResult.PASSED]
    return status.model_copy(
        update={
            "recent_runs": recent,
            "metrics": _metrics(recent),
            "last_successful_time": passed[0] if passed else status.last_successful_time,
            "consecutive_failures": _failures(status, recent, added),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run that has ended, and the flow that it names; ``flow_uid`` is None where it was refused before its claim."""

    recent: RecentRun
    flow: str
    flow_uid: str | None

    def belongs_to(self, flow: TestFlow) -> bool:
        """Whether the run was of this very flow, and not of a deleted one of the same name."""
        if self.flow_uid is not None:
            return self.flow_uid == flow.metadata.uid
        return self.recent.completion_time + _CLOCKS >= flow.metadata.creation_timestamp


def finished_run(run: TestRun) -> FinishedRun | None:
    """What a flow remembers of a finished run; None for an inline flow's, which no TestFlow asks about."""
    status = run.status
    if status.flow is None or not status.flow.name or status.result is None or status.completion_time is None:
        return None
    recent = RecentRun(
        name=run.metadata.name,
        uid=run.metadata.uid,
        result=status.result,
        completion_time=status.completion_time,
        duration_milliseconds=status.duration_milliseconds or 0,
    )
    return FinishedRun(recent=recent, flow=status.flow.name, flow_uid=status.flow.uid)


def _fits(run: RecentRun, known: Sequence[RecentRun]) -> bool:
    """Whether a run belongs among the last ones; an older one was counted long ago."""
    return len(known) < RECENT_RUNS or run.completion_time > known[-1].completion_time


def _failures(status: TestFlowStatus, recent: Sequence[RecentRun], added: Sequence[RecentRun]) -> int:
    """Failed and errored runs since the last passed one; a cancelled run counts for nothing."""
    ends = [run.result for run in recent if run.result is not RunResult.CANCELLED]
    if RunResult.PASSED in ends:
        return ends.index(RunResult.PASSED)
    new = [run for run in added if run.result is not RunResult.CANCELLED]
    return (status.consecutive_failures or 0) + len(new)


def _metrics(recent: Sequence[RecentRun]) -> FlowMetrics:
    results = [run.result for run in recent]
    durations = sorted(run.duration_milliseconds for run in recent)
    return FlowMetrics(
        passed=results.count(RunResult.PASSED),
        failed=results.count(RunResult.FAILED),
        errored=results.count(RunResult.ERRORED),
        median_duration_milliseconds=round(statistics.median(durations)),
        p95_duration_milliseconds=durations[math.ceil(0.95 * len(durations)) - 1],
    )
