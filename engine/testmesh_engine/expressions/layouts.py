"""Go's layouts, in which the time ``Mon Jan 2 15:04:05 MST 2006`` shows how any other is written.

Source: https://pkg.go.dev/time#pkg-constants and ``nextStdChunk`` of Go's ``time/format.go``.
"""

from __future__ import annotations

import calendar
import functools
import re
from collections.abc import Callable, Iterator

from testmesh_engine.expressions.times import Civil, Time, offset_text

_CHUNK = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_(?=2006)|_2|[345]|PM|pm"
    r"|[-Z]07(?:0000|:00:00|00|:00)?|[.,](?:0+|9+)(?!\d)"
)
MONTHS = ("", *(calendar.month_name[number] for number in range(1, 13)))
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@functools.lru_cache(maxsize=128)
def chunks(layout: str) -> tuple[tuple[str, bool], ...]:
    """The pieces of a layout, each with whether it stands for a part of the time."""
    return tuple(_split(layout))


def _split(layout: str) -> Iterator[tuple[str, bool]]:
    position = 0
    for match in _CHUNK.finditer(layout):
        if match[0] == "_":
            continue
        if match.start() > position:
            yield layout[position : match.start()], False
        yield match[0], True
        position = match.end()
    if position < len(layout):
        yield layout[position:], False


# Writing

_WRITERS: dict[str, Callable[[Civil], str]] = {
    "2006": lambda shown: f"{shown.year:04}",
    "06": lambda shown: f"{shown.year % 100:02}",
    "January": lambda shown: MONTHS[shown.month],
    "Jan": lambda shown: MONTHS[shown.month][:3],
    "01": lambda shown: f"{shown.month:02}",
    "1": lambda shown: str(shown.month),
    "Monday": lambda shown: DAYS[shown.weekday],
    "Mon": lambda shown: DAYS[shown.weekday][:3],
    "02": lambda shown: f"{shown.day:02}",
    "_2": lambda shown: f"{shown.day:2}",
    "2": lambda shown: str(shown.day),
    "002": lambda shown: f"{shown.year_day:03}",
    "__2": lambda shown: f"{shown.year_day:3}",
    "15": lambda shown: f"{shown.hour:02}",
    "03": lambda shown: f"{_twelve(shown.hour):02}",
    "3": lambda shown: str(_twelve(shown.hour)),
    "04": lambda shown: f"{shown.minute:02}",
    "4": lambda shown: str(shown.minute),
    "05": lambda shown: f"{shown.second:02}",
    "5": lambda shown: str(shown.second),
    "PM": lambda shown: "PM" if shown.hour >= 12 else "AM",
    "pm": lambda shown: "pm" if shown.hour >= 12 else "am",
    "MST": lambda shown: shown.zone or offset_text(shown.offset, colon="") or "UTC",
}


def _twelve(hour: int) -> int:
    return hour % 12 or 12


def write_time(moment: Time, layout: str) -> str:
    """The time as ``layout`` shows it."""
    shown = moment.civil()
    return "".join(_written(piece, shown) if meant else piece for piece, meant in chunks(layout))


def _written(piece: str, shown: Civil) -> str:
    if piece in _WRITERS:
        return _WRITERS[piece](shown)
    if piece[0] in ".,":
        digits = f"{shown.nanosecond:09}"[: len(piece) - 1].ljust(len(piece) - 1, "0")
        kept = digits.rstrip("0") if piece[1] == "9" else digits
        return f"{piece[0]}{kept}" if kept else ""
    if piece[0] == "Z" and not shown.offset:
        return "Z"
    return _offset(piece, shown.offset)


def _offset(piece: str, offset: int) -> str:
    colon = ":" if ":" in piece else ""
    size = abs(offset)
    parts = [f"{size // 3600:02}", f"{size // 60 % 60:02}", f"{size % 60:02}"]
    wanted = {3: 1, 5: 2, 6: 2, 7: 3, 9: 3}[len(piece)]
    return ("-" if offset < 0 else "+") + colon.join(parts[:wanted])
