"""The Kubernetes Event that says how a run ended, shown by ``kubectl describe``."""

from __future__ import annotations

from datetime import UTC

from testmesh_operator.manifests.names import object_name
from testmesh_operator.resources.base import API_VERSION, JsonObject
from testmesh_operator.resources.testrun import RunResult, TestRun

_MESSAGE_MAX = 1024
"""The API server takes no longer one."""


def finished_event(run: TestRun) -> JsonObject:
    """The Event of a finished run. Its name is made from the run: written twice, it is there once."""
    succeeded = run.status.condition("Succeeded")
    at = (run.status.completion_time or run.metadata.creation_timestamp).astimezone(UTC)
    time = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{object_name(run.metadata.name, run.metadata.uid)}.finished",
            "namespace": run.metadata.namespace,
        },
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": "TestRun",
            "name": run.metadata.name,
            "namespace": run.metadata.namespace,
            "uid": run.metadata.uid,
        },
        "type": "Normal" if run.status.result is RunResult.PASSED else "Warning",
        "reason": succeeded.reason if succeeded else "Finished",
        "message": (succeeded.message if succeeded else "")[:_MESSAGE_MAX],
        "source": {"component": "testmesh-operator"},
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }
