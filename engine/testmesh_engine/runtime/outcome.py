"""How outcomes add up: of a step's record, of a flow's steps, of a run's flows. Pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from testmesh_engine.contract.result import Failure, Outcome, StepResult
from testmesh_engine.errors import ErrorKind

EXIT_PASSED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_PLATFORM = 3
EXIT_INTERRUPTED = 130
_WORST_FIRST = (EXIT_INTERRUPTED, EXIT_USAGE, EXIT_FAILED, EXIT_PLATFORM)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step's result with what the flow must know of it."""

    result: StepResult
    kind: ErrorKind | None = None
    ignored: bool = False

    @property
    def bad(self) -> bool:
        """Whether it counts against the flow."""
        return not self.ignored and self.result.outcome in (Outcome.FAILED, Outcome.ERRORED)


def flow_outcome(records: Sequence[StepRecord]) -> Outcome:
    """The outcome of a flow that was run to its end: failed before errored, and a flow that ran nothing is skipped."""
    bad = {record.result.outcome for record in records if record.bad}
    if Outcome.FAILED in bad:
        return Outcome.FAILED
    if Outcome.ERRORED in bad:
        return Outcome.ERRORED
    ran = any(record.result.outcome not in (Outcome.SKIPPED, Outcome.NOT_RUN) for record in records)
    return Outcome.PASSED if ran else Outcome.SKIPPED


def first_failure(flow: str, records: Iterable[StepRecord]) -> Failure | None:
    """The first step that counts against the flow."""
    for record in records:
        if record.bad:
            return Failure(flow=flow, step=record.result.id, message=record.result.message)
    return None


def exit_code_of(outcome: Outcome, records: Iterable[StepRecord], *, interrupted: bool) -> int:
    """The exit code of one flow. A flow's own mistake that shows up while it runs is 2, the platform's fault 3."""
    if interrupted:
        return EXIT_INTERRUPTED
    if outcome is Outcome.PASSED:
        return EXIT_PASSED
    if outcome is Outcome.FAILED:
        return EXIT_FAILED
    kinds = {record.kind for record in records if record.bad}
    return EXIT_USAGE if outcome is Outcome.SKIPPED or kinds == {"variable_error"} else EXIT_PLATFORM


def worst(codes: Iterable[int]) -> int:
    """The exit code of several flows: interrupted, then 2, 1, 3, 0. Nothing at all is 2."""
    found = set(codes)
    return next((code for code in _WORST_FIRST if code in found), EXIT_PASSED if found else EXIT_USAGE)
