"""What the demo and the tests put onto a cluster: the operator by its chart, and the demo services."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.kubectl import Kubectl, KubectlError

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "testmesh"
MANIFESTS = ROOT / "examples" / "microservices" / "manifests"
SYSTEM = "testmesh-system"
DEMO = "demo"
PROVIDERS = ("postgres", "kafka")
SERVICES = ("user-service", "product-service", "order-service", "notification-service")


def install_operator(helm: Path, kubeconfig: Path, *values: str, timeout: float = 180) -> str:
    """Install the chart, or upgrade to it, and wait until the operator is ready. Returns what Helm printed."""
    command = [
        *(str(helm), "upgrade", "--install", "testmesh", str(CHART), f"--kubeconfig={kubeconfig}"),
        *("--namespace", SYSTEM, "--create-namespace", "--wait", f"--timeout={timeout:.0f}s"),
        *(part for value in values for part in ("--set", value)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KubectlError(f"helm upgrade --install testmesh\n{done.stderr.strip()}")
    return done.stdout


def deploy_services(kubectl: Kubectl, *, timeout: float = 180) -> None:
    """Apply PostgreSQL, Kafka and the four services, and wait until each is ready."""
    apply_services(kubectl)
    for name in (*PROVIDERS, *SERVICES):
        wait_ready(kubectl, name, timeout=timeout)


def apply_services(kubectl: Kubectl) -> None:
    """Apply PostgreSQL, Kafka and the four services; they start while the caller does something else."""
    kubectl("apply", "--kustomize", str(MANIFESTS))


def wait_ready(kubectl: Kubectl, deployment: str, *, timeout: float = 120) -> None:
    """Wait until a Deployment of the demo has rolled out."""
    kubectl(
        *("rollout", "status", f"deployment/{deployment}", "--namespace", DEMO, f"--timeout={timeout:.0f}s"),
        timeout=timeout + 30,
    )


def copy_service(kubectl: Kubectl, service: str, *, name: str, env: Mapping[str, str]) -> None:
    """Run a demo service once more under another name, as it is but for its environment, and wait until it is ready."""
    deployment = kubectl.get("deployment", service, namespace=DEMO)
    template = deployment["spec"]["template"]
    labels = {"app": name}
    template["metadata"]["labels"] = labels
    container = template["spec"]["containers"][0]
    container["env"] = [item for item in container.get("env", []) if item["name"] not in env]
    container["env"] += [{"name": key, "value": value} for key, value in env.items()]
    port = kubectl.get("service", service, namespace=DEMO)["spec"]["ports"][0]["port"]
    _apply(kubectl, "apps/v1", "Deployment", name, {"selector": {"matchLabels": labels}, "template": template})
    _apply(kubectl, "v1", "Service", name, {"selector": labels, "ports": [{"port": port}]})
    wait_ready(kubectl, name)


def run_order_flow(kubectl: Kubectl) -> dict[str, Any]:
    """Run the demo's flow once, from a TestRun as a person would write it, and return the finished run."""
    name = f"order-flow-{uuid.uuid4().hex[:8]}"
    kubectl.apply(
        f"apiVersion: testmesh.io/v1alpha1\nkind: TestRun\nmetadata: {{name: {name}, namespace: {DEMO}}}\n"
        "spec: {flowRef: {name: order-flow}}\n"
    )
    return kubectl.wait_finished(name, namespace=DEMO)


def _apply(kubectl: Kubectl, version: str, kind: str, name: str, spec: dict[str, Any]) -> None:
    metadata = {"name": name, "namespace": DEMO}
    kubectl.apply(json.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}))
