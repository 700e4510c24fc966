"""Times read from text as one of Go's layouts shows; strict where Go is, and where Go would guess a zone."""

from __future__ import annotations

import re

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions.layouts import DAYS, MONTHS, chunks
from testmesh_engine.expressions.times import (
    DAY_SECONDS,
    SECOND,
    UTC_ZONE,
    Time,
    TimeProblem,
    Zone,
    day_number,
    time_at,
)

DEFAULTS = (
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
    "2006-01-02T15:04:05",
)
"""What ``date`` reads without a layout: Expr's seven, and a timestamp without zone as databases give it."""


@dataclass(slots=True)
class _Read:
    """What was read so far."""

    year: int = 0
    month: int = 1
    day: int = 1
    year_day: int = 0
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    afternoon: bool | None = None
    zone: Zone | None = None


_NUMBERS = {
    "2006": ("year", 4, 4),
    "06": ("short_year", 2, 2),
    "01": ("month", 2, 2),
    "1": ("month", 1, 2),
    "02": ("day", 2, 2),
    "_2": ("day", 1, 2),
    "2": ("day", 1, 2),
    "002": ("year_day", 3, 3),
    "__2": ("year_day", 1, 3),
    "15": ("hour", 2, 2),
    "03": ("hour", 2, 2),
    "3": ("hour", 1, 2),
    "04": ("minute", 2, 2),
    "4": ("minute", 1, 2),
    "05": ("second", 2, 2),
    "5": ("second", 1, 2),
}
_LIMITS = {
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "year_day": (1, 366),
}
_FRACTION = re.compile(r"[.,](\d{1,9})\d*", re.ASCII)
_SHORT_YEARS_FROM = 69  # as Go: 69 is 1969, 68 is 2068


def read_time(text: str, layout: str, zone: Zone = UTC_ZONE) -> Time:
    """The time that ``text`` spells as ``layout`` shows; ``zone`` is its zone where it names none.

    Raises ``TimeProblem``.
    """
    found, position = _Read(), 0
    pieces = chunks(layout)
    for index, (piece, meant) in enumerate(pieces):
        follows = pieces[index + 1][0] if index + 1 < len(pieces) else ""
        try:
            position = _take(found, piece, text, position) if meant else _literal(piece, text, position)
        except TimeProblem as problem:
            raise TimeProblem(f'"{text[:60]}" is not as "{layout[:60]}" shows: {problem}') from None
        if piece in ("05", "5") and meant and not _FRACTIONAL.fullmatch(follows):
            position = _fraction(found, text, position)
    if position < len(text):
        raise TimeProblem(f'"{text[:60]}" goes on after "{layout[:60]}": "{text[position : position + 20]}"')
    return _made(found, zone)


_FRACTIONAL = re.compile(r"[.,](?:0+|9+)")


def _literal(piece: str, text: str, position: int) -> int:
    if not text.startswith(piece, position):
        raise TimeProblem(f'"{piece}" is missing at "{text[position : position + 20]}"')
    return position + len(piece)


def _take(found: _Read, piece: str, text: str, position: int) -> int:
    if piece in _NUMBERS:
        return _number(found, piece, text, position)
    if piece[0] in ".,":
        return _fraction(found, text, position) if piece[1] == "9" else _digits(found, piece, text, position)
    if piece in ("January", "Jan", "Monday", "Mon"):
        return _word(found, piece, text, position)
    if piece in ("PM", "pm"):
        return _half_day(found, piece, text, position)
    return _abbreviation(found, text, position) if piece == "MST" else _read_offset(found, piece, text, position)


def _number(found: _Read, piece: str, text: str, position: int) -> int:
    name, least, most = _NUMBERS[piece]
    if piece.startswith("_"):
        position += len(text[position : position + len(piece) - 1]) - len(
            text[position : position + len(piece) - 1].lstrip(" ")
        )
    match = re.compile(rf"\d{{{least},{most}}}", re.ASCII).match(text, position)
    if match is None:
        raise TimeProblem(f'no {name.replace("_", " ")} at "{text[position : position + 20]}"')
    number = int(match[0])
    low, high = _LIMITS.get(name, (0, 9999))
    if not low <= number <= high:
        raise TimeProblem(f"there is no {name.replace('_', ' ')} {number}")
    if name == "short_year":
        name, number = "year", number + (1900 if number >= _SHORT_YEARS_FROM else 2000)
    setattr(found, name, number)
    return match.end()


def _fraction(found: _Read, text: str, position: int) -> int:
    """A fraction that may be there."""
    match = _FRACTION.match(text, position)
    if match is None:
        return position
    found.nanosecond = int(match[1].ljust(9, "0"))
    return match.end()


def _digits(found: _Read, piece: str, text: str, position: int) -> int:
    """A fraction of exactly as many digits as the layout has."""
    match = re.compile(rf"[.,](\d{{{len(piece) - 1}}})", re.ASCII).match(text, position)
    if match is None:
        raise TimeProblem(f'no fraction of {len(piece) - 1} digits at "{text[position : position + 20]}"')
    found.nanosecond = int(match[1][:9].ljust(9, "0"))
    return match.end()


def _word(found: _Read, piece: str, text: str, position: int) -> int:
    names = MONTHS[1:] if piece.startswith("Jan") else DAYS
    for index, name in enumerate(names):
        word = name[:3] if len(piece) == 3 else name
        if text[position : position + len(word)].lower() == word.lower():
            if names is not DAYS:
                found.month = index + 1
            return position + len(word)
    raise TimeProblem(f'no name such as "{piece}" at "{text[position : position + 20]}"')


def _half_day(found: _Read, piece: str, text: str, position: int) -> int:
    word = text[position : position + 2]
    if word not in (("PM", "AM") if piece == "PM" else ("pm", "am")):
        raise TimeProblem(f'neither am nor pm at "{text[position : position + 20]}"')
    found.afternoon = word.lower() == "pm"
    return position + 2


def _abbreviation(found: _Read, text: str, position: int) -> int:
    match = re.compile(r"[A-Z]{3,5}").match(text, position)
    if match is None or match[0] not in ("UTC", "GMT"):
        what = f'"{match[0]}" is no time zone of one meaning' if match else "no time zone"
        raise TimeProblem(f'{what} at "{text[position : position + 20]}"; only UTC and GMT are')
    found.zone = UTC_ZONE if match[0] == "UTC" else Zone("GMT", 0)
    return match.end()


def _read_offset(found: _Read, piece: str, text: str, position: int) -> int:
    if piece[0] == "Z" and text.startswith("Z", position):
        found.zone = UTC_ZONE
        return position + 1
    colon = ":" if ":" in piece else ""
    parts = {3: 0, 5: 1, 6: 1, 7: 2, 9: 2}[len(piece)]
    further = (colon + r"(\d\d)") * parts
    match = re.compile(r"([+-])(\d\d)" + further, re.ASCII).match(text, position)
    if match is None:
        raise TimeProblem(f'no offset such as {piece.replace("Z", "+")} at "{text[position : position + 20]}"')
    sign, hours, *rest = match.groups()
    minutes, seconds = (int(part) for part in (*rest, "0", "0")[:2])
    if int(hours) > 24 or minutes > 59 or seconds > 59:
        raise TimeProblem(f"there is no offset {match[0]}")
    size = int(hours) * 3600 + minutes * 60 + seconds
    found.zone = Zone("", -size if sign == "-" else size) if size else UTC_ZONE
    return match.end()


def _made(found: _Read, zone: Zone) -> Time:
    if found.afternoon is not None:
        if not 1 <= found.hour <= 12:
            raise TimeProblem(f"there is no hour {found.hour} in half a day")
        found.hour = found.hour % 12 + 12 * found.afternoon
    days = _days(found)
    local = days * DAY_SECONDS + found.hour * 3600 + found.minute * 60 + found.second
    where = found.zone or zone
    return time_at(where.second_of(local) * SECOND + found.nanosecond, where)


def read_any(text: str, zone: Zone = UTC_ZONE) -> Time:
    """The time that ``text`` spells in one of the default layouts. Raises ``TimeProblem``."""
    for layout in DEFAULTS:
        try:
            return read_time(text, layout, zone)
        except TimeProblem as problem:
            if "there is no" in str(problem):  # written as a date is, and none of the calendar
                raise
    raise TimeProblem(
        f'"{text[:60]}" is no date; dates are written "2023-08-14", "15:04:05", "2023-08-14 15:04:05", '
        f'"2023-08-14T15:04:05Z", or as the layout beside it shows'
    )


def _days(found: _Read) -> int:
    if found.year_day:
        return day_number(found.year, 1, 1) + found.year_day - 1
    return day_number(found.year, found.month, found.day)
