"""What is done about a run, from what is known of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from testmesh_engine.contract.verdict import Result
from testmesh_operator.manifests.names import object_name
from testmesh_operator.reconcile.decide import decide
from testmesh_operator.reconcile.facts import (
    Finish,
    FlowMissing,
    FlowReady,
    FlowRefused,
    Launch,
    LookAgain,
    ReadFlow,
    ReadSnapshot,
    ReadWarnings,
    Report,
    RunFacts,
    SnapshotRead,
    StopPod,
    Wait,
)
from testmesh_operator.resources.observed import PodFacts, RunnerFacts, WarningFacts
from testmesh_operator.resources.testrun import RunResult
from testmesh_operator.status.reasons import Reason
from testmesh_operator.status.run import Attempt
from unit.operator import gen

READY = FlowReady(text="flow: {}", plan=gen.plan())
MISSING = FlowMissing(message="TestFlow checkout is not in namespace shop.")
CLAIMED = gen.run(status={"observedGeneration": 1, "startTime": gen.ago(1), "jobRef": {"name": gen.JOB}})
PASSED = gen.ended(0, gen.message(Result.PASSED, gen.step("a")), reason="Completed")


def _finish(facts: RunFacts) -> Finish:
    step = decide(facts)
    assert isinstance(step, Finish)
    return step


def _finish_after_a_look(facts: RunFacts) -> Finish:
    """Of a run whose Job is deleted for it: the cache alone is not believed."""
    assert LookAgain() == decide(facts)
    return _finish(replace(facts, looked=True))


def _report(facts: RunFacts) -> Report:
    step = decide(facts)
    assert isinstance(step, Report)
    return step


def _reason(step: Report) -> str:
    condition = step.status.condition("Succeeded")
    assert condition is not None
    return condition.reason


def test_new_run_reads_its_flow_first() -> None:
    """Nothing is claimed for a flow that may not be there."""
    assert ReadFlow() == decide(gen.facts(gen.run()))


def test_run_with_a_flow_is_claimed_before_anything_is_created() -> None:
    """The name of the Job, made from the run's uid, is written first: whoever comes later finds it."""
    step = _report(gen.facts(gen.run(), flow=READY))
    assert step.status.job_ref is not None
    assert (object_name("smoke", gen.UID), None) == (step.status.job_ref.name, step.status.job_ref.uid)
    assert (gen.NOW, "checkout", 0) == (step.status.start_time, step.status.flow and step.status.flow.name, step.after)


def test_missing_flow_is_waited_for() -> None:
    """One kubectl apply may bring the run before its flow."""
    step = _report(gen.facts(gen.run(), flow=MISSING))
    assert ("FlowNotFound", 5) == (_reason(step), step.after)


def test_flow_that_does_not_come_ends_the_run() -> None:
    """The wait is bounded by startTimeoutSeconds."""
    waiting = _report(gen.facts(gen.run(), flow=MISSING)).status.to_json()
    spec = {"flowRef": {"name": "checkout"}, "startTimeoutSeconds": 5}
    for condition in waiting["conditions"]:  # type: ignore[union-attr]  # JSON of our own
        condition["lastTransitionTime"] = gen.ago(6)  # type: ignore[index, call-overload]  # the same
    ending = _finish(gen.facts(gen.run(spec, waiting), flow=MISSING)).ending
    assert (RunResult.ERRORED, Reason.FLOW_NOT_FOUND) == (ending.result, ending.reason)
    assert "checkout" in ending.message


def test_invalid_flow_ends_the_run_with_its_problems() -> None:
    """The message is the validator's."""
    refused = FlowRefused(reason=Reason.FLOW_INVALID, message="spec.source:5:15: error: no action http_requst")
    ending = _finish(gen.facts(gen.run(), flow=refused)).ending
    assert (Reason.FLOW_INVALID, refused.message) == (ending.reason, ending.message)


def test_suspended_run_is_held_without_reconciling() -> None:
    """Tools then see it waiting, neither healthy nor at work."""
    step = _report(gen.facts(gen.run({"flowRef": {"name": "checkout"}, "suspend": True})))
    assert "Suspended" == _reason(step)
    assert ["Ready", "Succeeded", "Finished"] == [condition.type for condition in step.status.conditions]


def test_claimed_run_creates_snapshot_and_job() -> None:
    """Under the claimed name, from the flow that was just read."""
    assert Launch(name=gen.JOB, plan=READY.plan, text=READY.text) == decide(gen.facts(CLAIMED, flow=READY))


def test_claimed_run_of_an_earlier_operator_goes_by_its_snapshot() -> None:
    """What was written before the kill is what is started: a later edit of the flow changes nothing."""
    assert ReadSnapshot() == decide(gen.facts(CLAIMED))
    launch = decide(gen.facts(CLAIMED, snapshot=SnapshotRead(plan=READY.plan)))
    assert Launch(name=gen.JOB, plan=READY.plan, text=None) == launch
    assert ReadFlow() == decide(gen.facts(CLAIMED, snapshot=SnapshotRead(plan=None)))


def test_started_run_whose_job_is_gone_is_lost_and_never_started_again() -> None:
    """It is looked for once more, past the cache, before the run is given up."""
    lost = gen.started()
    assert LookAgain() == decide(gen.facts(lost))
    ending = _finish(gen.facts(lost, looked=True)).ending
    assert (RunResult.ERRORED, Reason.RESULT_LOST) == (ending.result, ending.reason)


def test_verdict_is_taken_before_the_job_knows_of_its_end() -> None:
    """The container's state counts; the Job's condition comes a second and a half later."""
    step = _finish(gen.facts(job=gen.job(), pods=(PASSED,)))
    assert (RunResult.PASSED, None) == (step.ending.result, step.delete_job)


def test_end_says_which_job_and_which_attempt_it_was() -> None:
    """Also where nothing was reported before it: the runner may end while the operator is away."""
    fresh = gen.started(jobRef={"name": gen.JOB})
    second = gen.ended(0, gen.message(Result.PASSED, gen.step("a"), attempt=1), attempt=1)
    expected = Attempt(job=gen.JOB, uid=gen.JOB_UID, number=1)
    assert expected == _finish(gen.facts(fresh, job=gen.job(), pods=(second,))).attempt


def test_lost_end_keeps_the_attempts_that_were_reported() -> None:
    """The pods are gone, what the status said of them is not."""
    step = _finish(gen.facts(gen.started(attempts=3), looked=True))
    assert Attempt(job=gen.JOB, uid=gen.JOB_UID, number=2) == step.attempt


def test_run_whose_job_went_before_its_uid_was_written_is_not_started_again() -> None:
    """The cache knows of it: a Job that somebody deletes in its first seconds is lost, not made anew."""
    fresh = gen.started(jobRef={"name": gen.JOB})
    assert LookAgain() == decide(gen.facts(fresh, job_uid=gen.JOB_UID))
    assert Reason.RESULT_LOST is _finish(gen.facts(fresh, job_uid=gen.JOB_UID, looked=True)).ending.reason


def test_verdict_of_a_pod_whose_job_was_deleted_still_counts() -> None:
    """It was whole before the Job went."""
    assert RunResult.PASSED is _finish(gen.facts(pods=(PASSED,))).ending.result


def test_job_that_ended_without_a_pod_is_a_lost_result() -> None:
    """Failed or complete: without a verdict nobody knows, and it is not a pass."""
    facts = gen.facts(job=gen.job(ended="CompletionsReached"))
    assert LookAgain() == decide(facts)
    assert Reason.RESULT_LOST is _finish(gen.facts(job=gen.job(ended="CompletionsReached"), looked=True)).ending.reason


def test_job_uid_is_written_with_the_start_of_the_pod() -> None:
    """One write in place of two: a moment is waited for the pod."""
    fresh = gen.started(seconds=0.2, jobRef={"name": gen.JOB})
    assert Wait(after=pytest.approx(gen.SETTINGS.settle_seconds - 0.2)) == decide(gen.facts(fresh, job=gen.job()))
    step = _report(gen.facts(fresh, job=gen.job(), pods=(gen.running(),)))
    assert ("Running", gen.JOB_UID) == (_reason(step), step.status.job_ref and step.status.job_ref.uid)


def test_cancel_lowers_the_deadline_of_a_running_pod_once() -> None:
    """SIGTERM and teardown, and the pod stays to be read; deleting it would take the verdict away."""
    cancelled = gen.started({"flowRef": {"name": "checkout"}, "cancel": True})
    assert StopPod(pod=gen.running()) == decide(gen.facts(cancelled, job=gen.job(), pods=(gen.running(),)))
    step = _report(gen.facts(cancelled, job=gen.job(), pods=(gen.running(deadline=1),)))
    assert "Cancelling" == _reason(step)


@pytest.mark.parametrize("pods", [(), (gen.pod(),)])
def test_cancel_before_the_start_takes_the_job_away(pods: tuple[PodFacts, ...]) -> None:
    """Nothing may start after it."""
    cancelled = gen.started({"flowRef": {"name": "checkout"}, "cancel": True})
    step = _finish_after_a_look(gen.facts(cancelled, job=gen.job(), pods=pods))
    assert (RunResult.CANCELLED, gen.job()) == (step.ending.result, step.delete_job)


def test_cancel_between_claim_and_job_looks_for_the_job_first() -> None:
    """An earlier operator may have made it."""
    cancelled = gen.run({"flowRef": {"name": "checkout"}, "cancel": True}, CLAIMED.status.to_json())
    step = _finish_after_a_look(gen.facts(cancelled))
    assert (RunResult.CANCELLED, None) == (step.ending.result, step.delete_job)


def test_image_that_cannot_be_pulled_gets_a_while() -> None:
    """A registry's hiccup ends no run; the wait is said in the status, and bounded."""
    stuck = gen.pod(runner=RunnerFacts(waiting="ImagePullBackOff", waiting_message="no/such"))
    waiting = _report(gen.facts(job=gen.job(), pods=(stuck,), stuck_since=gen.ago(10)))
    assert ("Starting", 50) == (_reason(waiting), waiting.after)
    step = _finish_after_a_look(gen.facts(job=gen.job(), pods=(stuck,), stuck_since=gen.ago(60)))
    assert (Reason.IMAGE_PULL_FAILED, gen.job()) == (step.ending.reason, step.delete_job)


def test_image_that_cannot_be_pulled_ends_at_the_start_timeout() -> None:
    """The run's own limit is shorter than the while."""
    stuck = gen.pod(runner=RunnerFacts(waiting="ErrImagePull"))
    step = _finish_after_a_look(gen.facts(job=gen.job(start_timeout=10), pods=(stuck,), stuck_since=gen.ago(5)))
    assert Reason.IMAGE_PULL_FAILED is step.ending.reason


def test_invalid_image_name_ends_at_once() -> None:
    """No wait mends a name."""
    stuck = gen.pod(runner=RunnerFacts(waiting="InvalidImageName"))
    step = _finish_after_a_look(gen.facts(job=gen.job(), pods=(stuck,), stuck_since=gen.NOW))
    assert Reason.IMAGE_PULL_FAILED is step.ending.reason


@pytest.mark.parametrize(
    ("event", "expected"), [("FailedCreate", Reason.POD_REJECTED), ("FailedMount", Reason.START_TIMEOUT)]
)
def test_job_without_a_pod_is_explained_by_its_events(event: str, expected: Reason) -> None:
    """Quotas, pod security and missing service accounts leave no pod and no condition."""
    facts: dict[str, Any] = {"of": gen.started(seconds=301), "job": gen.job()}
    assert ReadWarnings() == decide(gen.facts(**facts))
    warning = WarningFacts(reason=event, message="exceeded quota: pods", last_seen=gen.NOW)
    step = _finish_after_a_look(gen.facts(**facts, warned=True, warning=warning))
    assert (expected, gen.job()) == (step.ending.reason, step.delete_job)
    assert "exceeded quota" in step.ending.message


def test_pod_that_never_starts_ends_at_the_start_timeout() -> None:
    """Also where nothing says why."""
    step = _finish_after_a_look(gen.facts(gen.started(seconds=301), job=gen.job(), pods=(gen.pod(),), warned=True))
    assert (Reason.START_TIMEOUT, gen.job()) == (step.ending.reason, step.delete_job)


def test_runner_that_a_look_finds_at_work_keeps_its_job() -> None:
    """A watch that lags would else cost the run its Job, its pod and its log."""
    late = gen.facts(gen.started(seconds=301), job=gen.job(), pods=(gen.pod(),), warned=True)
    assert LookAgain() == decide(late)
    assert "Running" == _reason(_report(replace(late, pods=(gen.running(),), looked=True)))


def test_silent_node_ends_the_run_after_the_last_ring() -> None:
    """Deadline, grace and a minute more: then nobody is there to end it."""
    pod = gen.running(node_start=gen.ago(1800 + 30 + 60))
    step = _finish_after_a_look(gen.facts(gen.started(seconds=1900), job=gen.job(), pods=(pod,)))
    assert Reason.NODE_LOST is step.ending.reason
    alive = gen.running(node_start=gen.ago(1800 + 30 + 59))
    assert "Running" == _reason(_report(gen.facts(gen.started(seconds=1900), job=gen.job(), pods=(alive,))))


@pytest.mark.parametrize("code", [137, 3])
def test_failure_of_the_platform_is_tried_again(code: int) -> None:
    """As often as backoffLimit says; the last attempt's end counts."""
    lost = gen.ended(code, gen.message(Result.ERRORED))
    step = _report(gen.facts(job=gen.job(backoff_limit=1), pods=(lost,)))
    assert "Starting" == _reason(step)
    again = gen.ended(code, attempt=1, uid="other")
    assert RunResult.ERRORED is _finish(gen.facts(job=gen.job(backoff_limit=1), pods=(lost, again))).ending.result


@pytest.mark.parametrize(("code", "result"), [(1, Result.FAILED), (2, Result.ERRORED), (130, Result.INTERRUPTED)])
def test_decided_end_is_never_tried_again(code: int, result: Result) -> None:
    """A failed test stays failed, however many attempts are allowed."""
    assert isinstance(
        decide(gen.facts(job=gen.job(backoff_limit=3), pods=(gen.ended(code, gen.message(result)),))), Finish
    )


def test_evicted_runner_is_tried_again() -> None:
    """It was told to stop by the platform, not by the test; a cancelled run or a used up limit ends here."""
    evicted = gen.ended(130, gen.message(Result.INTERRUPTED), disruption="EvictionByEvictionAPI")
    assert "Starting" == _reason(_report(gen.facts(job=gen.job(backoff_limit=1), pods=(evicted,))))
    assert Reason.POD_EVICTED is _finish(gen.facts(job=gen.job(), pods=(evicted,))).ending.reason


@pytest.mark.parametrize("code", [1, 2])
def test_test_that_failed_during_an_eviction_stays_failed(code: int) -> None:
    """Its verdict was there before the pod went; a second attempt could only hide it."""
    result = Result.FAILED if code == 1 else Result.ERRORED
    failed = gen.ended(code, gen.message(result), disruption="EvictionByEvictionAPI")
    step = _finish(gen.facts(job=gen.job(backoff_limit=1), pods=(failed,)))
    assert (result.value, None) == (step.ending.result, step.delete_job)


def test_cancelled_run_leaves_no_further_attempt_behind() -> None:
    """The Job controller knows nothing of the cancel: killed at the end of its grace period, a pod gets a successor."""
    cancelled = gen.started({"flowRef": {"name": "checkout"}, "cancel": True})
    killed = gen.ended(137, deadline=1, reason="Error")
    step = _finish_after_a_look(gen.facts(cancelled, job=gen.job(backoff_limit=1), pods=(killed,)))
    assert (RunResult.CANCELLED, gen.job(backoff_limit=1)) == (step.ending.result, step.delete_job)
    assert _finish(gen.facts(cancelled, job=gen.job(), pods=(killed,))).delete_job is None


def test_next_attempt_that_never_comes_is_bounded() -> None:
    """The Job controller's own back-off is allowed for, then the run ends."""
    lost = gen.ended(137)
    facts = gen.facts(
        gen.started(seconds=900),
        job=gen.job(backoff_limit=1),
        pods=(gen.pod(runner=lost.runner.__class__(started=True, exit_code=137, ended_at=gen.ago(311))),),
        warned=True,
    )
    assert Reason.START_TIMEOUT is _finish_after_a_look(facts).ending.reason


def test_sidecar_that_stays_is_stopped_with_the_run() -> None:
    """The runner has spoken; nothing else keeps the pod alive."""
    stays = gen.ended(0, gen.message(Result.PASSED, gen.step("a")), phase="Running", containers=2)
    step = _finish(gen.facts(job=gen.job(), pods=(stays,)))
    assert (RunResult.PASSED, stays) == (step.ending.result, step.stop)


@pytest.mark.parametrize(
    "done", [gen.started(result="Passed", completionTime=gen.NOW), gen.run(deletion_timestamp=gen.NOW)]
)
def test_finished_or_deleted_run_is_left_alone(done: Any) -> None:
    """The result is final; a deleted run's Job goes with it."""
    assert Wait() == decide(gen.facts(done))
