"""When the next attempt starts, and when there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import Interrupted
from testmesh_engine.language.model import Backoff, Eventually, Retry
from testmesh_engine.runtime.attempts import (
    Course,
    End,
    Plan,
    RealClock,
    bounds_of,
    plan_of,
    retry_pause,
    run_attempts,
)


@dataclass(frozen=True)
class Try:
    """One attempt, and how long it takes."""

    holds: bool = False
    again: bool = True
    cut: bool = False
    takes: float = 0.0
    started: float = 0.0
    ended: float = 0.0


GOOD, BAD, CUT, HOPELESS = Try(holds=True), Try(), Try(cut=True), Try(again=False)


@dataclass
class Simulated:
    """A clock that runs as fast as it is asked, and the attempts that are made by it."""

    tries: list[Try]
    time: float = 0.0
    starts: list[float] = field(default_factory=list)

    def now(self) -> float:
        """The simulated time."""
        return self.time

    def wait(self, seconds: float) -> bool:
        """Let it pass at once."""
        self.time += seconds
        return True

    def attempt(self, number: int) -> Try:
        """Make the attempt of that number, the last one of ``tries`` again and again."""
        made = self.tries[min(number, len(self.tries)) - 1]
        self.starts.append(self.time)
        self.time += made.takes
        return replace(made, started=self.starts[-1], ended=self.time)

    def run(self, plan: Plan) -> Course[Try]:
        """All attempts."""
        course: Course[Try] = Course()
        run_attempts(plan, self.attempt, self, course)
        return course


def course(policy: Retry | Eventually | None, tries: list[Try], ends: float = math.inf) -> Course[Try]:
    """The course of attempts by a clock of its own; ``eventually`` bounds it by itself."""
    bound = min(ends, policy.timeout) if isinstance(policy, Eventually) else ends
    return Simulated(tries).run(plan_of(policy, bound))


def test_without_a_policy_there_is_one_attempt() -> None:
    """Whatever comes of it."""
    assert (1, End.ATTEMPTS) == (len(course(None, [BAD]).made), course(None, [BAD]).end)
    assert End.SUCCEEDED is course(None, [GOOD]).end


def test_retry_stops_at_the_first_success_and_at_its_count() -> None:
    """``max_attempts`` counts the first one."""
    policy = Retry(max_attempts=3)
    good, bad = course(policy, [BAD, GOOD]), course(policy, [BAD])
    assert (2, End.SUCCEEDED) == (len(good.made), good.end)
    assert (3, End.ATTEMPTS) == (len(bad.made), bad.end)


def test_what_another_attempt_could_not_mend_is_not_tried_again() -> None:
    """A mistake of the flow, or what ``stop_on`` and ``retry_on_not`` name."""
    assert (1, End.NOT_AGAIN) == (len(course(Retry(), [HOPELESS]).made), course(Retry(), [HOPELESS]).end)


def test_pauses_grow_as_the_author_says() -> None:
    """Doubled, added to, or the same."""
    policy = Retry(delay=1, max_delay=5)
    assert [1, 2, 4, 5, 5] == [retry_pause(policy, number) for number in range(1, 6)]
    linear, fixed = replace(policy, backoff=Backoff.LINEAR), replace(policy, backoff=Backoff.FIXED)
    assert [1, 2, 3, 4, 5, 5] == [retry_pause(linear, number) for number in range(1, 7)]
    assert [1, 1, 1] == [retry_pause(fixed, number) for number in range(1, 4)]
    assert 5 == retry_pause(policy, 10_000)


def test_a_delay_longer_than_the_usual_bound_is_kept() -> None:
    """Who writes a delay of a minute means it; only a ``max_delay`` of the author's own cuts it."""
    assert [60, 60] == [retry_pause(Retry(delay=60), number) for number in (1, 2)]
    assert 10 == retry_pause(Retry(delay=60, max_delay=10), 1)


def test_no_attempt_starts_that_would_start_after_the_deadline() -> None:
    """Nor is a pause begun that would end after it."""
    clock = Simulated([BAD])
    found = clock.run(plan_of(Eventually(interval=4), ends=10))
    assert ([0, 4, 8], End.TIME, 8) == (clock.starts, found.end, clock.time)
    assert 1 == len(course(Retry(max_attempts=9, delay=5), [BAD], ends=1).made)


def test_a_wait_that_takes_longer_than_it_should_starts_no_attempt_after_the_deadline() -> None:
    """A busy machine wakes us up late."""

    class Late(Simulated):
        def wait(self, seconds: float) -> bool:
            return super().wait(seconds + 7)

    clock = Late([BAD])
    assert End.TIME is clock.run(plan_of(Eventually(interval=4), ends=10)).end
    assert [0] == clock.starts


def test_an_attempt_cut_by_eventually_does_not_count() -> None:
    """The last one that finished is what is shown; the one that was cut is kept for the account of time."""
    found = course(Eventually(timeout=2, interval=0.5), [replace(BAD, takes=1), replace(CUT, takes=0.5)])
    assert ([False], End.TIME) == ([made.cut for made in found.made], found.end)
    assert found.cut is not None
    assert 0.5 == found.cut.ended - found.cut.started


def test_an_attempt_cut_by_its_own_limit_counts() -> None:
    """Only the deadline of all of them takes one back."""
    found = course(Eventually(timeout=9, interval=1), [BAD, replace(CUT, takes=1), GOOD])
    assert (3, End.SUCCEEDED) == (len(found.made), found.end)


def test_the_first_attempt_counts_also_where_it_is_cut() -> None:
    """There must be something to show; and under retry each of them counts."""
    assert [True] == [made.cut for made in course(Eventually(timeout=1), [replace(CUT, takes=1)]).made]
    retried = course(Retry(delay=0.1), [replace(BAD, takes=0.1), replace(CUT, takes=0.8)], ends=1)
    assert ([False, True], End.TIME) == ([made.cut for made in retried.made], retried.end)


def test_what_must_be_stable_holds_for_that_long_before_it_is_a_success() -> None:
    """From the end of the first attempt that holds to the start of the last one."""
    clock = Simulated([BAD, replace(GOOD, takes=0.25)])
    found = clock.run(plan_of(Eventually(interval=1, stable_for=2), ends=30))
    assert ([0, 1, 2.25, 3.25], End.SUCCEEDED) == (clock.starts, found.end)
    assert clock.starts[-1] - (found.made[1].ended) >= 2


def test_one_that_does_not_hold_starts_the_time_anew() -> None:
    """However long it had held."""
    clock = Simulated([GOOD, GOOD, BAD, GOOD])
    found = clock.run(plan_of(Eventually(interval=1, stable_for=2), ends=30))
    assert ([0, 1, 2, 3, 4, 5], End.SUCCEEDED, 3) == (clock.starts, found.end, found.held_since)


def test_time_that_runs_out_while_it_holds_is_no_success() -> None:
    """It is told since when it held."""
    found = course(Eventually(timeout=4, interval=1, stable_for=3), [BAD, BAD, GOOD])
    assert (End.TIME, 2) == (found.end, found.held_since)
    assert found.made[-1].holds


def test_stop_on_ends_also_what_holds_and_is_not_stable_yet() -> None:
    """It will not get better."""
    found = course(Eventually(stable_for=3), [replace(GOOD, again=False)])
    assert (1, End.NOT_AGAIN) == (len(found.made), found.end)


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """One that is not set."""
    made = Interrupt()
    yield made
    made.close()


def test_an_interrupt_ends_the_pause_and_keeps_what_was_made(interrupt: Interrupt) -> None:
    """A long backoff must not hold a signal up."""
    interrupt.set("SIGTERM")
    made: Course[Try] = Course()
    clock = RealClock(Deadline.after(9, "the step's timeout"), interrupt)
    with pytest.raises(Interrupted):
        run_attempts(plan_of(Retry(delay=5), clock.deadline.at), lambda _: BAD, clock, made)
    assert [BAD] == made.made


def test_the_real_clock_says_where_there_was_no_time(interrupt: Interrupt) -> None:
    """It waits to the deadline at most."""
    assert RealClock(Deadline.after(9, "x"), interrupt).wait(0.001)
    assert not RealClock(Deadline.after(0.001, "x"), interrupt).wait(5)


def test_the_time_of_eventually_bounds_beside_the_others() -> None:
    """The earliest of them is named."""
    step = Deadline.after(5, "the step's timeout")
    assert "eventually's timeout of 1s" == bounds_of(Eventually(timeout=1), step).what
    assert "the step's timeout of 5s" == bounds_of(Eventually(timeout=9), step).what
    assert step == bounds_of(Retry(), step)


SECONDS = st.floats(min_value=0, max_value=100)
POLICIES = st.builds(
    Retry,
    max_attempts=st.integers(1, 40),
    delay=SECONDS,
    backoff=st.sampled_from(Backoff),
    max_delay=st.none() | SECONDS,
)
EVENTUALLY = st.builds(
    Eventually,
    timeout=st.floats(min_value=0.1, max_value=60),
    interval=st.floats(min_value=0.1, max_value=100),
    stable_for=st.just(0.0) | SECONDS,
)
TRIES = st.lists(
    st.builds(Try, holds=st.booleans(), takes=st.floats(min_value=0, max_value=20)), min_size=1, max_size=50
)


def waits(simulated: Simulated, made: list[Try]) -> list[float]:
    """The pause before each attempt but the first."""
    return [start - before.ended for start, before in zip(simulated.starts[1:], made, strict=False)]


@given(POLICIES)
def test_the_pauses_of_every_retry_grow_and_are_bounded(policy: Retry) -> None:
    """Monotone, never more than ``max_delay``, and as many attempts as there are to be."""
    clock = Simulated([BAD])
    found = clock.run(plan_of(policy, math.inf))
    pauses = waits(clock, found.made)
    longest = max(30, policy.delay) if policy.max_delay is None else policy.max_delay
    assert policy.max_attempts == len(found.made) == len(clock.starts)
    assert all(pause <= longest + 1e-6 for pause in pauses)
    assert all(later >= pause - 1e-6 for pause, later in pairwise(pauses))


@given(st.one_of(POLICIES, EVENTUALLY), TRIES, st.floats(min_value=0.1, max_value=120))
def test_no_attempt_of_any_schedule_starts_after_its_deadline(
    policy: Retry | Eventually, tries: list[Try], ends: float
) -> None:
    """And nothing starts after an end; what counts is never empty; a success is what holds."""
    bound = min(ends, policy.timeout) if isinstance(policy, Eventually) else ends
    clock = Simulated(tries)
    found = clock.run(plan_of(policy, bound))
    assert all(start < bound for start in clock.starts)
    assert len(clock.starts) == len(found.made) + (found.cut is not None)
    assert found.made
    assert found.made[-1].holds or found.end is not End.SUCCEEDED


@given(EVENTUALLY, TRIES)
def test_a_stable_success_has_held_for_that_long_without_a_break(policy: Eventually, tries: list[Try]) -> None:
    """Whatever the attempts take."""
    found = course(policy, tries)
    if found.end is not End.SUCCEEDED:
        return
    run: list[Try] = []
    for made in reversed(found.made):
        if not made.holds:
            break
        run.insert(0, made)
    assert run[-1].started - run[0].ended >= policy.stable_for - 1e-5 or not policy.stable_for


@given(EVENTUALLY, TRIES)
def test_the_interval_lies_between_attempts(policy: Eventually, tries: list[Try]) -> None:
    """From the end of one to the start of the next; less only where stability is known sooner."""
    clock = Simulated(tries)
    found = clock.run(plan_of(policy, policy.timeout))
    exact: Callable[[float], bool] = lambda wait: abs(wait - policy.interval) < 1e-6  # noqa: E731 - one comparison
    for wait, before in zip(waits(clock, found.made), found.made, strict=False):
        assert exact(wait) or (before.holds and wait <= policy.interval)
