"""What services do with a Kafka broker, and what a flow's kafka_consumer steps make of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewPartitions, NewTopic

from support.process import Process
from testmesh_engine.actions.base import Connections, Context, Counters, Result
from testmesh_engine.actions.kafka_consumer import KafkaConsumer
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.expressions import Value

SECONDS = 10
SHORT = "500ms"
"""What a step waits that does not say how long."""


class Broker:
    """The running broker, and what services do with it."""

    def __init__(self, address: str, process: Process) -> None:
        self.address = address
        self.process = process
        self.admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
        self._producer = Producer({"bootstrap.servers": address, "linger.ms": 0, "log_level": 0})
        self._count = 0

    def topic(self, name: str = "", *, partitions: int = 1) -> str:
        """A new topic; returns its name."""
        self._count += 1
        name = name or f"topic.{self._count}"
        self._wait(lambda: self._makes(NewTopic(name, partitions, 1)))
        self._wait(lambda: len(self._partitions(name)) == partitions)
        return name

    def _makes(self, topic: NewTopic) -> bool:
        """Whether the topic was made. A broker that a test had stopped stays fenced for a moment: it takes none."""
        try:
            for future in self.admin.create_topics([topic]).values():
                future.result(SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.INVALID_REPLICATION_FACTOR:
                raise
            return False
        return True

    def delete(self, topic: str) -> None:
        """Deletes a topic."""
        for future in self.admin.delete_topics([topic]).values():
            future.result(SECONDS)
        self._wait(lambda: topic not in self.topics())

    def add_partitions(self, topic: str, total: int) -> None:
        """More partitions for a topic."""
        for future in self.admin.create_partitions([NewPartitions(topic, total)]).values():
            future.result(SECONDS)
        self._wait(lambda: len(self._partitions(topic)) == total)
        self._producer.list_topics(topic, timeout=SECONDS)  # else it finds out minutes later

    def delete_records(self, topic: str, *, before: int) -> None:
        """What retention does, at once."""
        for future in self.admin.delete_records([TopicPartition(topic, 0, before)]).values():
            future.result(SECONDS)

    def allow_messages_of(self, topic: str, size: int) -> None:
        """How large a message of ``topic`` may be, in bytes."""
        entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
        changed = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        for future in self.admin.incremental_alter_configs([changed]).values():
            future.result(SECONDS)

    def topics(self) -> set[str]:
        """All topics' names."""
        return set(self.admin.list_topics(timeout=SECONDS).topics)

    def publish(self, topic: str, value: object, **more: Any) -> None:
        """Writes a message as JSON, and waits for its delivery."""
        self._producer.produce(topic, json.dumps(value), **({"partition": 0} | more))
        assert self._producer.flush(SECONDS) == 0

    def publish_bytes(self, topic: str, value: bytes) -> None:
        """Writes a message as it is, and waits for its delivery."""
        self._producer.produce(topic, value, partition=0)
        assert self._producer.flush(SECONDS) == 0

    def ends(self, topic: str) -> dict[int, int]:
        """Where each partition ends."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library gives it no types
        asked = {TopicPartition(topic, number): latest for number in self._partitions(topic)}
        found = self.admin.list_offsets(asked)
        return {place.partition: future.result(SECONDS).offset for place, future in found.items()}

    @contextmanager
    def transaction(self, topic: str, value: object) -> Iterator[Producer]:
        """A transaction with one message in it, written and not ended."""
        producer = Producer({
            "bootstrap.servers": self.address, "log_level": 0, "linger.ms": 0, "transactional.id": f"of-{topic}",
        })  # fmt: skip
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
        producer.produce(topic, json.dumps(value), partition=0)
        assert producer.flush(SECONDS) == 0
        yield producer

    def _partitions(self, topic: str) -> Mapping[int, object]:
        partitions: Mapping[int, object] = self.admin.list_topics(topic, timeout=SECONDS).topics[topic].partitions
        return partitions

    @staticmethod
    def _wait(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, "the broker did not do it"
            time.sleep(0.02)


class Flow:
    """Runs Kafka steps as a flow does: marks before the first step, one set of connections."""

    def __init__(self, address: str, *topics: str | None) -> None:
        self.interrupt = Interrupt()
        self.counters = Counters()
        self.found: Mapping[str, Value] = {}
        self._address = address
        self._connections = Connections()
        KafkaConsumer().prepare(
            [{"brokers": address, "topic": topic} for topic in topics], self._context("kafka_consumer")
        )

    def read(
        self,
        topic: str,
        *,
        step: str = "",
        attempt: int = 1,
        holds: Callable[[Result], bool] = bool,
        deadline: Deadline | None = None,
        **config: Value,
    ) -> list[Any]:
        """One attempt of a step; the values of its messages."""
        context = self._context(step or f"step-{time.monotonic_ns()}", attempt=attempt, holds=holds)
        context.deadline = deadline or context.deadline
        given: dict[str, Value] = {"brokers": self._address, "topic": topic, "timeout": SHORT, **config}
        try:
            result = KafkaConsumer().run(given, context)
        finally:
            self.found = context.found
        messages: Any = result["messages"]
        assert len(messages) == result["count"]
        return [message["value"] for message in messages]

    def close(self) -> float:
        """Ends the flow; returns the seconds that it took."""
        started = time.monotonic()
        self._connections.close()
        self.interrupt.close()
        return time.monotonic() - started

    def _context(self, step: str, *, attempt: int = 1, holds: Callable[[Result], bool] = bool) -> Context:
        return Context(
            step=step,
            deadline=Deadline.after(60, "the test"),
            interrupt=self.interrupt,
            connections=self._connections,
            counters=self.counters,
            holds=holds,
            attempt=attempt,
        )


Begin = Callable[..., Flow]
"""Begins a flow whose steps read these topics; ``None`` for a name that is not known before the first step."""
