"""Why a Kafka step failed, in words: what was wanted, what came, what nearly was it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from testmesh_engine.actions.kafka_goals import Ending, Wanted, count_of
from testmesh_engine.actions.kafka_marks import OpenTransaction, TopicLog
from testmesh_engine.actions.kafka_matching import Match, NearMiss, doubts, near_misses
from testmesh_engine.actions.kafka_record import Message
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import ErrorKind, ServiceError
from testmesh_engine.expressions import Value

MOST_PARTITIONS = 8
MOST_NEAR_MISSES = 3
MOST_DIFFERENCES = 3
MOST_TOPICS = 3

_DECIDE = (
    "Other messages of the topic may have other keys: ask first for what tells them apart, "
    'as in value.type == "paid" && value.id == 7.'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known at the end of a wait. ``limit`` names what ran out; ``topics`` only where the topic is missing.

    ``unseen`` are the messages that count for the step and that its reader had not been handed out before; ``early`` is
    how many were published before the moment that it counts from.
    """

    log: TopicLog
    unseen: Sequence[Message]
    early: int = 0
    limit: str
    topics: Sequence[str]
    open_transactions: Sequence[OpenTransaction]


def failure(wanted: Wanted, ending: Ending, evidence: Evidence) -> ServiceError:
    """The error of a step whose goal was not met."""
    head = f"topic {wanted.topic}: {wanted.goal.wanted} wanted within {evidence.limit}, {ending.refused}"
    details = " ".join(_details(wanted, evidence, nearest=not ending.undecided))
    kind: ErrorKind = "protocol_error" if ending.too_many else "timeout"
    return ServiceError(f"{head}. {details}", kind=kind, hint=_DECIDE if ending.undecided else "")


def undecided(message: Message, match: Match) -> Ending | None:
    """The ending for a message where none is wanted and nobody knows whether it is meant; ``None`` where that is known.

    What passed here would pass with a misspelled key, too.
    """
    why = doubts(message, match)
    if not why:
        return None
    refused = f"but {_described(NearMiss(message, why))} may be meant"
    return Ending(refused=refused, too_many=True, undecided=True)


def unreadable(wanted: Wanted, message: Message) -> ServiceError:
    """The error for a message that is meant, and that is not what its format says."""
    record = message.record
    return ServiceError(
        f"topic {wanted.topic}: the message at partition {record.partition} offset {record.offset} can't be read: "
        f"{message.fault}",
        kind="protocol_error",
    )


def found(wanted: Wanted, evidence: Evidence) -> dict[str, Value]:
    """The same for a report: how far each partition was read, and the messages that nearly matched."""
    log = evidence.log
    partitions: list[Value] = [
        {"partition": number, "mark": log.start_of(number), "position": position}
        for number, position in sorted(log.positions.items())
    ]
    nearest: list[Value] = [
        {"differs": list(miss.differences), "message": miss.message.entry}
        for miss in near_misses(evidence.unseen, wanted.match, most=MOST_NEAR_MISSES)
    ]
    return {"exists": log.exists, "read": len(log.records), "partitions": partitions, "nearest": nearest}


def _details(wanted: Wanted, evidence: Evidence, *, nearest: bool) -> Iterator[str]:
    log = evidence.log
    if not log.exists:
        yield _similar_topics(wanted.topic, evidence.topics)
    if log.positions:
        yield _reading(log, wanted.start.words)
    if evidence.early:
        yield f"Of these, {evidence.early} had been {wanted.start.narrower}."
    seen = len(log.records) - len(evidence.unseen) - evidence.early
    if seen:
        yield f"Of these, {seen} had been handed out to {wanted.reader} before."
    for lost in log.lost:
        yield f"Retention deleted partition {lost.partition} from {lost.start} to {lost.end} before it was read."
    for open_one in evidence.open_transactions:
        yield (
            f"Partition {open_one.partition} is held back from {open_one.offset} on by a transaction that has not "
            "ended; its messages count once it is committed."
        )
    misses = near_misses(evidence.unseen, wanted.match, most=MOST_NEAR_MISSES)
    if misses and nearest:
        yield "Nearest: " + "; ".join(map(_described, misses)) + "."


def _similar_topics(topic: str, topics: Sequence[str]) -> str:
    near = similar(topic, topics)
    return f"Similar topics: {', '.join(near)}." if near else f"No topic's name is like {topic}."


def similar(topic: str, topics: Sequence[str]) -> list[str]:
    """Up to three names like ``topic``; ``Order-Placed`` and ``order.placed`` are as good as equal."""
    plain: dict[str, list[str]] = {}
    for name in topics:
        plain.setdefault(_plain(name), []).append(name)
    close = get_close_matches(_plain(topic), plain, n=MOST_TOPICS, cutoff=0.6)
    return [name for match in close for name in plain[match]][:MOST_TOPICS]


def _plain(name: str) -> str:
    return name.casefold().translate({ord(mark): None for mark in "._-"})


def _reading(log: TopicLog, which: str) -> str:
    """``Read 5 messages since the run began: partition 0 from 12 to 17; nothing new in 7 others``."""
    moved = [number for number in sorted(log.positions) if log.positions[number] > log.start_of(number)]
    still = [number for number in sorted(log.positions) if number not in moved]
    shown = (moved or still)[:MOST_PARTITIONS]
    parts = [_partition(log, number) for number in shown]
    rest = len(log.positions) - len(shown)
    if rest:
        others = "1 other" if rest == 1 else f"{rest} others"
        parts.append(f"nothing new in {others}" if len(moved) <= MOST_PARTITIONS else f"and {others}")
    messages = count_of(len(log.records)) if log.records else "no message"
    return f"Read {messages} {which}: {'; '.join(parts)}."


def _partition(log: TopicLog, number: int) -> str:
    start, position = log.start_of(number), log.positions[number]
    return f"partition {number} from {start} to {position}" if position > start else f"partition {number} at {start}"


def _described(miss: NearMiss) -> str:
    shown = ", ".join(miss.differences[:MOST_DIFFERENCES])
    more = len(miss.differences) - MOST_DIFFERENCES
    at = f"partition {miss.message.record.partition} offset {miss.message.record.offset}"
    return f"{at} ({shown}{f' and {more} more' if more > 0 else ''})"
