"""All settings of the operator: one object, read once from the environment at start."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import cast

from pydantic import JsonValue

from testmesh_operator.errors import SettingsError

VERSION = version("testmesh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each with its default, its unit, and why it has that value. Names in brackets are environment variables."""

    runner_image: str = f"testmesh/engine:{VERSION}"
    """Image of the runner pods [TESTMESH_RUNNER_IMAGE]: that of this very release, so that both sides agree."""

    runner_resources: Mapping[str, JsonValue] = field(
        default_factory=lambda: {
            "requests": {"cpu": "50m", "memory": "96Mi"},
            "limits": {"memory": "256Mi"},
        }
    )
    """Resources of a runner, JSON [TESTMESH_RUNNER_RESOURCES]. The seed's flow takes 70 MB; a CPU limit would only
    throttle the start of the interpreter."""

    active_deadline_seconds: int = 1800
    """Time of one attempt where neither run nor flow says one: longer than the engine's own 15 minutes."""

    start_timeout_seconds: int = 300
    """Time until the runner must have started: the pull of an image and the start of a new node fit in."""

    stuck_seconds: int = 60
    """How long an image that can't be pulled, or a pod that fits nowhere, is waited for: one or two of the kubelet's
    retries, so that a registry's hiccup ends no run."""

    no_pod_seconds: int = 5
    """How long a Job may be without a pod before its warnings are read: the Job controller needs a tenth of it."""

    settle_seconds: float = 3.0
    """A new Job's uid is written with the start of its pod, or after this time: one write in place of two. With its
    image on the node a pod starts within two."""

    grace_seconds: int = 30
    """Teardown after a deadline or a cancel: Kubernetes' own default."""

    ring_seconds: int = 60
    """Beyond deadline and grace a run that is still silent is on a node that is gone."""

    job_ttl_seconds: int = 24 * 3600
    """Jobs, pods and logs stay this long after the end, to be looked at."""

    namespaces: tuple[str, ...] = ()
    """Namespaces that are served, comma-separated [TESTMESH_NAMESPACES]; empty: all of them."""

    own_namespace: str = "default"
    """Where the Lease is [TESTMESH_OWN_NAMESPACE]."""

    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Holder of the Lease [TESTMESH_IDENTITY]: the pod's UID, so that a restarted container has it at once."""

    lease_name: str = "testmesh-operator"
    """Name of the Lease [TESTMESH_LEASE_NAME]: one operator at work of those that share name and namespace."""

    lease_seconds: float = 15
    """How long a Lease outlives its holder: client-go's default."""

    lease_renew_seconds: float = 2
    """How often it is renewed: client-go's default."""

    workers: int = 16
    """Runs and flows that are decided on at once: their requests fit into one connection pool."""

    validators: int = 2
    """Validator processes at once: each takes a core for some 300 ms."""

    validate_cpu_seconds: int = 8
    """Processor time of one validation: the largest allowed flow takes under two, whatever else the node does."""

    validate_seconds: float = 20.0
    """How long its answer is waited for: on a node that is too busy for it the runner checks the flow."""

    resync_seconds: float = 300.0
    """How often everything is listed and looked at anew, in case an event was missed."""

    lag_seconds: float = 30.0
    """How long the watch may be behind such a list before the process ends."""

    page_size: int = 250
    """Objects in one page of a list: some 2 MB."""

    text_page_size: int = 25
    """Flows or runs in one page: with the longest texts some 10 MB, of which parsing makes twice that."""

    request_seconds: float = 20.0
    """Time limit of one request to the API server."""

    http_host: str = "0.0.0.0"  # noqa: S104 - probes and Prometheus come from outside the pod
    """Address of /metrics, /healthz and /readyz [TESTMESH_HTTP_HOST]."""

    http_port: int = 8080
    """Port of the same [TESTMESH_HTTP_PORT]."""

    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR [TESTMESH_LOG_LEVEL]."""


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises :class:`SettingsError` that names the variable and what it may hold."""
    default = Settings()
    return Settings(
        runner_image=environ.get("TESTMESH_RUNNER_IMAGE") or default.runner_image,
        runner_resources=_resources(environ.get("TESTMESH_RUNNER_RESOURCES", "")) or default.runner_resources,
        namespaces=tuple(name.strip() for name in environ.get("TESTMESH_NAMESPACES", "").split(",") if name.strip()),
        own_namespace=environ.get("TESTMESH_OWN_NAMESPACE") or default.own_namespace,
        identity=environ.get("TESTMESH_IDENTITY") or default.identity,
        lease_name=environ.get("TESTMESH_LEASE_NAME") or default.lease_name,
        http_host=environ.get("TESTMESH_HTTP_HOST") or default.http_host,
        http_port=_port(environ.get("TESTMESH_HTTP_PORT", ""), default.http_port),
        log_level=_level(environ.get("TESTMESH_LOG_LEVEL") or default.log_level),
    )


def _resources(text: str) -> dict[str, JsonValue]:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"TESTMESH_RUNNER_RESOURCES is no JSON: {error}") from error
    if not isinstance(value, dict) or not set(value) <= {"requests", "limits"}:
        raise SettingsError('TESTMESH_RUNNER_RESOURCES must be an object like {"limits": {"memory": "256Mi"}}')
    return cast("dict[str, JsonValue]", value)


def _port(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise SettingsError(f"TESTMESH_HTTP_PORT must be a port number, not {text!r}")
    return int(text)


def _level(text: str) -> str:
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise SettingsError(f"TESTMESH_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not {text!r}")
    return text.upper()
