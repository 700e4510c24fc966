"""One message of a topic, as it came and as expressions see it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import Value

Identity = tuple[str, str, int, int]
"""Topic, id of the topic, partition, offset: never the same for two messages, also of a topic that was made anew."""


@dataclass(frozen=True)
class Record:
    """A message as the broker handed it out. ``timestamp`` is in milliseconds since 1970, -1 where it has none."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def identity(self) -> Identity:
        """What tells this message from all others."""
        return self.topic, self.topic_id, self.partition, self.offset

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.key or b"") + len(self.value or b"") + sum(len(value or b"") for _, value in self.headers)

    @cached_property
    def header_values(self) -> dict[str, Value]:
        """The headers as text; of one that is there twice the last counts, as in Kafka's ``lastHeader``."""
        return {name: text_or_bytes(value) for name, value in self.headers}


@dataclass(frozen=True, slots=True)
class Message:
    """A record with its key and value read in the formats that a step says; the faults say why one can't be."""

    record: Record
    key: Value
    value: Value
    key_fault: str = ""
    value_fault: str = ""

    @property
    def fault(self) -> str:
        """Why it can't be read as a whole, "" where it can."""
        return "; ".join(filter(None, (self.key_fault, self.value_fault)))

    @property
    def entry(self) -> dict[str, Value]:
        """The message as an entry of ``messages``."""
        record = self.record
        return {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "key": self.key,
            "value": self.value,
            "raw": text_or_bytes(record.value),
            "headers": dict(record.header_values),
            "timestamp": record.timestamp,
        }


def text_or_bytes(data: bytes | None) -> Value:
    """Text where ``data`` is UTF-8, else the bytes; nil where there is none."""
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def ordered(records: Iterable[Record]) -> list[Record]:
    """By timestamp, then partition, then offset: the same order in every run, whichever broker answered first."""
    return sorted(records, key=lambda record: (record.timestamp, record.partition, record.offset))
