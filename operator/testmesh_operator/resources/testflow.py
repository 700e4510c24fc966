"""TestFlow: a flow that is kept in the cluster, checked when it changes, and run by TestRuns."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field

from testmesh_operator.resources.base import (
    PRESERVE_UNKNOWN,
    Condition,
    JsonObject,
    Key,
    Meta,
    Model,
    keyed_by,
    rule,
)
from testmesh_operator.resources.testrun import MAX_FLOW_BYTES, RunResult, RunTemplate

RECENT_RUNS = 20
"""How many runs a flow's status remembers: enough for a median, small enough for every list of flows."""


class ConfigMapKey(Model):
    """A key of a ConfigMap in the flow's namespace."""

    name: str = Field(min_length=1, max_length=253)
    key: str = Field(min_length=1, max_length=253)


class FlowSource(Model):
    """Where the flow's text is kept."""

    config_map_key_ref: ConfigMapKey


class TestFlowSpec(Model):
    """The flow in one of three forms, and what its runs take when they don't say it themselves."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "[has(self.source), has(self.flow), has(self.flowFrom)].filter(given, given).size() == 1",
                    "give exactly one of source, flow and flowFrom",
                ),
            ]
        }
    )

    source: str | None = Field(
        default=None, max_length=MAX_FLOW_BYTES, description="A flow file, as text, with its root key `flow:`."
    )
    flow: JsonObject | None = Field(
        default=None,
        description="What stands under `flow:` in a flow file, as an object.",
        json_schema_extra=PRESERVE_UNKNOWN,
    )
    flow_from: FlowSource | None = None
    run_template: RunTemplate | None = Field(default=None, description="Defaults for the runs of this flow.")


class FlowHash(Model):
    """The text that was checked last: the first 16 hex digits of its SHA-256."""

    hash: str


class RecentRun(Model):
    """One of the last runs of the flow."""

    name: str
    uid: str
    result: RunResult
    completion_time: datetime
    duration_milliseconds: int


class FlowMetrics(Model):
    """Derived from ``recentRuns``: how many ended how, and how long they took."""

    passed: int = 0
    failed: int = 0
    errored: int = 0
    median_duration_milliseconds: int = 0
    p95_duration_milliseconds: int = 0


class TestFlowStatus(Model):
    """Whether the flow is valid, and how its last runs went (the newest first)."""

    observed_generation: int = Field(default=-1, json_schema_extra={"format": "int64"})
    conditions: list[Condition] = Field(default_factory=list, json_schema_extra=keyed_by("type"))
    flow: FlowHash | None = None
    last_successful_time: datetime | None = None
    consecutive_failures: int | None = None
    recent_runs: list[RecentRun] | None = Field(
        default=None, max_length=RECENT_RUNS, json_schema_extra={"x-kubernetes-list-type": "atomic"}
    )
    metrics: FlowMetrics | None = None

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, if it is there."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


class TestFlow(Model):
    """A flow as the operator keeps it."""

    metadata: Meta
    spec: TestFlowSpec
    status: TestFlowStatus = Field(default_factory=TestFlowStatus)

    @property
    def key(self) -> Key:
        """Key of this flow."""
        return Key(kind="TestFlow", namespace=self.metadata.namespace, name=self.metadata.name)

    def without_text(self) -> Self:
        """The same flow, its text and template left out: they are read when they are needed."""
        trimmed = self.spec.model_copy(update={"source": None, "flow": None, "run_template": None})
        return self.model_copy(update={"spec": trimmed})
