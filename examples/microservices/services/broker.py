"""A service's Kafka: the topics, made at the start, events published and known to be stored, and whether it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

USER_CREATED = "user.created"
ORDER_PLACED = "order.placed"
TOPICS = (USER_CREATED, ORDER_PLACED)
PARTITIONS = 3
DELIVERY_SECONDS = 5


def client_settings(brokers: str) -> dict[str, str | int | float | bool]:
    """What every client of ours has in common: back within a second of the broker's return, and no log of its own.

    Topics are made by :meth:`Broker.create_topics` alone, never by a client that asks for one.
    """
    return {
        "bootstrap.servers": brokers,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1000,
        "allow.auto.create.topics": False,
        "log_level": 2,  # /health and the answers tell when the broker is away
    }


class Unpublished(Exception):
    """The broker did not confirm an event in time."""


@dataclass(frozen=True)
class Event:
    """Something that happened, as JSON on ``topic``: ``content`` and the event's id, type and time."""

    topic: str
    key: str
    content: Mapping[str, object]
    event_id: str = field(default_factory=lambda: str(uuid4()))

    def encoded(self) -> bytes:
        """The message's value."""
        head = {"event_id": self.event_id, "type": self.topic, "occurred_at": datetime.now(UTC).isoformat()}
        return json.dumps(head | dict(self.content)).encode()


class Broker:
    """The topics, and whether the broker answers."""

    def __init__(self, brokers: str) -> None:
        self._admin = AdminClient(client_settings(brokers))

    def create_topics(self) -> None:
        """Makes the topics that aren't there yet; waits until the broker has made them.

        Raises:
            KafkaException: the broker can't be reached, or refuses.
        """
        topics = [NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1) for topic in TOPICS]
        for made in self._admin.create_topics(topics, request_timeout=DELIVERY_SECONDS).values():
            try:
                made.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

    async def is_reachable(self) -> bool:
        """Whether the broker answers, within a second."""
        try:
            await asyncio.to_thread(self._admin.list_topics, timeout=1)
        except KafkaException:
            return False
        return True


class Publisher:
    """Publishes events; when :meth:`publish` has returned, they are in their topic.

    A row and its event are two writes: should the broker fail between them, the row stays and the caller hears of it.
    A real system would write the event beside the row and publish from there (a transactional outbox).
    """

    def __init__(self, brokers: str) -> None:
        of_producers = {"acks": "all", "enable.idempotence": True, "linger.ms": 0}
        bound = {"message.timeout.ms": DELIVERY_SECONDS * 1000}
        self._producer = Producer(client_settings(brokers) | of_producers | bound)

    async def publish(self, event: Event, *, headers: Mapping[str, str], times: int = 1) -> None:
        """Writes ``event`` to its topic, ``times`` times over, and waits until the broker has it.

        Raises:
            Unpublished: it was not confirmed within 5 seconds.
        """
        await asyncio.to_thread(self._publish, event, headers, times)

    def _publish(self, event: Event, headers: Mapping[str, str], times: int) -> None:
        failures: list[str] = []
        delivered: list[Message] = []

        def note(error: KafkaError | None, message: Message) -> None:
            failures.append(str(error)) if error else delivered.append(message)

        value = event.encoded()
        for _ in range(times):
            self._producer.produce(event.topic, key=event.key, value=value, headers=dict(headers), on_delivery=note)
        self._producer.flush(DELIVERY_SECONDS)
        if len(delivered) < times:
            raise Unpublished(failures[0] if failures else f"not confirmed within {DELIVERY_SECONDS} s")

    def close(self) -> None:
        """Waits for what is still under way."""
        self._producer.flush(DELIVERY_SECONDS)
