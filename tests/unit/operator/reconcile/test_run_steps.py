"""The way of a run from its claim on, where what the operator has seen is not what is there."""

from __future__ import annotations

import asyncio

import pytest

from testmesh_operator.errors import Conflict, Unavailable
from testmesh_operator.manifests.snapshot import snapshot
from testmesh_operator.resources.base import JsonObject
from unit.operator import gen
from unit.operator.bench import Bench, job_body, pod_body

CLAIM = {"observedGeneration": 1, "startTime": gen.ago(1), "jobRef": {"name": gen.JOB}}
LATE = gen.started(seconds=301)
RUNNING: JsonObject = {"running": {"startedAt": gen.NOW.isoformat()}}


def _late() -> Bench:
    """A run whose runner has not started in time, as far as the operator knows."""
    bench = Bench(LATE)
    bench.see(job_body(), pod_body(created=gen.ago(300)))
    return bench


def test_runner_at_work_that_the_watch_has_not_shown_keeps_its_job() -> None:
    """Before anything is deleted, Job and pods are read past the cache."""
    bench = _late()
    bench.cluster.put("pods", pod_body(RUNNING, version="10"))
    asyncio.run(bench.turn())
    assert ("Running", [gen.JOB]) == (bench.reason(), bench.jobs())
    assert "DELETE jobs" not in bench.cluster.requests


def test_job_that_changes_between_look_and_deletion_is_looked_at_again() -> None:
    """The deletion holds for the Job that was looked at, and no other."""
    bench = _late()
    bench.cluster.refused["DELETE jobs"].append(Conflict("the object has been modified", status=409))

    async def scenario() -> list[tuple[str, int]]:
        told = []
        for _ in range(2):
            await bench.turn()
            told.append((bench.reason(), len(bench.jobs())))
        return told

    assert [("", 1), ("StartTimeout", 0)] == asyncio.run(scenario())
    assert 2 == bench.cluster.requests.count("LIST pods")


def test_deletion_names_the_version_that_was_looked_at() -> None:
    """A Job of the name that the API server has in another version stays."""
    bench = _late()
    changed = job_body(resourceVersion="99")
    bench.cluster.listed = lambda plural: plural == "pods" and bench.cluster.put("jobs", changed)
    asyncio.run(bench.turn())
    assert ("", [gen.JOB]) == (bench.reason(), bench.jobs())


@pytest.mark.parametrize("error", [Conflict("modified", status=409), Unavailable("no answer")])
def test_end_for_which_the_job_was_deleted_stays_the_end(error: Conflict | Unavailable) -> None:
    """Where only its write has failed, the missing Job is our own doing, and no lost result."""
    bench = _late()
    bench.cluster.refused["PATCH testruns"].append(error)

    async def scenario() -> None:
        await bench.turn()
        await bench.turn()

    asyncio.run(scenario())
    assert ("StartTimeout", []) == (bench.reason(), bench.jobs())


def test_job_whose_end_was_missed_is_a_lost_result() -> None:
    """The cache has it still; a look finds that it is gone, and no second one is made."""
    bench = Bench(LATE)
    bench.cache.see("Job", job_body())
    asyncio.run(bench.turn())
    assert ("ResultLost", []) == (bench.reason(), bench.jobs())


def test_job_that_goes_before_its_uid_is_written_is_not_made_again() -> None:
    """Between its creation and the first report a person may delete it."""
    bench = Bench(gen.run(status=CLAIM))
    bench.cache.see("Job", job_body())
    bench.cache.see_job(gen.job(), deleted=True)
    asyncio.run(bench.turn())
    assert ("ResultLost", []) == (bench.reason(), bench.jobs())


def test_end_that_was_missed_while_no_operator_was_there_is_complete() -> None:
    """Nothing was reported before it: Job and attempts stand in the last write."""
    bench = Bench(gen.run(status=CLAIM))
    ended: JsonObject = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": gen.NOW.isoformat()}}
    bench.see(job_body(), pod_body(ended))
    asyncio.run(bench.turn())
    assert "RunnerOOMKilled" == bench.reason()
    assert ({"name": gen.JOB, "uid": gen.JOB_UID}, 1) == (bench.status()["jobRef"], bench.status()["attempts"])


def test_claim_on_a_stale_view_starts_nothing() -> None:
    """The precondition of the claim keeps a run from being started twice."""
    bench = Bench(gen.run({"source": "flow: {name: Wait, steps: [{id: w, action: delay, config: {duration: 1ms}}]}"}))
    bench.cluster.refused["PATCH testruns"].append(Conflict("modified", status=409))
    asyncio.run(bench.turn())
    assert [] == [request for request in bench.cluster.requests if request.startswith("POST")]


def test_start_that_was_cut_short_goes_on_from_its_snapshot() -> None:
    """What the first operator decided on is what is started, once."""
    bench = Bench(gen.run(status=CLAIM))
    kept = snapshot(gen.meta(), gen.plan(backoff_limit=2), name=gen.JOB, text="flow: {}")
    bench.cluster.put("configmaps", kept)
    asyncio.run(bench.turn())
    (job,) = [body for (plural, _), body in bench.cluster.objects.items() if plural == "jobs"]
    assert 2 == job["spec"]["backoffLimitPerIndex"]  # type: ignore[index, call-overload]  # JSON of our own
    assert 1 == bench.cluster.requests.count("POST jobs")


def test_job_that_is_there_already_is_adopted() -> None:
    """The operator before was killed between its creation and the first report."""
    bench = Bench(gen.run(status=CLAIM))
    bench.cluster.put("configmaps", snapshot(gen.meta(), gen.plan(), name=gen.JOB, text="flow: {}"))
    bench.cluster.put("jobs", job_body())
    asyncio.run(bench.turn())
    known = bench.cache.run(bench.key)
    assert known is not None
    assert (gen.JOB_UID, [gen.JOB]) == (bench.cache.job_uid(known), bench.jobs())


@pytest.mark.parametrize("foreign", [{"ownerReferences": []}, {"labels": {}}])
def test_job_of_somebody_else_ends_the_run(foreign: JsonObject) -> None:
    """One that the run does not control, or whose events would never come, is not taken for its own."""
    bench = Bench(gen.run(status=CLAIM))
    bench.cluster.put("configmaps", snapshot(gen.meta(), gen.plan(), name=gen.JOB, text="flow: {}"))
    body = job_body()
    body["metadata"] = {**body["metadata"], **foreign}  # type: ignore[dict-item]  # JSON of our own
    bench.cluster.put("jobs", body)
    asyncio.run(bench.turn())
    assert "ConfigError" == bench.reason()
    assert "belongs to somebody else" in str(bench.status()["conditions"])
