"""How outcomes add up: of a step's record, of a flow's steps, of a run's flows. Pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Failure, Outcome, Phase, StepResult
from testmesh_engine.errors import ErrorKind
from testmesh_engine.runtime.signals import EXIT_INTERRUPTED

EXIT_PASSED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_PLATFORM = 3
_WORST_FIRST = (EXIT_INTERRUPTED, EXIT_USAGE, EXIT_FAILED, EXIT_PLATFORM)


_NAMED_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step's result with what the flow must know of it.

    ``ignored`` is set where it does not count: the flow says so, or the caller had the step left out.
    """

    result: StepResult
    kind: ErrorKind | None = None
    ignored: bool = False
    cause: str = ""
    """The step inside of it, as it is shown, that made it fail."""

    @property
    def counts_as(self) -> Outcome | None:
        """What this step makes of the flow, ``None`` where it does not count against it.

        A step that was not run counts: its checks were asked for and not made. Most often a step before it is the
        cause and counts more; else the time was used up, which a service may be to blame for, or the run interrupted.
        """
        outcome = self.result.outcome
        if self.ignored or outcome in (Outcome.PASSED, Outcome.SKIPPED):
            return None
        if outcome is Outcome.NOT_RUN:
            return Outcome.FAILED if self.kind == "timeout" else Outcome.ERRORED
        return outcome

    @property
    def bad(self) -> bool:
        """Whether it counts against the flow."""
        return self.counts_as is not None


def flow_outcome(records: Sequence[StepRecord]) -> Outcome:
    """The outcome of a flow that was run to its end: failed before errored.

    It has passed only if a step of ``steps`` has. One that ran none of them is skipped; one of which all that ran
    went wrong, and was ignored, shows nothing: an error of the flow.
    """
    found = {record.counts_as for record in records}
    if Outcome.FAILED in found:
        return Outcome.FAILED
    if Outcome.ERRORED in found:
        return Outcome.ERRORED
    outcomes = {record.result.outcome for record in _in_steps(records)}
    if Outcome.PASSED in outcomes:
        return Outcome.PASSED
    return Outcome.SKIPPED if outcomes <= {Outcome.SKIPPED, Outcome.NOT_RUN} else Outcome.ERRORED


def test_failed(records: Iterable[StepRecord]) -> bool:
    """Whether a step of setup or steps was run and has failed: what comes after it can't change the flow's verdict."""
    return any(
        record.counts_as is Outcome.FAILED
        and record.result.outcome is Outcome.FAILED
        and record.result.phase is not Phase.TEARDOWN
        for record in records
    )


def first_failure(flow: str, records: Iterable[StepRecord]) -> Failure | None:
    """The first step that counts against the flow."""
    for record in records:
        if record.bad:
            step = record.result
            lead = "it was not run: " if step.outcome is Outcome.NOT_RUN else ""
            return Failure(flow=flow, step=record.cause or step.id, message=f"{lead}{step.message}")
    return None


def why_nothing_passed(flow: str, records: Iterable[StepRecord]) -> Failure:
    """What to say of a flow that nothing counts against, and that is no pass all the same."""
    steps = [record.result for record in _in_steps(records)]
    ran = any(step.outcome is not Outcome.SKIPPED for step in steps)
    reasons = [f"{step.id}: {step.message}" for step in steps[:_NAMED_REASONS]]
    more = [f"and {len(steps) - _NAMED_REASONS} more"] if len(steps) > _NAMED_REASONS else []
    what = "no step has passed" if ran else "no step was run"
    return Failure(flow=flow, step="", message=f"{what}: {'; '.join([*reasons, *more])}")


def _in_steps(records: Iterable[StepRecord]) -> list[StepRecord]:
    return [record for record in records if record.result.phase is Phase.STEPS]


def exit_code_of(outcome: Outcome, records: Iterable[StepRecord], *, interrupted: bool) -> int:
    """The exit code of one flow. A flow's own mistake that shows up while it runs is 2, the platform's fault 3."""
    if interrupted:
        return EXIT_INTERRUPTED
    if outcome is Outcome.PASSED:
        return EXIT_PASSED
    if outcome is Outcome.FAILED:
        return EXIT_FAILED
    # What was not run has its cause in another step: that one's kind tells whose fault it is.
    kinds = {record.kind for record in records if record.bad and record.result.outcome is not Outcome.NOT_RUN}
    return EXIT_USAGE if kinds <= {"variable_error"} else EXIT_PLATFORM


def worst(codes: Iterable[int]) -> int:
    """The exit code of several flows: interrupted, then 2, 1, 3, 0. Nothing at all is 2."""
    found = set(codes)
    return next((code for code in _WORST_FIRST if code in found), EXIT_PASSED if found else EXIT_USAGE)
