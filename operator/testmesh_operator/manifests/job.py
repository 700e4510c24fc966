"""The Job of a run: always Indexed, one path for a single flow now and for a suite's pods later."""

from __future__ import annotations

from testmesh_operator.manifests.owned import metadata
from testmesh_operator.manifests.plan import Plan
from testmesh_operator.manifests.runner_pod import pod_template
from testmesh_operator.resources.base import JsonObject, Meta
from testmesh_operator.resources.observed import CONTAINER, START_TIMEOUT_ANNOTATION
from testmesh_operator.settings import Settings

DECIDED = (1, 2, 130)
"""Exit codes after which no further attempt is made: the test failed, the flow is wrong, it was told to stop."""


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
            "podFailurePolicy": {
                "rules": [
                    {"action": "Count", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {
                        "action": "FailIndex",
                        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [*DECIDED]},
                    },
                ]
            },
            "ttlSecondsAfterFinished": settings.job_ttl_seconds,
            "template": pod_template(run, plan, snapshot_name=name, settings=settings),
        },
    }
