"""Where each topic ended before the flow began, and how far it has been read since. Pure bookkeeping, no I/O.

A message counts for this run only from its partition's mark on: the high watermark before ``setup``. A partition or a
topic that was not there by then counts from 0. A topic that was deleted and made anew has another id
(KIP-516, https://cwiki.apache.org/confluence/display/KAFKA/KIP-516), and counts from 0 too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from testmesh_engine.actions.kafka_record import Identity, Record
from testmesh_engine.contract.record import dataclass


@dataclass(frozen=True, slots=True)
class Description:
    """What the cluster says of a topic: its id, and the numbers of its partitions."""

    id: str
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """Messages of this run that the topic's retention deleted before they were read: ``start`` up to ``end``."""

    partition: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A partition whose messages from ``offset`` on belong to a transaction that is not ended, or stand behind one."""

    partition: int
    offset: int


@dataclass(slots=True)
class TopicLog:
    """One topic during one run: its marks, and all that was read of it."""

    name: str
    marked_id: str = ""
    """The topic's id as the marks were noted, "" where there was no such topic."""
    marks: Mapping[int, int] = field(default_factory=dict)
    current_id: str = ""
    """The id of the topic that is being read, "" as long as there was none."""
    exists: bool = False
    positions: dict[int, int] = field(default_factory=dict)
    """By partition, the offset up to which all was read: also what holds no message, as a transaction's markers."""
    targets: dict[int, int] = field(default_factory=dict)
    """By partition, the end that must be reached before the order of messages is known."""
    records: list[Record] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)

    def observe(self, seen: Description | None) -> dict[int, int]:
        """Take in what the cluster says; the partitions to be read from now on, each with its first offset."""
        self.exists = seen is not None
        if seen is None:
            return {}
        if seen.id != self.current_id:
            self.current_id = seen.id
            self.positions.clear()
            self.targets.clear()
        starts = {number: self.start_of(number) for number in seen.partitions if number not in self.positions}
        self.positions.update(starts)
        return starts

    def start_of(self, partition: int) -> int:
        """The first offset that counts: the mark, 0 for what was not there when the marks were noted."""
        return self.marks.get(partition, 0) if self.current_id == self.marked_id else 0

    def take(self, record: Record) -> bool:
        """Keep ``record`` if it counts and is new; whether it does. Nothing below a mark is ever kept."""
        position = self.positions.get(record.partition)
        if position is None or record.offset < position:
            return False
        self.positions[record.partition] = record.offset + 1
        self.records.append(replace(record, topic_id=self.current_id))
        return True

    def reached(self, partition: int, offset: int) -> None:
        """All below ``offset`` was read."""
        if partition in self.positions:
            self.positions[partition] = max(self.positions[partition], offset)

    def aim(self, ends: Mapping[int, int]) -> None:
        """The ends that must be reached before :attr:`caught_up`."""
        self.targets.update(ends)

    @property
    def caught_up(self) -> bool:
        """Whether everything up to the targets was read."""
        return all(self.positions.get(number, 0) >= end for number, end in self.targets.items())

    def skip(self, partition: int, *, earliest: int) -> None:
        """Retention deleted what was next; read on at ``earliest``."""
        self.lost.append(Lost(partition, self.positions[partition], earliest))
        self.positions[partition] = earliest


@dataclass(slots=True)
class Reader:
    """One reader of this run: what it was handed out, each message once."""

    _given: set[Identity] = field(default_factory=set)
    _by_step: dict[str, set[Identity]] = field(default_factory=dict)

    def begin(self, step: str, *, attempt: int) -> None:
        """The first attempt of ``step`` makes what it was handed out before final; a further one starts over."""
        before = self._by_step.pop(step, set())
        if attempt == 1:
            self._given |= before

    def unseen(self, records: list[Record]) -> list[Record]:
        """Those that were not handed out yet."""
        handed_out = self._given.union(*self._by_step.values())
        return [record for record in records if record.identity not in handed_out]

    def hand_out(self, step: str, records: list[Record]) -> None:
        """These are what the attempt of ``step`` got."""
        self._by_step[step] = {record.identity for record in records}
