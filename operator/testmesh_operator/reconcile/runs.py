"""Takes the steps that are decided on for a run, until there is nothing to do but wait."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from testmesh_operator.cluster import CONFIG_MAPS, EVENTS, JOBS, PODS, TESTRUNS
from testmesh_operator.errors import AlreadyExists, ClusterError, Conflict, Forbidden, NotFound, Rejected
from testmesh_operator.manifests.event import finished_event
from testmesh_operator.manifests.job import runner_job
from testmesh_operator.manifests.plan import Plan
from testmesh_operator.manifests.snapshot import read_plan, snapshot
from testmesh_operator.reconcile.context import Context
from testmesh_operator.reconcile.decide import decide
from testmesh_operator.reconcile.facts import (
    Finish,
    FlowRead,
    Launch,
    LookAgain,
    ReadFlow,
    ReadSnapshot,
    ReadWarnings,
    Report,
    RunFacts,
    SnapshotRead,
    Step,
    StopPod,
    Wait,
)
from testmesh_operator.reconcile.flow_reader import FlowReader
from testmesh_operator.reconcile.flows import FlowReconciler
from testmesh_operator.reconcile.write import status_patch
from testmesh_operator.resources.base import JsonObject, Key
from testmesh_operator.resources.observed import (
    RUN_UID_LABEL,
    JobFacts,
    PodFacts,
    WarningFacts,
    read_job,
    read_pod,
    read_warning,
)
from testmesh_operator.resources.testrun import TestRun, TestRunStatus
from testmesh_operator.status.conditions import going_on
from testmesh_operator.status.ending import Ending, errored
from testmesh_operator.status.reasons import Reason
from testmesh_operator.status.run import final, progress

logger = logging.getLogger(__name__)

_MOST_STEPS = 20
"""A run comes to rest after six steps at most; more is a decision that goes in circles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the steps of this turn have found out, beyond the cache."""

    flow: FlowRead | None = None
    snapshot: SnapshotRead | None = None
    refused: Ending | None = None
    looked: bool = False
    warned: bool = False
    warning: WarningFacts | None = None


class RunReconciler:
    """Works on the keys of TestRuns."""

    def __init__(self, context: Context, reader: FlowReader, flows: FlowReconciler) -> None:
        self._cluster, self._cache, self._metrics = context.cluster, context.cache, context.metrics
        self._settings, self._now, self._wake = context.settings, context.now, context.wake
        self._reader = reader
        self._flows = flows
        self._finishing: dict[Key, TestRun] = {}
        self._given_up: dict[Key, tuple[str, Finish]] = {}

    async def reconcile(self, key: Key) -> float | None:
        """One turn of a run. Raises ``ClusterError``: then it is tried again."""
        try:
            return await self._take_steps(key)
        except Conflict:
            await self._read_anew(key)
            return 0
        except NotFound:
            # The run, or its namespace, went away under our hands.
            await self._read_anew(key)
            return None if self._cache.run(key) is None else 1

    async def _take_steps(self, key: Key) -> float | None:
        learned = Learned()
        for _ in range(_MOST_STEPS):
            run = self._cache.run(key)
            if run is None:
                self._given_up.pop(key, None)
                await self._settle(key)
                return None
            step = decide(self._facts(run, learned)) if learned.refused is None else Finish(ending=learned.refused)
            logger.debug("%s: %s", key, type(step).__name__)
            match step:
                case Wait(after=after):
                    return after
                case Report(status=status, after=after):
                    await self._write(run, status)
                    if after != 0:
                        return after
                case Finish():
                    await self._finish(run, step)
                    return None
                case _:
                    learned = await self._perform(run, step, learned)
        raise AssertionError(f"{key}: no rest after {_MOST_STEPS} steps")

    def _facts(self, run: TestRun, learned: Learned) -> RunFacts:
        pods = self._cache.pods(run)
        return RunFacts(
            run=run,
            now=self._now(),
            settings=self._settings,
            job=self._cache.job(run),
            job_uid=self._cache.job_uid(run),
            pods=pods,
            stuck_since=self._cache.stuck_since(pods),
            flow=learned.flow,
            snapshot=learned.snapshot,
            looked=learned.looked,
            warned=learned.warned,
            warning=learned.warning,
        )

    async def _perform(self, run: TestRun, step: Step, learned: Learned) -> Learned:
        match step:
            case ReadFlow():
                return replace(learned, flow=await self._reader.read(run))
            case ReadSnapshot():
                return replace(learned, snapshot=await self._read_snapshot(run))
            case LookAgain():
                await self._look(run)
                return replace(learned, looked=True)
            case ReadWarnings():
                return replace(learned, warned=True, warning=await self._newest_warning(run))
            case Launch():
                return replace(learned, refused=await self._launch(run, step))
            case StopPod(pod=pod):
                await self._stop(pod)
        return learned

    # Starting

    async def _launch(self, run: TestRun, launch: Launch) -> Ending | None:
        """Create the snapshot and the Job; returns the run's ending where the API server will never take them."""
        try:
            plan = await self._create_snapshot(run, launch) if launch.text is not None else launch.plan
            await self._create_job(run, launch.name, plan)
        except Rejected as error:
            return errored(Reason.CONFIG_ERROR, f"The Job of the run is refused: {error}")
        except Forbidden as error:
            # A quota, a policy or a namespace that is going: some of it passes.
            start = run.status.start_time or self._now()
            if (self._now() - start).total_seconds() >= launch.plan.start_timeout_seconds:
                return errored(Reason.POD_REJECTED, f"The Job of the run is not allowed: {error}")
            state = going_on(Reason.STARTING, f"The Job of the run is not allowed yet: {error}")
            await self._write(run, progress(run, state, now=self._now()))
            raise
        return None

    async def _create_snapshot(self, run: TestRun, launch: Launch) -> Plan:
        meta = run.metadata
        body = snapshot(meta, launch.plan, name=launch.name, text=launch.text or "")
        try:
            await self._cluster.create(CONFIG_MAPS, meta.namespace, body)
        except AlreadyExists as error:
            found = await self._cluster.get(CONFIG_MAPS, meta.namespace, launch.name)
            if not _owned(found, run):
                # Its flow is not ours: to run it would be to tell the result of another test.
                raise Rejected(f"there is a ConfigMap {launch.name} already that belongs to somebody else") from error
            # Ours, from a start that was cut short: what it says is what was started.
            return _plan_in(found) or launch.plan
        return launch.plan

    async def _read_snapshot(self, run: TestRun) -> SnapshotRead:
        reference = run.status.job_ref
        try:
            found = await self._cluster.get(CONFIG_MAPS, run.metadata.namespace, reference.name if reference else "")
        except NotFound:
            return SnapshotRead(plan=None)
        return SnapshotRead(plan=_plan_in(found) if _owned(found, run) else None)

    async def _create_job(self, run: TestRun, name: str, plan: Plan) -> None:
        meta = run.metadata
        body = runner_job(meta, plan, name=name, settings=self._settings)
        try:
            job = await self._cluster.create(JOBS, meta.namespace, body)
        except AlreadyExists as error:
            job = await self._cluster.get(JOBS, meta.namespace, name)
            if not _owned(job, run):
                raise Rejected(f"there is a Job {name} already that belongs to somebody else") from error
        self._cache.see("Job", job)

    # Watching

    async def _look(self, run: TestRun) -> None:
        """Bring Job and pods of the run in the cache up to date, past the watch."""
        namespace, reference = run.metadata.namespace, run.status.job_ref
        known = self._cache.job(run)
        try:
            self._cache.see("Job", await self._cluster.get(JOBS, namespace, reference.name if reference else ""))
        except NotFound:
            if known is not None:
                self._cache.see_job(known, deleted=True)
        missing = {pod.uid: pod for pod in self._cache.pods(run) if not pod.gone}
        async for page in self._cluster.pages(PODS, namespace, labelSelector=f"{RUN_UID_LABEL}={run.metadata.uid}"):
            for body in page.items:
                self._cache.see("Pod", body)
                missing.pop(read_pod(body).uid, None)
        for pod in missing.values():
            self._cache.see_pod(pod, deleted=True)

    async def _newest_warning(self, run: TestRun) -> WarningFacts | None:
        reference = run.status.job_ref
        names = {reference.name if reference else "", *(pod.name for pod in self._cache.pods(run))}
        warnings = []
        for name in sorted(names - {""}):
            selector = f"involvedObject.name={name},type=Warning"
            async for page in self._cluster.pages(EVENTS, run.metadata.namespace, fieldSelector=selector):
                warnings += [read_warning(item) for item in page.items]
        return max(warnings, key=lambda warning: warning.last_seen, default=None)

    async def _stop(self, pod: PodFacts) -> None:
        body: JsonObject = {"metadata": {"uid": pod.uid}, "spec": {"activeDeadlineSeconds": 1}}
        self._cache.see("Pod", await self._cluster.patch(PODS, pod.namespace, pod.name, body))

    # Writing

    async def _write(self, run: TestRun, status: TestRunStatus) -> None:
        patch = status_patch(run.metadata, run.status, status)
        if patch is None:
            return
        meta = run.metadata
        answer = await self._cluster.patch(TESTRUNS, meta.namespace, meta.name, patch, subresource="status")
        self._cache.see("TestRun", answer)

    async def _finish(self, run: TestRun, step: Finish) -> None:
        before = self._finishing.get(run.key)
        if before is not None and await self._was_written(before):
            # Only the answer to the write was lost.
            self._cache.see_run(before)
            await self._settle(run.key, before)
            return
        step = self._given_up_before(run) or step
        if step.delete_job is not None:
            await self._delete_job(step.delete_job)
            self._given_up[run.key] = (run.metadata.uid, replace(step, delete_job=None))
        status = final(run, step.ending, now=self._now(), attempt=step.attempt)
        done = run.model_copy(update={"status": status})
        self._finishing[run.key] = done
        await self._write(run, done.status)
        await self._settle(run.key, done)
        if step.stop is not None:
            await self._stop(step.stop)

    def _given_up_before(self, run: TestRun) -> Finish | None:
        """The end for which the Job was deleted by us, where only its write has failed: the missing Job is no news."""
        uid, step = self._given_up.get(run.key, ("", None))
        return step if uid == run.metadata.uid else None

    async def _delete_job(self, job: JobFacts) -> None:
        """Raises ``Conflict`` where the Job has changed since it was looked at: then it is looked at again."""
        try:
            await self._cluster.delete(JOBS, job.namespace, job.name, uid=job.uid, version=job.resource_version)
        except NotFound:
            logger.info("Job %s is gone already", job.name)

    async def _settle(self, key: Key, done: TestRun | None = None) -> None:
        """Count a run once its end is written, also where only the answer to the write was lost."""
        attempted = self._finishing.get(key)
        if attempted is None:
            return
        # Until the API server has answered, the next turn asks again.
        written = done is not None or await self._was_written(attempted)
        del self._finishing[key]
        if not written:
            return
        self._metrics.count(attempted)
        self._tell_flow(attempted)
        try:
            await self._cluster.create(EVENTS, key.namespace, finished_event(attempted))
        except ClusterError as error:
            logger.warning("%s: the Event of its end could not be written: %s", key, error)

    async def _was_written(self, attempted: TestRun) -> bool:
        meta = attempted.metadata
        try:
            live = TestRun.model_validate(await self._cluster.get(TESTRUNS, meta.namespace, meta.name))
        except NotFound:
            return False
        return live.metadata.uid == meta.uid and live.status.completion_time == attempted.status.completion_time

    def _tell_flow(self, done: TestRun) -> None:
        flow = self._flows.record(done)
        if flow is not None:
            self._wake(flow)

    async def _read_anew(self, key: Key) -> None:
        """Replace the cached view by the live one."""
        try:
            self._cache.see("TestRun", await self._cluster.get(TESTRUNS, key.namespace, key.name))
        except NotFound:
            run = self._cache.run(key)
            if run is not None:
                self._cache.see_run(run, deleted=True)


def _plan_in(config_map: JsonObject) -> Plan | None:
    """The plan of a snapshot; None where another release wrote it in a way that this one can't read."""
    try:
        return read_plan(config_map)
    except ValueError:
        return None


def _owned(body: JsonObject, run: TestRun) -> bool:
    """Whether it is the run's as the cache knows it: by its controller, and by the labels that bring its events."""
    found = read_job(body)
    return {run.metadata.uid} == {found.owner_uid, found.run_uid} and found.run == run.metadata.name
