"""The objects that a run creates, whole."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from testmesh_operator.manifests.job import runner_job
from testmesh_operator.manifests.names import object_name
from testmesh_operator.manifests.plan import make_plan
from testmesh_operator.manifests.runner_pod import message_bytes
from testmesh_operator.manifests.snapshot import read_plan, snapshot
from testmesh_operator.resources.testrun import RunFlow, RunTemplate
from unit.operator import gen

EXPECTED = Path(__file__).parent / "expected"
FLOW = RunFlow(name="checkout", generation=3, hash="0123456789abcdef")
FULL = {
    "env": [
        {"name": "BASE_URL", "value": "http://shop"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "token"}}},
    ],
    "envFrom": [{"secretRef": {"name": "database"}}, {"configMapRef": {"name": "defaults"}, "prefix": "D_"}],
    "activeDeadlineSeconds": 60,
    "startTimeoutSeconds": 20,
    "backoffLimit": 2,
    "podTemplate": {
        "labels": {"team": "shop", "testmesh.io/run": "forged"},
        "annotations": {"sidecar.istio.io/inject": "false"},
        "image": "registry/own:1",
        "resources": {"limits": {"memory": "1Gi"}},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"operator": "Exists"}],
        "serviceAccountName": "shop",
        "securityContext": {"fsGroup": 1000},
        "volumes": [{"name": "certs", "configMap": {"name": "certs"}}],
        "volumeMounts": [{"name": "certs", "mountPath": "/certs"}],
        "terminationGracePeriodSeconds": 90,
    },
}


def _expected(name: str) -> object:
    return yaml.safe_load((EXPECTED / name).read_text(encoding="utf-8"))


def test_run_with_nothing_but_a_flow_makes_this_job() -> None:
    """Restricted, without a token, with the deadline on the pod."""
    assert _expected("job.yaml") == runner_job(gen.meta(), gen.plan(), name=gen.JOB, settings=gen.SETTINGS)


def test_everything_a_run_can_say_reaches_the_job() -> None:
    """Each field of the template stands where it belongs; the operator's own labels can't be taken over."""
    plan = make_plan(RunTemplate.model_validate(FULL), None, flow=FLOW, settings=gen.SETTINGS)
    assert _expected("job-full.yaml") == runner_job(gen.meta(), plan, name=gen.JOB, settings=gen.SETTINGS)


def test_run_beats_its_flow_by_name_and_field() -> None:
    """Env goes by name, maps by key, all else by field."""
    flow = {
        "env": [{"name": "BASE_URL", "value": "http://flow"}, {"name": "REGION", "value": "eu"}],
        "backoffLimit": 3,
        "activeDeadlineSeconds": 900,
        "podTemplate": {"labels": {"team": "flow", "tier": "gold"}, "priorityClassName": "low"},
    }
    plan = make_plan(
        RunTemplate.model_validate(FULL), RunTemplate.model_validate(flow), flow=FLOW, settings=gen.SETTINGS
    )
    assert {"BASE_URL": "http://shop", "REGION": "eu", "TOKEN": None} == {item.name: item.value for item in plan.env}
    assert (60, 2) == (plan.active_deadline_seconds, plan.backoff_limit)
    assert {"team": "shop", "tier": "gold", "testmesh.io/run": "forged"} == plan.pod.labels
    assert "low" == plan.pod.priority_class_name


def test_zero_attempts_of_a_run_beat_its_flows() -> None:
    """Zero is a word, not the lack of one."""
    flow = RunTemplate.model_validate({"backoffLimit": 3})
    assert 0 == make_plan(RunTemplate(backoff_limit=0), flow, flow=FLOW, settings=gen.SETTINGS).backoff_limit


def test_snapshot_brings_its_plan_back() -> None:
    """A restarted operator makes the same Job from it."""
    plan = make_plan(RunTemplate.model_validate(FULL), None, flow=FLOW, settings=gen.SETTINGS)
    made = snapshot(gen.meta(), plan, name=gen.JOB, text="flow: {}")
    assert plan.to_json() == read_plan(json.loads(json.dumps(made))).to_json()
    assert (True, "flow: {}") == (made["immutable"], made["data"]["flow.yaml"])  # type: ignore[index, call-overload]  # JSON of our own


def test_names_are_short_and_the_uids_own() -> None:
    """A recreated run of the same name has other objects; a pod's name still fits into a label."""
    name = object_name("nightly.checkout-of-everything-in-the-shop-2026", gen.UID)
    assert "nightly-checkout-of-everything-in-the-sh" == name[:-11]
    assert 51 == len(name)
    assert name != object_name("nightly.checkout-of-everything-in-the-shop-2026", gen.JOB_UID)


def test_message_has_its_share_of_the_pods_room() -> None:
    """The kubelet gives a pod 12 KiB, and a container 4 KiB of it."""
    assert [4096, 4096, 3072, 2048] == [message_bytes(containers=count) for count in (1, 3, 4, 6)]
