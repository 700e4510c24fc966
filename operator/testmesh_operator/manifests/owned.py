"""What every object of a run carries: its owner, and the labels that bring its events to the operator."""

from __future__ import annotations

from testmesh_operator.resources.base import API_VERSION, JsonObject, Meta
from testmesh_operator.resources.observed import FLOW_LABEL, RUN_LABEL, RUN_UID_LABEL

_LABEL_MAX = 63


def owner(run: Meta) -> JsonObject:
    """The ownerReference of a run. Without blockOwnerDeletion: that would need update on testruns/finalizers."""
    return {"apiVersion": API_VERSION, "kind": "TestRun", "name": run.name, "uid": run.uid, "controller": True}


def labels(run: Meta, flow: str) -> dict[str, str]:
    """Labels of everything that belongs to a run; a flow's name that is too long for a label is left out."""
    named = {FLOW_LABEL: flow} if 0 < len(flow) <= _LABEL_MAX else {}
    return {
        "app.kubernetes.io/name": "testmesh-runner",
        "app.kubernetes.io/managed-by": "testmesh",
        RUN_LABEL: run.name,
        RUN_UID_LABEL: run.uid,
        **named,
    }


def metadata(run: Meta, name: str, flow: str) -> JsonObject:
    """Metadata of a run's ConfigMap or Job."""
    return {
        "name": name,
        "namespace": run.namespace,
        "labels": {**labels(run, flow)},
        "ownerReferences": [owner(run)],
    }
