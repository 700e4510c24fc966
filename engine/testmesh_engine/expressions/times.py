"""Times, durations and zones within an expression: instants with nanoseconds, as Go's ``time`` package has them.

They never leave an expression: what reads its value gets their text. Nothing here knows what time it is.
"""

from __future__ import annotations

import functools
import re
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from testmesh_engine.contract.record import dataclass

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY_SECONDS = 86_400

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# The calendar repeats itself: what Python's dates can't hold is reckoned one such cycle away.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
_MAX_DAY = date.max.toordinal()
# zoneinfo reckons with datetimes, which end where a zone would carry them into the years 0 and 10000.
_ZONED_FIRST = int((datetime(2, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_ZONED_LAST = int((datetime(9998, 12, 31, tzinfo=UTC) - _EPOCH).total_seconds())
# 0000-01-01, where Go puts a time without a date, and 9999-12-31.
FIRST_SECOND = -62_167_219_200
LAST_SECOND = 253_402_300_799


class TimeProblem(ValueError):
    """There is no such time, duration or zone; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A named zone of the IANA database, or a fixed ``offset`` in seconds east of UTC."""

    name: str
    offset: int | None = None

    def at(self, second: int) -> tuple[int, str]:
        """The offset in seconds at ``second`` of Unix time, and the zone's abbreviation then ("" if it has none)."""
        if self.offset is not None:
            return self.offset, self.name
        there = (_EPOCH + timedelta(seconds=min(max(second, _ZONED_FIRST), _ZONED_LAST))).astimezone(_loaded(self.name))
        offset = there.utcoffset() or timedelta()
        return int(offset.total_seconds()), there.tzname() or ""

    def second_of(self, local: int) -> int:
        """The second of Unix time when clocks here show ``local`` seconds since 1970; of two the earlier one."""
        if self.offset is not None:
            return local - self.offset
        shown = _EPOCH + timedelta(seconds=min(max(local, _ZONED_FIRST), _ZONED_LAST))
        offset = shown.replace(tzinfo=_loaded(self.name)).utcoffset() or timedelta()
        return local - int(offset.total_seconds())


UTC_ZONE = Zone("UTC", 0)


@functools.lru_cache(maxsize=64)
def _loaded(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - few flows need it

    return ZoneInfo(name)


def zone_named(name: str) -> Zone:
    """The zone that the IANA database calls so. Raises ``TimeProblem``."""
    if name in ("", "UTC"):
        return UTC_ZONE
    if name == "Local":
        raise TimeProblem('"Local" is another zone on every machine; name the one that is meant')
    try:
        _loaded(name)
    except (ValueError, OSError, KeyError):  # a path, a folder, a name that is not there
        raise TimeProblem(f'there is no time zone "{name[:60]}"; names are those such as "Europe/Zurich"') from None
    return Zone(name)


@dataclass(frozen=True, slots=True)
class Civil:
    """What calendar and clock show."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int
    weekday: int
    """0 is Sunday, as in Go."""
    year_day: int
    """1 is the first of January."""
    offset: int
    """Seconds east of UTC."""
    zone: str
    """The zone's abbreviation, "" if it has none."""


@dataclass(frozen=True, slots=True)
class Time:
    """An instant: nanoseconds of Unix time. The zone it is shown in does not count when two are compared."""

    nanoseconds: int
    zone: Zone = field(default=UTC_ZONE, compare=False)

    def __lt__(self, other: Time) -> bool:
        """Whether it comes before ``other``."""
        return self.nanoseconds < other.nanoseconds

    def civil(self) -> Civil:
        """What calendar and clock show in its zone."""
        second, nanosecond = divmod(self.nanoseconds, SECOND)
        offset, name = self.zone.at(second)
        days, clock = divmod(second + offset, DAY_SECONDS)
        year, month, day, year_day = _calendar(days)
        hours, minutes = divmod(clock // 60, 60)
        return Civil(year, month, day, hours, minutes, clock % 60, nanosecond, (days + 4) % 7, year_day, offset, name)

    def __str__(self) -> str:
        """RFC 3339, with the digits of the fraction that there are."""
        shown = self.civil()
        fraction = f".{shown.nanosecond:09}".rstrip("0") if shown.nanosecond else ""
        clock = f"{shown.hour:02}:{shown.minute:02}:{shown.second:02}{fraction}"
        return f"{shown.year:04}-{shown.month:02}-{shown.day:02}T{clock}{offset_text(shown.offset) or 'Z'}"


def offset_text(offset: int, *, colon: str = ":") -> str:
    """``+02:00``, "" for none."""
    sign, minutes = "-" if offset < 0 else "+", abs(offset) // 60
    return f"{sign}{minutes // 60:02}{colon}{minutes % 60:02}" if offset else ""


def _calendar(days: int) -> tuple[int, int, int, int]:
    """Year, month, day and day of the year, ``days`` after 1970-01-01."""
    ordinal = days + _EPOCH_DAY
    cycles = -1 if ordinal < 1 else int(ordinal > _MAX_DAY)
    found = date.fromordinal(ordinal - cycles * _CYCLE_DAYS)
    return found.year + cycles * _CYCLE_YEARS, found.month, found.day, found.timetuple().tm_yday


def day_number(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01. Raises ``TimeProblem`` for a date that no calendar has."""
    cycles = -1 if year < 1 else 0
    try:
        return date(year - cycles * _CYCLE_YEARS, month, day).toordinal() + cycles * _CYCLE_DAYS - _EPOCH_DAY
    except ValueError:
        raise TimeProblem(f"there is no day {year:04}-{month:02}-{day:02}") from None


def time_at(nanoseconds: int, zone: Zone = UTC_ZONE) -> Time:
    """The time at ``nanoseconds`` of Unix time. Raises ``TimeProblem`` outside of the years 0 to 9999."""
    if not FIRST_SECOND <= nanoseconds // SECOND <= LAST_SECOND:
        raise TimeProblem("the time is outside of the years 0 to 9999")
    return Time(nanoseconds, zone)


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time in nanoseconds."""

    nanoseconds: int

    def __lt__(self, other: Duration) -> bool:
        """Whether it is shorter than ``other``."""
        return self.nanoseconds < other.nanoseconds

    def __str__(self) -> str:
        """As Go writes it: ``1h0m0s``, ``1.5s``, ``20ms``."""
        size = abs(self.nanoseconds)
        sign = "-" if self.nanoseconds < 0 else ""
        if size < SECOND:
            return sign + _small(size)
        minutes, rest = divmod(size, MINUTE)
        hours = f"{minutes // 60}h" if minutes >= 60 else ""
        return f"{sign}{hours}{f'{minutes % 60}m' if minutes else ''}{_fraction(rest, SECOND)}s"


_MAX_DURATION = 10**24
"""Nanoseconds: beyond it no two times are apart by so much, and products of products would grow without end."""


def duration_of(nanoseconds: int) -> Duration:
    """The duration. Raises ``TimeProblem`` where it is longer than all of time."""
    if abs(nanoseconds) > _MAX_DURATION:
        raise TimeProblem("the duration is too long")
    return Duration(nanoseconds)


def _small(size: int) -> str:
    if not size:
        return "0s"
    unit, name = next((unit, name) for unit, name in ((10**6, "ms"), (1000, "µs"), (1, "ns")) if size >= unit)
    return f"{_fraction(size, unit)}{name}"


def _fraction(size: int, unit: int) -> str:
    whole, rest = divmod(size, unit)
    digits = len(str(unit)) - 1
    return f"{whole}.{rest:0{digits}}".rstrip("0") if rest else str(whole)


_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": SECOND, "m": MINUTE, "h": HOUR}
_PART = re.compile(r"(\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def read_duration(text: str) -> Duration:
    """``1h30m``, ``-1.5s``, ``0``: Go's ``time.ParseDuration``. Raises ``TimeProblem``."""
    sign, digits = (-1 if text[:1] == "-" else 1), text.lstrip("+-") if text[:1] in ("+", "-") else text
    parts = _PART.findall(digits)
    if digits != "0" and (not parts or "".join(number + unit for number, unit in parts) != digits):
        raise TimeProblem(f'"{text[:60]}" is no duration; write one such as "1h30m", "1.5s" or "200ms"')
    return duration_of(sign * sum(int(Decimal(number) * _UNITS[unit]) for number, unit in parts))
