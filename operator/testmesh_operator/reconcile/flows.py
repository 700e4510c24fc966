"""Keeps a TestFlow's status: whether it is valid, and how its last runs went. One write for all that is new."""

from __future__ import annotations

from collections.abc import Iterable

from testmesh_operator.cluster import TESTFLOWS
from testmesh_operator.errors import CheckFailed, Conflict, NotFound
from testmesh_operator.reconcile.context import Context
from testmesh_operator.reconcile.facts import FlowMissing
from testmesh_operator.reconcile.flow_reader import FlowReader
from testmesh_operator.reconcile.write import status_patch
from testmesh_operator.resources.base import ConditionStatus, Key
from testmesh_operator.resources.testflow import TestFlow, TestFlowStatus
from testmesh_operator.resources.testrun import TestRun
from testmesh_operator.status.flow import FinishedRun, Verified, checked, finished_run, remember
from testmesh_operator.status.reasons import Reason

_RECHECK_SECONDS = 15.0
"""How often a ConfigMap that isn't there is looked for: nothing tells us when it comes."""


class FlowReconciler:
    """Works on the keys of TestFlows."""

    def __init__(self, context: Context, reader: FlowReader) -> None:
        self._cluster, self._cache, self._metrics = context.cluster, context.cache, context.metrics
        self._now = context.now
        self._reader = reader
        self._finished: dict[Key, dict[str, FinishedRun]] = {}
        self._recheck: set[Key] = set()

    def record(self, done: TestRun) -> Key | None:
        """Remember a finished run for its flow's next write; returns the flow's key, if it has one."""
        finished = finished_run(done)
        if finished is None:
            return None
        flow = Key(kind="TestFlow", namespace=done.metadata.namespace, name=finished.flow)
        self._finished.setdefault(flow, {})[finished.recent.uid] = finished
        return flow

    def forget_unknown(self) -> None:
        """After the first list: finished runs whose flow is not there any more are nobody's."""
        self._finished = {key: runs for key, runs in self._finished.items() if self._cache.flow(key) is not None}

    def recheck(self, flow: Key) -> None:
        """Check the flow anew at its next turn: its ConfigMap may hold another text."""
        self._recheck.add(flow)

    async def reconcile(self, key: Key) -> float | None:
        """One turn of a flow. Raises ``ClusterError`` and ``CheckFailed``: then it is tried again."""
        flow = await self._known(key)
        if flow is None:
            self._finished.pop(key, None)
            self._recheck.discard(key)
            self._metrics.hide(key)
            return None
        self._metrics.show(key)
        try:
            return await self._take_turn(flow)
        except Conflict:
            await self._read_anew(key)
            return 0

    async def _known(self, key: Key) -> TestFlow | None:
        """The flow; read live where a run has ended that is not of the one we know: the watch may be behind."""
        flow = self._cache.flow(key)
        if all(flow is not None and run.belongs_to(flow) for run in self._finished.get(key, {}).values()):
            return flow
        await self._read_anew(key)
        return self._cache.flow(key)

    async def _take_turn(self, flow: TestFlow) -> float | None:
        """Bring the status up to date; a check that was asked for stays due until its answer is written."""
        due = flow.key in self._recheck
        # Before the check: one that is asked for meanwhile is another one.
        self._recheck.discard(flow.key)
        try:
            return await self._bring_up_to_date(flow, due=due)
        except BaseException:
            if due:
                self._recheck.add(flow.key)
            raise

    async def _bring_up_to_date(self, flow: TestFlow, *, due: bool) -> float | None:
        status, answer = flow.status, None
        if due or _to_be_checked(flow):
            answer = await self._check(flow)
            status = checked(flow, answer, now=self._now())
        runs = dict(self._finished.get(flow.key, {}))
        status = remember(status, (run.recent for run in runs.values() if run.belongs_to(flow)))
        await self._write(flow, status)
        self._forget(flow.key, runs)
        return _next_look(status, answer)

    def _forget(self, key: Key, written: Iterable[str]) -> None:
        """Take out the runs that stand in the status now; others may have ended while it was written."""
        left = self._finished.get(key, {})
        for uid in written:
            left.pop(uid, None)
        if not left:
            self._finished.pop(key, None)

    async def _check(self, flow: TestFlow) -> Verified:
        """The answer about the flow as it is now; one that was changed meanwhile is checked again after it."""
        try:
            live = TestFlow.model_validate(
                await self._cluster.get(TESTFLOWS, flow.metadata.namespace, flow.metadata.name)
            )
        except NotFound:
            raise Conflict(f"{flow.key} is gone") from None
        if live.metadata.generation != flow.metadata.generation:
            raise Conflict(f"{flow.key} has changed")
        text = await self._reader.text_of(live)
        if isinstance(text, FlowMissing):
            return Verified(valid=False, reason=Reason.FLOW_NOT_FOUND, message=text.message)
        try:
            return await self._reader.check(text)
        except CheckFailed as error:
            return Verified(valid=None, reason="CheckFailed", message=f"The flow could not be checked: {error}")

    async def _write(self, flow: TestFlow, status: TestFlowStatus) -> None:
        patch = status_patch(flow.metadata, flow.status, status)
        if patch is None:
            return
        meta = flow.metadata
        answer = await self._cluster.patch(TESTFLOWS, meta.namespace, meta.name, patch, subresource="status")
        self._cache.see("TestFlow", answer)

    async def _read_anew(self, key: Key) -> None:
        try:
            self._cache.see("TestFlow", await self._cluster.get(TESTFLOWS, key.namespace, key.name))
        except NotFound:
            flow = self._cache.flow(key)
            if flow is not None:
                self._cache.see_flow(flow, deleted=True)


def _to_be_checked(flow: TestFlow) -> bool:
    ready = flow.status.condition("Ready")
    return (
        ready is None
        or ready.status is ConditionStatus.UNKNOWN
        or ready.observed_generation != flow.metadata.generation
        or ready.reason == Reason.FLOW_NOT_FOUND
    )


def _next_look(status: TestFlowStatus, answer: Verified | None) -> float | None:
    ready = status.condition("Ready")
    open_question = answer is not None and answer.valid is None
    return _RECHECK_SECONDS if open_question or (ready and ready.reason == Reason.FLOW_NOT_FOUND) else None
