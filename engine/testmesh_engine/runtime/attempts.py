"""The one machine behind ``retry`` and ``eventually``: when the next attempt starts, and when there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from testmesh_engine.actions.waiting import Deadline, Interrupt, TimeRanOutError, sleep
from testmesh_engine.language.model import Eventually, Retry


class Attempted(Protocol):
    """What is known of an attempt here."""

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


@dataclass(frozen=True, slots=True)
class Plan:
    """Attempts until one holds: at most ``most`` (0 for no limit), with ``pause(n)`` seconds after the n-th."""

    most: int
    pause: Callable[[int], float]
    deadline: Deadline | None = None
    """Bounds all attempts together; no attempt starts after it, and one cut by it does not count."""


def plan_of(policy: Retry | Eventually | None) -> Plan:
    """The plan that a step's ``retry`` or ``eventually`` makes, its time counting from now."""
    match policy:
        case Retry():
            return Plan(policy.max_attempts, lambda number: retry_pause(policy, number))
        case Eventually():
            return Plan(0, lambda _: policy.interval, Deadline.after(policy.timeout, "eventually's timeout"))
        case None:
            return Plan(1, lambda _: 0.0)


def retry_pause(policy: Retry, number: int) -> float:
    """Seconds after the ``number``-th attempt (from 1): doubled each time, up to ``max_delay``."""
    factor = 2.0 ** min(number - 1, 60) if policy.exponential else 1.0
    return min(policy.delay * factor, policy.max_delay)


def run_attempts(
    plan: Plan, attempt: Callable[[int], _Attempt], *, deadline: Deadline, interrupt: Interrupt
) -> list[_Attempt]:
    """All attempts, the last one being what counts; never empty. ``deadline`` bounds the pauses too."""
    made: list[_Attempt] = []
    while True:
        made.append(attempt(len(made) + 1))
        if made[-1].cut and len(made) > 1 and plan.deadline is not None and plan.deadline.passed:
            made.pop()
            return made
        if made[-1].holds or not made[-1].again or len(made) == plan.most:
            return made
        if not _pause(plan, len(made), deadline, interrupt):
            return made


def _pause(plan: Plan, number: int, deadline: Deadline, interrupt: Interrupt) -> bool:
    """Wait for the next attempt; false where there is no time for one."""
    ends = min(deadline.at, plan.deadline.at if plan.deadline else deadline.at)
    seconds = plan.pause(number)
    if time.monotonic() + seconds >= ends:
        return False
    try:
        sleep(seconds, deadline=deadline, interrupt=interrupt)
    except TimeRanOutError:
        return False
    return True
