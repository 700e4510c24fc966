"""The snapshot of a run: an immutable ConfigMap with the flow's text and the plan. What comes later changes nothing."""

from __future__ import annotations

from typing import cast

from testmesh_operator.manifests.owned import metadata
from testmesh_operator.manifests.plan import Plan
from testmesh_operator.resources.base import JsonObject, Meta

FLOW_KEY = "flow.yaml"
PLAN_KEY = "plan.json"


def snapshot(run: Meta, plan: Plan, *, name: str, text: str) -> JsonObject:
    """The ConfigMap: ``flow.yaml`` is what the runner reads, ``plan.json`` what the Job is made of."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(run, name, plan.flow.name),
        "immutable": True,
        "data": {FLOW_KEY: text, PLAN_KEY: plan.model_dump_json(by_alias=True, exclude_none=True)},
    }


def read_plan(config_map: JsonObject) -> Plan:
    """The plan of a snapshot that is there already. Raises ``ValueError`` where it holds none."""
    data = cast("JsonObject", config_map.get("data") or {})
    return Plan.model_validate_json(str(data.get(PLAN_KEY, "")))
