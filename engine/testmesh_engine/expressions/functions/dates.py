"""Functions that make times, durations and time zones; Go's ``time`` package as Expr offers it."""

from __future__ import annotations

from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.layout_reading import read_any, read_time
from testmesh_engine.expressions.times import (
    UTC_ZONE,
    Duration,
    Time,
    TimeProblem,
    Zone,
    read_duration,
    time_at,
    zone_named,
)
from testmesh_engine.expressions.values import Value, kind_of, show


def _now(frame: Frame, zone: Value = UTC_ZONE) -> Time:
    return time_at(frame.now(), as_zone(zone))


def as_zone(value: Value) -> Zone:
    """A zone, or the one that a text names. Raises ``FunctionError``."""
    if isinstance(value, Zone):
        return value
    if not isinstance(value, str):
        raise FunctionError(f'{kind_of(value)} {show(value)} is no time zone; write `timezone("Europe/Zurich")`')
    try:
        return zone_named(value)
    except TimeProblem as problem:
        raise FunctionError(str(problem)) from None


def _date(_: Frame, *arguments: Value) -> Time:
    """``date(text, [layout, [zone]])``, or with a zone before them."""
    before = arguments[0] if isinstance(arguments[0], Zone) else None
    text, layout, zone = (*arguments[before is not None :], None, None, None)[:3]
    if isinstance(text, Time) and layout is None:
        return text
    if not isinstance(text, str) or not isinstance(layout, str | None):
        raise FunctionError(f"a date is made from text, not from {kind_of(layout if isinstance(text, str) else text)}")
    where = as_zone(zone) if zone is not None else before or UTC_ZONE
    try:
        return read_any(text, where) if layout is None else read_time(text, layout, where)
    except TimeProblem as problem:
        raise FunctionError(str(problem)) from None


def _duration(_: Frame, text: str) -> Duration:
    try:
        return read_duration(text)
    except TimeProblem as problem:
        raise FunctionError(str(problem)) from None


TABLE = (
    function(
        "now",
        "timezone?: any",
        _now,
        "The time at which the expression is evaluated, in UTC or in a time zone.",
        ("now() - now() <= duration('0s')", "true"),
    ),
    function(
        "date",
        "text: any, layout?: any, timezone?: any",
        _date,
        "The time that a text spells, in UTC where it names no zone; a layout shows 2006-01-02 15:04:05 as the text "
        "shows its time.",
        ('date("2023-08-14").Year()', "2023"),
        ('date("14.08.2023 09:30", "02.01.2006 15:04", "Europe/Zurich").Unix()', "1691998200"),
    ),
    function(
        "duration",
        "text: text",
        _duration,
        "The span of time that a text spells, in ns, us, ms, s, m and h.",
        ('duration("1h30m").Minutes()', "90"),
    ),
    function(
        "timezone",
        "name: text",
        lambda _, name: as_zone(name),
        "The time zone of the IANA database that is called so.",
        ('date("2023-08-14 12:00:00").In(timezone("Europe/Zurich")).Hour()', "14"),
    ),
)
