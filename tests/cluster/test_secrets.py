"""A secret that a run is given is seen by the services alone: not in the status, not in the log, not in an Event."""

from __future__ import annotations

import json

import pytest

from cluster.kubectl import Kubectl

pytestmark = pytest.mark.cluster

BY_KEY, AS_A_WHOLE = "tok-3f9d/ä+27", "whole-8c41-secret"
RUN = "planted-secrets"
MANIFESTS = f"""
apiVersion: v1
kind: Secret
metadata: {{name: planted, namespace: scenarios}}
stringData: {{token: "{BY_KEY}", WHOLE_TOKEN: "{AS_A_WHOLE}"}}
---
apiVersion: testmesh.io/v1alpha1
kind: TestRun
metadata: {{name: {RUN}, namespace: scenarios}}
spec:
  env:
    - name: API_TOKEN
      valueFrom: {{secretKeyRef: {{name: planted, key: token}}}}
  envFrom:
    - secretRef: {{name: planted}}
  source: |
    flow:
      name: Tells a service two secrets, and fails
      steps:
        - id: call
          action: http_request
          config:
            method: POST
            url: "http://user-service.demo:5001/api/v1/users?of=${{API_TOKEN}}"
            headers: {{X-Whole: "${{WHOLE_TOKEN}}"}}
            body: {{name: "${{API_TOKEN}}", email: "no address ${{WHOLE_TOKEN}}"}}
          assert:
            - status == 299
            - body.message == "${{WHOLE_TOKEN}}"
            - request.body.name == "something else"
"""


def test_secrets_of_a_run_stand_nowhere(kubectl: Kubectl, installed: None, scenarios_namespace: str) -> None:
    """By key or as a whole Secret, escaped or not: a failed run that used them tells no word of them."""
    kubectl("delete", "testruns.testmesh.io", RUN, "--namespace", scenarios_namespace, "--ignore-not-found")
    kubectl.apply(MANIFESTS)
    status = kubectl.wait_finished(RUN, namespace=scenarios_namespace)["status"]
    assert "Failed" == status["result"], status
    log = kubectl("logs", f"job/{status['jobRef']['name']}", "--namespace", scenarios_namespace)
    assert '"***"' in log, "the request must stand in the log, or there is nothing to mask"
    told = {
        "status": json.dumps(status, ensure_ascii=False),
        "log": log,
        "events": json.dumps(kubectl.list("events", namespace=scenarios_namespace), ensure_ascii=False),
        "objects": json.dumps(kubectl.list("configmaps,jobs,pods", namespace=scenarios_namespace), ensure_ascii=False),
    }
    for where, text in told.items():
        assert [] == [part for part in (BY_KEY, AS_A_WHOLE, "tok-3f9d", "%C3%A4") if part in text], where
