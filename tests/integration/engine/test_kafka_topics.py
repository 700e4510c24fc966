"""kafka_consumer where topics come, go and change, and where the broker does.

The broker makes a topic for whoever asks for it carelessly.
"""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.broker import brokers, kafka
from support.kafka_steps import Begin, Broker, Flow
from support.ports import free_port
from testmesh_engine.errors import Interrupted, ServiceError

# Topics that change


def test_looking_creates_no_topic(broker: Broker, begin: Begin) -> None:
    """This broker would make one for whoever asks carelessly; the failure names a similar one."""
    broker.topic("payment-done")
    flow = begin("payment.done", None)
    with pytest.raises(ServiceError, match=r"there is no such topic\. Similar topics: payment-done"):
        flow.read("payment.done")
    assert "payment.done" not in broker.topics()


@pytest.mark.parametrize("marked", ["its name", "all topics"])
def test_an_absent_topic_that_is_made_during_the_wait_is_read_from_0(broker: Broker, begin: Begin, marked: str) -> None:
    """All of it is new."""
    name = f"late.{marked.replace(' ', '.')}"
    flow = begin(name if marked == "its name" else None)

    def publish() -> None:
        broker.topic(name, partitions=2)
        broker.publish(name, 1, partition=1)

    later = threading.Timer(0.3, publish)
    later.start()
    assert [1] == flow.read(name, timeout="10s")
    later.join()


def test_a_topic_whose_name_is_not_known_yet_is_marked_with_all_others(broker: Broker, begin: Begin) -> None:
    """Its old messages don't count either."""
    topic = broker.topic()
    broker.publish(topic, "old")
    flow = begin(None)
    with pytest.raises(ServiceError, match="none came"):
        flow.read(topic)
    broker.publish(topic, "new")
    assert ["new"] == flow.read(topic)


def test_a_topic_made_anew_is_read_from_0(broker: Broker, begin: Begin) -> None:
    """Also where it has fewer messages and partitions than it had, and where the flow had begun to read it."""
    topic = broker.topic(partitions=2)
    for number in range(3):
        broker.publish(topic, number, partition=number % 2)
    flow = begin(topic)
    broker.delete(topic)
    broker.topic(topic)
    broker.publish(topic, "anew")
    assert ["anew"] == flow.read(topic, timeout="10s")


def test_a_new_partition_is_read_from_0(broker: Broker, begin: Begin) -> None:
    """It appeared after the marks were noted, during the wait."""
    topic = broker.topic()
    broker.publish(topic, "old")
    flow = begin(topic)

    def publish() -> None:
        broker.add_partitions(topic, 2)
        broker.publish(topic, "new", partition=1)

    later = threading.Timer(0.2, publish)
    later.start()
    assert ["new"] == flow.read(topic, timeout="10s")
    later.join()


def test_what_retention_took_is_told(broker: Broker, begin: Begin) -> None:
    """Reading goes on after it; a failure says what is lost."""
    topic = broker.topic()
    flow = begin(None)
    for number in range(3):
        broker.publish(topic, number)
    broker.delete_records(topic, before=2)
    with pytest.raises(ServiceError, match="Retention deleted partition 0 from 0 to 2 before it was read"):
        flow.read(topic, count=2)
    assert [2] == flow.read(topic)


# Trouble during a wait


def test_a_broker_that_comes_back_in_time_is_no_failure(broker: Broker, begin: Begin) -> None:
    """The wait goes on until its own end."""
    topic = broker.topic()
    flow = begin(topic)

    def come_back() -> None:
        broker.process.signal(signal.SIGCONT)
        broker.publish(topic, 1)

    broker.process.signal(signal.SIGSTOP)
    later = threading.Timer(1.5, come_back)
    later.start()
    assert [1] == flow.read(topic, timeout="20s")
    later.join()


def test_an_interrupt_ends_a_wait_at_once(broker: Broker, begin: Begin) -> None:
    """Whoever stops a run does not wait for Kafka."""
    topic = broker.topic()
    flow = begin(topic)
    threading.Timer(0.2, lambda: flow.interrupt.set("SIGTERM")).start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="SIGTERM"):
        flow.read(topic, timeout="30s")
    assert time.monotonic() - started < 1


def test_a_restarted_broker_is_read_on(tmp_path: Path) -> None:
    """What is published after the restart counts, what lay there before does not."""
    port = free_port()
    with kafka(port, folder=tmp_path, logs=tmp_path) as process:
        first = Broker(brokers(port), process)
        topic = first.topic()
        first.publish(topic, "old")
        flow = Flow(first.address, topic)
        process.signal(signal.SIGKILL)
    with kafka(port, folder=tmp_path, logs=tmp_path) as process:
        Broker(brokers(port), process).publish(topic, "new")
        assert ["new"] == flow.read(topic, timeout="20s")
    flow.close()


def test_a_broker_that_restarts_in_the_midst_of_a_step_is_no_failure(tmp_path: Path) -> None:
    """The wait goes on until its own end: what is published after the restart counts, what lay there does not."""
    port = free_port()
    with kafka(port, folder=tmp_path, logs=tmp_path) as process:
        first = Broker(brokers(port), process)
        topic = first.topic(partitions=2)
        first.publish(topic, "old")
        flow = Flow(first.address, topic)
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(flow.read, topic, timeout="40s")
            time.sleep(0.5)
            assert not reading.done()
            process.signal(signal.SIGKILL)
            with kafka(port, folder=tmp_path, logs=tmp_path) as again:
                Broker(brokers(port), again).publish(topic, "new", partition=1)
                assert ["new"] == reading.result(40)
    flow.close()
