"""Keeps a TestFlow's status: whether it is valid, and how its last runs went. One write for all that is new."""

from __future__ import annotations

from testmesh_operator.cluster import TESTFLOWS
from testmesh_operator.errors import CheckFailed, Conflict, NotFound
from testmesh_operator.reconcile.context import Context
from testmesh_operator.reconcile.facts import FlowMissing
from testmesh_operator.reconcile.flow_reader import FlowReader
from testmesh_operator.reconcile.write import status_patch
from testmesh_operator.resources.base import ConditionStatus, Key
from testmesh_operator.resources.testflow import RecentRun, TestFlow, TestFlowStatus
from testmesh_operator.resources.testrun import TestRun
from testmesh_operator.status.flow import Verified, checked, recent_run, remember
from testmesh_operator.status.reasons import Reason

_RECHECK_SECONDS = 15.0
"""How often a ConfigMap that isn't there is looked for: nothing tells us when it comes."""


class FlowReconciler:
    """Works on the keys of TestFlows."""

    def __init__(self, context: Context, reader: FlowReader) -> None:
        self._cluster, self._cache, self._metrics = context.cluster, context.cache, context.metrics
        self._now = context.now
        self._reader = reader
        self._finished: dict[Key, dict[str, RecentRun]] = {}
        self._recheck: set[Key] = set()

    def record(self, done: TestRun) -> Key | None:
        """Remember a finished run for its flow's next write; returns the flow's key, if it has one."""
        recent = recent_run(done)
        if recent is None or done.status.flow is None:
            return None
        flow = Key(kind="TestFlow", namespace=done.metadata.namespace, name=done.status.flow.name)
        self._finished.setdefault(flow, {})[recent.uid] = recent
        return flow

    def recheck(self, flow: Key) -> None:
        """Check the flow anew at its next turn: its ConfigMap may hold another text."""
        self._recheck.add(flow)

    async def reconcile(self, key: Key) -> float | None:
        """One turn of a flow. Raises ``ClusterError`` and ``CheckFailed``: then it is tried again."""
        flow = self._cache.flow(key)
        if flow is None:
            self._finished.pop(key, None)
            self._recheck.discard(key)
            self._metrics.hide(key)
            return None
        self._metrics.show(key)
        try:
            return await self._bring_up_to_date(flow)
        except Conflict:
            await self._read_anew(key)
            return 0

    async def _bring_up_to_date(self, flow: TestFlow) -> float | None:
        status, answer = flow.status, None
        if self._to_be_checked(flow):
            self._recheck.discard(flow.key)
            answer = await self._check(flow)
            status = checked(flow, answer, now=self._now())
        runs = dict(self._finished.get(flow.key, {}))
        status = remember(status, runs.values())
        await self._write(flow, status)
        for uid in runs:
            self._finished[flow.key].pop(uid, None)
        return _next_look(status, answer)

    def _to_be_checked(self, flow: TestFlow) -> bool:
        ready = flow.status.condition("Ready")
        return (
            flow.key in self._recheck
            or ready is None
            or ready.status is ConditionStatus.UNKNOWN
            or ready.observed_generation != flow.metadata.generation
            or ready.reason == Reason.FLOW_NOT_FOUND
        )

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


def _next_look(status: TestFlowStatus, answer: Verified | None) -> float | None:
    ready = status.condition("Ready")
    open_question = answer is not None and answer.valid is None
    return _RECHECK_SECONDS if open_question or (ready and ready.reason == Reason.FLOW_NOT_FOUND) else None
