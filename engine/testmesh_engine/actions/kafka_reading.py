"""One step's wait: reads until its goal is met, its time is up, or it can't be met any more."""

from __future__ import annotations

import time
from collections.abc import Sequence

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_explaining import Evidence, failure, found, undecided, unreadable
from testmesh_engine.actions.kafka_faults import UnreachableError
from testmesh_engine.actions.kafka_formats import Decoder
from testmesh_engine.actions.kafka_goals import Ending, Judge, Wanted
from testmesh_engine.actions.kafka_matching import differences
from testmesh_engine.actions.kafka_record import Identity, Message, Record, ordered
from testmesh_engine.actions.kafka_session import Session
from testmesh_engine.actions.kafka_start import From, Noted
from testmesh_engine.actions.waiting import Deadline, earliest
from testmesh_engine.errors import UsageError

LOOK_SECONDS = 1.0
"""How often the cluster is asked for new partitions, or whether the topic was made anew."""

LOOK_FOR_TOPIC_SECONDS = 0.1
"""How often it is asked for a topic that is not there yet."""

LAST_SECONDS = 2.0
"""What it may take, once time is up, to read all that had been published by then."""

EXPLAIN_SECONDS = 1.0

CONNECT_SECONDS = 10.0
"""What it may take to note where a topic ends, or begins."""


class Wait:
    """One attempt of one step."""

    def __init__(self, session: Session, wanted: Wanted, decoder: Decoder, context: Context) -> None:
        self._wanted = wanted
        self._decoder = decoder
        self._context = context
        self._session = session
        self._after = self._moment(session)
        self._log = self._session.log(wanted.topic)
        self._reader = self._session.reader(wanted.reader)
        self._judge = Judge(wanted.goal, self._holds)
        self._own_end = Deadline.after(wanted.timeout, f"its {wanted.limit}")
        self._end = earliest((self._own_end, context.deadline))
        self._settling = False
        self._next_look = 0.0
        self._aimed = False
        self._judged_at = -1
        self._messages: dict[Identity, Message] = {}
        self._matches: dict[Identity, bool] = {}
        self._decided: set[Identity] = set()

    def run(self) -> Result:
        """The step's result. Raises ``ServiceError`` where the goal is not met, ``PlatformError``, ``Interrupted``."""
        with self._session.turn():
            self._reader.begin(self._context.step, attempt=self._context.attempt)
            self._look()
        while True:
            with self._session.turn():
                ending = self._late() if self._end.passed else self._step()
                if ending is not None:
                    return self._ended(ending)

    def _moment(self, session: Session) -> Noted | None:
        """From when on messages count, where that is later than the marks; where it is earlier, another session."""
        start, topic, first = self._wanted.start, self._wanted.topic, self._context.attempt == 1
        bounds = self._bounds(
            earliest((self._context.deadline, Deadline.after(CONNECT_SECONDS, "the time to connect")))
        )
        with session.turn():
            if start.reaches_back:
                self._session = session.history(self._context.step, topic, start, bounds, anew=first)
            if start.kind is From.LATEST:
                name = f"the step {self._context.step} itself"  # no id has spaces
                if first:
                    session.note(name, topic, bounds)
                return session.noted(name, topic)
            return self._since_step(session) if start.kind is From.STEP else None

    def _since_step(self, session: Session) -> Noted:
        start = self._wanted.start
        found = session.noted(start.step, self._wanted.topic)
        if found is None:
            hint = (
                "It is noted as that step begins; topic must be known by the flow's start, and the step must have run."
            )
            raise UsageError(
                f"start: where {self._wanted.topic} ended as step {start.step} began is not known", hint=hint
            )
        return found

    def _step(self) -> Ending | None:
        """The ending, ``None`` where there is none yet: then a slice of time has passed."""
        ending = self._early()
        if ending is None:
            self._pump(self._bounds(self._end))
        return ending

    def _ended(self, ending: Ending) -> Result:
        if ending.refused:
            evidence = self._evidence()
            self._context.found = found(self._wanted, evidence)
            raise failure(self._wanted, ending, evidence)
        for record in ending.records:
            if self._message(record).fault:
                raise unreadable(self._wanted, self._message(record))
        self._reader.hand_out(self._context.step, list(ending.records))
        return self._result(ending.records)

    def _early(self) -> Ending | None:
        """Judge what is new, once the order of the messages is certain."""
        if not (self._aimed and self._log.caught_up) or self._judged_at == len(self._log.records):
            return None
        self._judged_at = len(self._log.records)
        matching = self._matching()
        goal = self._wanted.goal
        if goal.settle is not None and len(matching) >= goal.least and not self._settling:
            self._settling = True
            self._own_end = Deadline.after(goal.settle, "its settle")
            self._end = earliest((self._own_end, self._context.deadline))
        return self._judge.early(matching) or self._undecided()

    def _late(self) -> Ending:
        """Time is up: read what had been published by now, for only then nothing is known to be missing."""
        bounds = self._bounds(Deadline.after(LAST_SECONDS, f"{self._end.what} and the time for the last messages"))
        self._context.counters.kafka_messages += self._session.finish(self._log, bounds)
        matching = self._matching()
        if not matching and not self._log.exists:
            # Also where no message is wanted: a topic that is not there proves nothing.
            return Ending(refused="there is no such topic")
        ending = self._judge.late(matching)
        if not ending.refused:
            ending = self._undecided() or ending
        if not (ending.refused or self._wanted.goal.prompt) and self._end is not self._own_end:
            # What else might have come in the rest of the time that the step asks for?
            return Ending(refused=f"but {self._own_end.what} was not over")
        return ending

    def _undecided(self) -> Ending | None:
        """Where no message is wanted, one of which it can't be said whether it is meant ends the wait."""
        if self._wanted.goal.most != 0:
            return None
        for record in ordered(self._unseen()):
            if record.identity not in self._decided:
                ending = undecided(self._message(record), self._wanted.match)
                if ending is not None:
                    return ending
                self._decided.add(record.identity)
        return None

    def _pump(self, bounds: Bounds) -> None:
        if time.monotonic() >= self._next_look:
            self._look()
        self._context.counters.kafka_messages += self._session.pump(self._log, bounds)

    def _look(self) -> None:
        """Ask about the topic. Brokers that give no answer may be back before time is up: the end decides."""
        bounds = self._bounds(self._end).within(LOOK_SECONDS)
        pause = LOOK_FOR_TOPIC_SECONDS
        try:
            self._session.look(self._log, bounds, aim=not self._aimed)
        except UnreachableError:
            pass
        else:
            self._aimed = True
            pause = LOOK_SECONDS if self._log.exists else LOOK_FOR_TOPIC_SECONDS
        self._next_look = time.monotonic() + pause

    def _matching(self) -> list[Record]:
        """All that match and were not handed out yet, in order."""
        return ordered(record for record in self._unseen() if self._is_meant(record))

    def _unseen(self) -> list[Record]:
        """All that count for this step and were not handed out yet."""
        return self._reader.unseen([record for record in self._log.records if not self._is_early(record)])

    def _is_early(self, record: Record) -> bool:
        if self._after is not None and self._after.is_before(record):
            return True
        # A broker hands out all from the first message of that time on, also older ones behind it.
        return self._wanted.start.kind is From.TIME and record.timestamp < self._wanted.start.time

    def _message(self, record: Record) -> Message:
        known = self._messages.get(record.identity)
        if known is None:
            known = self._messages[record.identity] = self._decoder.message(record)
        return known

    def _is_meant(self, record: Record) -> bool:
        known = self._matches.get(record.identity)
        if known is None:
            known = self._matches[record.identity] = not differences(self._message(record), self._wanted.match)
        return known

    def _holds(self, records: Sequence[Record]) -> bool:
        self._context.interrupt.check()
        return self._context.holds(self._result(records))

    def _result(self, records: Sequence[Record]) -> Result:
        """The result on these messages."""
        return {"messages": [self._message(record).entry for record in records], "count": len(records)}

    def _evidence(self) -> Evidence:
        bounds = self._bounds(Deadline.after(EXPLAIN_SECONDS, "the time to explain"))
        return Evidence(
            log=self._log,
            unseen=[self._message(record) for record in self._unseen()],
            early=sum(map(self._is_early, self._log.records)),
            limit=self._end.what,
            topics=() if self._log.exists else self._session.topics(bounds),
            open_transactions=self._session.open_transactions(self._log, bounds),
        )

    def _bounds(self, deadline: Deadline) -> Bounds:
        return Bounds(deadline, self._context.interrupt)
