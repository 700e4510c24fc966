"""What the Kafka steps of one flow share for one broker list: the client, the marks, what was read, the readers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import ClassVar

from testmesh_engine.actions.kafka_client import Bounds, Client, Place
from testmesh_engine.actions.kafka_events import EndReached, Forbidden, OutOfRange
from testmesh_engine.actions.kafka_faults import UnreachableError
from testmesh_engine.actions.kafka_marks import Description, OpenTransaction, Reader, TopicLog
from testmesh_engine.actions.kafka_record import Record
from testmesh_engine.actions.kafka_security import Access
from testmesh_engine.actions.kafka_start import From, Noted, Start
from testmesh_engine.actions.waiting import TimeRanOutError, sleep
from testmesh_engine.errors import PlatformError

MAX_KEPT_BYTES = 64 * 1024 * 1024
"""Of all messages that a flow reads: they stay in memory, for other steps may mean them."""

RETRY_SECONDS = 0.1


class Session:
    """Reads the topics of one flow from their marks on; closed at the flow's end."""

    for_all: ClassVar[bool] = True  # one for steps that run at once too: :meth:`turn`

    def __init__(self, access: Access, readers: dict[str, Reader] | None = None) -> None:
        self._access = access
        self._client = Client(access)
        self._logs: dict[str, TopicLog] = {}
        self._all_marked = False
        self._readers: dict[str, Reader] = {} if readers is None else readers
        self._noted: dict[tuple[str, str], Noted | PlatformError] = {}
        self._histories: dict[str, Session] = {}
        self._turn, self._next = Lock(), Lock()
        self._reading: set[Place] = set()
        self._out_of_range: set[Place] = set()
        self._forbidden: dict[str, PlatformError] = {}
        self._bytes = 0

    def close(self) -> None:
        """Let the clients go."""
        while self._histories:
            self._histories.popitem()[1].close()
        self._client.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The client for oneself: steps that run at once take turns, and nobody is passed over."""
        with self._next:
            self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    def reader(self, name: str) -> Reader:
        """The reader of that name."""
        return self._readers.setdefault(name, Reader())

    def _insist(self, ask: Callable[[], None], bounds: Bounds) -> None:
        """Ask until there is an answer. Raises ``PlatformError`` where there is none in time."""
        while True:
            try:
                return ask()
            except UnreachableError as error:
                if not _pause(bounds):
                    raise self._client.unreachable(str(error), limit=bounds.deadline.what) from error

    # Before the first step

    def mark(self, topics: Iterable[str | None], bounds: Bounds) -> None:
        """Note where ``topics`` end, and begin to read those that are named; ``None`` stands for one not known yet.

        Raises ``PlatformError`` where the brokers give no answer within ``bounds``.
        """
        wanted = set(topics)
        # What a flow has marked stays so for the flows that it runs.
        named = {name for name in wanted if name is not None and name not in self._logs}
        everything = None in wanted and not self._all_marked
        if named or everything:
            self._insist(lambda: self._mark(named, everything=everything, bounds=bounds), bounds)

    def _mark(self, named: Collection[str], *, everything: bool, bounds: Bounds) -> None:
        found = self._client.topics(bounds) if everything else ()
        names = {*named, *found} - self._logs.keys()
        seen = self._client.describe(names, bounds)
        ends = self._client.ends(_places(seen), bounds, committed=False)
        for name, description in seen.items():
            marks = {number: ends[name, number] for number in _partitions(description)}
            self._logs[name] = TopicLog(name, marked_id=description.id if description else "", marks=marks)
        self._all_marked = self._all_marked or everything
        for name in named:
            self._read(self._logs[name], seen[name])

    # Other moments that messages may count from

    def note(self, name: str, topic: str, bounds: Bounds) -> None:
        """Note where ``topic`` ends now, under the ``name`` of a step. Never raises: whoever needs it is told."""
        try:
            seen = self._client.describe([topic], bounds)[topic]
            ends = self._client.ends(_places({topic: seen}), bounds, committed=False)
        except UnreachableError as error:
            self._noted[name, topic] = self._client.unreachable(str(error))
        except PlatformError as error:
            self._noted[name, topic] = error
        else:
            found = {number: end for (_, number), end in ends.items()}
            self._noted[name, topic] = Noted(seen.id if seen else "", found)

    def noted(self, name: str, topic: str) -> Noted | None:
        """What was noted, ``None`` for nothing. Raises ``PlatformError`` where it could not be."""
        found = self._noted.get((name, topic))
        if isinstance(found, PlatformError):
            raise found
        return found

    def history(self, step: str, topic: str, start: Start, bounds: Bounds, *, anew: bool) -> Session:
        """A client of its own that reads ``topic`` from before the marks on; ``anew`` for a step's first attempt.

        Raises ``PlatformError`` where the brokers give no answer within ``bounds``.
        """
        known = self._histories.get(step)
        if known is not None and not anew:
            return known
        if known is not None:
            known.close()
        found = self._histories[step] = Session(self._access, self._readers)
        found._insist(lambda: found._reach_back(topic, start, bounds), bounds)
        return found

    def _reach_back(self, topic: str, start: Start, bounds: Bounds) -> None:
        seen = self._client.describe([topic], bounds)[topic]
        places = _places({topic: seen})
        if start.kind is From.TIME:
            starts = self._client.since(places, start.time, bounds)
        else:
            starts = self._client.starts(places, bounds)
        marks = {number: offset for (_, number), offset in starts.items()}
        self._logs[topic] = TopicLog(topic, marked_id=seen.id if seen else "", marks=marks)

    # During a step

    def log(self, topic: str) -> TopicLog:
        """What is known of a topic. Raises ``PlatformError`` for one that has no marks: anything in it may be old."""
        if topic not in self._logs and not self._all_marked:
            raise PlatformError(
                f"topic {topic} was not marked before the flow's first step, so old messages can't be told from new",
                kind="engine_error",
            )
        return self._logs.setdefault(topic, TopicLog(topic))

    def look(self, log: TopicLog, bounds: Bounds, *, aim: bool) -> None:
        """Ask the cluster about the topic: new partitions are read from now on, a topic made anew from its start.

        ``aim`` makes the present ends what must be reached before the log is caught up; new partitions always are.
        Raises :class:`UnreachableError`.
        """
        seen = self._client.describe([log.name], bounds)[log.name]
        new = self._read(log, seen)
        aimed = _partitions(seen) if aim else new
        ends = self._client.ends([(log.name, number) for number in aimed], bounds, committed=True)
        log.aim({number: end for (_, number), end in ends.items()})

    def pump(self, wanted: TopicLog, bounds: Bounds) -> int:
        """Take in what has come, of all topics; waits a slice of time at most. How many new messages there were.

        Raises ``PlatformError`` for what ails the ``wanted`` topic; what ails another waits for the step that wants it.
        """
        taken = 0
        for event in self._client.poll(bounds):
            log = self._logs.get(event.topic)
            if log is None:
                continue
            match event:
                case Record():
                    taken += self._take(log, event)
                case EndReached():
                    log.reached(event.partition, event.offset)
                case OutOfRange():
                    self._out_of_range.add((event.topic, event.partition))
                case Forbidden():
                    self._forbidden[event.topic] = event.error
        # Only now: what a batch holds must not be lost by an error in the midst of it.
        self._check(wanted)
        for place in sorted(self._out_of_range):
            if place[0] == wanted.name:
                self._recover(place, bounds)
        return taken

    def finish(self, wanted: TopicLog, bounds: Bounds) -> int:
        """Read all that stands in the topic at this moment. How many new messages there were.

        Raises ``PlatformError`` where that can't be done within ``bounds``: it is not known what the service published.
        """
        self._insist(lambda: self.look(wanted, bounds, aim=True), bounds)
        taken = 0
        while not wanted.caught_up:
            if bounds.deadline.passed:
                raise self._client.unreachable("the last messages can't be read", limit=bounds.deadline.what)
            taken += self.pump(wanted, bounds)
        return taken

    def _take(self, log: TopicLog, record: Record) -> int:
        if not log.take(record):
            return 0
        self._bytes += record.size
        return 1

    def _check(self, wanted: TopicLog) -> None:
        if wanted.name in self._forbidden:
            raise self._forbidden[wanted.name]
        if self._bytes > MAX_KEPT_BYTES:
            raise PlatformError(
                f"more than {MAX_KEPT_BYTES >> 20} MiB came on the flow's topics since it began",
                kind="engine_error",
                hint="Such traffic can't be kept in a runner's memory; use a topic or a cluster with less of it.",
            )

    def _read(self, log: TopicLog, seen: Description | None) -> Sequence[int]:
        starts = log.observe(seen)
        if starts:
            if self._reading:
                self._client.meet(log.name)
            places = {(log.name, number): start for number, start in starts.items()}
            self._client.read_from(places, known=self._reading)
            self._reading |= places.keys()
        return tuple(starts)

    def _recover(self, place: Place, bounds: Bounds) -> None:
        try:
            self._read_on(place, bounds)
        except UnreachableError:
            return  # asked again at the next pump
        self._out_of_range.discard(place)

    def _read_on(self, place: Place, bounds: Bounds) -> None:
        """Go on where the broker had nothing to read: after what retention deleted, or with the topic made anew."""
        topic, partition = place
        log = self._logs[topic]
        self.look(log, bounds, aim=False)
        if partition not in log.positions:
            return  # made anew with fewer partitions
        start = self._client.starts([place], bounds)[place]
        end = self._client.ends([place], bounds, committed=False)[place]
        position = log.positions[partition]
        if position > end:
            raise PlatformError(
                f"partition {partition} of topic {topic} ends at {end}, but went up to {position} before: the broker "
                "lost messages, so old ones can't be told from new",
                kind="protocol_error",
            )
        if position < start:
            log.skip(partition, earliest=start)
        self._client.read_from({place: log.positions[partition]}, known=self._reading)

    # For the producer, and for the explanation of a failure

    def describe(self, topic: str, bounds: Bounds) -> Description | None:
        """What the cluster says of ``topic``, ``None`` where there is none. Raises ``PlatformError``."""
        try:
            return self._client.describe([topic], bounds)[topic]
        except UnreachableError as error:
            raise self._client.unreachable(str(error)) from error

    def topics(self, bounds: Bounds) -> list[str]:
        """The names of all topics; none where the brokers do not answer."""
        try:
            return self._client.topics(bounds)
        except UnreachableError:
            return []

    def open_transactions(self, log: TopicLog, bounds: Bounds) -> list[OpenTransaction]:
        """Where messages wait for the end of a transaction; none where the brokers do not answer."""
        places = [(log.name, number) for number in log.positions]
        try:
            ends = self._client.ends(places, bounds, committed=False)
            stable = self._client.ends(places, bounds, committed=True)
        except UnreachableError:
            return []
        return [OpenTransaction(place[1], stable[place]) for place in places if stable[place] < ends[place]]


def _partitions(seen: Description | None) -> tuple[int, ...]:
    return seen.partitions if seen else ()


def _places(seen: dict[str, Description | None]) -> list[Place]:
    return [(name, number) for name, description in seen.items() for number in _partitions(description)]


def _pause(bounds: Bounds) -> bool:
    """Wait a little; false where there is no time left."""
    try:
        sleep(RETRY_SECONDS, deadline=bounds.deadline, interrupt=bounds.interrupt)
    except TimeRanOutError:
        return False
    return True
