"""What the operator keeps of what it sees."""

from __future__ import annotations

from dataclasses import replace

from testmesh_operator.cache import Cache
from testmesh_operator.resources.observed import RunnerFacts
from unit.operator import gen


def _cache(now: float = 0) -> Cache:
    made = Cache(lambda: gen.ago(-now))
    made.see_run(gen.started())
    return made


def test_only_an_unfinished_runs_job_and_pods_are_kept() -> None:
    """Thousands of finished runs cost nothing."""
    kept = _cache()
    assert kept.see_job(gen.job()) == kept.see_pod(gen.pod()) == gen.started().key
    assert kept.see_job(gen.job(run="finished-long-ago", run_uid="x")) is None
    kept.see_run(gen.started(result="Passed"))
    assert kept.run(gen.started().key) is None
    assert () == kept.pods(gen.started())


def test_stale_view_never_takes_a_newer_ones_place() -> None:
    """The watch may bring what was seen before our own write."""
    kept = _cache()
    newer = gen.run(resource_version="12")
    kept.see_run(newer)
    kept.see_run(gen.run(resource_version="11"))
    held = kept.run(newer.key)
    assert held is not None
    assert "12" == held.metadata.resource_version


def test_object_created_anew_under_its_name_takes_the_place() -> None:
    """Its uid is another, whatever the versions say."""
    kept = _cache()
    kept.see_run(gen.run(uid="anew", resource_version="3"))
    held = kept.run(gen.run().key)
    assert held is not None
    assert "anew" == held.metadata.uid
    assert kept.job(held) is None


def test_late_deletion_of_the_former_object_leaves_the_new_one() -> None:
    """Same name, another uid."""
    kept = _cache()
    kept.see_run(gen.run(uid="anew"))
    kept.see_run(gen.started(), deleted=True)
    assert kept.run(gen.run().key) is not None


def test_deleted_pod_is_remembered_as_long_as_its_run() -> None:
    """Its last facts may tell how the run ended, and an older event does not bring it back to life."""
    kept = _cache()
    kept.see_pod(gen.running())
    kept.see_pod(gen.running(), deleted=True)
    kept.see_pod(gen.running(resource_version="99"))
    assert [True] == [pod.gone for pod in kept.pods(gen.started())]


def test_pod_that_only_carries_the_runs_labels_is_none_of_its_own() -> None:
    """Anybody may write labels: what counts is that the run's own Job made the pod."""
    kept = _cache()
    kept.see_pod(gen.pod(owner_uid=""))
    kept.see_pod(gen.pod(uid="other", owner_uid="another-job"))
    assert () == kept.pods(gen.started())
    kept.see_pod(gen.pod(uid="own"))
    assert ["own"] == [pod.uid for pod in kept.pods(gen.started())]


def test_job_is_known_by_its_claim_until_its_uid_is_written() -> None:
    """A Job of another name, or of another owner, is not the run's, and neither are its pods."""
    kept = _cache()
    claimed = gen.run(status={"observedGeneration": 1, "jobRef": {"name": gen.JOB}}, resource_version="8")
    kept.see_run(claimed)
    kept.see_pod(gen.pod())
    kept.see_job(gen.job(uid="a", name="another"))
    kept.see_job(gen.job(uid="b", owner_uid="somebody"))
    assert (None, ()) == (kept.job(claimed), kept.pods(claimed))
    kept.see_job(gen.job())
    assert (gen.job(), (gen.pod(),)) == (kept.job(claimed), kept.pods(claimed))


def test_job_that_is_gone_is_remembered_before_its_uid_is_written() -> None:
    """Else its run would be started a second time; one that is made under the same name is not the run's."""
    kept = _cache()
    claimed = gen.run(status={"observedGeneration": 1, "jobRef": {"name": gen.JOB}}, resource_version="8")
    kept.see_run(claimed)
    kept.see_job(gen.job())
    kept.see_job(gen.job(), deleted=True)
    kept.see_job(gen.job(resource_version="99"))
    kept.see_job(gen.job(uid="anew"))
    assert (None, gen.JOB_UID) == (kept.job(claimed), kept.job_uid(claimed))
    assert {"anew"} == kept.versions("Job").keys()


def test_pod_that_cannot_start_is_remembered_from_its_first_sight() -> None:
    """ErrImagePull and ImagePullBackOff take turns; the while that it gets begins once."""
    times = iter([gen.ago(30), gen.ago(10), gen.ago(0)])
    kept = Cache(lambda: next(times))
    kept.see_run(gen.started())
    stuck = gen.pod(runner=RunnerFacts(waiting="ErrImagePull"))
    kept.see_pod(stuck)
    kept.see_pod(replace(stuck, resource_version="10", runner=RunnerFacts(waiting="ImagePullBackOff")))
    assert gen.ago(30) == kept.stuck_since(kept.pods(gen.started()))
    kept.see_pod(gen.running(resource_version="11"))
    assert kept.stuck_since(kept.pods(gen.started())) is None


def test_text_of_flows_is_not_kept() -> None:
    """It is read when it is needed: thousands of flows of 256 KiB would not fit."""
    kept = _cache()
    kept.see_flow(gen.flow())
    (flow,) = kept.flows()
    assert flow.spec.source is None


def test_runs_that_wait_for_a_flow_are_found() -> None:
    """The flow's coming is their turn; a run that has started is not asked."""
    kept = _cache()
    kept.see_run(gen.run(name="waits", uid="waits"))
    assert [gen.run(name="waits").key] == kept.waiting_for(gen.flow().key)


def test_what_a_list_no_longer_shows_is_dropped() -> None:
    """The watch may have missed its end."""
    kept = _cache()
    kept.see_job(gen.job())
    assert [gen.started().key] == kept.drop("Job", [gen.JOB_UID])
    assert kept.job(gen.started()) is None
    assert [gen.started().key] == kept.drop("TestRun", [gen.UID])
    assert (0, 0) == kept.sizes()
