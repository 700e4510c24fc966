"""kafka_consumer against a real broker: what must never pass, and what must."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest

from support.broker import brokers
from support.kafka_steps import SECONDS, Begin, Broker, Flow
from support.ports import free_port
from testmesh_engine.actions.base import Result
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.errors import PlatformError, ServiceError
from testmesh_engine.expressions import Value

# What must never pass


@pytest.mark.parametrize("config", [{}, {"from_beginning": True}, {"auto_offset_reset": "earliest"}, {"count": 2}])
def test_old_messages_never_satisfy_a_step(broker: Broker, begin: Begin, config: dict[str, Value]) -> None:
    """A topic full of them is as good as empty: a service that publishes nothing fails, whatever is asserted."""
    topic = broker.topic()
    for number in range(3):
        broker.publish(topic, {"old": number})
    with pytest.raises(ServiceError, match="none came") as failed:
        begin(topic).read(topic, **config)
    assert "timeout" == failed.value.kind
    assert "Read no message published since the flow began: partition 0 at 3." in failed.value.message


def test_a_transaction_that_was_open_at_the_start_is_old(broker: Broker, begin: Begin) -> None:
    """Committed later, its messages were published before: the last stable offset would be the wrong mark."""
    topic = broker.topic()
    with broker.transaction(topic, {"old": True}) as producer:
        flow = begin(topic)
        producer.commit_transaction(SECONDS)
        with pytest.raises(ServiceError, match="none came"):
            flow.read(topic, from_beginning=True)


def test_a_message_that_was_handed_out_satisfies_no_second_step(broker: Broker, begin: Begin) -> None:
    """One reader gets it once; another reader gets it too."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, {"id": 1})
    assert [{"id": 1}] == flow.read(topic, group_id="testers")
    with pytest.raises(ServiceError, match="Of these, 1 had been handed out to testers before"):
        flow.read(topic, group_id="testers")
    assert [{"id": 1}] == flow.read(topic, group_id="others")


@pytest.mark.parametrize("where", ["value.idd == 1", "value.id > '3'", "value.id"])
def test_absent_fails_where_it_cant_be_said_whether_a_message_is_meant(
    broker: Broker, begin: Begin, where: str
) -> None:
    """A misspelled key would make every such step pass."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, {"id": 4})
    with pytest.raises(ServiceError, match=r"but partition 0 offset 0 \(where: .*\) may be meant"):
        flow.read(topic, absent=True, match={"where": where})
    assert [] == flow.read(topic, absent=True, match={"where": "value.id == 5"})


def test_a_message_that_the_service_takes_back_never_counts(broker: Broker, begin: Begin) -> None:
    """An aborted transaction published nothing."""
    topic = broker.topic()
    flow = begin(topic)
    with broker.transaction(topic, {"id": 1}) as producer:
        producer.abort_transaction(SECONDS)
    with pytest.raises(ServiceError, match="none came"):
        flow.read(topic)
    broker.publish(topic, {"id": 2})
    assert [{"id": 2}] == flow.read(topic)


def test_a_message_in_an_open_transaction_does_not_count_and_is_told(broker: Broker, begin: Begin) -> None:
    """It may still be taken back; once it is committed, it counts."""
    topic = broker.topic()
    flow = begin(topic)
    with broker.transaction(topic, {"id": 1}) as producer:
        with pytest.raises(ServiceError, match="held back from 0 on by a transaction that has not ended"):
            flow.read(topic)
        producer.commit_transaction(SECONDS)
    assert [{"id": 1}] == flow.read(topic)


def test_a_topic_that_has_no_marks_is_not_read(broker: Broker, begin: Begin) -> None:
    """Old could not be told from new."""
    topic, other = broker.topic(), broker.topic()
    flow = begin(topic)
    with pytest.raises(PlatformError, match="was not marked"):
        flow.read(other)


def test_brokers_that_are_gone_at_the_end_are_no_silent_service(
    broker: Broker, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether something was published can't be known: the platform failed, also where no message is wanted."""
    monkeypatch.setattr("testmesh_engine.actions.kafka_reading.LAST_SECONDS", 0.5)
    topic = broker.topic()
    flow = begin(topic)
    broker.process.signal(signal.SIGSTOP)
    try:
        for config in ({}, {"absent": True}):
            with pytest.raises(PlatformError, match=r"reached at localhost.*; gave up after its timeout .* of 500ms"):
                flow.read(topic, **config)
    finally:
        broker.process.signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("limit", "config"), [("timeout", {"absent": True}), ("settle", {"exactly": 1}), ("collect_for", {})]
)
def test_a_wait_that_was_cut_short_proves_nothing(
    broker: Broker, begin: Begin, limit: str, config: dict[str, Value]
) -> None:
    """What the step wanted to rule out might have come in the rest of the time."""
    topic = broker.topic()
    flow = begin(topic)
    if not config.get("absent"):
        broker.publish(topic, 1)
    deadline = Deadline.after(1, "the step's timeout")
    with pytest.raises(ServiceError, match=rf"within the step's timeout of 1s, but its {limit} of 9s was not over"):
        flow.read(topic, deadline=deadline, **{limit: "9s", **config})


def test_brokers_that_cant_be_reached_stop_the_flow_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names them and says why."""
    monkeypatch.setattr("testmesh_engine.actions.kafka_consumer.CONNECT_SECONDS", 0.5)
    address = brokers(free_port())
    with pytest.raises(PlatformError, match=rf"Kafka can't be reached at {address}: .*refused") as failed:
        Flow(address, "any")
    assert "connection_error" == failed.value.kind


# What must pass


def test_a_message_is_there_with_all_its_parts(broker: Broker, begin: Begin) -> None:
    """Key, headers, value as sent; the place and the time as the broker knows them."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, {"total": 59.90}, key="k", headers={"trace": "abc"}, timestamp=1700000000123)
    kept: list[Any] = []
    flow.read(topic, holds=lambda result: bool(kept.append(result["messages"]) or True))
    expected = {
        "topic": topic, "partition": 0, "offset": 0, "key": "k", "raw": '{"total": 59.9}',
        "headers": {"trace": "abc"}, "timestamp": 1700000000123,
    }  # fmt: skip
    (message,) = kept[0]
    assert expected == {name: value for name, value in message.items() if name != "value"}
    assert '{"total": 59.9}' == message["raw"]
    assert 1 == flow.counters.kafka_messages


def test_two_steps_of_a_flow_take_milliseconds(broker: Broker) -> None:
    """What was published is there when the step asks: no group to join, no fetch to wait for."""
    first, second = broker.topic(), broker.topic(partitions=3)
    flow = Flow(broker.address, first, second)
    broker.publish(first, 1)
    broker.publish(second, 2, partition=2)
    started = time.monotonic()
    assert [[1], [2]] == [flow.read(first), flow.read(second)]
    assert time.monotonic() - started < 0.35
    assert flow.close() < 0.2


def test_eight_partitions_of_which_seven_are_empty_are_no_reason_to_wait(broker: Broker, begin: Begin) -> None:
    """Progress is the position of each partition, not a message from each."""
    topic = broker.topic(partitions=8)
    flow = begin(topic)
    broker.publish(topic, {"id": 1}, partition=5)
    started = time.monotonic()
    assert [{"id": 1}] == flow.read(topic, timeout="10s")
    assert time.monotonic() - started < 1


def test_messages_of_all_partitions_come_in_order_of_time(broker: Broker, begin: Begin) -> None:
    """The same order in each run, whichever partition is read first."""
    topic = broker.topic(partitions=3)
    flow = begin(topic)
    for partition, timestamp in ((2, 30), (0, 20), (1, 10), (0, 40)):
        broker.publish(topic, timestamp, partition=partition, timestamp=1700000000000 + timestamp)
    assert [10, 20] == flow.read(topic, group_id="r", count=2)
    assert [30, 40] == flow.read(topic, group_id="r", count=2)


def test_a_step_waits_until_the_order_is_certain(broker: Broker, begin: Begin) -> None:
    """What came first in time comes first, also where its partition takes several fetches and another is there."""
    topic = broker.topic(partitions=2)
    flow = begin(None)  # nothing is read ahead
    for _ in range(3):
        broker.publish(topic, "x" * 900_000, partition=1, timestamp=1700000000000)
    broker.publish(topic, {"id": 1}, partition=1, timestamp=1700000000001)
    broker.publish(topic, {"id": 2}, partition=0, timestamp=1700000000002)
    assert [{"id": 1}] == flow.read(topic, match={"where": "value.id >= 1"}, timeout="10s")


def test_unmatched_messages_stay_for_the_step_that_means_them(broker: Broker, begin: Begin) -> None:
    """Two runs, or two steps, each see their own."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, {"user": "a"})
    broker.publish(topic, {"user": "b"})
    assert [{"user": "b"}] == flow.read(topic, group_id="r", match={"value": {"user": "b"}})
    assert [{"user": "a"}] == flow.read(topic, group_id="r")


def test_a_near_miss_is_told(broker: Broker, begin: Begin) -> None:
    """Nothing else tells a wrong type from a silent service."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, {"user_id": "42"})
    with pytest.raises(ServiceError, match=r'Nearest: partition 0 offset 0 \(user_id: text "42" against number 42'):
        flow.read(topic, match={"value": {"user_id": 42}})
    assert 1 == flow.found["read"]


def test_messages_grow_by_one_while_an_assertion_fails(broker: Broker, begin: Begin) -> None:
    """The step waits for the message that makes it hold, until its time is up."""
    topic = broker.topic()
    flow = begin(topic)
    for number in range(4):
        broker.publish(topic, number)

    def has_two(result: Result) -> bool:
        return [0, 1, 2] == [message["value"] for message in result["messages"]]  # type: ignore[union-attr,index,call-overload]  # a list of maps

    assert [0, 1, 2] == flow.read(topic, group_id="r", holds=has_two)
    assert [3] == flow.read(topic, group_id="r")


def test_enough_messages_on_which_an_assertion_fails_are_the_assertions_to_judge(broker: Broker, begin: Begin) -> None:
    """All of them are in the result, so that the failed assertion can be read."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, 1)
    broker.publish(topic, 2)
    assert [1, 2] == flow.read(topic, holds=lambda _: False)


def test_attempts_of_one_step_start_over(broker: Broker, begin: Begin) -> None:
    """A retry sees the message that the attempt before saw."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, 1)
    attempts = [flow.read(topic, step="check", attempt=number, holds=lambda _: False) for number in (1, 2)]
    assert [[1], [1]] == attempts


def test_exactly_waits_for_one_too_many(broker: Broker, begin: Begin) -> None:
    """A service that publishes twice fails where once is wanted."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, 1)
    assert [1] == flow.read(topic, exactly=1, settle="200ms")
    later = threading.Timer(0.2, lambda: broker.publish(topic, 2))
    later.start()
    with pytest.raises(ServiceError, match=r"exactly 1 message wanted within .*, 2 messages matched"):
        flow.read(topic, exactly=1, settle="5s")
    later.join()


def test_absent_passes_at_the_timeout_and_fails_at_the_first_message(broker: Broker, begin: Begin) -> None:
    """Only if the topic is there: one that is not proves nothing."""
    topic = broker.topic()
    flow = begin(topic, "not.there")
    assert [] == flow.read(topic, absent=True, timeout="200ms")
    with pytest.raises(ServiceError, match="there is no such topic"):
        flow.read("not.there", absent=True, timeout="200ms")
    broker.publish(topic, 1)
    started = time.monotonic()
    with pytest.raises(ServiceError, match="no message wanted within its timeout of 10s, 1 message matched"):
        flow.read(topic, absent=True, timeout="10s")
    assert time.monotonic() - started < 5


def test_collect_for_takes_all_that_comes_in_its_time(broker: Broker, begin: Begin) -> None:
    """Also what comes late in it."""
    topic = broker.topic()
    flow = begin(topic)
    broker.publish(topic, 1)
    later = threading.Timer(0.2, lambda: broker.publish(topic, 2))
    later.start()
    assert [1, 2] == flow.read(topic, collect_for="800ms")
    later.join()
