"""What the Kafka steps of one flow share for one broker list: the client, the marks, what was read, the readers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from testmesh_engine.actions.kafka_client import Bounds, Client, Place
from testmesh_engine.actions.kafka_events import EndReached, Forbidden, OutOfRange
from testmesh_engine.actions.kafka_faults import UnreachableError
from testmesh_engine.actions.kafka_marks import Description, OpenTransaction, Reader, TopicLog
from testmesh_engine.actions.kafka_record import Record
from testmesh_engine.actions.waiting import TimeRanOutError, sleep
from testmesh_engine.errors import PlatformError

MAX_KEPT_BYTES = 64 * 1024 * 1024
"""Of all messages that a flow reads: they stay in memory, for other steps may mean them."""

RETRY_SECONDS = 0.1


class Session:
    """Reads the topics of one flow from their marks on; closed at the flow's end."""

    def __init__(self, brokers: str) -> None:
        self._client = Client(brokers)
        self._logs: dict[str, TopicLog] = {}
        self._all_marked = False
        self._readers: dict[str, Reader] = {}
        self._reading: set[Place] = set()
        self._out_of_range: set[Place] = set()
        self._forbidden: dict[str, PlatformError] = {}
        self._bytes = 0

    def close(self) -> None:
        """Let the client go."""
        self._client.close()

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
                    raise self._client.unreachable(str(error)) from error

    # Before the first step

    def mark(self, topics: Iterable[str | None], bounds: Bounds) -> None:
        """Note where ``topics`` end, and begin to read those that are named; ``None`` stands for one not known yet.

        Raises ``PlatformError`` where the brokers give no answer within ``bounds``.
        """
        wanted = set(topics)
        named = {name for name in wanted if name is not None}
        self._insist(lambda: self._mark(named, everything=None in wanted, bounds=bounds), bounds)

    def _mark(self, named: Collection[str], *, everything: bool, bounds: Bounds) -> None:
        names = {*named, *(self._client.topics(bounds) if everything else ())}
        seen = self._client.describe(names, bounds)
        ends = self._client.ends(_places(seen), bounds, committed=False)
        for name, description in seen.items():
            marks = {number: ends[name, number] for number in _partitions(description)}
            self._logs[name] = TopicLog(name, marked_id=description.id if description else "", marks=marks)
        self._all_marked = everything
        for name in named:
            self._read(self._logs[name], seen[name])

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
                raise self._client.unreachable("the last messages can't be read")
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

    # For the explanation of a failure

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
