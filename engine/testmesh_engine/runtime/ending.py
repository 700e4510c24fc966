"""What the attempts of a step come to: its outcome, and a line that says why it failed and where the time went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.duration import show_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import ErrorKind
from testmesh_engine.language.model import Eventually, Retry
from testmesh_engine.runtime.attempt import Attempt
from testmesh_engine.runtime.attempts import Course, End


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a step ended; ``timed_out`` is set where it was for lack of time that there was no further attempt."""

    outcome: Outcome
    message: str = ""
    kind: ErrorKind | None = None
    timed_out: bool = False


def ending_of(
    course: Course[Attempt], policy: Retry | Eventually | None, bounds: Deadline, *, unread: str = ""
) -> Ending:
    """The ending after a course of at least one attempt, which ``bounds`` bounded. ``unread`` is said beside it."""
    last, late = course.made[-1], course.end is End.TIME
    if course.end is End.SUCCEEDED:
        return Ending(outcome=Outcome.PASSED)
    notes = [*_notes(course, bounds), *([unread] if unread else [])]
    said = f" ({'; '.join(notes)})" if notes else ""
    if last.holds and isinstance(policy, Eventually):
        kind: ErrorKind = "timeout" if late else "assertion"
        message = f"{_not_stable(course, policy)}{said}"
        return Ending(outcome=Outcome.FAILED, message=message, kind=kind, timed_out=late)
    return Ending(outcome=last.outcome, message=f"{last.message}{said}", kind=last.kind, timed_out=late or last.cut)


def _not_stable(course: Course[Attempt], policy: Eventually) -> str:
    held = course.made[-1].ended - (course.held_since or course.made[-1].ended)
    return f"all held for {show_duration(held)} only, and stable_for is {show_duration(policy.stable_for)}"


def _notes(course: Course[Attempt], bounds: Deadline) -> Iterator[str]:
    count, last = len(course.made), course.made[-1]
    if course.end is End.NOT_AGAIN and last.stopped:
        yield last.stopped
    if count > 1 or (course.end is End.TIME and not last.cut):
        yield after(count)
    if course.end is End.TIME and (count > 1 or not last.cut):
        yield f"{bounds.what} leaves no time for another: {_where_time_went(course)}"


def after(count: int) -> str:
    """``after 3 attempts``."""
    return f"after {count} attempts" if count > 1 else "after 1 attempt"


def _where_time_went(course: Course[Attempt]) -> str:
    made = course.made
    within = _seconds(made)
    over = made[-1].ended if course.cut is None else course.cut.started
    between = over - made[0].started - within
    parts = [f"{show_duration(within)} in attempts", f"{show_duration(between)} between"]
    if course.cut is not None:
        parts.append(f"{show_duration(_seconds([course.cut]))} in one that it cut short")
    return ", ".join(parts)


def _seconds(attempts: Sequence[Attempt]) -> float:
    return sum(attempt.ended - attempt.started for attempt in attempts)
