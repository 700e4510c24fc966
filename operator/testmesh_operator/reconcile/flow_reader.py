"""Reads flows live: from a TestFlow, from the ConfigMap that it names, or from the run itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from testmesh_operator.cluster import CONFIG_MAPS, TESTFLOWS, TESTRUNS
from testmesh_operator.errors import CheckFailed, Conflict, NotFound
from testmesh_operator.manifests.plan import make_plan
from testmesh_operator.reconcile.context import Context
from testmesh_operator.reconcile.facts import FlowMissing, FlowRead, FlowReady, FlowRefused
from testmesh_operator.reconcile.validator import FlowText, Validator
from testmesh_operator.resources.base import ConditionStatus, JsonObject, Key
from testmesh_operator.resources.testflow import ConfigMapKey, TestFlow, TestFlowSpec
from testmesh_operator.resources.testrun import MAX_FLOW_BYTES, RunFlow, RunTemplate, TestRun
from testmesh_operator.status.flow import Verified
from testmesh_operator.status.reasons import Reason

# What YAML does not take in a quoted text, and its line breaks beyond \n, which it would fold.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class FlowReader:
    """``changed`` is told of a TestFlow whose ConfigMap holds another text than the one that was checked."""

    def __init__(self, context: Context, validator: Validator, *, changed: Callable[[Key], None]) -> None:
        self._cluster = context.cluster
        self._settings = context.settings
        self._validator = validator
        self._changed = changed

    async def read(self, run: TestRun) -> FlowRead:
        """The flow of a run, checked, and the plan that follows from it. Raises ``ClusterError``."""
        if run.spec.flow_ref is not None:
            return await self._of_flow(run, run.spec.flow_ref.name)
        live = TestRun.model_validate(await self._cluster.get(TESTRUNS, run.metadata.namespace, run.metadata.name))
        if live.metadata.uid != run.metadata.uid:
            raise Conflict(f"{run.key} was created anew")
        text = inline_text(live.spec.source, live.spec.flow)
        if text is None:
            return FlowRefused(reason=Reason.FLOW_INVALID, message="The run has no flow.")
        return await self._ready(run, text, flow=RunFlow(hash=text.hash), template=None)

    async def text_of(self, flow: TestFlow) -> FlowText | FlowMissing:
        """The text of a flow as it is now; ``flow`` must be whole. Raises ``ClusterError``."""
        source = flow.spec.flow_from
        if source is not None:
            return await self._from_config_map(flow, source.config_map_key_ref)
        return _inline(flow.spec) or FlowMissing(message=f"TestFlow {flow.metadata.name} is empty.")

    async def check(self, text: FlowText) -> Verified:
        """Check a text; a validator that breaks leaves the question open."""
        if len(text.text.encode()) > MAX_FLOW_BYTES:
            message = f"The flow has more than {MAX_FLOW_BYTES // 1024} KiB; split it."
            return Verified(valid=False, reason=Reason.FLOW_TOO_LARGE, message=message, hash=text.hash)
        return await self._validator.check(text)

    async def _of_flow(self, run: TestRun, name: str) -> FlowRead:
        namespace = run.metadata.namespace
        try:
            flow = TestFlow.model_validate(await self._cluster.get(TESTFLOWS, namespace, name))
        except NotFound:
            return FlowMissing(message=f"TestFlow {name} is not in namespace {namespace}.")
        text = await self.text_of(flow)
        if isinstance(text, FlowMissing):
            return text
        if flow.status.flow is not None and flow.status.flow.hash != text.hash:
            self._changed(flow.key)
        meta = flow.metadata
        about = RunFlow(name=name, uid=meta.uid, generation=meta.generation, hash=text.hash)
        if _known_valid(flow, text):
            return self._plan(run, text, flow=about, template=flow.spec.run_template)
        return await self._ready(run, text, flow=about, template=flow.spec.run_template)

    async def _ready(self, run: TestRun, text: FlowText, *, flow: RunFlow, template: RunTemplate | None) -> FlowRead:
        try:
            answer = await self.check(text)
        except CheckFailed:
            # The runner checks it again before its first step: it has the last word.
            return self._plan(run, text, flow=flow, template=template)
        if answer.valid is False:
            return FlowRefused(reason=Reason(answer.reason), message=answer.message)
        return self._plan(run, text, flow=flow, template=template)

    def _plan(self, run: TestRun, text: FlowText, *, flow: RunFlow, template: RunTemplate | None) -> FlowReady:
        return FlowReady(text=text.text, plan=make_plan(run.spec, template, flow=flow, settings=self._settings))

    async def _from_config_map(self, flow: TestFlow, reference: ConfigMapKey) -> FlowText | FlowMissing:
        where = f"ConfigMap {reference.name}, named by TestFlow {flow.metadata.name},"
        try:
            config_map = await self._cluster.get(CONFIG_MAPS, flow.metadata.namespace, reference.name)
        except NotFound:
            return FlowMissing(message=f"{where} is not in namespace {flow.metadata.namespace}.")
        data = config_map.get("data")
        text = data.get(reference.key) if isinstance(data, dict) else None
        if not isinstance(text, str):
            return FlowMissing(message=f"{where} has no key {reference.key}.")
        return FlowText(text=text, place=f"{reference.name}/{reference.key}")


def inline_text(source: str | None, flow: JsonObject | None) -> FlowText | None:
    """The text of an inline flow. An object becomes JSON, which is YAML 1.2 too, but for a few characters."""
    if source is not None:
        return FlowText(text=source, place="spec.source")
    if flow is not None:
        inner = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(flow, ensure_ascii=False))
        return FlowText(text=f'{{"flow": {inner}}}', place="spec.flow", inner=inner)
    return None


def _inline(spec: TestFlowSpec) -> FlowText | None:
    return inline_text(spec.source, spec.flow)


def _known_valid(flow: TestFlow, text: FlowText) -> bool:
    """Whether this very text was checked already, by this operator or the one before it."""
    ready = flow.status.condition("Ready")
    return (
        ready is not None
        and ready.status is ConditionStatus.TRUE
        and flow.status.flow is not None
        and flow.status.flow.hash == text.hash
    )
