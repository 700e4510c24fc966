"""From where on messages count for a step: ``start``. Pure, but for the moment that is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

from testmesh_engine.actions.kafka_record import Record
from testmesh_engine.contract.catalogue import Key, Kind
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, show

_WORDS = ("mark", "earliest", "latest")
_FORMS = "mark, earliest, latest, {step: id}, {timestamp: …} or {ago: 1h}"
_SECONDS_BELOW = 100_000_000_000
"""A number below is seconds since 1970 (until the year 5138), one above is milliseconds (since 1973)."""


class From(Enum):
    """The kinds of starts."""

    MARK = "mark"
    EARLIEST = "earliest"
    LATEST = "latest"
    STEP = "step"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Start:
    """From where on messages count. ``step`` is an id; ``time`` is in milliseconds since 1970."""

    kind: From = From.MARK
    step: str = ""
    time: int = 0

    @property
    def reaches_back(self) -> bool:
        """Whether messages from before the flow began may count."""
        return self.kind in (From.EARLIEST, From.TIME)

    @property
    def words(self) -> str:
        """Which messages are looked at, as ``published since the flow began``."""
        match self.kind:
            case From.EARLIEST:
                return "that the topic holds"
            case From.TIME:
                return f"published since {_iso(self.time)}"
            case _:
                return "published since the flow began"

    @property
    def narrower(self) -> str:
        """What of these does not count, as ``published before step order began``; "" where all do."""
        if self.kind is From.STEP:
            return f"published before step {self.step} began"
        return "published before this step began" if self.kind is From.LATEST else ""


@dataclass(frozen=True, slots=True)
class Noted:
    """Where a topic ended at one moment; without ``ends`` for a topic that was not there."""

    topic_id: str
    ends: Mapping[int, int]

    def is_before(self, record: Record) -> bool:
        """Whether ``record`` was published before that moment."""
        return record.topic_id == self.topic_id and record.offset < self.ends.get(record.partition, 0)


STEP_FIELD = Key(name="step", kind=Kind.STEP, doc="the id of a step above: from where the topic ended as it began")
FIELDS = (
    STEP_FIELD,
    Key(name="timestamp", kind=Kind.ANY, doc="ISO text with a zone, or seconds or milliseconds since 1970"),
    Key(name="ago", kind=Kind.DURATION, doc="this long before the step begins"),
)


def fault_of_start(value: object) -> str:
    """What is wrong with a ``start`` as it is written, "" where nothing is."""
    if isinstance(value, dict):
        return "" if len(value) == 1 else f"is one of {_FORMS}; found {len(value)} of them"
    if isinstance(value, str) and (value.lower() in _WORDS or "${" in value or "{{" in value):
        return ""
    return f"is one of {_FORMS}"


def read_start(given: Value, *, now: float) -> Start:
    """The start that a step's config says; ``now`` is in seconds since 1970. Raises ``UsageError``."""
    if given is None:
        return Start()
    if fault := fault_of_start(given):
        raise UsageError(f"start {fault}")
    if not isinstance(given, dict):
        return Start(From(str(given).lower()))
    ((name, value),) = given.items()
    match name:
        case "step":
            return Start(From.STEP, step=str(value))
        case "timestamp":
            return Start(From.TIME, time=_milliseconds(value))
        case "ago":
            return Start(From.TIME, time=round((now - _seconds(value)) * 1000))
    raise UsageError(f'start has no key "{name}": it is one of {_FORMS}')


def _seconds(value: Value) -> float:
    try:
        return parse_duration(str(value))
    except ValueError as error:
        raise UsageError(f"start.ago takes a duration: {error}") from error


def _milliseconds(value: Value) -> int:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return int(value * 1000) if value < _SECONDS_BELOW else int(value)
    if isinstance(value, str) and value.strip().isdecimal():
        return _milliseconds(int(value))
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if not isinstance(value, str) or moment is None:
        raise UsageError(f"start.timestamp is no time: {kind_of(value)} {show(value, 80)}", hint=_TIME_HINT)
    if moment.tzinfo is None:
        raise UsageError(f"start.timestamp {value} has no zone", hint="Add Z for UTC, or an offset such as +02:00.")
    return int(moment.timestamp() * 1000)


_TIME_HINT = "Write 2026-11-23T03:00:00Z, or seconds or milliseconds since 1970."


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).isoformat().replace("+00:00", "Z")
