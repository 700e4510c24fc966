"""The status of a flow."""

from __future__ import annotations

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_operator.resources.testflow import RECENT_RUNS, RecentRun, TestFlowStatus
from testmesh_operator.resources.testrun import RunResult
from testmesh_operator.status.flow import checked, remember, verified
from unit.operator import gen

PASSED, FAILED, ERRORED, CANCELLED = RunResult


def _of(*results: RunResult, status: TestFlowStatus | None = None) -> TestFlowStatus:
    runs = [
        RecentRun(name=f"r{n}", uid=f"u{n}", result=result, completion_time=gen.ago(100 - n), duration_milliseconds=n)
        for n, result in enumerate(results)
    ]
    return remember(status or TestFlowStatus(), runs)


def test_problems_stand_in_the_condition_with_place_and_hint() -> None:
    """The author sees where, what, and what to do, from kubectl describe alone."""
    problem = Problem(
        message='no action "http_requst"', file="spec.source", line=5, column=15, hint="Did you mean http_request?"
    )
    status = checked(gen.flow(), verified([problem], text_hash="abc"), now=gen.NOW)
    assert ["Ready", "Stalled"] == [condition.type for condition in status.conditions]
    assert (
        'spec.source:5:15: error: no action "http_requst" (Did you mean http_request?)' == status.conditions[0].message
    )
    assert {"FlowInvalid"} == {condition.reason for condition in status.conditions}


def test_only_the_first_problems_are_shown_and_the_rest_counted() -> None:
    """A broken file has hundreds; a condition is to be read."""
    message = verified([Problem(message=f"p{n}") for n in range(8)], text_hash="").message
    assert 6 == len(message.splitlines())
    assert "… and 3 more." in message


def test_warnings_refuse_nothing() -> None:
    """They are shown, and the flow is ready."""
    answer = verified([Problem(message="asserts nothing", severity=Severity.WARNING)], text_hash="abc")
    assert (True, "warning: asserts nothing") == (answer.valid, answer.message)


def test_failures_count_since_the_last_pass() -> None:
    """Failed and errored alike; a cancelled run says nothing."""
    status = _of(FAILED, PASSED, FAILED, CANCELLED, ERRORED)
    assert 2 == status.consecutive_failures
    assert gen.ago(99) == status.last_successful_time
    assert 0 == _of(FAILED, PASSED).consecutive_failures


def test_failures_beyond_what_is_remembered_still_count() -> None:
    """The list is short, the outage may be long."""
    status = _of(*[FAILED] * (RECENT_RUNS + 5))
    assert (RECENT_RUNS, RECENT_RUNS + 5) == (len(status.recent_runs or []), status.consecutive_failures)


def test_run_is_remembered_once() -> None:
    """After a restart finished runs are told again."""
    once = _of(PASSED, FAILED)
    assert once == _of(PASSED, FAILED, status=once)


def test_newest_run_stands_first_in_whatever_order_they_come() -> None:
    """Two runs end together, or one is told late."""
    late = RecentRun(name="x", uid="x", result=FAILED, completion_time=gen.ago(500), duration_milliseconds=9)
    status = remember(_of(PASSED), [late])
    assert ["r0", "x"] == [run.name for run in status.recent_runs or []]
    assert 0 == status.consecutive_failures


def test_metrics_are_those_of_the_remembered_runs() -> None:
    """Counts by result, and the durations' median and 95th percentile."""
    metrics = _of(PASSED, PASSED, FAILED, ERRORED, PASSED).metrics
    assert metrics is not None
    assert (3, 1, 1) == (metrics.passed, metrics.failed, metrics.errored)
    assert (2, 4) == (metrics.median_duration_milliseconds, metrics.p95_duration_milliseconds)
