"""A drained node takes a run's pod away: the run goes on in another one where it may, and else says why it ended."""

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
  backoffLimit: {backoff_limit}
  source: |
    flow:
      name: Outlives its pod
      steps:
        - {{id: work, action: delay, config: {{duration: 4s}}}}
"""


@pytest.fixture
def name(installed: None, scenarios_namespace: str) -> str:
    """The name of a run that is about to be created."""
    return f"evicted-{uuid.uuid4().hex[:8]}"


def test_evicted_run_passes_at_its_second_attempt(name: str, kubectl: Kubectl) -> None:
    """What backoffLimit is for: the test found nothing, the platform took its pod away."""
    _evict(kubectl, name, backoff_limit=1)
    run = kubectl.wait_finished(name, namespace="scenarios")
    assert ("Passed", 2, 2) == (run["status"]["result"], run["status"]["attempts"], _pods_made(kubectl, run))


def test_evicted_run_without_a_further_attempt_says_that_it_was_evicted(name: str, kubectl: Kubectl) -> None:
    """And no second pod runs the flow behind its back."""
    _evict(kubectl, name, backoff_limit=0)
    run = kubectl.wait_finished(name, namespace="scenarios")
    status = run["status"]
    (succeeded,) = [item for item in status["conditions"] if item["type"] == "Succeeded"]
    assert ("Errored", "PodEvicted", 1) == (status["result"], succeeded["reason"], status["attempts"])
    assert "work" in succeeded["message"]
    job = f"job/{status['jobRef']['name']}"
    kubectl("wait", job, "--namespace", "scenarios", "--for=condition=Failed", "--timeout=60s")
    assert 1 == _pods_made(kubectl, run)


def _evict(kubectl: Kubectl, name: str, *, backoff_limit: int) -> None:
    """Start the run and evict its pod, as `kubectl drain` does, while its runner is at work."""
    kubectl.apply(RUN.format(name=name, backoff_limit=backoff_limit))
    pod = eventually(lambda: _working_pod(kubectl, name), what="the runner to be at work")
    metadata = {"name": pod, "namespace": "scenarios"}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    path = f"/api/v1/namespaces/scenarios/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def _working_pod(kubectl: Kubectl, run: str) -> str | None:
    """The run's pod, once its log shows that the step is under way: the runner listens to signals by then."""
    for pod in kubectl.list("pods", namespace="scenarios", selector=f"testmesh.io/run={run}"):
        name: str = pod["metadata"]["name"]
        if pod["status"]["phase"] == "Running" and "step_started" in kubectl("logs", name, "--namespace", "scenarios"):
            return name
    return None


def _pods_made(kubectl: Kubectl, run: dict[str, Any]) -> int:
    """How many pods the run's Job has made: an evicted one is gone, its Event stays."""
    job = run["status"]["jobRef"]["name"]
    events = kubectl.list("events", namespace="scenarios")
    return sum(item["reason"] == "SuccessfulCreate" and item["involvedObject"]["name"] == job for item in events)
