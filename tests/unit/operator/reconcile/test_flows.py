"""A flow's status: checked when it must be, and told of its own runs only."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from testmesh_operator.cache import Cache
from testmesh_operator.errors import ClusterError, Conflict, Unavailable
from testmesh_operator.metrics import Metrics
from testmesh_operator.reconcile.context import Context
from testmesh_operator.reconcile.flow_reader import FlowReader
from testmesh_operator.reconcile.flows import FlowReconciler
from testmesh_operator.reconcile.validator import Validator
from testmesh_operator.resources.base import JsonObject, Key
from testmesh_operator.resources.testflow import TestFlow, TestFlowStatus
from testmesh_operator.resources.testrun import TestRun
from unit.operator import gen
from unit.operator.fake_cluster import FakeCluster

GOOD = "flow:\n  name: Wait\n  steps:\n    - {id: wait, action: delay, config: {duration: 1ms}}\n"
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "FlowValid",
    "message": "",
    "observedGeneration": 1,
    "lastTransitionTime": gen.ago(60),
}
CHECKED = {"observedGeneration": 1, "conditions": [READY], "flow": {"hash": "0"}}
FROM_MAP = gen.flow(
    {"flowFrom": {"configMapKeyRef": {"name": "texts", "key": "checkout"}}}, CHECKED, creation_timestamp=gen.ago(600)
)
FLOW = gen.flow({"source": GOOD}, CHECKED, creation_timestamp=gen.ago(600))


def _done(flow: dict[str, object], **metadata: str) -> TestRun:
    status = {"result": "Failed", "startTime": gen.ago(30), "completionTime": gen.ago(20), "flow": flow}
    return gen.run(None, status, **metadata)


@dataclass
class Bench:
    """The reconciler of flows with all around it, and one flow."""

    flow: TestFlow = FLOW
    seen: bool = True
    cluster: FakeCluster = field(default_factory=FakeCluster)
    cache: Cache = field(default_factory=lambda: Cache(lambda: gen.NOW))
    metrics: Metrics = field(default_factory=Metrics)
    woken: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        context = Context(
            cluster=self.cluster,
            cache=self.cache,
            metrics=self.metrics,
            settings=gen.SETTINGS,
            now=lambda: gen.NOW,
            wake=self.woken.append,
        )
        self.reader = FlowReader(context, Validator(gen.SETTINGS), changed=self.woken.append)
        self.flows = FlowReconciler(context, self.reader)
        texts = {"metadata": gen.meta("texts").to_json(), "data": {"checkout": GOOD}}
        self.cluster.put("testflows", self.flow.to_json())
        self.cluster.put("configmaps", cast("JsonObject", texts))
        if self.seen:
            self.cache.see_flow(self.flow)

    def turn(self) -> float | str | None:
        """One turn of the flow: its delay, or the error that the queue would back off for."""
        try:
            return asyncio.run(self.flows.reconcile(self.flow.key))
        except ClusterError as error:
            return str(error)

    def status(self) -> TestFlowStatus:
        """As the API server has it."""
        return TestFlow.model_validate(self.cluster.objects["testflows", "checkout"]).status

    def remembered(self) -> list[str]:
        """The runs in the flow's status."""
        return [run.name for run in self.status().recent_runs or []]


@pytest.mark.parametrize("error", [Unavailable("it restarts"), Conflict("modified", status=409)])
@pytest.mark.parametrize("request_", ["GET testflows", "GET configmaps", "PATCH testflows"])
def test_check_that_could_not_be_finished_is_still_due(request_: str, error: ClusterError) -> None:
    """The mark stays until the answer is written: else an edit of the ConfigMap would go unseen."""
    bench = Bench(FROM_MAP)
    bench.flows.recheck(FROM_MAP.key)
    bench.cluster.refused[request_].append(error)
    bench.turn()
    bench.turn()
    flow = bench.status().flow
    assert flow is not None
    assert "0" != flow.hash


def test_check_that_is_done_is_not_due_again() -> None:
    """A validator process costs a core for a while."""
    bench = Bench(FROM_MAP)
    bench.flows.recheck(FROM_MAP.key)
    bench.turn()
    bench.cluster.requests.clear()
    bench.turn()
    assert [] == bench.cluster.requests


def test_finished_runs_of_the_flow_are_remembered() -> None:
    """By the flow's uid; for one that was refused before it was claimed, by its time."""
    bench = Bench()
    bench.flows.record(_done({"name": "checkout", "uid": gen.UID}, name="claimed", uid="1"))
    bench.flows.record(_done({"name": "checkout"}, name="refused", uid="2"))
    bench.turn()
    assert {"claimed", "refused"} == set(bench.remembered())


def test_new_flow_inherits_nothing_of_its_deleted_namesake() -> None:
    """Its failures would be told as the new one's."""
    bench = Bench(gen.flow({"source": GOOD}, CHECKED, uid="new", creation_timestamp=gen.ago(10)))
    bench.flows.record(_done({"name": "checkout", "uid": gen.UID}, name="claimed", uid="1"))
    bench.flows.record(_done({"name": "checkout"}, name="refused", uid="2"))
    bench.turn()
    assert [] == bench.remembered()


def test_run_that_ends_before_its_flow_is_seen_is_remembered() -> None:
    """One apply brings both, and the run is refused at once: the watch of the flows may be the slower one."""
    bench = Bench(seen=False)
    bench.flows.record(_done({"name": "checkout"}))
    bench.turn()
    assert ["smoke"] == bench.remembered()


def test_run_of_a_flow_that_was_made_anew_is_told_to_the_new_one() -> None:
    """The watch may still show the deleted one."""
    bench = Bench(gen.flow({"source": GOOD}, CHECKED, uid="new", resource_version="8"), seen=False)
    bench.cache.see_flow(FLOW)
    bench.flows.record(_done({"name": "checkout", "uid": "new"}))
    bench.turn()
    assert ["smoke"] == bench.remembered()


def test_records_of_flows_that_are_not_there_are_dropped_after_the_first_list() -> None:
    """Finished runs outlive their flow; a flow that is created later begins anew."""
    bench = Bench(seen=False)
    bench.flows.record(_done({"name": "checkout", "uid": gen.UID}))
    bench.flows.forget_unknown()
    bench.cache.see_flow(FLOW)
    bench.turn()
    assert [] == bench.remembered()


def test_run_learns_which_flow_it_ran() -> None:
    """Name and uid, so that it is never told to another one."""
    bench = Bench()
    read = asyncio.run(bench.reader.read(gen.run()))
    assert ("checkout", gen.UID) == (read.plan.flow.name, read.plan.flow.uid)  # type: ignore[union-attr]  # it is ready
