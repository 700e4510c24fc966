"""A flow's result, as it stands at any time: from its steps' records and what is known of the whole."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import field
from datetime import UTC, datetime

from testmesh_engine.actions.base import Counters
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Failure, FlowResult, Metrics, Outcome
from testmesh_engine.language.model import Flow
from testmesh_engine.runtime.flow_output import NO_OUTPUT, FlowOutput
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.outcome import StepRecord, first_failure, flow_outcome, why_nothing_passed


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True, kw_only=True)
class Account:
    """What a flow's result is made of; ``name`` and ``row`` are masked."""

    flow: Flow
    masker: Masker
    name: str
    row: str
    seed: str
    output: FlowOutput = NO_OUTPUT
    counters: Counters = field(default_factory=Counters)
    records: list[StepRecord] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    started_at: str = field(default_factory=_now)

    def outcome(self) -> Outcome:
        """The outcome so far: that of the steps, but an output that was not found fails the flow."""
        outcome = flow_outcome(self.records)
        return Outcome.FAILED if self.output.problem and outcome is Outcome.PASSED else outcome

    def failure(self, message: str) -> Failure:
        """A failure of the flow itself."""
        return Failure(flow=self.name, step="", message=message)

    def result(self, outcome: Outcome, *, failure: Failure | None, interrupted: str) -> FlowResult:
        """The result with this ``outcome``; without ``failure`` it is the first of the steps'.

        ``interrupted`` is what ended it early, "" where nothing did: such a flow is no pass, whatever its steps are.
        """
        flow, masker = self.flow, self.masker
        if interrupted and outcome in (Outcome.PASSED, Outcome.SKIPPED):
            outcome, failure = Outcome.ERRORED, failure or self.failure(f"interrupted by {interrupted}")
        return FlowResult(
            name=self.name,
            file=flow.file,
            outcome=outcome,
            started_at=self.started_at,
            duration_ms=round((time.monotonic() - self.started) * 1000, 1),
            steps=tuple(record.result for record in self.records),
            first_failure=failure or self._first_failure(outcome),
            metrics=self._metrics(),
            interrupted=bool(interrupted),
            suite=masker.text(flow.suite),
            tags=tuple(masker.text(tag) for tag in flow.tags),
            description=masker.text(flow.description),
            row=self.row,
            seed=self.seed,
            output=self.output.shown,
        )

    def _first_failure(self, outcome: Outcome) -> Failure | None:
        found = first_failure(self.name, self.records)
        if found is None and self.output.problem:
            return self.failure(self.output.problem)
        if found is None and outcome is not Outcome.PASSED:
            return why_nothing_passed(self.name, self.records)
        return found

    def _metrics(self) -> Metrics:
        return Metrics(
            assertions=_assertions(self.records),
            http_requests=self.counters.http_requests,
            sql_statements=self.counters.sql_statements,
            kafka_messages=self.counters.kafka_messages,
            retries=self.counters.retries,
        )


def _assertions(records: Sequence[StepRecord]) -> int:
    """How many were looked at in each step's last attempt."""
    return sum(len(record.result.attempts[-1].assertions) for record in records if record.result.attempts)
