"""A pod that only looks like a run's has no say in its result."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from cluster.kubectl import Kubectl, eventually

pytestmark = pytest.mark.cluster

RUN = """
apiVersion: testmesh.io/v1alpha1
kind: TestRun
metadata: {{name: {name}, namespace: scenarios}}
spec:
  source: |
    flow:
      name: Fails late
      steps:
        - {{id: wait, action: delay, config: {{duration: 12s}}}}
        - {{id: compare, action: delay, config: {{duration: 1ms}}, assert: [1 == 2]}}
"""
PASSING = "flow:\n  name: Passes\n  steps:\n    - {id: wait, action: delay, config: {duration: 1ms}}\n"


def test_pod_that_copies_a_runs_labels_is_not_believed(
    kubectl: Kubectl, installed: None, scenarios_namespace: str
) -> None:
    """It runs the engine, on a flow of its own choice, to a perfect verdict: but the run's Job did not make it."""
    name = f"forged-{uuid.uuid4().hex[:8]}"
    kubectl.apply(RUN.format(name=name))
    own = eventually(lambda: _running_pod(kubectl, name), what="the run's own pod")
    kubectl.apply(json.dumps(_snapshot(f"{name}-flow")))
    kubectl.apply(json.dumps(_forged(own, name=f"{name}-forged", flow=f"{name}-flow")))
    eventually(lambda: _verdict(kubectl, f"{name}-forged"), what="the forged pod's verdict")
    status = kubectl.wait_finished(name, namespace=scenarios_namespace)["status"]
    assert ("Failed", "compare") == (status["result"], status["firstFailure"]["step"])


def _running_pod(kubectl: Kubectl, run: str) -> dict[str, Any] | None:
    pods = kubectl.list("pods", namespace="scenarios", selector=f"testmesh.io/run={run}")
    return next((pod for pod in pods if pod["status"]["phase"] == "Running"), None)


def _snapshot(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "scenarios"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"flow.yaml": PASSING}}


def _forged(own: dict[str, Any], *, name: str, flow: str) -> dict[str, Any]:
    """The run's own pod once more, as its second attempt, with another flow and without an owner."""
    count = "batch.kubernetes.io/job-index-failure-count"
    labels = {key: value for key, value in own["metadata"]["labels"].items() if key.startswith("testmesh.io/")}
    spec = own["spec"]
    for volume in spec["volumes"]:
        if "configMap" in volume:
            volume["configMap"]["name"] = flow
    del spec["nodeName"]
    metadata = {"name": name, "namespace": "scenarios", "labels": labels, "annotations": {count: "1"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _verdict(kubectl: Kubectl, pod: str) -> bool:
    """Whether the pod has ended with a message that would make any run pass."""
    containers = kubectl.get("pod", pod, namespace="scenarios")["status"].get("containerStatuses", [])
    ended = containers[0]["state"].get("terminated") if containers else None
    if not ended:
        return False
    assert ended["message"].startswith("TM1 final Passed "), ended
    return True
