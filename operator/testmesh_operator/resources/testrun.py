"""TestRun: one run of a flow. The result stands in its status and is never changed once it is there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field

from testmesh_operator.resources.base import (
    PRESERVE_UNKNOWN,
    Condition,
    EnvFrom,
    EnvVar,
    JsonObject,
    Key,
    Meta,
    Model,
    keyed_by,
    rule,
)
from testmesh_operator.resources.pod_template import PodTemplate

MAX_FLOW_BYTES = 256 * 1024
"""A flow's text; etcd takes objects of at most 1.5 MB."""


class RunResult(StrEnum):
    """How a run ended. Failed is the tested services' doing, Errored the platform's or the flow's."""

    PASSED = "Passed"
    FAILED = "Failed"
    ERRORED = "Errored"
    CANCELLED = "Cancelled"


class RunTemplate(Model):
    """What a run can be told, the flow itself aside. A field that is not there takes the flow's, then the default."""

    env: list[EnvVar] | None = Field(
        default=None,
        max_length=256,
        description="Variables of the run; they beat the flow's.",
        json_schema_extra=keyed_by("name"),
    )
    env_from: list[EnvFrom] | None = Field(
        default=None, max_length=64, json_schema_extra={"x-kubernetes-list-type": "atomic"}
    )
    active_deadline_seconds: int | None = Field(
        default=None,
        ge=1,
        le=86400,
        description="Time for one attempt, from its pod's start; then teardown, and the run ends as Timeout. "
        "Default 1800.",
    )
    start_timeout_seconds: int | None = Field(
        default=None,
        ge=1,
        le=86400,
        description="Time until the runner must have started, and for a flow that is not there yet. Default 300.",
    )
    backoff_limit: int | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Further attempts after a failure of the platform, never after a failed test. Default 0.",
    )
    pod_template: PodTemplate | None = None


class FlowReference(Model):
    """A TestFlow of the run's namespace."""

    name: str = Field(min_length=1, max_length=253)


_FIXED = (
    "flowRef",
    "source",
    "flow",
    "env",
    "envFrom",
    "activeDeadlineSeconds",
    "startTimeoutSeconds",
    "backoffLimit",
    "podTemplate",
)


def _unchanged(name: str) -> str:
    return f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || self.{name} == oldSelf.{name})"


class TestRunSpec(RunTemplate):
    """What to run and how. Nothing but ``suspend`` and ``cancel`` can be changed later."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "[has(self.flowRef), has(self.source), has(self.flow)].filter(given, given).size() == 1",
                    "give exactly one of flowRef, source and flow",
                ),
                *(rule(_unchanged(name), f"{name} can't be changed: create another TestRun") for name in _FIXED),
                rule(
                    "!(has(oldSelf.cancel) && oldSelf.cancel) || (has(self.cancel) && self.cancel)",
                    "a cancel can't be taken back: create another TestRun",
                ),
            ]
        }
    )

    flow_ref: FlowReference | None = None
    source: str | None = Field(
        default=None, max_length=MAX_FLOW_BYTES, description="A flow file, as text, with its root key `flow:`."
    )
    flow: JsonObject | None = Field(
        default=None,
        description="What stands under `flow:` in a flow file, as an object.",
        json_schema_extra=PRESERVE_UNKNOWN,
    )
    suspend: bool | None = Field(default=None, description="Hold the run as long as it has not started.")
    cancel: bool | None = Field(
        default=None, description="End the run: its teardown still runs, within the pod's grace period."
    )


class JobReference(Model):
    """The Job of the run: the name is claimed first, the uid is known once it was created."""

    name: str
    uid: str | None = None


class RunFlow(Model):
    """What was run: ``uid`` and ``generation`` of the TestFlow (absent for an inline flow), ``hash`` of the text.

    The hash is the first 16 hex digits of its SHA-256.
    """

    name: str = ""
    uid: str | None = None
    generation: int | None = Field(default=None, json_schema_extra={"format": "int64"})
    hash: str = ""


class StepCounts(Model):
    """Steps by how they ended; a step that was not run counts as skipped."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    errored: int = 0


class StepResult(StrEnum):
    """How a step ended. NotRun: an earlier step ended the flow; Skipped: its own condition said so."""

    PASSED = "Passed"
    FAILED = "Failed"
    ERRORED = "Errored"
    SKIPPED = "Skipped"
    NOT_RUN = "NotRun"


class StepStatus(Model):
    """One step of the run."""

    id: str
    action: str
    phase: str = Field(description="setup, steps or teardown")
    result: StepResult
    duration_milliseconds: int = 0
    message: str | None = None


class FirstFailure(Model):
    """What one reads before anything else."""

    flow: str = ""
    step: str = ""
    message: str = ""


class RunMetrics(Model):
    """What the run did. ``runMilliseconds`` is the flow itself, ``startMilliseconds`` all else from claim to end."""

    assertions: int = 0
    http_requests: int = 0
    sql_statements: int = 0
    kafka_messages: int = 0
    retries: int = 0
    start_milliseconds: int = 0
    run_milliseconds: int = 0


class TestRunStatus(Model):
    """Final once ``completionTime`` stands."""

    observed_generation: int = Field(default=-1, json_schema_extra={"format": "int64"})
    conditions: list[Condition] = Field(default_factory=list, json_schema_extra=keyed_by("type"))
    result: RunResult | None = Field(default=None, description="Absent until the run has finished.")
    start_time: datetime | None = Field(default=None, description="When the operator claimed the run.")
    completion_time: datetime | None = None
    duration: str | None = Field(default=None, description="From startTime to completionTime, for people: 4.2s.")
    duration_milliseconds: int | None = None
    attempts: int | None = None
    job_ref: JobReference | None = None
    runner_image: str | None = Field(default=None, description="Image of the runner, by digest where the node says it.")
    flow: RunFlow | None = None
    counts: StepCounts | None = None
    steps: list[StepStatus] | None = Field(default=None, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    truncated: bool | None = Field(
        default=None, description="Detail had no room in the termination message; the log has all of it."
    )
    first_failure: FirstFailure | None = None
    metrics: RunMetrics | None = None

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, if it is there."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


class TestRun(Model):
    """A run as the operator keeps it; ``without_text`` drops the inline flow, which is read again when needed."""

    metadata: Meta
    spec: TestRunSpec
    status: TestRunStatus = Field(default_factory=TestRunStatus)

    @property
    def key(self) -> Key:
        """Key of this run."""
        return Key(kind="TestRun", namespace=self.metadata.namespace, name=self.metadata.name)

    @property
    def finished(self) -> bool:
        """Whether the result stands."""
        return self.status.result is not None

    def without_text(self) -> Self:
        """The same run, its inline flow left out: some hundred bytes in place of up to 256 KiB."""
        return self.model_copy(update={"spec": self.spec.model_copy(update={"source": None, "flow": None})})
