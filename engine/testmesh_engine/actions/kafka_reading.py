"""One step's wait: reads until its goal is met, its time is up, or it can't be met any more."""

from __future__ import annotations

import time
from collections.abc import Sequence

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_explaining import Evidence, failure, found
from testmesh_engine.actions.kafka_faults import UnreachableError
from testmesh_engine.actions.kafka_goals import Ending, Judge, Wanted
from testmesh_engine.actions.kafka_matching import differences
from testmesh_engine.actions.kafka_record import Identity, Record, ordered
from testmesh_engine.actions.kafka_session import Session
from testmesh_engine.actions.waiting import Deadline, earliest

LOOK_SECONDS = 1.0
"""How often the cluster is asked for new partitions, or whether the topic was made anew."""

LOOK_FOR_TOPIC_SECONDS = 0.1
"""How often it is asked for a topic that is not there yet."""

LAST_SECONDS = 5.0
"""What it may take, once time is up, to read all that had been published by then."""

EXPLAIN_SECONDS = 1.0


class Wait:
    """One attempt of one step."""

    def __init__(self, session: Session, wanted: Wanted, context: Context) -> None:
        self._session = session
        self._wanted = wanted
        self._context = context
        self._log = session.log(wanted.topic)
        self._reader = session.reader(wanted.reader)
        self._judge = Judge(wanted.goal, self._holds)
        self._own_end = Deadline.after(wanted.timeout, f"its {wanted.limit}")
        self._end = earliest((self._own_end, context.deadline))
        self._settling = False
        self._next_look = 0.0
        self._aimed = False
        self._judged_at = -1
        self._matches: dict[Identity, bool] = {}

    def run(self) -> Result:
        """The step's result. Raises ``ServiceError`` where the goal is not met, ``PlatformError``, ``Interrupted``."""
        self._reader.begin(attempt=self._context.attempt)
        self._look()
        ending = self._wait()
        if ending.refused:
            evidence = self._evidence()
            self._context.found = found(self._wanted, evidence)
            raise failure(self._wanted, ending, evidence)
        self._reader.hand_out(list(ending.records))
        return result_of(ending.records)

    def _wait(self) -> Ending:
        while not self._end.passed:
            ending = self._early()
            if ending is not None:
                return ending
            self._pump(self._bounds(self._end))
        return self._late()

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
        return self._judge.early(matching)

    def _late(self) -> Ending:
        """Time is up: read what had been published by now, for only then nothing is known to be missing."""
        bounds = self._bounds(Deadline.after(LAST_SECONDS, "the time for the last messages"))
        self._context.counters.kafka_messages += self._session.finish(self._log, bounds)
        matching = self._matching()
        if not matching and not self._log.exists:
            # Also where no message is wanted: a topic that is not there proves nothing.
            return Ending(refused="there is no such topic")
        ending = self._judge.late(matching)
        if not (ending.refused or self._wanted.goal.prompt) and self._end is not self._own_end:
            # What else might have come in the rest of the time that the step asks for?
            return Ending(refused=f"but {self._own_end.what} was not over")
        return ending

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
        return ordered(record for record in self._reader.unseen(self._log.records) if self._is_meant(record))

    def _is_meant(self, record: Record) -> bool:
        known = self._matches.get(record.identity)
        if known is None:
            known = self._matches[record.identity] = not differences(record, self._wanted.match)
        return known

    def _holds(self, records: Sequence[Record]) -> bool:
        self._context.interrupt.check()
        return self._context.holds(result_of(records))

    def _evidence(self) -> Evidence:
        bounds = self._bounds(Deadline.after(EXPLAIN_SECONDS, "the time to explain"))
        unseen = self._reader.unseen(self._log.records)
        return Evidence(
            log=self._log,
            unseen=unseen,
            limit=self._end.what,
            topics=() if self._log.exists else self._session.topics(bounds),
            open_transactions=self._session.open_transactions(self._log, bounds),
        )

    def _bounds(self, deadline: Deadline) -> Bounds:
        return Bounds(deadline, self._context.interrupt)


def result_of(records: Sequence[Record]) -> Result:
    """The result on these messages."""
    return {"messages": [record.entry for record in records], "count": len(records)}
