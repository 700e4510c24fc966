"""The result of a run, told from its pod."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testmesh_engine.contract.result import Failure, Outcome, Phase
from testmesh_engine.contract.verdict import Result
from testmesh_operator.resources.observed import PodFacts, RunnerFacts
from testmesh_operator.resources.testrun import RunResult
from testmesh_operator.status.ending import Ending, ending_of, start_problem
from testmesh_operator.status.reasons import Reason
from unit.operator import gen

PASSED = gen.message(Result.PASSED, gen.step("create_order"))
FAILURE = Failure(flow="Checkout", step="create_order", message="status == 201: status is 500")
FAILED = gen.message(Result.FAILED, gen.step("create_order", Outcome.FAILED), first=FAILURE)


def _of(pod: PodFacts, *, cancelled: bool = False) -> Ending:
    return ending_of(pod, cancelled=cancelled)


def test_whole_final_verdict_with_its_exit_code_passes() -> None:
    """This is the one way to Passed."""
    ending = _of(gen.ended(0, PASSED, reason="Completed"))
    assert (RunResult.PASSED, Reason.TESTS_PASSED) == (ending.result, ending.reason)
    assert "docker.io/testmesh/engine@sha256:abc" == ending.image


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        pytest.param(gen.ended(0, ""), "there is no verdict", id="no message"),
        pytest.param(gen.ended(0, "All tests passed!"), "no verdict", id="the flow's own output"),
        pytest.param(gen.ended(0, PASSED[:-3]), "is cut", id="cut at its tail"),
        pytest.param(gen.ended(0, PASSED.replace("1,1,0", "2,2,0")), "checksum", id="altered"),
        pytest.param(gen.ended(1, PASSED), "the exit code 1 does not", id="exit code 1"),
        pytest.param(gen.ended(137, PASSED), "the exit code 137 does not", id="killed after its verdict"),
        pytest.param(gen.ended(0, FAILED), "the exit code 0 does not", id="Failed with exit code 0"),
        pytest.param(gen.ended(0, PASSED, attempt=1), "attempt 0, not 1", id="of an earlier attempt"),
        pytest.param(gen.ended(0, PASSED, run_uid="other"), "another run", id="of another run"),
        pytest.param(
            gen.ended(0, gen.message(Result.RUNNING, final=False)), "before its verdict was final", id="not final"
        ),
    ],
)
def test_anything_less_than_a_believable_verdict_never_passes(pod: PodFacts, why: str) -> None:
    """Missing, cut, altered, stale, forged: each ends as an error that says what is wrong with the verdict."""
    ending = _of(pod)
    assert (RunResult.ERRORED, Reason.RUNNER_ERROR) == (ending.result, ending.reason)
    assert why in ending.message


def test_failed_test_names_its_step_and_why() -> None:
    """The message is the first failure, as a person would say it."""
    ending = _of(gen.ended(1, FAILED))
    assert (RunResult.FAILED, Reason.TESTS_FAILED) == (ending.result, ending.reason)
    assert "Step create_order: status == 201: status is 500" == ending.message


def test_failure_of_teardown_alone_has_its_own_reason() -> None:
    """The services did what they should; what the run left behind is another matter."""
    failed = gen.step("drop", Outcome.FAILED, phase=Phase.TEARDOWN)
    ending = _of(gen.ended(1, gen.message(Result.FAILED, gen.step("create_order"), failed)))
    assert (RunResult.FAILED, Reason.TEARDOWN_FAILED) == (ending.result, ending.reason)


@pytest.mark.parametrize(("code", "reason"), [(2, Reason.FLOW_INVALID), (3, Reason.RUNNER_ERROR)])
def test_errored_verdict_tells_the_flow_from_the_platform(code: int, reason: Reason) -> None:
    """Exit code 2 is the author's to mend, 3 the platform's."""
    ending = _of(gen.ended(code, gen.message(Result.ERRORED, first=FAILURE)))
    assert (RunResult.ERRORED, reason) == (ending.result, ending.reason)


def test_out_of_memory_names_the_step_that_was_under_way() -> None:
    """The last partial verdict tells how far the run came."""
    partial = gen.message(Result.RUNNING, gen.step("small"), final=False, current="too_large")
    ending = _of(gen.ended(137, partial, reason="OOMKilled"))
    assert Reason.RUNNER_OOM_KILLED is ending.reason
    assert "in step too_large" in ending.message
    assert ending.verdict is not None
    assert ["small"] == [step.id for step in ending.verdict.steps]


@pytest.mark.parametrize("told", [gen.message(Result.INTERRUPTED, gen.step("wait")), ""])
def test_deadline_is_a_timeout_with_or_without_a_word_of_the_runner(told: str) -> None:
    """Whoever is stopped in time writes a verdict, whoever isn't is killed; both are the deadline's doing."""
    pod = replace(gen.ended(130 if told else 137, told, deadline=4), reason="DeadlineExceeded")
    ending = _of(pod)
    assert (RunResult.ERRORED, Reason.TIMEOUT) == (ending.result, ending.reason)
    assert "its deadline of 4 s" in ending.message


def test_stopped_run_names_the_step_it_was_stopped_in() -> None:
    """The runner says where; whose doing it was is said by the pod."""
    first = Failure(flow="Checkout", step="wait", message="interrupted by SIGTERM")
    pod = replace(gen.ended(130, gen.message(Result.INTERRUPTED, first=first), deadline=4), reason="DeadlineExceeded")
    assert "The run was stopped at its deadline of 4 s in step wait." == _of(pod).message


def test_cancelled_run_that_passed_first_has_passed() -> None:
    """A verdict that is there counts, whatever was asked for after it."""
    assert RunResult.PASSED is _of(gen.ended(0, PASSED), cancelled=True).result


def test_cancelled_run_that_stopped_is_cancelled() -> None:
    """The pod ends by the lowered deadline, and the reason is the person's wish."""
    ending = _of(gen.ended(130, gen.message(Result.INTERRUPTED)), cancelled=True)
    assert (RunResult.CANCELLED, Reason.CANCELLED) == (ending.result, ending.reason)


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (gen.pod(phase="Failed", disruption="EvictionByEvictionAPI"), Reason.POD_EVICTED),
        (gen.pod(phase="Failed", disruption="PreemptionByScheduler"), Reason.POD_EVICTED),
        (gen.pod(phase="Failed", disruption="DeletionByPodGC"), Reason.NODE_LOST),
        (gen.pod(phase="Failed", disruption="DeletionByTaintManager"), Reason.NODE_LOST),
        (gen.running(gone=True), Reason.POD_DELETED),
        (gen.running(gone=True, deleting=True), Reason.POD_DELETED),
        (gen.ended(130, gen.message(Result.INTERRUPTED), deleting=True), Reason.POD_DELETED),
        (gen.ended(137, "exec format error", reason="StartError"), Reason.RUNNER_ERROR),
    ],
)
def test_without_a_verdict_the_pod_says_why(pod: PodFacts, reason: Reason) -> None:
    """Each way in which a pod can be lost has a reason of its own."""
    ending = _of(pod)
    assert (RunResult.ERRORED, reason) == (ending.result, ending.reason)


@pytest.mark.parametrize(
    ("waiting", "reason", "hopeless"),
    [
        ("InvalidImageName", Reason.IMAGE_PULL_FAILED, True),
        ("ErrImagePull", Reason.IMAGE_PULL_FAILED, False),
        ("ImagePullBackOff", Reason.IMAGE_PULL_FAILED, False),
        ("CreateContainerConfigError", Reason.CONFIG_ERROR, False),
    ],
)
def test_waiting_container_has_a_reason(waiting: str, reason: Reason, hopeless: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """Only an invalid name can't mend itself."""
    problem = start_problem(gen.pod(runner=RunnerFacts(waiting=waiting, waiting_message="because")))
    assert problem is not None
    assert (reason, hopeless) == (problem[0], problem[2])
    assert "because" in problem[1]


def test_pod_that_fits_no_node_is_unschedulable() -> None:
    """The scheduler's own words stand in the message."""
    problem = start_problem(gen.pod(unschedulable="0/1 nodes are available: 1 Insufficient memory."))
    assert problem is not None
    assert Reason.UNSCHEDULABLE is problem[0]
    assert "Insufficient memory" in problem[1]
