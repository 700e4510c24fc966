"""What a step waits for, and when it has it: decisions on the messages found so far. Pure, but for ``holds``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field

from testmesh_engine.actions.kafka_formats import Formats
from testmesh_engine.actions.kafka_matching import Match
from testmesh_engine.actions.kafka_record import Identity, Record
from testmesh_engine.actions.kafka_start import Start
from testmesh_engine.contract.record import dataclass

Holds = Callable[[Sequence[Record]], bool]
"""Whether the step's assertions hold on these messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """How many messages a step wants, and when it may end.

    ======================  =======================================================================
    ``count: n``            ``least=n, prompt=True``: the first n, and one more while an assertion fails
    ``exactly: n``          ``least=n, most=n, settle=…``: all, some seconds after the n-th
    ``absent: true``        ``least=0, most=0``: none, all the time
    ``collect_for: …``      ``least=n``: all that come in that time
    ======================  =======================================================================
    """

    least: int
    most: int | None = None
    """One more than these ends the wait at once, as a failure."""
    prompt: bool = False
    """Whether the wait ends as soon as enough messages match and the assertions hold on them."""
    settle: float | None = None
    """Seconds to wait once ``least`` messages are there, instead of the rest of the time."""

    @property
    def wanted(self) -> str:
        """In words."""
        if self.most == 0:
            return "no message"
        return f"{'at least' if self.most is None else 'exactly'} {count_of(self.least)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a step asks for. ``timeout`` in seconds; ``reader`` is the name under which messages are handed out."""

    topic: str
    reader: str
    match: Match
    goal: Goal
    timeout: float
    limit: str = "timeout"
    """The key that ``timeout`` was given by."""
    start: Start = Start()
    formats: Formats = Formats()


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a wait: the messages that the step gets, or ``refused``: why it fails."""

    records: tuple[Record, ...] = ()
    refused: str = ""
    too_many: bool = False
    """It was refused for what came, not for what did not come in time."""
    undecided: bool = False
    """It was refused for a message of which it can't be said whether it is meant."""


@dataclass(slots=True)
class Judge:
    """Decides on what was found, always in order and all that match; no beginning of it is tried twice."""

    goal: Goal
    holds: Holds
    _tried: list[Identity] = field(default_factory=list)

    def early(self, found: Sequence[Record]) -> Ending | None:
        """The ending that needs no more time, ``None`` to wait on."""
        if self.goal.most is not None and len(found) > self.goal.most:
            return Ending(refused=f"{count_of(len(found))} matched", too_many=True)
        return self._shortest(found) if self.goal.prompt else None

    def late(self, found: Sequence[Record]) -> Ending:
        """The ending once time is up and all is read: assertions then say what is wrong with enough messages."""
        ending = self.early(found)
        if ending is not None:
            return ending
        if len(found) < self.goal.least:
            return Ending(refused=f"{count_of(len(found))} matched" if found else "none came")
        return Ending(tuple(found))

    def _shortest(self, found: Sequence[Record]) -> Ending | None:
        """The shortest beginning, of enough messages, on which the assertions hold."""
        identities = [record.identity for record in found]
        first = max(self.goal.least, _common(identities, self._tried) + 1)
        for length in range(first, len(found) + 1):
            if self.holds(found[:length]):
                return Ending(tuple(found[:length]))
        self._tried = identities
        return None


def count_of(number: int) -> str:
    """``1 message``, ``2 messages``."""
    return "1 message" if number == 1 else f"{number} messages"


def _common(left: Sequence[Identity], right: Sequence[Identity]) -> int:
    """How many items the beginnings of both share."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(left), len(right)))
