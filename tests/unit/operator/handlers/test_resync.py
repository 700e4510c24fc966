"""Lists against the watch: what it missed is found, and one bad object or namespace stops nobody else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from testmesh_operator.cache import Cache
from testmesh_operator.errors import Forbidden, WatchLagging
from testmesh_operator.handlers.events import intake
from testmesh_operator.handlers.resync import Resync
from testmesh_operator.resources.base import JsonObject, Key
from testmesh_operator.resources.testrun import TestRun
from testmesh_operator.settings import Settings
from unit.operator import gen
from unit.operator.fake_cluster import FakeCluster

QUICK = replace(gen.SETTINGS, resync_seconds=0.03, lag_seconds=0.01)
SERVING = replace(QUICK, namespaces=("shop", "bank"))
LABELS: JsonObject = {"testmesh.io/run": "smoke", "testmesh.io/run-uid": gen.UID}
JOB: JsonObject = {
    "metadata": {
        **gen.meta(gen.JOB, uid=gen.JOB_UID).to_json(),
        "labels": LABELS,
        "ownerReferences": [{"kind": "TestRun", "uid": gen.UID, "controller": True}],
    },
    "spec": {},
}
POD: JsonObject = {
    "metadata": {
        **gen.meta(f"{gen.JOB}-0-x7k2p", uid="a-pod").to_json(),
        "labels": LABELS,
        "ownerReferences": [{"kind": "Job", "uid": gen.JOB_UID, "controller": True}],
    },
    "spec": {"containers": [{"name": "runner"}]},
    "status": {"phase": "Running"},
}


@dataclass
class Bench:
    """A resync with all around it; ``finished`` are the runs whose end it told, ``woken`` the keys it woke."""

    settings: Settings = QUICK
    cluster: FakeCluster = field(default_factory=FakeCluster)
    cache: Cache = field(default_factory=lambda: Cache(lambda: gen.NOW))
    woken: list[Key] = field(default_factory=list)
    finished: list[TestRun] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.resync = Resync(
            self.cluster,
            self.cache,
            self.settings,
            take=intake(self.cache, self.woken.append),
            wake=self.woken.append,
            finished=self.finished.append,
        )

    def compare(self) -> list[Key]:
        """One round after the first list; whose turn it is then."""
        self.woken.clear()
        with pytest.raises(_RoundOver):
            asyncio.run(self.resync.run(_end))
        return self.woken


class _RoundOver(Exception):
    """A round of lists has come to its end."""


def _end() -> None:
    raise _RoundOver


def _filled(*bodies: tuple[str, JsonObject], settings: Settings = QUICK) -> Bench:
    bench = Bench(settings)
    for plural, body in bodies:
        bench.cluster.put(plural, body)
    asyncio.run(bench.resync.fill())
    return bench


def _elsewhere(body: JsonObject, **metadata: str) -> JsonObject:
    return {**body, "metadata": {**cast("JsonObject", body["metadata"]), **metadata}}


FLOW, RUN = gen.flow().to_json(), gen.started().to_json()


def test_first_list_brings_everything_that_goes_on() -> None:
    """Runs with their Jobs and pods, and the flows; of finished runs only their end is told."""
    done = gen.started(result="Passed", completionTime=gen.NOW).to_json()
    others = _elsewhere(done, name="done", uid="done")
    bench = _filled(("testflows", FLOW), ("testruns", RUN), ("jobs", JOB), ("pods", POD), ("testruns", others))
    assert (1, 1) == bench.cache.sizes()
    assert gen.JOB_UID in bench.cache.versions("Job")
    assert ["a-pod"] == list(bench.cache.versions("Pod"))
    assert ["done"] == [run.metadata.name for run in bench.finished]


def test_finished_run_that_cannot_be_read_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """One object from another release is said in the log; the others' ends are told."""
    strange: JsonObject = {"metadata": gen.meta("strange").to_json(), "spec": {}, "status": {"result": "Interrupted"}}
    done = gen.started(result="Passed", completionTime=gen.NOW).to_json()
    bench = _filled(("testruns", strange), ("testruns", done))
    assert ["smoke"] == [run.metadata.name for run in bench.finished]
    assert "a finished TestRun can't be read" in caplog.text


def test_deletion_that_the_watch_missed_wakes_its_key() -> None:
    """Nobody else would: a deleted flow would keep its series, a deleted run its place."""
    bench = _filled(("testflows", FLOW), ("testruns", RUN), ("jobs", JOB), ("pods", POD))
    bench.cluster.objects.clear()
    assert {gen.flow().key, gen.started().key} == set(bench.compare())
    assert (0, 0) == bench.cache.sizes()


@pytest.mark.parametrize(("plural", "missed"), [("jobs", JOB), ("pods", POD), ("testruns", RUN), ("testflows", FLOW)])
def test_object_that_the_watch_never_brought_is_taken_in_and_ends_the_process(plural: str, missed: JsonObject) -> None:
    """Only a new process watches anew; until it is there, decisions know of the object."""
    known = [("testruns", RUN), ("jobs", JOB)]
    bench = _filled(*[item for item in known if item[0] != plural])
    bench.cluster.put(plural, missed)
    with pytest.raises(WatchLagging, match=f"the watch never brought 1 of the {plural}"):
        bench.compare()
    uid = cast("JsonObject", missed["metadata"])["uid"]
    seen = [*bench.cache.versions("TestFlow"), *bench.cache.versions("TestRun")]
    assert uid in [*seen, *bench.cache.versions("Job"), *bench.cache.versions("Pod")]


def test_object_that_changed_long_ago_ends_the_process() -> None:
    """The watch is silent."""
    bench = _filled(("testruns", RUN))
    bench.cluster.put("testruns", _elsewhere(RUN, resourceVersion="99"))
    with pytest.raises(WatchLagging, match="1 of the testruns"):
        bench.compare()


def test_pod_of_nobody_does_not_end_the_process() -> None:
    """Whoever puts our labels on a pod of their own doesn't make the operator start again and again."""
    alien = _elsewhere(POD, name="alien", uid="alien")
    cast("JsonObject", alien["metadata"]).pop("ownerReferences")
    finished = _elsewhere(POD, name="old", uid="old")
    cast("JsonObject", finished["metadata"])["labels"] = {**LABELS, "testmesh.io/run-uid": "a finished run's"}
    bench = _filled(("testruns", RUN), ("jobs", JOB), ("pods", POD), ("pods", alien), ("pods", finished))
    bench.cluster.requests.clear()
    bench.compare()
    # Nor does it, or what finished runs have left, cost a second list.
    assert bench.cluster.requests.count("LIST pods") == bench.cluster.requests.count("LIST testflows")


def test_object_that_goes_while_the_watch_gets_its_time_is_no_lag() -> None:
    """A run ends between the list and the look at the cache."""
    bench = _filled(("testruns", RUN))
    other = _elsewhere(RUN, name="other", uid="other")
    bench.cluster.put("testruns", other)
    bench.cluster.listed = lambda plural: (
        plural == "testruns" and bench.cluster.objects.pop(("testruns", "other"), None)
    )
    bench.compare()


def test_round_takes_no_longer_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds wait for the watch together."""
    bench = _filled(settings=replace(QUICK, resync_seconds=300, lag_seconds=30))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    bench.compare()
    assert [270, 30] == slept


def test_namespace_that_is_gone_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """Its runs are gone with it; the others' are served, by list and by watch."""
    bench = Bench(SERVING)
    bench.cluster.put("testruns", RUN)
    bench.cluster.forbidden.add("bank")
    asyncio.run(bench.resync.fill())
    assert 1 == len(list(bench.cache.runs()))
    assert ("shop",) == bench.resync.served
    assert "the namespace bank is not served" in caplog.text
    bench.compare()


def test_namespace_that_comes_back_is_watched_by_a_new_process() -> None:
    """The watch takes its namespaces once, at its start."""
    bench = Bench(SERVING)
    bench.cluster.forbidden.add("bank")
    asyncio.run(bench.resync.fill())
    bench.cluster.forbidden.clear()
    with pytest.raises(WatchLagging, match="the namespace bank can be served now"):
        bench.compare()


def test_without_any_namespace_the_first_list_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights may come a moment after the operator."""
    monkeypatch.setattr("testmesh_operator.handlers.resync._RETRY_SECONDS", 0.01)
    bench = Bench(SERVING)
    bench.cluster.forbidden |= {"bank", "shop"}

    async def scenario() -> None:
        filling = asyncio.create_task(bench.resync.fill())
        await asyncio.sleep(0.05)
        assert not filling.done()
        bench.cluster.forbidden.clear()
        await filling

    asyncio.run(scenario())
    assert ("shop", "bank") == bench.resync.served


def test_operator_of_all_namespaces_waits_for_its_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused list of everything is no namespace that went away."""
    monkeypatch.setattr("testmesh_operator.handlers.resync._RETRY_SECONDS", 0.01)
    bench = Bench()
    bench.cluster.refused["LIST testflows"].append(Forbidden("no", status=403))
    asyncio.run(bench.resync.fill())
    assert 2 == bench.cluster.requests.count("LIST testflows")
