"""The Job of a run: always Indexed, one path for a single flow now and for a suite's pods later."""

from __future__ import annotations

from testmesh_operator.manifests.owned import metadata
from testmesh_operator.manifests.plan import Plan
from testmesh_operator.manifests.runner_pod import pod_template
from testmesh_operator.resources.base import JsonObject, Meta
from testmesh_operator.resources.observed import CONTAINER, START_TIMEOUT_ANNOTATION
from testmesh_operator.settings import Settings

DECIDED = (1, 2)
"""Exit codes after which no further attempt is made, whatever befell the pod: the test failed, the flow is wrong."""

TOLD_TO_STOP = 130
"""Exit code of a runner that got a signal: by a drained node it is tried again, by a deadline or a cancel it is not."""


def runner_job(run: Meta, plan: Plan, *, name: str, settings: Settings) -> JsonObject:
    """The Job, of the same name as its snapshot."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            **metadata(run, name, plan.flow.name),
            # Read back with the Job, so that a restarted operator knows it without the flow.
            "annotations": {START_TIMEOUT_ANNOTATION: str(plan.start_timeout_seconds)},
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": 1,
            "parallelism": 1,
            # Per index: a plain backoffLimit deletes the other pods when one fails, and their verdicts with them.
            "backoffLimitPerIndex": plan.backoff_limit,
            # The first rule that fits decides; what none fits counts.
            "podFailurePolicy": {
                "rules": [
                    _never_again_after(*DECIDED),
                    {"action": "Count", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    _never_again_after(TOLD_TO_STOP),
                ]
            },
            "ttlSecondsAfterFinished": settings.job_ttl_seconds,
            "template": pod_template(run, plan, snapshot_name=name, settings=settings),
        },
    }


def _never_again_after(*codes: int) -> JsonObject:
    return {
        "action": "FailIndex",
        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [*codes]},
    }
