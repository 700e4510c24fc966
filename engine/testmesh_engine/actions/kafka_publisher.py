"""Publishes messages and waits until the brokers have them: one producer for each access and compression of a flow.

Idempotent, so that a message is there once whatever librdkafka has to send again; all replicas have it
(https://kafka.apache.org/documentation/#producerconfigs_enable.idempotence).
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from testmesh_engine.actions.kafka_client import SLICE_SECONDS, Bounds, settings_of
from testmesh_engine.actions.kafka_faults import is_refusal, refusal, unreachable
from testmesh_engine.actions.kafka_outgoing import Outgoing
from testmesh_engine.actions.kafka_security import Access, unusable
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import ActionError, PlatformError, ServiceError

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

MAX_MESSAGE_BYTES = 1_000_000_000
"""How large a message may be is the broker's to say: librdkafka's own bound would be 1 MB."""

_KEEP_TRYING_MS = 86_400_000
"""How long librdkafka tries to deliver: the step's deadline ends it."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where a message stands; ``timestamp`` in milliseconds since 1970, -1 where it has none."""

    partition: int
    offset: int
    timestamp: int


class Publisher:
    """A producer of one flow."""

    for_all: ClassVar[bool] = True  # librdkafka's producers may be used by several threads

    def __init__(self, access: Access, compression: str) -> None:
        from confluent_kafka import KafkaException, Producer  # noqa: PLC0415 - only flows that use Kafka pay for it

        self._brokers = access.brokers
        self._trouble = ""
        self._refusal: KafkaError | None = None
        self.dead = False
        """Whether it can send nothing any more: a new one may."""
        settings = {**settings_of(access, self._note), **_WRITING, "compression.type": compression}
        try:
            self._producer: Any = Producer(settings)
        except KafkaException as error:
            raise unusable(access, error.args[0].str()) from error
        # An idempotent producer asks for its number once a broker is there, and again only 500 ms later.
        with suppress(KafkaException):
            self._producer.list_topics(timeout=SLICE_SECONDS)

    def close(self) -> None:
        """Let it go: nothing waits to be sent, whoever sends waits for the delivery."""
        self._producer = None

    def send(self, topic: str, messages: Sequence[Outgoing], bounds: Bounds) -> list[Delivered]:
        """Publish ``messages`` in their order. Raises ``ServiceError`` for one that is refused, ``PlatformError``."""
        ended: dict[int, Delivered | KafkaError] = {}
        try:
            for number, message in enumerate(messages):
                self._produce(topic, message, partial(self._note_delivery, ended, number), bounds)
            self._wait(ended, len(messages), bounds)
        except TimeRanOutError:
            raise self._late(ended, len(messages), bounds) from None
        finally:
            if len(ended) < len(messages):
                self._give_up()
        return [self._delivered(topic, ended[number], number, len(messages)) for number in range(len(messages))]

    def _give_up(self) -> None:
        """What was not delivered by now must not come later; a gap in its numbers is the end of a producer."""
        self.dead = True
        self._producer.purge(blocking=False)
        self._producer.poll(0)

    def _produce(self, topic: str, message: Outgoing, told: Any, bounds: Bounds) -> None:
        more = {} if message.partition is None else {"partition": message.partition}
        while True:
            try:
                self._producer.produce(
                    topic, message.value, message.key, headers=list(message.headers), on_delivery=told, **more
                )
            except BufferError:  # the queue is full: it empties as messages are delivered
                self._producer.poll(bounds.slice())
                bounds.deadline.check()
            else:
                return

    @staticmethod
    def _note_delivery(
        ended: dict[int, Delivered | KafkaError], number: int, error: KafkaError | None, message: Message
    ) -> None:
        kind, timestamp = message.timestamp()
        offset, partition = message.offset(), message.partition()
        ended[number] = error or Delivered(partition or 0, offset or 0, timestamp if kind else -1)

    def _wait(self, ended: Sized, count: int, bounds: Bounds) -> None:
        while len(ended) < count:
            self._producer.poll(bounds.slice())
            if self._refusal is not None:
                raise refusal(self._brokers, self._refusal)
            if len(ended) < count:
                bounds.deadline.check()

    def _late(self, ended: dict[int, Delivered | KafkaError], count: int, bounds: Bounds) -> PlatformError:
        done = sum(isinstance(one, Delivered) for one in ended.values())
        if self._trouble and not done:
            return unreachable(self._brokers, self._trouble)
        what = "the message was" if count == 1 else f"{count - done} of {count} messages were"
        return PlatformError(
            f"{what} not delivered to Kafka at {self._brokers} within {bounds.deadline.what}"
            + (f": {self._trouble}" if self._trouble else ""),
            kind="timeout",
            hint="Whether one was written all the same can't be known.",
        )

    def _delivered(self, topic: str, one: Delivered | KafkaError, number: int, count: int) -> Delivered:
        if isinstance(one, Delivered):
            return one
        which = "the message" if count == 1 else f"messages[{number}]"
        self.dead = self.dead or one.fatal() or one.name() == "_FATAL"
        raise _refused(f"topic {topic}: {which}", one, self._brokers)

    def _note(self, error: KafkaError) -> None:
        self.dead = self.dead or error.fatal()
        if is_refusal(error):
            self._refusal = error
        if error.name() != "_ALL_BROKERS_DOWN" or not self._trouble:
            self._trouble = error.str()


_WRITING: dict[str, str | int | bool] = {
    "enable.idempotence": True,
    "acks": "all",
    "linger.ms": 0,
    "message.max.bytes": MAX_MESSAGE_BYTES,
    "message.timeout.ms": _KEEP_TRYING_MS,
    "partitioner": "murmur2_random",  # that of Java's clients: a key leads where the services' own lead
}

_OF_THE_FLOW = {
    "MSG_SIZE_TOO_LARGE": "it is larger than the broker's message.max.bytes, or the topic's max.message.bytes, allows",
    "RECORD_LIST_TOO_LARGE": "it is larger than the topic's segments",
    "INVALID_RECORD": "the broker refuses it; a compacted topic needs a key",
    "POLICY_VIOLATION": "a policy of the broker refuses it",
    "_UNKNOWN_PARTITION": "the topic has no such partition",
    "UNKNOWN_TOPIC_OR_PART": "there is no such topic",
    "_UNKNOWN_TOPIC": "there is no such topic",
}
_FORBIDDEN = frozenset({"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"})


def _refused(what: str, fault: KafkaError, brokers: str) -> ActionError:
    """Whose fault it is that a message was not taken."""
    name = fault.name()
    if name in _OF_THE_FLOW:
        return ServiceError(f"{what} was refused: {_OF_THE_FLOW[name]} ({fault.str()})", kind="protocol_error")
    if name in _FORBIDDEN:
        hint = "The runner needs the right Write on the topic."
        message = f"{what}: Kafka at {brokers} does not allow it: {fault.str()}"
        return PlatformError(message, kind="protocol_error", hint=hint)
    return PlatformError(f"{what} was not delivered: {fault.str()}", kind="protocol_error")
