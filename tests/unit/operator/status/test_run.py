"""The status of a run as it is written."""

from __future__ import annotations

import pytest

from testmesh_engine.contract.result import Failure, Outcome
from testmesh_engine.contract.verdict import Result
from testmesh_operator.reconcile.write import status_patch
from testmesh_operator.resources.testrun import TestRunStatus
from testmesh_operator.status.conditions import going_on
from testmesh_operator.status.ending import ending_of, errored
from testmesh_operator.status.reasons import Reason
from testmesh_operator.status.run import Attempt, final, human_duration, progress
from unit.operator import gen

WAITING = [("Ready", "Unknown"), ("Succeeded", "Unknown"), ("Finished", "False")]


def _states(status: TestRunStatus) -> list[tuple[str, str]]:
    return [(condition.type, condition.status.value) for condition in status.conditions]


def test_running_is_reconciling() -> None:
    """kstatus: InProgress."""
    assert [*WAITING, ("Reconciling", "True")] == _states(
        progress(gen.run(), going_on(Reason.RUNNING, ""), now=gen.NOW)
    )


def test_suspended_is_not_reconciling() -> None:
    """kstatus: InProgress; Argo CD: Suspended."""
    assert WAITING == _states(progress(gen.run(), going_on(Reason.SUSPENDED, ""), now=gen.NOW))


def test_passed_is_ready() -> None:
    """kstatus: Current."""
    ending = ending_of(gen.ended(0, gen.message(Result.PASSED, gen.step("a"))), cancelled=False)
    status = final(gen.started(), ending, now=gen.NOW)
    assert [("Ready", "True"), ("Succeeded", "True"), ("Finished", "True")] == _states(status)
    assert ("10.0s", 10000, gen.NOW) == (status.duration, status.duration_milliseconds, status.completion_time)
    assert status.first_failure is None


def test_failed_is_stalled_in_the_same_write() -> None:
    """kstatus: Failed at once; with Succeeded=False alone, Flux and Helm would call it healthy."""
    status = final(gen.started(), errored(Reason.NODE_LOST, "The node is gone."), now=gen.NOW)
    assert [("Ready", "False"), ("Succeeded", "False"), ("Finished", "True"), ("Stalled", "True")] == _states(status)


def test_end_names_job_and_attempts() -> None:
    """Also where it is the first that is written of them; a run that was refused has neither."""
    ending, fresh = errored(Reason.NODE_LOST, "The node is gone."), gen.started(jobRef={"name": gen.JOB})
    status = final(fresh, ending, now=gen.NOW, attempt=Attempt(job=gen.JOB, uid=gen.JOB_UID, number=1))
    assert status.job_ref is not None
    assert (gen.JOB, gen.JOB_UID, 2) == (status.job_ref.name, status.job_ref.uid, status.attempts)
    assert final(gen.run(), ending, now=gen.NOW).attempts is None


def test_failed_step_stands_in_the_status() -> None:
    """Counts, steps, and the first failure with expected and actual."""
    first = Failure(flow="Checkout", step="pay", message="body.total == 59.98: body.total is 60.00")
    told = gen.message(Result.FAILED, gen.step("add"), gen.step("pay", Outcome.FAILED, message="no"), first=first)
    status = final(gen.started(), ending_of(gen.ended(1, told), cancelled=False), now=gen.NOW)
    assert {"total": 2, "passed": 1, "failed": 1, "skipped": 0, "errored": 0} == status.counts.to_json()  # type: ignore[union-attr]  # it is there
    assert [("add", "Passed"), ("pay", "Failed")] == [(step.id, step.result) for step in status.steps or []]
    assert status.first_failure is not None
    assert ("pay", first.message) == (status.first_failure.step, status.first_failure.message)


def test_run_without_a_verdict_says_why_in_its_first_failure() -> None:
    """Never failed without a word."""
    status = final(gen.started(), errored(Reason.POD_REJECTED, "exceeded quota: pods"), now=gen.NOW)
    assert status.first_failure is not None
    assert ("checkout", "exceeded quota: pods") == (status.first_failure.flow, status.first_failure.message)


def test_condition_keeps_its_time_while_its_status_stays() -> None:
    """Only a change of status is a transition."""
    before = progress(gen.run(), going_on(Reason.STARTING, ""), now=gen.ago(30))
    again = gen.run(status=before.to_json())
    after = progress(again, going_on(Reason.RUNNING, "now"), now=gen.NOW)
    assert {gen.ago(30)} == {condition.last_transition_time for condition in after.conditions}


def test_equal_status_is_not_written() -> None:
    """A resync of a thousand runs costs no request."""
    run = gen.run(status=progress(gen.run(), going_on(Reason.RUNNING, ""), now=gen.ago(30)).to_json())
    same = progress(run, going_on(Reason.RUNNING, ""), now=gen.NOW)
    assert status_patch(run.metadata, run.status, same) is None


def test_write_has_the_version_it_was_decided_on() -> None:
    """A stale view of ours gets a conflict, and a run of the same name isn't taken for this one."""
    run = gen.run()
    patch = status_patch(run.metadata, run.status, progress(run, going_on(Reason.RUNNING, ""), now=gen.NOW))
    assert patch is not None
    assert {"resourceVersion": "7", "uid": gen.UID} == patch["metadata"]


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0ms"), (850, "850ms"), (4213, "4.2s"), (59_990, "60.0s"), (187_000, "3m07s"), (3_720_000, "1h02m")],
)
def test_duration_is_for_people(milliseconds: int, text: str) -> None:
    """One unit, or two."""
    assert text == human_duration(milliseconds)


def test_run_refused_before_its_claim_belongs_to_its_flow_all_the_same() -> None:
    """A flow that was broken by an edit must show in its own history and series."""
    status = final(gen.run(), errored(Reason.FLOW_INVALID, "spec.source:4:2: error"), now=gen.NOW)
    assert status.flow is not None
    assert status.first_failure is not None
    assert ("checkout", "checkout") == (status.flow.name, status.first_failure.flow)
    inline = final(gen.run({"source": "x"}), errored(Reason.FLOW_INVALID, "no"), now=gen.NOW)
    assert inline.flow is None
