"""What the operator knows of the cluster: trimmed facts, kept up to date by events and checked against lists.

Only unfinished runs are kept, and only their Jobs and pods: thousands of finished ones cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Literal, Protocol, TypeVar

from testmesh_operator.resources.base import JsonObject, Key
from testmesh_operator.resources.observed import JobFacts, PodFacts, read_job, read_pod
from testmesh_operator.resources.testflow import TestFlow
from testmesh_operator.resources.testrun import TestRun
from testmesh_operator.status.ending import start_problem

Kind = Literal["TestFlow", "TestRun", "Job", "Pod"]


class Cache:
    """Facts by name. Nothing in here does I/O; an older view of an object never takes a newer one's place."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._flows: dict[Key, TestFlow] = {}
        self._runs: dict[Key, TestRun] = {}
        self._jobs: dict[Key, dict[str, JobFacts]] = {}
        self._pods: dict[Key, dict[str, PodFacts]] = {}
        self._stuck: dict[str, datetime] = {}

    # What decisions ask

    def run(self, key: Key) -> TestRun | None:
        """The run, if it is there and unfinished."""
        return self._runs.get(key)

    def flow(self, key: Key) -> TestFlow | None:
        """The flow, without its text."""
        return self._flows.get(key)

    def job(self, run: TestRun) -> JobFacts | None:
        """The run's own Job, if it is there."""
        job = self._jobs.get(run.key, {}).get(self.job_uid(run) or "")
        return None if job is None or job.gone else job

    def job_uid(self, run: TestRun) -> str | None:
        """The uid of the run's Job, also of one that is gone: known from the run, else from the Job of its claim."""
        reference = run.status.job_ref
        if reference is None or reference.uid is not None:
            return reference.uid if reference else None
        jobs = self._jobs.get(run.key, {}).values()
        mine = (job.uid for job in jobs if (job.name, job.owner_uid) == (reference.name, run.metadata.uid))
        return next(mine, None)

    def pods(self, run: TestRun) -> tuple[PodFacts, ...]:
        """The pods that the run's own Job has made, those that are gone included; labels alone say nothing."""
        uid = self.job_uid(run)
        return tuple(pod for pod in self._pods.get(run.key, {}).values() if uid and pod.owner_uid == uid)

    def stuck_since(self, pods: Iterable[PodFacts]) -> datetime | None:
        """When the newest of these pods was first seen unable to start."""
        return max((self._stuck[pod.uid] for pod in pods if pod.uid in self._stuck), default=None)

    def flows(self) -> Iterator[TestFlow]:
        """All flows."""
        yield from tuple(self._flows.values())

    def runs(self) -> Iterator[TestRun]:
        """All unfinished runs."""
        yield from tuple(self._runs.values())

    def sizes(self) -> tuple[int, int]:
        """How many flows and unfinished runs there are."""
        return len(self._flows), len(self._runs)

    def waiting_for(self, flow: Key) -> list[Key]:
        """Runs of this flow that have not started."""
        return [
            run.key
            for run in self._runs.values()
            if run.status.job_ref is None
            and run.spec.flow_ref is not None
            and (run.metadata.namespace, run.spec.flow_ref.name) == (flow.namespace, flow.name)
        ]

    # What is observed

    def see(self, kind: Kind, body: JsonObject, *, deleted: bool = False) -> Key | None:
        """Take in one object as the API server shows it; returns whose turn it is now."""
        match kind:
            case "TestFlow":
                return self.see_flow(TestFlow.model_validate(body), deleted=deleted)
            case "TestRun":
                return self.see_run(TestRun.model_validate(body), deleted=deleted)
            case "Job":
                return self.see_job(read_job(body), deleted=deleted)
            case "Pod":
                return self.see_pod(read_pod(body), deleted=deleted)

    def see_flow(self, flow: TestFlow, *, deleted: bool = False) -> Key:
        """A flow as it is now."""
        known = self._flows.get(flow.key)
        if deleted:
            if known is None or known.metadata.uid == flow.metadata.uid:
                self._flows.pop(flow.key, None)
        elif known is None or _newer(flow.metadata, known.metadata):
            self._flows[flow.key] = flow.without_text()
        return flow.key

    def see_run(self, run: TestRun, *, deleted: bool = False) -> Key:
        """A run as it is now. The watch shows a finished one as deleted: it no longer matches the selector."""
        known = self._runs.get(run.key)
        if deleted or run.finished:
            if known is None or known.metadata.uid == run.metadata.uid:
                self._forget(run.key)
        elif known is None or _newer(run.metadata, known.metadata):
            self._runs[run.key] = run.without_text()
        return run.key

    def see_job(self, job: JobFacts, *, deleted: bool = False) -> Key | None:
        """A Job as it is now; that of a run which is not kept is none of ours. One that is gone is never made again."""
        key = self._owner(job)
        if key is None:
            return None
        jobs = self._jobs.setdefault(key, {})
        known = jobs.get(job.uid)
        if deleted:
            jobs[job.uid] = replace(job, gone=True)
        elif known is None or (not known.gone and _newer(job, known)):
            jobs[job.uid] = job
        return key

    def see_pod(self, pod: PodFacts, *, deleted: bool = False) -> Key | None:
        """A pod as it is now. The last facts of a deleted one are kept as long as its run: they may tell the end."""
        key = self._owner(pod)
        if key is None:
            return None
        pods = self._pods.setdefault(key, {})
        known = pods.get(pod.uid)
        if deleted:
            pods[pod.uid] = replace(pod, gone=True)
        elif known is None or (not known.gone and _newer(pod, known)):
            pods[pod.uid] = pod
        self._note_stuck(pod)
        return key

    def _owner(self, facts: JobFacts | PodFacts) -> Key | None:
        key = Key(kind="TestRun", namespace=facts.namespace, name=facts.run)
        run = self._runs.get(key)
        return key if run is not None and run.metadata.uid == facts.run_uid else None

    def _note_stuck(self, pod: PodFacts) -> None:
        if start_problem(pod) is None:
            self._stuck.pop(pod.uid, None)
        else:
            self._stuck.setdefault(pod.uid, self._now())

    def _forget(self, key: Key) -> None:
        self._runs.pop(key, None)
        self._jobs.pop(key, None)
        for pod in self._pods.pop(key, {}).values():
            self._stuck.pop(pod.uid, None)

    # Against a list

    def versions(self, kind: Kind) -> dict[str, str]:
        """The resource version of everything that is kept of a kind, by uid."""
        match kind:
            case "TestFlow":
                return {flow.metadata.uid: flow.metadata.resource_version for flow in self._flows.values()}
            case "TestRun":
                return {run.metadata.uid: run.metadata.resource_version for run in self._runs.values()}
            case "Job":
                return {
                    job.uid: job.resource_version
                    for jobs in self._jobs.values()
                    for job in jobs.values()
                    if not job.gone
                }
            case "Pod":
                return {
                    pod.uid: pod.resource_version
                    for pods in self._pods.values()
                    for pod in pods.values()
                    if not pod.gone
                }

    def drop(self, kind: Kind, uids: Iterable[str]) -> list[Key]:
        """Take out what a list no longer shows; returns whose turn it is then."""
        gone = set(uids)
        touched: list[Key | None]
        match kind:
            case "TestFlow":
                touched = [self.see_flow(flow, deleted=True) for flow in self.flows() if flow.metadata.uid in gone]
            case "TestRun":
                touched = [self.see_run(run, deleted=True) for run in self.runs() if run.metadata.uid in gone]
            case "Job":
                jobs = [job for known in self._jobs.values() for job in known.values() if job.uid in gone]
                touched = [self.see_job(job, deleted=True) for job in jobs]
            case "Pod":
                pods = [pod for known in self._pods.values() for pod in known.values() if pod.uid in gone]
                touched = [self.see_pod(pod, deleted=True) for pod in pods]
        return [key for key in touched if key is not None]


class _Versioned(Protocol):
    @property
    def uid(self) -> str: ...

    @property
    def resource_version(self) -> str: ...


_V = TypeVar("_V", bound=_Versioned)


def _newer(seen: _V, known: _V) -> bool:
    """Whether ``seen`` may take the place of ``known``; resource versions of one kind are ordered (KEP-5504)."""
    if seen.uid != known.uid or not (seen.resource_version.isdecimal() and known.resource_version.isdecimal()):
        return True
    return int(seen.resource_version) >= int(known.resource_version)
