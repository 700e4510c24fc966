"""The main job: the seed's order flow, run by the operator inside the cluster against the real services."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.installation import run_order_flow
from cluster.kubectl import Kubectl

pytestmark = pytest.mark.cluster

STEPS = (
    *("cleanup_notifications", "cleanup_orders", "cleanup_order_records", "cleanup_products", "cleanup_user"),
    *("create_user", "verify_user_event", "verify_user_in_db", "create_product", "create_order"),
    *("verify_order_event", "verify_order_in_db", "wait_for_notifications", "check_notifications"),
    "verify_inventory_decreased",
)


def test_the_order_flow_passes_twice_in_a_row(kubectl: Kubectl, passed_order_flow: dict[str, Any]) -> None:
    """The whole flow passes, and passes again over what the first run left; every step stands in the status."""
    for run in (passed_order_flow, run_order_flow(kubectl)):
        status = run["status"]
        assert status["result"] == "Passed", status
        assert STEPS == tuple(step["id"] for step in status["steps"])
        assert {"Passed"} == {step["result"] for step in status["steps"]}
        assert status["counts"] == {"total": 15, "passed": 15, "failed": 0, "skipped": 0, "errored": 0}
        assert "firstFailure" not in status


def test_the_runner_pod_has_no_credential_and_no_privilege(kubectl: Kubectl, passed_order_flow: dict[str, Any]) -> None:
    """The pod that runs a flow can do nothing in Kubernetes: no token, no root, nothing writable but its own."""
    job = passed_order_flow["status"]["jobRef"]["name"]
    (pod,) = kubectl.list("pods", namespace="demo", selector=f"job-name={job}")
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert [] == [volume for volume in spec.get("volumes", []) if "projected" in volume]
    (container,) = spec["containers"]
    security = {**spec["securityContext"], **container["securityContext"]}
    assert security["runAsNonRoot"] is True
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert {"drop": ["ALL"]} == security["capabilities"]


def test_the_flow_tells_its_last_runs(kubectl: Kubectl, passed_order_flow: dict[str, Any]) -> None:
    """Who looks at the flow sees that it is valid and when it last passed."""
    status = kubectl.get("testflows.testmesh.io", "order-flow", namespace="demo")["status"]
    ready = next(condition for condition in status["conditions"] if condition["type"] == "Ready")
    assert ready["status"] == "True"
    assert passed_order_flow["metadata"]["name"] in [run["name"] for run in status["recentRuns"]]
    assert status["lastSuccessfulTime"]
