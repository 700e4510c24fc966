"""Which flow of a call starts next."""

from __future__ import annotations

import random
import threading

from hypothesis import given
from hypothesis import strategies as st

from testmesh_engine.runtime.schedule import Schedule


def test_flows_start_in_the_order_of_the_call() -> None:
    """And each once."""
    schedule = Schedule(["", "", ""])
    assert [0, 1, 2, None] == [schedule.take() for _ in range(4)]


def test_a_flow_that_waits_keeps_nobody_from_those_after_it() -> None:
    """It starts as soon as the one that it waits for has ended."""
    schedule = Schedule(["db", "db", "", "queue"])
    assert [0, 2, 3] == [schedule.take() for _ in range(3)]
    schedule.ended(0)
    assert [1, None] == [schedule.take(), schedule.take()]


def test_a_thread_waits_while_all_that_is_left_must_wait() -> None:
    """And is woken by the end of the one that is in the way."""
    schedule = Schedule(["db", "db"])
    schedule.take()
    taken: list[int | None] = []
    waiting = threading.Thread(target=lambda: taken.append(schedule.take()))
    waiting.start()
    waiting.join(0.05)
    assert (True, []) == (waiting.is_alive(), taken)
    schedule.ended(0)
    waiting.join(5)
    assert [1] == taken


def test_a_stop_wakes_those_who_wait_and_leaves_the_rest() -> None:
    """What was not taken is there to be told."""
    schedule = Schedule(["db", "db", "db"])
    schedule.take()
    taken: list[int | None] = []
    waiting = threading.Thread(target=lambda: taken.append(schedule.take()))
    waiting.start()
    schedule.stop()
    waiting.join(5)
    assert ([None], [1, 2]) == (taken, schedule.left())


@given(names=st.lists(st.sampled_from(["", "a", "b"]), max_size=12), choices=st.randoms(use_true_random=False))
def test_every_flow_runs_once_and_never_two_of_one_name(names: list[str], choices: random.Random) -> None:
    """Whichever flows end first."""
    schedule = Schedule(names)
    running: list[int] = []
    seen: list[int] = []
    while len(seen) < len(names) or running:
        free = [n for n in schedule.left() if not names[n] or names[n] not in {names[r] for r in running}]
        if free and (not running or choices.random() < 0.7):
            number = schedule.take()
            assert number == free[0]
            seen.append(number)
            running.append(number)
            held = [names[r] for r in running if names[r]]
            assert len(held) == len(set(held))
        else:
            number = choices.choice(running)
            running.remove(number)
            schedule.ended(number)
    assert sorted(seen) == list(range(len(names)))
