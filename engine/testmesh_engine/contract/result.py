"""The result of a run: one model that feeds every report and the verdict.

Times are milliseconds of a monotonic clock; values are JSON values that are masked already when they get here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from testmesh_engine.contract.record import dataclass

Json: TypeAlias = "bool | int | float | Decimal | str | Sequence[Json] | Mapping[str, Json] | None"
"""What stands in a report: plain JSON. Numbers that were received are exact: report/json_text.py writes them so."""


class Outcome(StrEnum):
    """How a step or a flow ended. ``errored`` is the platform's fault (or the flow's), ``failed`` the service's."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    SKIPPED = "skipped"
    NOT_RUN = "not_run"


class Phase(StrEnum):
    """The part of the flow that a step stands in."""

    SETUP = "setup"
    STEPS = "steps"
    TEARDOWN = "teardown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """One operand of a failed assertion: its text in the flow, and the value it had."""

    source: str
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionResult:
    """One assertion: its expression as written; ``message`` says why where it did not hold.

    ``warning`` is about one that holds and may not say what its author thinks.
    """

    expression: str
    passed: bool
    message: str = ""
    warning: str = ""
    operands: tuple[Operand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """One run of action, output and assertions. ``error`` is what the action itself said, "" where it worked."""

    number: int
    duration_ms: float
    started_ms: float = 0.0
    """Since the flow's start."""
    assertions: tuple[AssertionResult, ...] = ()
    error: str = ""
    request: Json = None
    response: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """One step. ``message`` is one line: why it did not pass, or why it was not run.

    ``ignored`` is set where that does not count against the flow: ``on_error: ignore``, or the caller left it out.
    ``steps`` are the steps that ran inside of it (its ``error_steps``); they are no part of the flow's counts.
    """

    id: str
    action: str
    phase: Phase
    outcome: Outcome
    duration_ms: float = 0.0
    name: str = ""
    message: str = ""
    ignored: bool = False
    line: int = 0
    file: str = ""
    """Where the line stands, "" for the flow's own file: a step of a flow that was called has another one."""
    started_ms: float = 0.0
    """Since the flow's start."""
    tags: tuple[str, ...] = ()
    attempts: tuple[AttemptResult, ...] = ()
    steps: tuple[StepResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many steps ended how; a step that was not run counts as skipped."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    errored: int = 0

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Counts:
        """Count the given outcomes."""
        seen = list(outcomes)
        return cls(
            total=len(seen),
            passed=seen.count(Outcome.PASSED),
            failed=seen.count(Outcome.FAILED),
            skipped=seen.count(Outcome.SKIPPED) + seen.count(Outcome.NOT_RUN),
            errored=seen.count(Outcome.ERRORED),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The first thing that went wrong: what one reads before anything else."""

    flow: str
    step: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What the run did, for reports and the resource's status."""

    assertions: int = 0
    http_requests: int = 0
    sql_statements: int = 0
    kafka_messages: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowResult:
    """One flow, or one row of its data.

    ``started_at`` is RFC 3339 in UTC; ``interrupted`` is set where a signal ended it early: it has not passed then;
    ``row`` says which row of ``data`` it was ("" without data); ``output`` is what its caller sees; ``seed`` repeats
    its random values. A flow that was skipped says why in ``first_failure``.
    """

    name: str
    file: str
    outcome: Outcome
    started_at: str = ""
    duration_ms: float = 0.0
    steps: tuple[StepResult, ...] = ()
    first_failure: Failure | None = None
    metrics: Metrics = field(default_factory=Metrics)
    interrupted: bool = False
    suite: str = ""
    tags: tuple[str, ...] = ()
    description: str = ""
    row: str = ""
    seed: str = ""
    output: Mapping[str, Json] = field(default_factory=dict)

    @property
    def counts(self) -> Counts:
        """The steps by outcome."""
        return Counts.of(step.outcome for step in self.steps)
