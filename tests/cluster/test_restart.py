"""A killed operator loses no run and starts none twice."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import pytest

from cluster.kubectl import Kubectl, eventually

pytestmark = pytest.mark.cluster

FLOW = """
apiVersion: testmesh.io/v1alpha1
kind: TestRun
metadata: {{name: {name}, namespace: scenarios}}
spec:
  source: |
    flow:
      name: Outlives the operator
      steps:
        - {{id: work, action: delay, config: {{duration: 3s}}}}
"""


@pytest.fixture
def run(kubectl: Kubectl, scenarios_namespace: str) -> str:
    """The name of a run that is about to be created."""
    return f"restart-{uuid.uuid4().hex[:8]}"


def test_operator_killed_while_the_runner_works(run: str, kubectl: Kubectl, kill_operator: Callable[[], None]) -> None:
    """The runner goes on without an operator, and the next one finds its verdict."""
    kubectl.apply(FLOW.format(name=run))
    eventually(lambda: _reason(kubectl, run) == "Running", what="the runner to be at work")
    kill_operator()
    _check_ended_once(kubectl, run)


@pytest.mark.parametrize("seconds", [0.0, 0.15, 0.4])
def test_operator_killed_while_it_takes_up_the_run(
    seconds: float, run: str, kubectl: Kubectl, kill_operator: Callable[[], None]
) -> None:
    """Between the creation of a run and its Job there is no moment at which a death loses it or doubles it."""
    kubectl.apply(FLOW.format(name=run))
    time.sleep(seconds)
    kill_operator()
    _check_ended_once(kubectl, run)


def test_run_created_while_there_is_no_operator(run: str, kubectl: Kubectl, kill_operator: Callable[[], None]) -> None:
    """A run that nobody saw being created, and of which no status is written, is run all the same."""
    kill_operator()
    kubectl.apply(FLOW.format(name=run))
    _check_ended_once(kubectl, run)


def _reason(kubectl: Kubectl, run: str) -> str:
    status = kubectl.get("testruns.testmesh.io", run, namespace="scenarios").get("status", {})
    ready = [item["reason"] for item in status.get("conditions", []) if item["type"] == "Ready"]
    return ready[0] if ready else ""


def _check_ended_once(kubectl: Kubectl, run: str) -> None:
    status = kubectl.wait_finished(run, namespace="scenarios")["status"]
    assert status["result"] == "Passed", status
    assert status["attempts"] == 1
    mine = [job for job in kubectl.list("jobs", namespace="scenarios") if _owner(job) == run]
    assert [status["jobRef"]["uid"]] == [job["metadata"]["uid"] for job in mine]
    pods = kubectl.list("pods", namespace="scenarios", selector=f"job-name={status['jobRef']['name']}")
    assert len(pods) == 1


def _owner(job: dict[str, object]) -> str:
    metadata = job["metadata"]
    assert isinstance(metadata, dict)
    return str(metadata["ownerReferences"][0]["name"])
