"""What a consumer hands out: messages, and what else there is to know of a partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testmesh_engine.actions.kafka_faults import forbidden
from testmesh_engine.actions.kafka_record import Record
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import PlatformError

if TYPE_CHECKING:
    from confluent_kafka import Message


@dataclass(frozen=True, slots=True)
class EndReached:
    """All of a partition below ``offset`` was read, also where no message stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """What should be read next is not there: deleted by retention, or the partition was cut."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The topic may not be read."""

    topic: str
    error: PlatformError


Event = Record | EndReached | OutOfRange | Forbidden


def event_of(message: Message, brokers: str) -> Event | None:
    """What ``message`` says; ``None`` for passing trouble, or the missing right to a group that is never joined."""
    error = message.error()
    if error is None:
        return _record(message)
    topic, partition = message.topic() or "", message.partition() or 0
    match error.name():
        case "_PARTITION_EOF":
            return EndReached(topic, partition, message.offset() or 0)
        case "_AUTO_OFFSET_RESET" | "OFFSET_OUT_OF_RANGE":
            return OutOfRange(topic, partition)
        case "TOPIC_AUTHORIZATION_FAILED":
            return Forbidden(topic, forbidden(brokers, f'topic "{topic}"', error))
    return None


def _record(message: Message) -> Record:
    kind, timestamp = message.timestamp()
    headers: Any = message.headers() or ()  # pairs, as the documentation says; the annotation allows a map too
    return Record(
        topic=message.topic() or "",
        topic_id="",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=timestamp if kind else -1,
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=tuple((name, _bytes(value)) for name, value in headers),
    )


def _bytes(data: Any) -> bytes | None:
    return data.encode() if isinstance(data, str) else data
