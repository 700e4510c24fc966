"""What is read of Jobs, pods and Events: the few fields that decisions need, of objects of many kilobytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from testmesh_operator.resources.base import JsonObject

RUN_UID_LABEL = "testmesh.io/run-uid"
RUN_LABEL = "testmesh.io/run"
FLOW_LABEL = "testmesh.io/flow"
CONTAINER = "runner"
START_TIMEOUT_ANNOTATION = "testmesh.io/start-timeout-seconds"
ATTEMPT_ANNOTATION = "batch.kubernetes.io/job-index-failure-count"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """A run's Job. ``ended`` is the reason of its last condition, "" while it may still make pods. Times in seconds.

    ``owner_uid`` is the uid of the TestRun that controls it, "" where none does.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    owner_uid: str
    run: str
    run_uid: str
    backoff_limit: int = 0
    deadline: int = 0
    grace: int = 0
    start_timeout: int = 0
    ended: str = ""
    message: str = ""
    deleting: bool = False
    gone: bool = False
    """Deleted: these are the last facts that were seen of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerFacts:
    """The runner container's state; the phase of pod and Job say less, and later."""

    waiting: str = ""
    waiting_message: str = ""
    started: bool = False
    exit_code: int | None = None
    """None until it has terminated."""
    ended_reason: str = ""
    ended_at: datetime | None = None
    message: str = ""
    """Its termination message, as the kubelet read it."""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """A run's pod. ``disruption`` is the reason of its DisruptionTarget condition.

    Labels anybody can give: it is the run's only where ``owner_uid``, the Job that controls it, is the run's Job.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    owner_uid: str
    run: str
    run_uid: str
    attempt: int
    created: datetime
    phase: str = ""
    reason: str = ""
    message: str = ""
    node_start: datetime | None = None
    unschedulable: str = ""
    disruption: str = ""
    disruption_message: str = ""
    deadline: int | None = None
    deleting: bool = False
    containers: int = 1
    gone: bool = False
    """Deleted: these are the last facts that were seen of it."""
    runner: RunnerFacts = field(default_factory=RunnerFacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningFacts:
    """The newest Warning Event of a Job or pod."""

    reason: str
    message: str
    last_seen: datetime


def read_job(body: JsonObject) -> JobFacts:
    """The facts of a Job. Raises nothing for missing fields: they are what has not happened yet."""
    metadata, spec, status = _object(body, "metadata"), _object(body, "spec"), _object(body, "status")
    labels, pod = _object(metadata, "labels"), _object(_object(spec, "template"), "spec")
    condition = next(
        (item for item in _objects(status, "conditions") if item.get("status") == "True" and _ends(item)), {}
    )
    return JobFacts(
        namespace=_text(metadata, "namespace"),
        name=_text(metadata, "name"),
        uid=_text(metadata, "uid"),
        resource_version=_text(metadata, "resourceVersion"),
        owner_uid=controller_uid(body, "TestRun"),
        run=_text(labels, RUN_LABEL),
        run_uid=_text(labels, RUN_UID_LABEL),
        backoff_limit=_number(spec, "backoffLimitPerIndex"),
        deadline=_number(pod, "activeDeadlineSeconds"),
        grace=_number(pod, "terminationGracePeriodSeconds"),
        start_timeout=_count(_object(metadata, "annotations"), START_TIMEOUT_ANNOTATION),
        ended=_text(condition, "reason") or _text(condition, "type"),
        message=_text(condition, "message"),
        deleting="deletionTimestamp" in metadata,
    )


def read_pod(body: JsonObject) -> PodFacts:
    """The facts of a pod of a run."""
    metadata, spec, status = _object(body, "metadata"), _object(body, "spec"), _object(body, "status")
    labels, annotations = _object(metadata, "labels"), _object(metadata, "annotations")
    conditions = {_text(item, "type"): item for item in _objects(status, "conditions")}
    scheduled = conditions.get("PodScheduled", {})
    disruption = conditions.get("DisruptionTarget", {})
    disrupted = _text(disruption, "status") == "True"
    deadline = spec.get("activeDeadlineSeconds")
    return PodFacts(
        namespace=_text(metadata, "namespace"),
        name=_text(metadata, "name"),
        uid=_text(metadata, "uid"),
        resource_version=_text(metadata, "resourceVersion"),
        owner_uid=controller_uid(body, "Job"),
        run=_text(labels, RUN_LABEL),
        run_uid=_text(labels, RUN_UID_LABEL),
        attempt=_count(annotations, ATTEMPT_ANNOTATION),
        created=_time(metadata, "creationTimestamp") or datetime.now(UTC),
        phase=_text(status, "phase"),
        reason=_text(status, "reason"),
        message=_text(status, "message"),
        node_start=_time(status, "startTime"),
        unschedulable=_text(scheduled, "message") if _text(scheduled, "reason") == "Unschedulable" else "",
        disruption=_text(disruption, "reason") if disrupted else "",
        disruption_message=_text(disruption, "message") if disrupted else "",
        deadline=deadline if isinstance(deadline, int) else None,
        deleting="deletionTimestamp" in metadata,
        containers=len(list(_objects(spec, "containers"))),
        runner=_read_runner(status),
    )


def controller_uid(body: JsonObject, kind: str) -> str:
    """The uid of the object that controls this one, "" where none of that kind does."""
    owners = _objects(_object(body, "metadata"), "ownerReferences")
    mine = (owner for owner in owners if owner.get("controller") is True and owner.get("kind") == kind)
    return next((_text(owner, "uid") for owner in mine), "")


def read_warning(body: JsonObject) -> WarningFacts:
    """The facts of an Event (core/v1, also as events.k8s.io writes them)."""
    seen = _time(body, "lastTimestamp") or _time(body, "eventTime") or _time(body, "firstTimestamp")
    return WarningFacts(
        reason=_text(body, "reason"),
        message=_text(body, "message"),
        last_seen=seen or datetime.fromtimestamp(0, UTC),
    )


def _read_runner(status: JsonObject) -> RunnerFacts:
    container = next((item for item in _objects(status, "containerStatuses") if item.get("name") == CONTAINER), {})
    state = _object(container, "state")
    waiting, ended = _object(state, "waiting"), _object(state, "terminated")
    exit_code = ended.get("exitCode")
    return RunnerFacts(
        waiting=_text(waiting, "reason"),
        waiting_message=_text(waiting, "message"),
        started="running" in state or "terminated" in state,
        exit_code=exit_code if isinstance(exit_code, int) else None,
        ended_reason=_text(ended, "reason"),
        ended_at=_time(ended, "finishedAt"),
        message=_text(ended, "message"),
        image=_text(container, "imageID") or _text(container, "image"),
    )


def _ends(condition: JsonObject) -> bool:
    # FailureTarget and SuccessCriteriaMet come first, while pods are still ending: no new pod is made after them.
    return condition.get("type") in {"Failed", "FailureTarget", "Complete", "SuccessCriteriaMet"}


def _object(parent: JsonObject, key: str) -> JsonObject:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _objects(parent: JsonObject, key: str) -> Iterator[JsonObject]:
    value = parent.get(key)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


def _text(parent: JsonObject, key: str) -> str:
    value = parent.get(key)
    return value if isinstance(value, str) else ""


def _number(parent: JsonObject, key: str) -> int:
    value = parent.get(key)
    return value if isinstance(value, int) else 0


def _count(parent: JsonObject, key: str) -> int:
    """A number that is kept as text; 0 where somebody has put something else there."""
    text = _text(parent, key)
    return int(text) if text.isascii() and text.isdecimal() else 0


def _time(parent: JsonObject, key: str) -> datetime | None:
    text = _text(parent, key)
    return datetime.fromisoformat(text) if text else None
