"""The end of a run: written once, counted once, told to its flow, whatever becomes of the requests."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from testmesh_operator.errors import Unavailable
from testmesh_operator.resources.base import JsonObject
from unit.operator import gen
from unit.operator.bench import Bench

RUN = gen.run({"flowRef": {"name": "checkout"}, "cancel": True})
COUNTED = 'testmesh_runs_total{flow="checkout",namespace="shop",result="Cancelled",trigger="manual"} 1.0'


def _counted(bench: Bench) -> bool:
    """Whether the run was counted, once."""
    return COUNTED in bench.metrics.render().decode().splitlines()


def test_finished_run_is_counted_and_told_to_its_flow() -> None:
    """One write, one count, one Event, one wake of its flow."""
    bench = Bench(RUN)
    assert "" == asyncio.run(bench.turn())
    assert _counted(bench)
    assert [gen.flow().key] == bench.woken
    assert ["PATCH testruns", "POST events"] == bench.cluster.requests


@pytest.mark.parametrize("watch_tells", [True, False])
def test_lost_answer_to_the_last_write_loses_no_count(*, watch_tells: bool) -> None:
    """Also where the API server can't be asked at once whether it took it, and the watch has told of the end."""
    bench = Bench(RUN)
    bench.cluster.lost["PATCH testruns"].append(Unavailable("connection reset"))
    bench.cluster.refused["GET testruns"].append(Unavailable("it restarts"))

    async def scenario() -> list[str]:
        told = [await bench.turn()]
        if watch_tells:
            bench.cache.see("TestRun", bench.stored(), deleted=True)
        return [*told, await bench.turn(), await bench.turn(), await bench.turn()]

    assert ["connection reset", "it restarts", "", ""] == asyncio.run(scenario())
    assert _counted(bench)
    assert [gen.flow().key] == bench.woken


def test_end_that_another_operator_wrote_is_not_counted_here() -> None:
    """It was counted there; ours met a conflict."""
    bench = Bench(RUN)
    theirs = gen.run(
        {"flowRef": {"name": "checkout"}}, {"result": "Passed", "completionTime": gen.ago(1)}, resource_version="9"
    )
    bench.cluster.put("testruns", theirs.to_json())

    async def scenario() -> list[str]:
        return [await bench.turn(), await bench.turn()]

    assert ["", ""] == asyncio.run(scenario())
    assert not _counted(bench)
    assert "Passed" == cast("JsonObject", bench.stored()["status"])["result"]
