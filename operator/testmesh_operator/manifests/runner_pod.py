"""The runner's pod: needs nothing of Kubernetes, and may run in a namespace that enforces the restricted standard."""

from __future__ import annotations

from testmesh_engine.contract.verdict import MAX_MESSAGE_BYTES, MAX_POD_MESSAGE_BYTES
from testmesh_operator.manifests.owned import labels
from testmesh_operator.manifests.plan import Plan
from testmesh_operator.manifests.snapshot import FLOW_KEY
from testmesh_operator.resources.base import JsonObject, Meta
from testmesh_operator.resources.observed import ATTEMPT_ANNOTATION, CONTAINER
from testmesh_operator.settings import Settings

FLOW_FOLDER = "/testmesh"
MASK_FOLDER = "/run/testmesh/masks"
"""Every file below it is a secret that no report may show: one folder for each Secret that the run names."""

TERMINATION_LOG = "/dev/termination-log"


def pod_template(run: Meta, plan: Plan, *, snapshot_name: str, settings: Settings) -> JsonObject:
    """The Job's pod template."""
    pod = plan.pod
    meta: JsonObject = {"labels": {**(pod.labels or {}), **labels(run, plan.flow.name)}}
    if pod.annotations:
        meta["annotations"] = {**pod.annotations}
    spec: JsonObject = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        # A namespace of a thousand Services would put seven thousand variables into the runner's environment.
        "enableServiceLinks": False,
        # On the pod, not on the Job: a Job's deadline takes the pod away, and with it the verdict and the log.
        "activeDeadlineSeconds": plan.active_deadline_seconds,
        "terminationGracePeriodSeconds": plan.grace_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            **(pod.security_context or {}),
        },
        "containers": [_container(run, plan, settings)],
        "volumes": [*_volumes(plan, snapshot_name), *(pod.volumes or [])],
        **_given(plan),
    }
    return {"metadata": meta, "spec": spec}


def _container(run: Meta, plan: Plan, settings: Settings) -> JsonObject:
    pod = plan.pod
    container: JsonObject = {
        "name": CONTAINER,
        "image": pod.image or settings.runner_image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "run",
            f"{FLOW_FOLDER}/{FLOW_KEY}",
            "--report",
            "jsonl=-",
            "--report",
            f"verdict={TERMINATION_LOG}",
        ],
        "env": [*_env(run, plan)],
        "resources": {**(pod.resources or settings.runner_resources)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # Never the log's tail: what the flow prints must not be taken for a verdict.
        "terminationMessagePolicy": "File",
        "terminationMessagePath": TERMINATION_LOG,
        "volumeMounts": [*_mounts(plan), *(pod.volume_mounts or [])],
    }
    if plan.env_from:
        container["envFrom"] = [source.to_json() for source in plan.env_from]
    return container


def _env(run: Meta, plan: Plan) -> list[JsonObject]:
    names = [item.name for item in plan.env]
    secrets = [item.name for item in plan.env if item.secret_key]
    return [
        *(item.to_json() for item in plan.env),
        # After the run's own, and all of them always set, so that nothing in an envFrom can take their place.
        {"name": "RUN_ID", "value": run.uid},
        {"name": "EXECUTION_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        {
            "name": "TESTMESH_ATTEMPT",
            "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{ATTEMPT_ANNOTATION}']"}},
        },
        {"name": "TESTMESH_RUN_ENV", "value": ",".join(names)},
        {"name": "TESTMESH_SECRET_ENV", "value": ",".join(secrets)},
        {"name": "TESTMESH_MASKS", "value": MASK_FOLDER if _secrets(plan) else ""},
        {"name": "TESTMESH_GRACE_SECONDS", "value": str(plan.grace_seconds)},
        {"name": "TESTMESH_MESSAGE_BYTES", "value": str(message_bytes(containers=1))},
    ]


def message_bytes(*, containers: int) -> int:
    """Room for the verdict: beyond the first limit the kubelet cuts its head, beyond the pod's share its tail."""
    return min(MAX_MESSAGE_BYTES, MAX_POD_MESSAGE_BYTES // containers)


def _secrets(plan: Plan) -> dict[str, list[str]]:
    """The Secrets that the run names, each with its keys; an empty list means all of them."""
    keys: dict[str, list[str]] = {}
    for item in plan.env:
        if item.secret_key:
            name, key = item.secret_key
            keys.setdefault(name, []).append(key)
    whole = [source.secret_ref.name for source in plan.env_from if source.secret_ref]
    return keys | {name: [] for name in whole}


def _volumes(plan: Plan, snapshot_name: str) -> list[JsonObject]:
    flow: JsonObject = {
        "name": "testmesh-flow",
        "configMap": {"name": snapshot_name, "items": [{"key": FLOW_KEY, "path": FLOW_KEY}]},
    }
    masks = [_mask(index, name, keys) for index, (name, keys) in enumerate(_secrets(plan).items())]
    return [flow, {"name": "testmesh-tmp", "emptyDir": {"sizeLimit": "64Mi"}}, *masks]


def _mask(index: int, name: str, keys: list[str]) -> JsonObject:
    secret: JsonObject = {"secretName": name, "optional": True}
    if keys:
        secret["items"] = [{"key": key, "path": key} for key in dict.fromkeys(keys)]
    return {"name": f"testmesh-mask-{index}", "secret": secret}


def _mounts(plan: Plan) -> list[JsonObject]:
    masks: list[JsonObject] = [
        {"name": f"testmesh-mask-{index}", "mountPath": f"{MASK_FOLDER}/{name}", "readOnly": True}
        for index, name in enumerate(_secrets(plan))
    ]
    return [
        {"name": "testmesh-flow", "mountPath": FLOW_FOLDER, "readOnly": True},
        {"name": "testmesh-tmp", "mountPath": "/tmp"},  # noqa: S108 - a path in the container, on its own volume
        *masks,
    ]


_POD_FIELDS = (
    "node_selector",
    "tolerations",
    "affinity",
    "topology_spread_constraints",
    "service_account_name",
    "image_pull_secrets",
    "priority_class_name",
    "runtime_class_name",
    "dns_config",
    "host_aliases",
)


def _given(plan: Plan) -> JsonObject:
    """The fields of the template that are put on the pod as they are."""
    return plan.pod.model_dump(mode="json", by_alias=True, exclude_none=True, include=set(_POD_FIELDS))
