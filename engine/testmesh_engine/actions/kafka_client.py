"""The only module that talks to Kafka: one client for each broker list of a flow, without any group.

librdkafka can't be waited for by a descriptor, so every wait is cut into slices that look at the deadline and the
interrupt. One thread uses a client: ``Consumer`` methods from two threads at once were seen to hang.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from logging import Logger, getLogger
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from testmesh_engine.actions.kafka_events import Event, event_of
from testmesh_engine.actions.kafka_faults import (
    UnknownTopicError,
    UnreachableError,
    is_refusal,
    mapped,
    refusal,
    unreachable,
)
from testmesh_engine.actions.kafka_marks import Description
from testmesh_engine.actions.kafka_security import Access, unusable
from testmesh_engine.actions.waiting import Deadline, Interrupt, TimeRanOutError
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import PlatformError

if TYPE_CHECKING:
    from confluent_kafka import IsolationLevel, KafkaError, KafkaException

SLICE_SECONDS = 0.1
"""How long an interrupt may wait for a call of librdkafka to come back."""

FETCH_WAIT_MS = 50
"""How long a broker holds a fetch back while nothing comes. A message ends it at once, so this is no latency; but a
topic that is added to the reading has to wait for two such, and 20 requests a second are nothing to a broker."""

BATCH = 500

_Answer = TypeVar("_Answer")

Place = tuple[str, int]
"""A topic and one of its partitions."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a wait."""

    deadline: Deadline
    interrupt: Interrupt

    def within(self, seconds: float) -> Bounds:
        """The same, but at most ``seconds``."""
        return Bounds(Deadline(min(self.deadline.at, time.monotonic() + seconds), self.deadline.what), self.interrupt)

    def slice(self) -> float:
        """The seconds that the next call may take. Raises ``Interrupted``."""
        self.interrupt.check()
        return min(SLICE_SECONDS, self.deadline.remaining())


class Client:
    """An admin client for what the cluster says of itself, and a consumer that reads by assignment."""

    def __init__(self, access: Access) -> None:
        from confluent_kafka import Consumer  # noqa: PLC0415 - only flows that use Kafka pay for it
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - the same

        self.brokers = access.brokers
        self._trouble = ""
        self._refusal: KafkaError | None = None
        settings = settings_of(access, self._note)
        try:
            self._admin: AdminClient | None = AdminClient(settings)
            self._consumer: Consumer | None = Consumer({**settings, **_READING})
        except _kafka_exception() as error:
            raise unusable(access, error.args[0].str()) from error

    def close(self) -> None:
        """Let both go at once: there is no group to leave and nothing to commit."""
        self._admin = None
        self._consumer = None

    def describe(self, topics: Collection[str], bounds: Bounds) -> dict[str, Description | None]:
        """What the cluster says of each topic, ``None`` for one that does not exist; never creates one.

        Raises :class:`UnreachableError`; ``PlatformError`` where it may not be asked.
        """
        from confluent_kafka import TopicCollection  # noqa: PLC0415 - only flows that use Kafka pay for it

        if not topics:
            return {}
        futures = self._ask(
            lambda seconds: self._the_admin().describe_topics(TopicCollection(sorted(topics)), request_timeout=seconds),
            bounds,
        )
        return {name: self._description(name, future, bounds) for name, future in futures.items()}

    def _description(self, topic: str, future: Future[Any], bounds: Bounds) -> Description | None:
        try:
            found = self._await(future, bounds, f'topic "{topic}"')
        except UnknownTopicError:
            return None
        return Description(str(found.topic_id), tuple(sorted(partition.id for partition in found.partitions)))

    def ends(self, places: Collection[Place], bounds: Bounds, *, committed: bool) -> dict[Place, int]:
        """The end of each partition: the high watermark, or with ``committed`` where the first open transaction starts.

        One request for each broker. Raises :class:`UnreachableError`.
        """
        from confluent_kafka import IsolationLevel  # noqa: PLC0415 - only flows that use Kafka pay for it

        isolation = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        return self._offsets(places, bounds, "latest", isolation)

    def starts(self, places: Collection[Place], bounds: Bounds) -> dict[Place, int]:
        """The first offset that each partition still has. Raises :class:`UnreachableError`."""
        from confluent_kafka import IsolationLevel  # noqa: PLC0415 - only flows that use Kafka pay for it

        return self._offsets(places, bounds, "earliest", IsolationLevel.READ_UNCOMMITTED)

    def _offsets(
        self,
        places: Collection[Place],
        bounds: Bounds,
        which: Literal["earliest", "latest"] | int,
        isolation: IsolationLevel,
    ) -> dict[Place, int]:
        from confluent_kafka import TopicPartition, admin  # noqa: PLC0415 - only flows that use Kafka pay for it

        if not places:
            return {}
        spec = getattr(admin, "OffsetSpec")  # noqa: B009 - part of the API, left out of its __all__
        at = spec.for_timestamp(which) if isinstance(which, int) else getattr(spec, which)()
        asked = {TopicPartition(topic, partition): at for topic, partition in places}
        futures = self._ask(
            lambda seconds: self._the_admin().list_offsets(asked, isolation_level=isolation, request_timeout=seconds),
            bounds,
        )
        return {
            (place.topic, place.partition): int(self._await(future, bounds, f'topic "{place.topic}"').offset)
            for place, future in futures.items()
        }

    def since(self, places: Collection[Place], milliseconds: int, bounds: Bounds) -> dict[Place, int]:
        """The first offset of each partition whose message is not older than that; its end where there is none."""
        from confluent_kafka import IsolationLevel  # noqa: PLC0415 - only flows that use Kafka pay for it

        found = self._offsets(places, bounds, milliseconds, IsolationLevel.READ_UNCOMMITTED)
        without = [place for place, offset in found.items() if offset < 0]
        return {**found, **self.ends(without, bounds, committed=False)}

    def topics(self, bounds: Bounds) -> list[str]:
        """The names of all topics that there are, but for Kafka's own. Raises :class:`UnreachableError`."""
        future: Future[Any] = Future()
        admin, seconds = self._the_admin(), max(bounds.deadline.remaining(), SLICE_SECONDS)

        def ask() -> None:
            try:
                future.set_result(admin.list_topics(timeout=seconds))
            except Exception as error:  # noqa: BLE001 - handed to the one who waits
                future.set_exception(error)

        # It blocks in C for as long as it is told, and can't be woken.
        Thread(target=ask, daemon=True, name="kafka-topics").start()
        return sorted(name for name in self._await(future, bounds, "the list of topics").topics if name[:2] != "__")

    def read_from(self, starts: Mapping[Place, int], *, known: Collection[Place] = ()) -> None:
        """Read these partitions too, each from its offset on; ``known`` are those of them that are read already."""
        from confluent_kafka import TopicPartition  # noqa: PLC0415 - only flows that use Kafka pay for it

        consumer = self._the_consumer()
        again = [TopicPartition(*place) for place in starts if place in known]
        if again:
            consumer.incremental_unassign(again)
        consumer.incremental_assign([TopicPartition(topic, number, at) for (topic, number), at in starts.items()])

    def meet(self, topic: str) -> None:
        """Let the consumer learn at once who leads ``topic``: left to itself it finds out 0.7 s later."""
        try:
            self._the_consumer().list_topics(topic, timeout=SLICE_SECONDS)
        except _kafka_exception():
            return  # it only costs time

    def poll(self, bounds: Bounds) -> Iterator[Event]:
        """What has come, messages without their topic's id; waits for a slice of time at most where nothing has."""
        consumer = self._the_consumer()
        first = consumer.poll(bounds.slice())
        if first is None:
            return
        for message in (first, *consumer.consume(BATCH, 0)):
            event = event_of(message, self.brokers)
            if event is not None:
                yield event
            elif (error := message.error()) is not None:
                self._note(error)

    def unreachable(self, why: str, *, limit: str = "") -> PlatformError:
        """The error for brokers that do not answer, with the last that was heard of them and what ran out."""
        return unreachable(self.brokers, self._trouble or why, limit=limit)

    def _note(self, error: KafkaError) -> None:
        if is_refusal(error):
            self._refusal = error
        # "1/1 brokers are down" says less than the line before it.
        if error.name() != "_ALL_BROKERS_DOWN" or not self._trouble:
            self._trouble = error.str()

    def _ask(
        self, question: Callable[[float], Mapping[Any, Future[_Answer]]], bounds: Bounds
    ) -> Mapping[Any, Future[_Answer]]:
        """Send it; librdkafka gives up on it a little after the bounds, so that the bounds are what ends it."""
        return question(bounds.deadline.remaining() + 2 * SLICE_SECONDS)

    def _await(self, future: Future[_Answer], bounds: Bounds, what: str) -> _Answer:
        while True:
            try:
                answer = future.result(timeout=bounds.slice())
            except TimeoutError:
                self._the_admin().poll(0)  # serves error_cb
                if self._refusal is not None:
                    raise refusal(self.brokers, self._refusal) from None
                if bounds.deadline.passed:
                    raise UnreachableError(self._trouble or "no answer") from None
            except _kafka_exception() as error:
                raise mapped(self.brokers, what, error.args[0]) from error
            else:
                self._trouble = ""  # whatever it was, it is over
                return answer

    def _the_admin(self) -> Any:
        if self._admin is None:
            raise TimeRanOutError("the flow, which has ended")
        return self._admin

    def _the_consumer(self) -> Any:
        if self._consumer is None:
            raise TimeRanOutError("the flow, which has ended")
        return self._consumer


def settings_of(access: Access, note: Callable[[KafkaError], None]) -> dict[str, Any]:
    """What the settings of every client begin with; ``note`` is told what goes wrong in the background."""
    return {
        **dict(access.settings),
        "bootstrap.servers": access.brokers,
        "log_level": 0,  # what goes wrong comes by error_cb, not on stderr
        "logger": _nobody(),  # level 0 are errors that are fatal to a producer
        "error_cb": note,
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 500,
    }


def _nobody() -> Logger:
    logger = getLogger("testmesh.kafka")
    logger.disabled = True
    return logger


_READING: Mapping[str, str | int | bool] = {
    "group.id": "testmesh",  # asked for by librdkafka; none is joined
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    "allow.auto.create.topics": False,
    "fetch.wait.max.ms": FETCH_WAIT_MS,
    "fetch.error.backoff.ms": 50,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "queued.max.messages.kbytes": 8192,  # read ahead between steps; 64 MiB by default
    "max.poll.interval.ms": 86_400_000,  # a flow polls during its Kafka steps only
}


def _kafka_exception() -> type[KafkaException]:
    from confluent_kafka import KafkaException  # noqa: PLC0415 - only flows that use Kafka pay for it

    return KafkaException
