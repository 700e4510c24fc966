"""What lies in a Kafka topic at this moment, read without a group and without waiting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, Producer, TopicPartition

READ_SECONDS = 10


@dataclass(frozen=True)
class Received:
    """An event as it lies in the topic."""

    key: str
    headers: Mapping[str, str]
    value: Mapping[str, object]


class Topics:
    """Marks the ends of a topic, and reads what was written since."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        # A group's name is asked for, but none is joined.
        self._consumer = Consumer({"bootstrap.servers": brokers, "group.id": "none", "enable.auto.commit": False})

    def close(self) -> None:
        """Ends the connection."""
        self._consumer.close()

    def marks(self, topic: str) -> dict[int, int]:
        """The end of each partition."""
        partitions = self._consumer.list_topics(topic, timeout=READ_SECONDS).topics[topic].partitions
        return {partition: self._end(TopicPartition(topic, partition)) for partition in partitions}

    def since(self, topic: str, marks: Mapping[int, int]) -> list[Received]:
        """What was written between ``marks`` and now."""
        now = self.marks(topic)
        self._consumer.assign([TopicPartition(topic, partition, mark) for partition, mark in marks.items()])
        try:
            return [self._read() for _ in range(sum(now.values()) - sum(marks.values()))]
        finally:
            self._consumer.unassign()

    def write(self, topic: str, *, key: str, value: object) -> None:
        """Writes a message and waits for its delivery."""
        producer = Producer({"bootstrap.servers": self._brokers})
        producer.produce(topic, key=key, value=json.dumps(value))
        assert producer.flush(READ_SECONDS) == 0

    def lag(self, group: str, topic: str) -> int:
        """How many messages of the topic the consumer group has not committed yet."""
        partitions = [TopicPartition(topic, partition) for partition in self.marks(topic)]
        member = Consumer({"bootstrap.servers": self._brokers, "group.id": group})
        try:
            committed = sum(max(at.offset, 0) for at in member.committed(partitions, timeout=READ_SECONDS))
        finally:
            member.close()
        return sum(self.marks(topic).values()) - committed

    def _end(self, partition: TopicPartition) -> int:
        offsets = self._consumer.get_watermark_offsets(partition, timeout=READ_SECONDS)
        assert isinstance(offsets, tuple), f"{partition}: no offsets within {READ_SECONDS} s"
        return offsets[1]

    def _read(self) -> Received:
        message = self._consumer.poll(READ_SECONDS)
        assert message is not None, "the broker says there is more, but hands nothing out"
        assert message.error() is None, message.error()
        headers = message.headers() or []
        assert isinstance(headers, list)
        texts = {name: _text(value) for name, value in headers}
        return Received((message.key() or b"").decode(), texts, json.loads(message.value() or b"null"))


def _text(header: str | bytes | None) -> str:
    return header.decode() if isinstance(header, bytes) else header or ""
