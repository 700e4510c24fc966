"""The reasons of a run's conditions: why it is where it is. README.md says what to do about each."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Reasons while the result is unknown, then those of a finished run."""

    SUSPENDED = "Suspended"
    STARTING = "Starting"
    RUNNING = "Running"
    CANCELLING = "Cancelling"

    TESTS_PASSED = "TestsPassed"
    TESTS_FAILED = "TestsFailed"
    TEARDOWN_FAILED = "TeardownFailed"

    FLOW_INVALID = "FlowInvalid"
    FLOW_NOT_FOUND = "FlowNotFound"
    FLOW_TOO_LARGE = "FlowTooLarge"

    TIMEOUT = "Timeout"
    START_TIMEOUT = "StartTimeout"
    CANCELLED = "Cancelled"

    IMAGE_PULL_FAILED = "ImagePullFailed"
    UNSCHEDULABLE = "Unschedulable"
    CONFIG_ERROR = "ConfigError"
    POD_REJECTED = "PodRejected"
    POD_DELETED = "PodDeleted"
    POD_EVICTED = "PodEvicted"
    NODE_LOST = "NodeLost"
    RUNNER_OOM_KILLED = "RunnerOOMKilled"
    RUNNER_ERROR = "RunnerError"
    RESULT_LOST = "ResultLost"
