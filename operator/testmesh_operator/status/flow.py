"""The status of a flow: whether it is valid, and how its last runs went. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_operator.resources.testflow import (
    RECENT_RUNS,
    FlowHash,
    FlowMetrics,
    RecentRun,
    TestFlow,
    TestFlowStatus,
)
from testmesh_operator.resources.testrun import RunResult
from testmesh_operator.status.conditions import State, conditions, flow_checked
from testmesh_operator.status.reasons import Reason

_SHOWN = 5
"""Problems in a condition's message; the rest is counted."""


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
    """The status with these finished runs added, each once; cancelled ones are shown, but count for nothing."""
    for run in sorted(runs, key=lambda item: item.completion_time):
        known = status.recent_runs or []
        if run.uid not in {item.uid for item in known}:
            status = _with(status, run, [run, *known][:RECENT_RUNS])
    return status


def _with(status: TestFlowStatus, run: RecentRun, recent: list[RecentRun]) -> TestFlowStatus:
    update: dict[str, object] = {"recent_runs": recent, "metrics": _metrics(recent)}
    if run.result is RunResult.PASSED:
        update |= {"last_successful_time": run.completion_time, "consecutive_failures": 0}
    elif run.result is not RunResult.CANCELLED:
        update["consecutive_failures"] = (status.consecutive_failures or 0) + 1
    return status.model_copy(update=update)


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
