"""The one machine behind ``retry`` and ``eventually``: when the next attempt starts, and when there is none.

What is decided is decided by :func:`next_move`, a function of the plan, the progress so far and the attempt that has
just ended. Times are seconds of the monotonic clock.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from testmesh_engine.actions.waiting import Deadline, Interrupt, TimeRanOutError, earliest, sleep
from testmesh_engine.contract.record import dataclass
from testmesh_engine.language.model import Backoff, Eventually, Retry

DEFAULT_MAX_DELAY = 30.0
_ROUNDING_SECONDS = 1e-6
"""What adding times up may lose: without it an attempt could follow another one at once, again and again."""

_EARLY_SECONDS = 0.005
"""How much before a deadline a driver may wake up and call it a timeout."""


class Attempted(Protocol):
    """What is known of an attempt here."""

    @property
    def started(self) -> float:
        """When it started."""

    @property
    def ended(self) -> float:
        """When it ended."""

    @property
    def holds(self) -> bool:
        """Whether it succeeded."""

    @property
    def again(self) -> bool:
        """Whether another one could do better: not where the flow itself is wrong, or ``stop_on`` holds."""

    @property
    def cut(self) -> bool:
        """Whether a deadline ended it before it had an answer."""


_Attempt = TypeVar("_Attempt", bound=Attempted)


class End(StrEnum):
    """Why there is no further attempt."""

    SUCCEEDED = "succeeded"
    NOT_AGAIN = "not again"
    ATTEMPTS = "no attempts left"
    TIME = "no time left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Attempts until one holds, or until all have held for ``stable_for``: at most ``most`` (0 for no limit).

    ``pause(n)`` are the seconds from the end of the n-th attempt to the start of the next. No attempt starts after
    ``ends``; where ``cut_counts`` is unset, one that is cut by it does not count unless it is the first.
    """

    most: int
    pause: Callable[[int], float]
    ends: float = math.inf
    stable_for: float = 0.0
    cut_counts: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """How many attempts have ended and count, and when the first of those ended that have held since."""

    number: int = 0
    held_since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What comes next: the end, or another attempt after ``wait`` seconds. ``counts`` is that of the last attempt."""

    progress: Progress
    end: End | None = None
    wait: float = 0.0
    counts: bool = True


def next_move(plan: Plan, before: Progress, attempt: Attempted) -> Move:
    """What comes after ``attempt``, before which all was as ``before`` says."""
    if attempt.cut and not plan.cut_counts and before.number and attempt.ended >= plan.ends - _EARLY_SECONDS:
        return Move(progress=before, end=End.TIME, counts=False)
    since = before.held_since if before.held_since is not None else attempt.ended
    progress = Progress(before.number + 1, since if attempt.holds else None)
    if attempt.holds and _stable(plan, since, attempt):
        return Move(progress=progress, end=End.SUCCEEDED)
    if not attempt.again:
        return Move(progress=progress, end=End.NOT_AGAIN)
    if progress.number == plan.most:
        return Move(progress=progress, end=End.ATTEMPTS)
    wait = plan.pause(progress.number)
    if attempt.holds:
        # No later than needed: what is held long enough by then need not be asked once more.
        wait = min(wait, max(0.0, since + plan.stable_for - attempt.ended))
    if attempt.ended + wait >= plan.ends:
        return Move(progress=progress, end=End.TIME)
    return Move(progress=progress, wait=wait)


def _stable(plan: Plan, since: float, attempt: Attempted) -> bool:
    """Whether all has held long enough: from the end of the first attempt to the start of this one, to be sure."""
    return not plan.stable_for or attempt.started - since >= plan.stable_for - _ROUNDING_SECONDS


def plan_of(policy: Retry | Eventually | None, ends: float) -> Plan:
    """The plan that a step's ``retry`` or ``eventually`` makes; all of it is over at ``ends``."""
    match policy:
        case Retry():
            return Plan(most=policy.max_attempts, pause=lambda number: retry_pause(policy, number), ends=ends)
        case Eventually():
            return Plan(
                most=0,
                pause=lambda _: policy.interval,
                ends=ends,
                stable_for=policy.stable_for,
                cut_counts=False,
            )
        case None:
            return Plan(most=1, pause=lambda _: 0.0, ends=ends)


def retry_pause(policy: Retry, number: int) -> float:
    """Seconds after the ``number``-th attempt (from 1), never more than ``max_delay``."""
    factors = {Backoff.EXPONENTIAL: 2.0 ** min(number - 1, 60), Backoff.LINEAR: float(number), Backoff.FIXED: 1.0}
    longest = max(DEFAULT_MAX_DELAY, policy.delay) if policy.max_delay is None else policy.max_delay
    return min(policy.delay * factors[policy.backoff], longest)


class Clock(Protocol):
    """The time that passes between attempts."""

    def now(self) -> float:
        """Seconds of the monotonic clock."""

    def wait(self, seconds: float) -> bool:
        """Let them pass; false where there was no time for it. Raises ``Interrupted``."""


@dataclass(frozen=True, slots=True)
class RealClock:
    """The machine's clock; waiting ends at the deadline and at the interrupt."""

    deadline: Deadline
    interrupt: Interrupt

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Sleep."""
        try:
            sleep(seconds, deadline=self.deadline, interrupt=self.interrupt)
        except TimeRanOutError:
            return False
        return True


@dataclass(slots=True)
class Course(Generic[_Attempt]):
    """The attempts of a step, as they are made: ``made`` are those that count, the last one being what is shown.

    ``held_since`` is the end of the first of those that have held since; ``cut`` is the one that does not count.
    """

    made: list[_Attempt] = field(default_factory=list)
    end: End | None = None
    held_since: float | None = None
    cut: _Attempt | None = None


def run_attempts(plan: Plan, attempt: Callable[[int], _Attempt], clock: Clock, course: Course[_Attempt]) -> None:
    """Make all attempts and note them in ``course``, also where ``attempt`` or the clock raises in the midst of it."""
    progress = Progress()
    while course.end is None:
        last = attempt(progress.number + 1)
        move = next_move(plan, progress, last)
        progress = move.progress
        course.held_since, course.end = progress.held_since, move.end
        if move.counts:
            course.made.append(last)
        else:
            course.cut = last
        if move.end is None and (not clock.wait(move.wait) or clock.now() >= plan.ends):
            course.end = End.TIME


def bounds_of(policy: Retry | Eventually | None, deadline: Deadline) -> Deadline:
    """What bounds all attempts together, the time of ``eventually`` counting from now."""
    if not isinstance(policy, Eventually):
        return deadline
    return earliest((deadline, Deadline.after(policy.timeout, "eventually's timeout")))
