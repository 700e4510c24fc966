"""The Lease: taken when it is free, kept in time, and never believed longer than it lasts."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import cast

import pytest

from testmesh_operator.cluster import Resource
from testmesh_operator.errors import LeaseLost, Unavailable
from testmesh_operator.lease import Lease
from testmesh_operator.resources.base import JsonObject
from unit.operator import gen
from unit.operator.fake_cluster import FakeCluster

# As by default, in fractions of a second: 15 s, renewed every 2 s, given up after 10 s.
QUICK = replace(gen.SETTINGS, lease_seconds=0.9, lease_renew_seconds=0.05)
PATIENCE = 0.6


class _Hanging(FakeCluster):
    """Refuses each renewal for a while, then lets one hang."""

    def __init__(self, *, after: float) -> None:
        super().__init__()
        self._from = time.monotonic() + after

    async def replace(self, resource: Resource, namespace: str, name: str, body: JsonObject) -> JsonObject:
        if time.monotonic() >= self._from:
            await asyncio.sleep(5)
        raise Unavailable(f"{resource.plural} {namespace}/{name}: refused at once with {len(body)} fields")


def _holder(cluster: FakeCluster) -> object:
    return cast("JsonObject", cluster.objects["leases", QUICK.lease_name]["spec"])["holderIdentity"]


def _other(seconds: float) -> JsonObject:
    spec: JsonObject = {"holderIdentity": "other", "leaseDurationSeconds": seconds, "leaseTransitions": 3}
    return {"metadata": {"name": QUICK.lease_name, "namespace": "default", "resourceVersion": "1"}, "spec": spec}


def test_lease_is_made_renewed_and_given_back() -> None:
    """An upgrade need not wait for it to run out."""

    async def scenario() -> tuple[object, ...]:
        cluster = FakeCluster()
        lease = Lease(cluster, QUICK)
        await lease.acquire()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lease.keep(), 0.3)
        held = (_holder(cluster), lease.held, cluster.requests.count("PUT leases") >= 2)
        await lease.release()
        return (*held, _holder(cluster), lease.held)

    assert ("me", True, True, "", False) == asyncio.run(scenario())


def test_lease_of_another_is_taken_only_once_it_has_run_out() -> None:
    """By our own clock, from when we first saw it."""

    async def scenario() -> float:
        cluster = FakeCluster()
        cluster.put("leases", _other(0.3))
        start = time.monotonic()
        await Lease(cluster, QUICK).acquire()
        return time.monotonic() - start

    assert 0.3 <= asyncio.run(scenario()) < 5


def test_lease_that_another_took_ends_the_work() -> None:
    """The next renewal meets a conflict."""

    async def scenario() -> None:
        cluster = FakeCluster()
        lease = Lease(cluster, QUICK)
        await lease.acquire()
        cluster.put("leases", _other(15) | {"metadata": {**_other(15)["metadata"], "resourceVersion": "77"}})  # type: ignore[dict-item]  # it is a dict
        with pytest.raises(LeaseLost, match="is another's now"):
            await lease.keep()
        assert not lease.held

    asyncio.run(scenario())


def test_operator_stops_in_time_before_its_lease_runs_out() -> None:
    """However the renewals fail: a request that hangs at the end gets what is left of the time, no more."""

    async def scenario() -> float:
        cluster = _Hanging(after=0.8 * PATIENCE)
        lease = Lease(cluster, QUICK)
        await lease.acquire()
        start = time.monotonic()
        with pytest.raises(LeaseLost, match="could not be renewed"):
            await lease.keep()
        assert not lease.held
        return time.monotonic() - start

    assert PATIENCE * 0.9 <= asyncio.run(scenario()) < QUICK.lease_seconds


def test_time_before_the_work_counts() -> None:
    """A first list that took long has used up some of the Lease."""

    async def scenario() -> float:
        cluster = _Hanging(after=0)
        lease = Lease(cluster, QUICK)
        await lease.acquire()
        await asyncio.sleep(0.8 * PATIENCE)
        start = time.monotonic()
        with pytest.raises(LeaseLost):
            await lease.keep()
        return time.monotonic() - start

    assert asyncio.run(scenario()) < 0.9 * PATIENCE
