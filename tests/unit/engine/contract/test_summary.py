"""From results to one verdict: nothing is lost, and nothing gets better by being put together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testmesh_engine.contract.result import Counts, Failure, FlowResult, Metrics, Outcome, Phase, StepResult
from testmesh_engine.contract.summary import FlowSummary, summarise, summarise_all, wall_ms
from testmesh_engine.contract.verdict import EXIT_CODES, Result, Verdict, decode, encode
from unit.engine.contract.strategies import RUN_UID, flow_results

CODES = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.ERRORED: 3, Outcome.SKIPPED: 2, Outcome.NOT_RUN: 3}


def verdict_on(*flows: FlowSummary) -> Verdict:
    """The final verdict on the flows."""
    return summarise_all(flows, final=True, run_uid=RUN_UID, attempt=0)


def ended(outcome: Outcome, exit_code: int | None = None, *, interrupted: bool = False) -> FlowSummary:
    """A flow that ended so."""
    failure = None if outcome is Outcome.PASSED else Failure(flow="f", step="s", message=f"{outcome} {exit_code}")
    flow = FlowResult(name="f", file="f", outcome=outcome, interrupted=interrupted, first_failure=failure)
    return FlowSummary(result=flow, exit_code=exit_code)


PASSED, FAILED, SKIPPED = ended(Outcome.PASSED, 0), ended(Outcome.FAILED, 1), ended(Outcome.SKIPPED, 2)
WRONG, BROKEN = ended(Outcome.ERRORED, 2), ended(Outcome.ERRORED, 3)
INTERRUPTED = ended(Outcome.PASSED, 130, interrupted=True)


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ((PASSED, PASSED), Result.PASSED),
        ((PASSED, SKIPPED), Result.PASSED),
        ((SKIPPED, SKIPPED), Result.ERRORED),
        ((PASSED, BROKEN), Result.ERRORED),
        ((BROKEN, FAILED), Result.FAILED),
        ((FAILED, WRONG), Result.ERRORED),
        ((FAILED, INTERRUPTED), Result.INTERRUPTED),
        ((), Result.ERRORED),
    ],
)
def test_the_worst_flow_makes_the_result(flows: tuple[FlowSummary, ...], expected: Result) -> None:
    """In the order in which the command's exit code is chosen: interrupted, 2, 1, 3, 0."""
    assert expected is verdict_on(*flows).result


def test_the_first_failure_is_one_of_those_that_make_the_result() -> None:
    """Not that of a flow which the result says nothing of; a skipped one is none."""
    first = verdict_on(SKIPPED, BROKEN, FAILED, ended(Outcome.FAILED, 1)).first_failure
    assert first is not None
    assert ("f/s", "failed 1") == (first.step, first.message)
    assert verdict_on(PASSED, SKIPPED).first_failure is None
    why = verdict_on(SKIPPED, SKIPPED).first_failure
    assert why is not None
    assert "skipped 2" == why.message


def test_a_failure_without_a_step_names_its_row() -> None:
    """The flow never started in that row."""
    failure = Failure(flow="f", step="", message="no broker")
    flow = FlowResult(name="f", file="f", outcome=Outcome.ERRORED, row="row 2", first_failure=failure)
    assert replace(failure, message="row 2: no broker") == verdict_on(FlowSummary(result=flow)).first_failure


def test_a_step_that_failed_within_another_is_named() -> None:
    """Unless the outer one's message names it, or it does not count."""
    inner = StepResult(id="a/logs", action="delay", phase=Phase.STEPS, outcome=Outcome.FAILED, message="503")
    deep = replace(inner, id="a/logs/deep", message="404")
    ignored = replace(inner, id="a/other", ignored=True)
    outer = replace(inner, id="a", message="status is 500", steps=(replace(inner, steps=(deep,)), ignored))
    flow = FlowResult(name="f", file="f", outcome=Outcome.FAILED, steps=(outer,))
    [step] = summarise(flow, final=True, run_uid=RUN_UID, attempt=0).steps
    assert "status is 500; a/logs: 503; a/logs/deep: 404" == step.message
    told = replace(flow, steps=(replace(outer, message="a/logs and a/logs/deep failed"),))
    assert "a/logs and a/logs/deep failed" == summarise(told, final=True, run_uid=RUN_UID, attempt=0).steps[0].message


def test_flows_that_ran_at_once_take_the_time_from_the_first_start_to_the_last_end() -> None:
    """Not the sum; that only where nobody knows when they started."""
    one = FlowResult(name="a", file="a", outcome=Outcome.PASSED, started_at="2026-11-22T00:00:00.000Z", duration_ms=900)
    two = replace(one, started_at="2026-11-22T00:00:00.500Z", duration_ms=1000)
    assert 1500 == wall_ms([one, two])
    assert 1900 == wall_ms([one, replace(two, started_at="")])
    assert 0 == wall_ms([])


@given(st.lists(flow_results, max_size=4))
def test_what_is_put_together_is_what_there_was(flows: list[FlowResult]) -> None:
    """Counts and metrics add up, and the message can be read whatever the flows are."""
    summaries = [FlowSummary(result=flow, exit_code=CODES[flow.outcome]) for flow in flows]
    verdict = verdict_on(*summaries)
    assert sum(flow.counts.total for flow in flows) == verdict.counts.total == len(verdict.steps)
    assert sum(flow.metrics.retries for flow in flows) == verdict.metrics.retries
    assert verdict == decode(encode(verdict, limit=60_000).decode("ascii"))
    assert len(encode(verdict)) <= 4096


@given(st.lists(flow_results, max_size=4))
def test_a_verdict_passes_only_with_the_exit_code_of_a_pass(flows: list[FlowResult]) -> None:
    """Every flow that ran has passed."""
    verdict = verdict_on(*(FlowSummary(result=flow) for flow in flows))
    ran = [flow for flow in flows if flow.outcome is not Outcome.SKIPPED or flow.interrupted]
    good = bool(ran) and all(flow.outcome is Outcome.PASSED and not flow.interrupted for flow in ran)
    assert good is (verdict.result is Result.PASSED)
    assert Result.RUNNING is not verdict.result
    assert EXIT_CODES[verdict.result]


def test_nothing_at_all_adds_up_to_nothing() -> None:
    """A call that was stopped before its first flow."""
    verdict = summarise_all([], final=False, run_uid=RUN_UID, attempt=0)
    assert (Counts(), Metrics(), Result.RUNNING) == (verdict.counts, verdict.metrics, verdict.result)
