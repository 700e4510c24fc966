"""One folder for each scenario: what is applied, and the status that must come of it.

``manifests.yaml`` is applied as it is; ``services.yaml`` copies demo services under another name and environment;
``expected.yaml`` says what to find (see ``expectation.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.expectation import differences
from cluster.installation import copy_service
from cluster.kubectl import Kubectl, eventually

SCENARIOS = Path(__file__).parent / "scenarios"
ALL = sorted(folder.name for folder in SCENARIOS.iterdir() if folder.is_dir())
# The order flows all use the same person and product, so one waits for the other.
AT_ONCE = [name for name in ALL if not name.startswith("order-flow")]

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def started(kubectl: Kubectl, installed: None, scenarios_namespace: str) -> None:
    """All scenarios that don't get in each other's way, applied at once: most of their time is waiting."""
    for name in AT_ONCE:
        kubectl.make_anew(SCENARIOS / name / "manifests.yaml")


@pytest.mark.parametrize("name", AT_ONCE)
def test_scenario_has_the_expected_status(name: str, kubectl: Kubectl, started: None) -> None:
    """Each way in which a run can end has its own reason and message."""
    for expected in _expected(name):
        _check(kubectl, expected)


@pytest.mark.parametrize("name", [name for name in ALL if name not in AT_ONCE])
def test_broken_service_fails_the_order_flow(name: str, kubectl: Kubectl, passed_order_flow: dict[str, Any]) -> None:
    """A service that misbehaves turns the flow red at the step where one would look, old events or not."""
    services = SCENARIOS / name / "services.yaml"
    for service in yaml.safe_load(services.read_text()):
        copy_service(kubectl, service["copy"], name=service["name"], env=service["env"])
    kubectl.make_anew(SCENARIOS / name / "manifests.yaml")
    for expected in _expected(name):
        _check(kubectl, expected)


def _expected(name: str) -> list[dict[str, Any]]:
    expected: list[dict[str, Any]] = yaml.safe_load((SCENARIOS / name / "expected.yaml").read_text())
    return expected


def _check(kubectl: Kubectl, expected: dict[str, Any]) -> None:
    kind, name, namespace = expected["kind"], expected["name"], expected["namespace"]
    if kind == "testruns.testmesh.io":
        found = kubectl.wait_finished(name, namespace=namespace)
    else:
        found = eventually(
            lambda: _settled(kubectl.get(kind, name, namespace=namespace)), what=f"conditions of {kind}/{name}"
        )
    wrong = differences(expected["status"], found["status"])
    assert not wrong, "\n".join([*wrong, yaml.safe_dump(found["status"], allow_unicode=True)])


def _settled(resource: dict[str, Any]) -> dict[str, Any] | None:
    """The resource once its controller has spoken about this generation of it."""
    status = resource.get("status", {})
    seen = status.get("observedGeneration") == resource["metadata"]["generation"]
    return resource if seen and status.get("conditions") else None
