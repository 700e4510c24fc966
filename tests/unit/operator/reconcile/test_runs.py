"""The end of a run: written once, counted once, told to its flow, whatever becomes of the requests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from testmesh_operator.cache import Cache
from testmesh_operator.errors import ClusterError, Unavailable
from testmesh_operator.metrics import Metrics
from testmesh_operator.reconcile.context import Context
from testmesh_operator.reconcile.flow_reader import FlowReader
from testmesh_operator.reconcile.flows import FlowReconciler
from testmesh_operator.reconcile.runs import RunReconciler
from testmesh_operator.reconcile.validator import Validator
from testmesh_operator.resources.base import JsonObject, Key
from unit.operator import gen
from unit.operator.fake_cluster import FakeCluster

RUN = gen.run({"flowRef": {"name": "checkout"}, "cancel": True})
COUNTED = 'testmesh_runs_total{flow="checkout",namespace="shop",result="Cancelled",trigger="manual"} 1.0'


@dataclass
class Bench:
    """The reconciler of runs with all around it; ``woken`` are the keys that it put into the queue."""

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
        reader = FlowReader(context, Validator(gen.SETTINGS), changed=self.woken.append)
        self.flows = FlowReconciler(context, reader)
        self.runs = RunReconciler(context, reader, self.flows)
        self.metrics.show(gen.flow().key)
        self.cache.see_flow(gen.flow())
        self.cluster.put("testruns", RUN.to_json())
        self.cache.see_run(RUN)

    async def turn(self) -> str:
        """One turn of the run; the error that the queue would back off for."""
        try:
            await self.runs.reconcile(RUN.key)
        except ClusterError as error:
            return str(error)
        return ""

    def stored(self) -> JsonObject:
        """The run as the API server has it."""
        return self.cluster.objects["testruns", RUN.metadata.name]

    def counted(self) -> bool:
        """Whether the run was counted, once."""
        return COUNTED in self.metrics.render().decode().splitlines()


def test_finished_run_is_counted_and_told_to_its_flow() -> None:
    """One write, one count, one Event, one wake of its flow."""
    bench = Bench()
    assert "" == asyncio.run(bench.turn())
    assert bench.counted()
    assert [gen.flow().key] == bench.woken
    assert ["PATCH testruns", "POST events"] == bench.cluster.requests


@pytest.mark.parametrize("watch_tells", [True, False])
def test_lost_answer_to_the_last_write_loses_no_count(*, watch_tells: bool) -> None:
    """Also where the API server can't be asked at once whether it took it, and the watch has told of the end."""
    bench = Bench()
    bench.cluster.lost["PATCH testruns"].append(Unavailable("connection reset"))
    bench.cluster.refused["GET testruns"].append(Unavailable("it restarts"))

    async def scenario() -> list[str]:
        told = [await bench.turn()]
        if watch_tells:
            bench.cache.see("TestRun", bench.stored(), deleted=True)
        return [*told, await bench.turn(), await bench.turn(), await bench.turn()]

    assert ["connection reset", "it restarts", "", ""] == asyncio.run(scenario())
    assert bench.counted()
    assert [gen.flow().key] == bench.woken


def test_end_that_another_operator_wrote_is_not_counted_here() -> None:
    """It was counted there; ours met a conflict."""
    bench = Bench()
    theirs = gen.run(
        {"flowRef": {"name": "checkout"}}, {"result": "Passed", "completionTime": gen.ago(1)}, resource_version="9"
    )
    bench.cluster.put("testruns", theirs.to_json())

    async def scenario() -> list[str]:
        return [await bench.turn(), await bench.turn()]

    assert ["", ""] == asyncio.run(scenario())
    assert not bench.counted()
    assert "Passed" == cast("JsonObject", bench.stored()["status"])["result"]
