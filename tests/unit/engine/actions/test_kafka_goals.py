"""When a wait for messages ends, and how."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from testmesh_engine.actions.kafka_goals import Goal, Judge
from testmesh_engine.actions.kafka_record import Record


def records(*offsets: int) -> list[Record]:
    """Messages with these offsets."""
    return [
        Record(topic="t", topic_id="id", partition=0, offset=offset, timestamp=offset, key=None, value=None)
        for offset in offsets
    ]


def always(_: Sequence[Record]) -> bool:
    """Assertions that hold."""
    return True


def never(_: Sequence[Record]) -> bool:
    """Assertions that do not hold."""
    return False


AT_LEAST_2 = Goal(least=2, prompt=True)
EXACTLY_2 = Goal(least=2, most=2, settle=1)
ABSENT = Goal(least=0, most=0)
COLLECT = Goal(least=1)


@pytest.mark.parametrize(
    ("goal", "offsets"),
    [(AT_LEAST_2, ()), (AT_LEAST_2, (0,)), (EXACTLY_2, (0, 1)), (ABSENT, ()), (COLLECT, (0, 1, 2))],
)
def test_a_wait_goes_on_while_more_could_come(goal: Goal, offsets: tuple[int, ...]) -> None:
    """Too few, or not yet certain."""
    assert Judge(goal, always).early(records(*offsets)) is None


def test_the_first_messages_are_taken_once_the_assertions_hold() -> None:
    """Those that are not needed stay for the next step."""
    ending = Judge(AT_LEAST_2, always).early(records(0, 1, 2))
    assert ending is not None
    assert (0, 1) == tuple(record.offset for record in ending.records)


def test_one_more_message_is_taken_at_a_time_while_an_assertion_fails() -> None:
    """The message that makes it hold is the last one."""
    ending = Judge(AT_LEAST_2, lambda found: found[-1].offset == 3).early(records(0, 1, 2, 3, 4))
    assert ending is not None
    assert (0, 1, 2, 3) == tuple(record.offset for record in ending.records)


def test_no_beginning_is_tried_twice() -> None:
    """A busy topic costs one check of the assertions for each new message."""
    tried: list[int] = []

    def note(found: Sequence[Record]) -> bool:
        tried.append(len(found))
        return False

    judge = Judge(Goal(least=1, prompt=True), note)
    judge.early(records(0, 2))
    judge.early(records(0, 2, 3))
    judge.early(records(0, 1, 2, 3))
    assert [1, 2, 3, 2, 3, 4] == tried


@pytest.mark.parametrize(
    ("expected", "goal", "offsets"),
    [
        ("none came", AT_LEAST_2, ()),
        ("1 message matched", AT_LEAST_2, (0,)),
        ("1 message matched", EXACTLY_2, (0,)),
        ("3 messages matched", EXACTLY_2, (0, 1, 2)),
        ("1 message matched", ABSENT, (0,)),
        ("none came", COLLECT, ()),
    ],
)
def test_too_few_and_too_many_fail_whatever_is_asserted(expected: str, goal: Goal, offsets: tuple[int, ...]) -> None:
    """A service that publishes nothing never passes, nor one that publishes twice where once was wanted."""
    ending = Judge(goal, always).late(records(*offsets))
    assert (expected, ()) == (ending.refused, ending.records)


@pytest.mark.parametrize(("goal", "offsets"), [(EXACTLY_2, (0, 1, 2)), (ABSENT, (0,))])
def test_one_too_many_ends_the_wait_at_once(goal: Goal, offsets: tuple[int, ...]) -> None:
    """No later message can make it good."""
    ending = Judge(goal, always).early(records(*offsets))
    assert ending is not None
    assert ending.too_many


@pytest.mark.parametrize(
    ("goal", "offsets"), [(AT_LEAST_2, (0, 1, 2)), (EXACTLY_2, (0, 1)), (ABSENT, ()), (COLLECT, (0, 1, 2))]
)
def test_at_the_end_the_assertions_get_all_there_is(goal: Goal, offsets: tuple[int, ...]) -> None:
    """They say what is wrong with messages that are enough in number."""
    ending = Judge(goal, never).late(records(*offsets))
    assert ("", offsets) == (ending.refused, tuple(record.offset for record in ending.records))
