"""When the next attempt starts, and when there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import Interrupted
from testmesh_engine.language.model import Eventually, Retry
from testmesh_engine.runtime.attempts import plan_of, retry_pause, run_attempts


@dataclass
class Try:
    """What is known of an attempt."""

    holds: bool = False
    again: bool = True
    cut: bool = False


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """One that is not set."""
    made = Interrupt()
    yield made
    made.close()


def attempts(policy: Retry | Eventually | None, tries: list[Try], interrupt: Interrupt, seconds: float = 9) -> int:
    """How many attempts are made."""
    made = run_attempts(
        plan_of(policy),
        lambda number: tries[min(number, len(tries)) - 1],
        deadline=Deadline.after(seconds, "the step's timeout"),
        interrupt=interrupt,
    )
    return len(made)


def test_without_a_policy_there_is_one_attempt(interrupt: Interrupt) -> None:
    """Whatever comes of it."""
    assert 1 == attempts(None, [Try()], interrupt)


def test_retry_stops_at_the_first_success_and_at_its_count(interrupt: Interrupt) -> None:
    """``max_attempts`` counts the first one."""
    policy = Retry(max_attempts=3, delay=0.001)
    assert 2 == attempts(policy, [Try(), Try(holds=True)], interrupt)
    assert 3 == attempts(policy, [Try()], interrupt)


def test_a_mistake_of_the_flow_is_not_tried_again(interrupt: Interrupt) -> None:
    """It would be the same mistake."""
    assert 1 == attempts(Retry(), [Try(again=False)], interrupt)


def test_pauses_double_up_to_their_bound() -> None:
    """And stay the same where the author says fixed."""
    policy = Retry(delay=1, max_delay=5)
    assert [1, 2, 4, 5, 5] == [retry_pause(policy, number) for number in range(1, 6)]
    assert [1, 1, 1] == [retry_pause(Retry(delay=1, exponential=False), number) for number in range(1, 4)]
    assert 5 == retry_pause(policy, 10_000)


def test_no_attempt_starts_after_the_deadline(interrupt: Interrupt) -> None:
    """A pause that would end after it is not begun."""
    started = time.monotonic()
    attempts(Eventually(timeout=0.2, interval=0.05), [Try()], interrupt)
    assert time.monotonic() - started < 0.5
    assert 1 == attempts(Retry(max_attempts=9, delay=5), [Try()], interrupt, seconds=1)


def test_an_attempt_cut_by_eventually_does_not_count(interrupt: Interrupt) -> None:
    """The last one that finished is shown."""
    policy = Eventually(timeout=0.05, interval=0.001)
    finished, cut = Try(), Try(cut=True)

    def attempt(number: int) -> Try:
        if number < 2:
            return finished
        time.sleep(0.06)
        return cut

    made = run_attempts(plan_of(policy), attempt, deadline=Deadline.after(9, "x"), interrupt=interrupt)
    assert [finished] == made


def test_an_interrupt_ends_the_pause(interrupt: Interrupt) -> None:
    """A long backoff must not hold a signal up."""
    interrupt.set("SIGTERM")
    with pytest.raises(Interrupted):
        attempts(Retry(delay=5), [Try()], interrupt)
