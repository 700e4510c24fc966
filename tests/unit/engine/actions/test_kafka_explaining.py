"""What a failed kafka_consumer step says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testmesh_engine.actions.kafka_explaining import Evidence, failure, found, similar, undecided, unreadable
from testmesh_engine.actions.kafka_goals import Ending, Goal, Wanted
from testmesh_engine.actions.kafka_marks import Description, OpenTransaction, TopicLog
from testmesh_engine.actions.kafka_matching import read_match
from testmesh_engine.actions.kafka_record import Message, Record
from testmesh_engine.actions.kafka_start import From, Start
from testmesh_engine.expressions import Check, parse_json

WANTED = Wanted(
    topic="order.placed",
    reader="check",
    match=read_match({"value": {"user_id": 42}}),
    goal=Goal(least=1, prompt=True),
    timeout=15,
)
NONE_CAME = Ending(refused="none came")


def topic_log(*values: bytes, partitions: int = 1) -> TopicLog:
    """The topic with its mark at 12 in partition 0, and these messages after it."""
    log = TopicLog("order.placed", marked_id="one", marks={0: 12})
    log.observe(Description("one", tuple(range(partitions))))
    for offset, value in enumerate(values, start=12):
        log.take(
            Record(topic="order.placed", topic_id="", partition=0, offset=offset, timestamp=0, key=None, value=value)
        )
    return log


def seen(record: Record) -> Message:
    """The record with its JSON read."""
    return Message(record, None, parse_json(record.value or b"null"))


def evidence(log: TopicLog, **changes: object) -> Evidence:
    """What is known at the end of a wait on ``log``."""
    given: dict[str, object] = {
        "unseen": [seen(record) for record in log.records], "limit": "its timeout of 15s",
        "topics": (), "open_transactions": (),
    }  # fmt: skip
    return Evidence(log=log, **(given | changes))  # type: ignore[arg-type]  # by name


def test_a_silent_service_is_told_with_the_marks() -> None:
    """What was wanted, what came, from where it was read."""
    error = failure(WANTED, NONE_CAME, evidence(topic_log(partitions=3)))
    assert (
        "topic order.placed: at least 1 message wanted within its timeout of 15s, none came. Read no message published "
        "since the flow began: partition 0 at 12; partition 1 at 0; partition 2 at 0."
    ) == error.message
    assert "timeout" == error.kind


def test_the_nearest_miss_shows_what_differs() -> None:
    """Text against number is what one would look for longest."""
    log = topic_log(b'{"user_id": "42"}', partitions=8)
    error = failure(WANTED, NONE_CAME, evidence(log))
    assert 'Nearest: partition 0 offset 12 (user_id: text "42" against number 42).' in error.message
    assert "Read 1 message published since the flow began: partition 0 from 12 to 13; nothing new in 7 others." in (
        error.message
    )


def test_messages_handed_out_before_are_told() -> None:
    """A reader's second step needs a second message."""
    error = failure(WANTED, NONE_CAME, evidence(topic_log(b'{"user_id": 42}'), unseen=[]))
    assert "Of these, 1 had been handed out to check before." in error.message


def test_a_missing_topic_is_told_with_similar_names() -> None:
    """A wrong separator is the usual mistake."""
    ending = Ending(refused="there is no such topic")
    missing = evidence(TopicLog("order.placed"), topics=["user.created", "order-placed", "orders.placed"])
    error = failure(WANTED, ending, missing)
    assert "there is no such topic. Similar topics: order-placed, orders.placed." in error.message


def test_an_open_transaction_and_lost_messages_are_told() -> None:
    """Both look like a service that publishes nothing."""
    log = topic_log()
    log.skip(0, earliest=20)
    error = failure(WANTED, NONE_CAME, evidence(log, open_transactions=[OpenTransaction(0, 20)]))
    assert "Retention deleted partition 0 from 12 to 20 before it was read." in error.message
    assert "Partition 0 is held back from 20 on by a transaction that has not ended" in error.message


def test_one_too_many_is_no_timeout() -> None:
    """Waiting longer would not help, and a retry may not take it for that."""
    error = failure(WANTED, Ending(refused="2 messages matched", too_many=True), evidence(topic_log()))
    assert "protocol_error" == error.kind


def test_a_report_gets_positions_and_near_misses_as_values() -> None:
    """The message is one line; the report has room."""
    shown = found(WANTED, evidence(topic_log(b'{"user_id": "42"}')))
    assert [{"partition": 0, "mark": 12, "position": 13}] == shown["partitions"]
    (nearest,) = shown["nearest"]  # type: ignore[misc, union-attr]  # a list, as found() builds it
    assert ['user_id: text "42" against number 42'] == nearest["differs"]  # type: ignore[index, call-overload]  # a map


@pytest.mark.parametrize(
    ("expected", "topic"),
    [
        (["order.placed"], "order-placed"),
        (["order.placed"], "OrderPlaced"),
        (["order.placed"], "order.place"),
        ([], "x"),
    ],
)
def test_similar_topics_are_found_whatever_the_separators(expected: list[str], topic: str) -> None:
    """Dots, dashes, underscores and case are how names go wrong."""
    assert expected == similar(topic, ["order.placed", "user.created", "payments"])


def test_messages_before_the_start_of_a_step_are_told() -> None:
    """They are there, and do not count: not the service is late, the step looks too late."""
    wanted = replace(WANTED, start=Start(From.STEP, step="order"))
    error = failure(wanted, NONE_CAME, evidence(topic_log(b"{}", b"{}"), unseen=[], early=2))
    assert "Of these, 2 had been published before step order began." in error.message
    assert "handed out" not in error.message


def test_a_reading_that_reaches_back_says_from_where() -> None:
    """It is not what was published since the flow began."""
    error = failure(replace(WANTED, start=Start(From.TIME, time=1700000000000)), NONE_CAME, evidence(topic_log()))
    assert "Read no message published since 2023-11-14T22:13:20Z: partition 0 at 12." in error.message


def test_a_message_that_cant_be_read_is_named_by_its_place() -> None:
    """Somebody can look at it."""
    (record,) = topic_log(b"{").records
    error = unreadable(WANTED, Message(record, None, "{", value_fault="its value is no json: it ends early"))
    assert (
        "topic order.placed: the message at partition 0 offset 12 can't be read: its value is no json: it ends early"
    ) == error.message
    assert "protocol_error" == error.kind


def test_a_message_that_nobody_can_decide_on_is_told_with_what_to_do() -> None:
    """Where no message is wanted it must not count as none."""
    wanted = replace(
        WANTED,
        match=read_match(
            {"where": "value.idd == 1"}, ask=lambda text, _: Check(holds=False, message=f"{text}: …", evaluated=False)
        ),
        goal=Goal(least=0, most=0),
    )
    known = evidence(topic_log(b'{"id": 4}'))
    (message,) = known.unseen
    ending = undecided(message, wanted.match)
    assert ending is not None
    error = failure(wanted, ending, known)
    assert (
        "topic order.placed: no message wanted within its timeout of 15s, but partition 0 offset 12 "
        "(where: value.idd == 1: …) may be meant. Read 1 message published since the flow began: partition 0 from 12 "
        "to 13."
    ) == error.message
    assert "ask first for what tells them apart" in error.hint
    assert undecided(message, read_match({"value": {"id": 5}})) is None
