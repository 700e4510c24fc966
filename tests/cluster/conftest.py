"""One cluster for all scenarios, with the operator and the demo services on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.installation import MANIFESTS, SYSTEM, deploy_services, install_operator, run_order_flow
from cluster.kubectl import Kubectl, eventually
from cluster.node import lifecycle

OPERATOR = "app.kubernetes.io/name=testmesh"


@pytest.fixture(scope="session")
def cluster() -> lifecycle.Cluster:
    """The cluster of `make cluster`, brought up where it is not; the images are on it."""
    return lifecycle.ensure()


@pytest.fixture(scope="session")
def kubectl(cluster: lifecycle.Cluster) -> Kubectl:
    """The cluster as its administrator sees it."""
    return Kubectl(cluster.kubectl, cluster.kubeconfig)


@pytest.fixture(scope="session")
def installed(cluster: lifecycle.Cluster, kubectl: Kubectl) -> None:
    """The operator, and the demo services with their flow."""
    install_operator(cluster.helm, cluster.kubeconfig)
    deploy_services(kubectl)
    kubectl("apply", "-f", str(MANIFESTS / "testflow.yaml"))


@pytest.fixture(scope="session")
def scenarios_namespace(kubectl: Kubectl) -> str:
    """A namespace of their own for runs that need no demo service; it admits nothing privileged."""
    kubectl.apply(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: scenarios\n"
        "  labels: {pod-security.kubernetes.io/enforce: restricted}\n"
    )
    return "scenarios"


@pytest.fixture(scope="session")
def passed_order_flow(kubectl: Kubectl, installed: None) -> dict[str, Any]:
    """A finished run of the order flow: from here on its events lie in the topics."""
    return run_order_flow(kubectl)


@pytest.fixture
def kill_operator(kubectl: Kubectl, installed: None) -> Callable[[], None]:
    """SIGKILL for the operator's process, seen from the host; its pod goes too, so that no back-off delays the next."""

    def kill() -> None:
        pod = _operator_pod(kubectl)
        container = pod["status"]["containerStatuses"][0]["containerID"].partition("://")[2]
        for pid in _processes_of(container):
            os.kill(pid, signal.SIGKILL)
        kubectl("delete", "pod", pod["metadata"]["name"], "--namespace", SYSTEM, "--wait=false")

    return kill


def _operator_pod(kubectl: Kubectl) -> dict[str, Any]:
    def running() -> dict[str, Any] | None:
        pods = kubectl.list("pods", namespace=SYSTEM, selector=OPERATOR)
        alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        states = [status["state"] for pod in alive for status in pod["status"].get("containerStatuses", [])]
        return alive[0] if len(alive) == 1 and any("running" in state for state in states) else None

    return eventually(running, what="one running pod of the operator")


def _processes_of(container: str) -> list[int]:
    found = [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdecimal() and container in _text(folder / "cgroup")
    ]
    assert found, f"no process of container {container} is seen from here"
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # the process has ended meanwhile
        return ""
