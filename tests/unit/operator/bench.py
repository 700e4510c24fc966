"""The reconciler of runs with all around it, on an API server in memory."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from testmesh_operator.cache import Cache
from testmesh_operator.errors import ClusterError
from testmesh_operator.manifests.job import runner_job
from testmesh_operator.metrics import Metrics
from testmesh_operator.reconcile.context import Context
from testmesh_operator.reconcile.flow_reader import FlowReader
from testmesh_operator.reconcile.flows import FlowReconciler
from testmesh_operator.reconcile.runs import RunReconciler
from testmesh_operator.reconcile.validator import Validator
from testmesh_operator.resources.base import JsonObject, Key
from testmesh_operator.resources.observed import ATTEMPT_ANNOTATION, CONTAINER
from testmesh_operator.resources.testrun import TestRun
from unit.operator import gen
from unit.operator.fake_cluster import FakeCluster


class Bench:
    """One run of the flow ``checkout``, known to cluster and cache. ``woken`` are the keys put into the queue."""

    def __init__(self, run: TestRun) -> None:
        self.key = run.key
        self.cluster = FakeCluster()
        self.cache = Cache(lambda: gen.NOW)
        self.metrics = Metrics()
        self.woken: list[Key] = []
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
        self.cluster.put("testruns", run.to_json())
        self.cache.see_run(run)

    def see(self, *bodies: JsonObject) -> None:
        """Let these Jobs and pods be there, and the cache know them."""
        for body in bodies:
            kind = "Job" if body["kind"] == "Job" else "Pod"
            self.cluster.put(f"{kind.lower()}s", body)
            self.cache.see("Job" if kind == "Job" else "Pod", body)

    async def turn(self) -> str:
        """One turn of the run; the error that the queue would back off for."""
        try:
            await self.runs.reconcile(self.key)
        except ClusterError as error:
            return str(error)
        return ""

    def stored(self) -> JsonObject:
        """The run as the API server has it."""
        return self.cluster.objects["testruns", self.key.name]

    def status(self) -> JsonObject:
        """Its status."""
        return cast("JsonObject", self.stored()["status"])

    def reason(self) -> str:
        """The reason of its conditions."""
        conditions = cast("list[JsonObject]", self.status().get("conditions", []))
        return str(conditions[0]["reason"]) if conditions else ""

    def jobs(self) -> list[str]:
        """The names of the Jobs that are there."""
        return [name for plural, name in self.cluster.objects if plural == "jobs"]


def job_body(**metadata: str) -> JsonObject:
    """The run's Job as the API server shows it."""
    body = runner_job(gen.meta(), gen.plan(), name=gen.JOB, settings=gen.SETTINGS)
    made = {"uid": gen.JOB_UID, "resourceVersion": "8", **metadata}
    return {**body, "metadata": {**cast("JsonObject", body["metadata"]), **made}}


def pod_body(state: JsonObject | None = None, *, created: datetime = gen.NOW, version: str = "9") -> JsonObject:
    """The pod of the run's Job as the API server shows it, its runner in this state; not started yet without one."""
    owner: JsonObject = {"apiVersion": "batch/v1", "kind": "Job", "name": gen.JOB, "uid": gen.JOB_UID}
    status: JsonObject = {"phase": "Pending"}
    if state is not None:
        status = {"phase": "Running", "containerStatuses": [{"name": CONTAINER, "state": state}]}
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"{gen.JOB}-0-x7k2p",
            "namespace": "shop",
            "uid": "6f1d0c1e-0000-4000-8000-0000000000aa",
            "resourceVersion": version,
            "creationTimestamp": created.isoformat(),
            "labels": {"testmesh.io/run": "smoke", "testmesh.io/run-uid": gen.UID},
            "annotations": {ATTEMPT_ANNOTATION: "0"},
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {"containers": [{"name": CONTAINER}], "activeDeadlineSeconds": 1800},
        "status": status,
    }
