"""The demo's manifests: the same flow as the seed's, the same versions as on loopback, and no privileges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from support.broker import CLUSTER_ID
from support.jars import kafka_version
from support.stack import MICROSERVICES, SEED_FLOW, SERVICES, Ports

MANIFESTS = MICROSERVICES / "manifests"
IN_CLUSTER = {
    "DB_URL": "postgresql://root:admin@postgres:5432/postgres",
    "KAFKA_BROKERS": "kafka:9092",
    "USER_SERVICE_URL": "http://user-service:5001",
    "PRODUCT_SERVICE_URL": "http://product-service:5002",
    "ORDER_SERVICE_URL": "http://order-service:5003",
    "NOTIFICATION_SERVICE_URL": "http://notification-service:5004",
}


def _read(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def _kustomized() -> list[dict[str, Any]]:
    (kustomization,) = _read(MANIFESTS / "kustomization.yaml")
    return [document for name in kustomization["resources"] for document in _read(MANIFESTS / name)]


DEPLOYMENTS = {found["metadata"]["name"]: found for found in _kustomized() if found["kind"] == "Deployment"}


def test_flow_in_the_cluster_is_the_seeds_but_for_its_env() -> None:
    """Line for line, comments included; only the addresses differ."""
    (manifest,) = _read(MANIFESTS / "testflow.yaml")
    seed = SEED_FLOW.read_text(encoding="utf-8")
    env = yaml.safe_load(seed)["flow"]["env"]
    for name, address in env.items():
        seed = seed.replace(f'{name}: "{address}"', f'{name}: "{IN_CLUSTER[name]}"')
    assert seed[seed.index("flow:\n") :] == manifest["spec"]["source"]
    assert IN_CLUSTER == yaml.safe_load(manifest["spec"]["source"])["flow"]["env"]


def test_run_names_the_flow() -> None:
    """In the same namespace."""
    (flow,), (run,) = _read(MANIFESTS / "testflow.yaml"), _read(MANIFESTS / "testrun.yaml")
    assert flow["metadata"]["name"] == run["spec"]["flowRef"]["name"]
    assert flow["metadata"]["namespace"] == run["metadata"]["namespace"]


def test_every_address_of_the_flow_is_a_service() -> None:
    """By name and port."""
    services = [found for found in _kustomized() if found["kind"] == "Service"]
    offered = {f"{found['metadata']['name']}:{found['spec']['ports'][0]['port']}" for found in services}
    used = {address.rpartition("@")[2].removeprefix("http://").partition("/")[0] for address in IN_CLUSTER.values()}
    assert used == offered


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_started_as_on_loopback(service: str) -> None:
    """The same module; its port is the seed's."""
    (container,) = DEPLOYMENTS[f"{service}-service"]["spec"]["template"]["spec"]["containers"]
    assert ["python", "-m", f"services.{service}"] == container["command"]
    assert (
        Ports().of(service) == container["ports"][0]["containerPort"] == container["readinessProbe"]["httpGet"]["port"]
    )


def test_broker_is_the_one_of_the_tests() -> None:
    """Image and pom name one version."""
    (container,) = DEPLOYMENTS["kafka"]["spec"]["template"]["spec"]["containers"]
    assert f"apache/kafka:{kafka_version()}" == container["image"]
    assert {"name": "CLUSTER_ID", "value": CLUSTER_ID} in container["env"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pod_has_no_privilege(name: str) -> None:
    """What the namespace's pod security level, restricted, asks for; and no token of Kubernetes."""
    pod = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (False, False) == (pod["automountServiceAccountToken"], pod["enableServiceLinks"])
    assert (True, "RuntimeDefault") == (
        pod["securityContext"]["runAsNonRoot"],
        pod["securityContext"]["seccompProfile"]["type"],
    )
    assert (False, ["ALL"]) == (
        container["securityContext"]["allowPrivilegeEscalation"],
        container["securityContext"]["capabilities"]["drop"],
    )
    assert container["resources"]["limits"]["memory"]


def test_everything_stands_in_one_namespace() -> None:
    """Else a plain `kubectl apply -f` would spread it."""
    namespaced = [found for found in _kustomized() if found["kind"] != "Namespace"]
    assert {"demo"} == {found["metadata"]["namespace"] for found in namespaced}
