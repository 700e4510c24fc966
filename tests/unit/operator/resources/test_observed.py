"""What is read of Jobs and pods."""

from __future__ import annotations

from typing import Any

import pytest

from testmesh_operator.resources.observed import read_job, read_pod

OWNERS: list[dict[str, Any]] = [
    {"kind": "TestRun", "uid": "other-run"},
    {"kind": "Job", "uid": "other-job", "controller": False},
    {"kind": "TestRun", "uid": "run", "controller": True},
    {"kind": "Job", "uid": "job", "controller": True},
]


def _body(owners: list[dict[str, Any]], **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "x",
            "uid": "1",
            "creationTimestamp": "2026-11-22T12:00:00Z",
            "ownerReferences": owners,
            "annotations": annotations,
        }
    }


def test_owner_is_the_controller_of_the_kind_that_makes_it() -> None:
    """A reference that doesn't control, or one to another kind, says nothing of who made the object."""
    assert ("job", "run") == (read_pod(_body(OWNERS)).owner_uid, read_job(_body(OWNERS)).owner_uid)
    assert ("", "") == (read_pod(_body(OWNERS[:2])).owner_uid, read_job(_body([])).owner_uid)


@pytest.mark.parametrize(("text", "attempt"), [("2", 2), ("", 0), ("many", 0), ("-1", 0)])
def test_attempt_that_is_no_number_is_the_first(text: str, attempt: int) -> None:
    """Anybody may write annotations: such a pod must not stop the reading of the others."""
    pod = _body([], **{"batch.kubernetes.io/job-index-failure-count": text})
    assert attempt == read_pod(pod).attempt
