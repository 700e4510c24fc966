"""How outcomes add up to exit codes."""

from __future__ import annotations

import pytest

from testmesh_engine.contract.result import Outcome, Phase, StepResult
from testmesh_engine.runtime.outcome import (
    StepRecord,
    exit_code_of,
    first_failure,
    flow_outcome,
    why_nothing_passed,
    worst,
)


def record(
    outcome: Outcome,
    *,
    kind: str | None = None,
    ignored: bool = False,
    step: str = "one",
    phase: Phase = Phase.STEPS,
) -> StepRecord:
    """A step that ended so."""
    result = StepResult(id=step, action="delay", phase=phase, outcome=outcome, message=f"{step} {outcome}")
    return StepRecord(result=result, kind=kind, ignored=ignored)  # type: ignore[arg-type]  # one of the kinds


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([Outcome.PASSED, Outcome.SKIPPED], Outcome.PASSED),
        ([Outcome.PASSED, Outcome.ERRORED], Outcome.ERRORED),
        ([Outcome.ERRORED, Outcome.FAILED], Outcome.FAILED),
        ([Outcome.FAILED, Outcome.NOT_RUN], Outcome.FAILED),
        ([Outcome.ERRORED, Outcome.NOT_RUN], Outcome.ERRORED),
        ([Outcome.PASSED, Outcome.NOT_RUN], Outcome.ERRORED),
        ([Outcome.SKIPPED, Outcome.NOT_RUN], Outcome.ERRORED),
        ([Outcome.SKIPPED], Outcome.SKIPPED),
        ([], Outcome.SKIPPED),
    ],
)
def test_a_flow_passes_only_if_something_ran_and_nothing_went_wrong(outcomes: list[Outcome], expected: Outcome) -> None:
    """Nothing at all is never a pass."""
    assert expected == flow_outcome([record(outcome) for outcome in outcomes])


def test_a_step_that_no_time_was_left_for_fails_the_flow() -> None:
    """Its checks were asked for and not made; a step that the caller left out is another matter."""
    passed = record(Outcome.PASSED)
    assert Outcome.FAILED == flow_outcome([passed, record(Outcome.NOT_RUN, kind="timeout")])
    assert Outcome.PASSED == flow_outcome([passed, record(Outcome.NOT_RUN, ignored=True)])


@pytest.mark.parametrize("phase", [Phase.SETUP, Phase.TEARDOWN])
def test_what_passes_before_and_after_the_steps_is_no_pass_of_the_flow(phase: Phase) -> None:
    """Nothing of what the flow tests has been looked at."""
    assert Outcome.SKIPPED == flow_outcome([record(Outcome.PASSED, phase=phase), record(Outcome.SKIPPED)])


def test_a_flow_whose_only_step_failed_and_is_ignored_is_no_pass() -> None:
    """It has shown nothing: the flow's own mistake."""
    records = [record(Outcome.FAILED, ignored=True, step="ping")]
    assert Outcome.ERRORED == flow_outcome(records)
    assert 2 == exit_code_of(Outcome.ERRORED, records, interrupted=False)
    assert "no step has passed: ping: ping failed" == why_nothing_passed("flow", records).message


def test_a_flow_that_ran_nothing_says_why() -> None:
    """Each step with its reason, as far as one line can hold them."""
    records = [record(Outcome.SKIPPED, step=name) for name in "abcde"]
    failure = why_nothing_passed("flow", records)
    assert ("", "no step was run: a: a skipped; b: b skipped; c: c skipped; and 2 more") == (
        failure.step,
        failure.message,
    )


def test_a_step_that_was_not_run_is_a_failure_with_its_reason() -> None:
    """Where nothing before it failed."""
    failure = first_failure("flow", [record(Outcome.PASSED), record(Outcome.NOT_RUN, kind="timeout", step="b")])
    assert failure is not None
    assert ("b", "it was not run: b not_run") == (failure.step, failure.message)


@pytest.mark.parametrize(
    ("outcome", "kinds", "interrupted", "code"),
    [
        (Outcome.PASSED, [], False, 0),
        (Outcome.FAILED, ["timeout"], False, 1),
        (Outcome.ERRORED, ["variable_error"], False, 2),
        (Outcome.ERRORED, ["connection_error"], False, 3),
        (Outcome.ERRORED, ["variable_error", "connection_error"], False, 3),
        (Outcome.SKIPPED, [], False, 2),
        (Outcome.PASSED, [], True, 130),
    ],
)
def test_exit_code_of_a_flow(outcome: Outcome, kinds: list[str], interrupted: bool, code: int) -> None:  # noqa: FBT001 - a table
    """0 passed, 1 failed, 2 the flow's mistake or nothing ran, 3 the platform's, 130 interrupted."""
    records = [record(Outcome.ERRORED, kind=kind) for kind in kinds]
    assert code == exit_code_of(outcome, records, interrupted=interrupted)


@pytest.mark.parametrize(
    ("codes", "code"), [([0, 0], 0), ([0, 3], 3), ([3, 1], 1), ([1, 2], 2), ([2, 130], 130), ([], 2)]
)
def test_the_worst_of_several_flows_counts(codes: list[int], code: int) -> None:
    """Interrupted, then 2, 1, 3, 0; no flow at all is 2."""
    assert code == worst(codes)


def test_the_first_failure_leaves_out_what_is_ignored() -> None:
    """What one reads before anything else."""
    records = [
        record(Outcome.FAILED, ignored=True, step="a"),
        record(Outcome.PASSED, step="b"),
        record(Outcome.ERRORED, step="c"),
        record(Outcome.FAILED, step="d"),
    ]
    failure = first_failure("flow", records)
    assert failure is not None
    assert ("c", "c errored") == (failure.step, failure.message)
