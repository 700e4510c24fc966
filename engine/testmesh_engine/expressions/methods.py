"""The methods of times and durations: those of Go's ``time`` package that a test asks for. No other value has any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import arithmetic
from testmesh_engine.expressions.closures import SHORT
from testmesh_engine.expressions.errors import EvaluationError, ExpressionError, nearest
from testmesh_engine.expressions.frame import Code, Frame, Result
from testmesh_engine.expressions.functions.dates import as_zone
from testmesh_engine.expressions.functions.table import FunctionError
from testmesh_engine.expressions.layouts import write_time
from testmesh_engine.expressions.operators import named, present
from testmesh_engine.expressions.times import (
    HOUR,
    MINUTE,
    SECOND,
    UTC_ZONE,
    Duration,
    Time,
    TimeProblem,
    Zone,
    time_at,
)
from testmesh_engine.expressions.values import Missing, Value

_ZONE_NAME = (Zone, str)


@dataclass(frozen=True, slots=True)
class Method:
    """A method of ``of``; ``takes`` are the kinds of its arguments."""

    of: type[Time | Duration]
    code: Callable[..., Value]
    doc: str
    takes: tuple[tuple[type, ...], ...] = ()


def _quotient(span: Duration, unit: int) -> int | Decimal:
    whole, rest = divmod(span.nanoseconds, unit)
    return arithmetic.divide(span.nanoseconds, unit) if rest else whole


def _towards_zero(span: Duration, unit: int) -> int:
    size = abs(span.nanoseconds) // unit
    return -size if span.nanoseconds < 0 else size


METHODS: dict[str, Method] = {
    "Year": Method(Time, lambda time: time.civil().year, "the year"),
    "Month": Method(Time, lambda time: time.civil().month, "the month, a number from 1"),
    "Day": Method(Time, lambda time: time.civil().day, "the day of the month"),
    "Hour": Method(Time, lambda time: time.civil().hour, "the hour, 0 to 23"),
    "Minute": Method(Time, lambda time: time.civil().minute, "the minute"),
    "Second": Method(Time, lambda time: time.civil().second, "the second"),
    "Nanosecond": Method(Time, lambda time: time.civil().nanosecond, "the nanoseconds within the second"),
    "Weekday": Method(Time, lambda time: time.civil().weekday, "the day of the week, a number: 0 is Sunday"),
    "YearDay": Method(Time, lambda time: time.civil().year_day, "the day of the year, from 1"),
    "Unix": Method(Time, lambda time: time.nanoseconds // SECOND, "seconds since 1970"),
    "UnixMilli": Method(Time, lambda time: time.nanoseconds // 10**6, "milliseconds since 1970"),
    "UnixMicro": Method(Time, lambda time: time.nanoseconds // 1000, "microseconds since 1970"),
    "UnixNano": Method(Time, lambda time: time.nanoseconds, "nanoseconds since 1970"),
    "Format": Method(Time, write_time, "the time as text, as a layout such as `2006-01-02 15:04:05` shows", ((str,),)),
    "In": Method(
        Time, lambda time, zone: Time(time.nanoseconds, as_zone(zone)), "the same time in another zone", (_ZONE_NAME,)
    ),
    "UTC": Method(Time, lambda time: Time(time.nanoseconds, UTC_ZONE), "the same time in UTC"),
    "Add": Method(
        Time,
        lambda time, span: time_at(time.nanoseconds + span.nanoseconds, time.zone),
        "the time so much later",
        ((Duration,),),
    ),
    "Sub": Method(
        Time,
        lambda time, other: Duration(time.nanoseconds - other.nanoseconds),
        "the duration since another time",
        ((Time,),),
    ),
    "Before": Method(Time, lambda time, other: time < other, "whether it is before another time", ((Time,),)),
    "After": Method(Time, lambda time, other: time > other, "whether it is after another time", ((Time,),)),
    "Equal": Method(Time, lambda time, other: time == other, "whether it is the same instant", ((Time,),)),
    "Hours": Method(Duration, lambda span: _quotient(span, HOUR), "hours, with their fraction"),
    "Minutes": Method(Duration, lambda span: _quotient(span, MINUTE), "minutes, with their fraction"),
    "Seconds": Method(Duration, lambda span: _quotient(span, SECOND), "seconds, with their fraction"),
    "Milliseconds": Method(Duration, lambda span: _towards_zero(span, 10**6), "milliseconds, their fraction cut off"),
    "Microseconds": Method(Duration, lambda span: _towards_zero(span, 1000), "microseconds, their fraction cut off"),
    "Nanoseconds": Method(Duration, lambda span: span.nanoseconds, "nanoseconds"),
}

_WORDS = {Time: "time", Duration: "duration", Zone: "time zone", str: "text"}


def no_method(name: str, offset: int, *, plain: bool) -> ExpressionError:
    """The error for a method that there is not; ``plain`` where it is a key."""
    near = nearest(name, METHODS)
    hint = f"did you mean `.{near}()`?" if near else f"write `{name}(…)` around its operand"
    hint = "write it without `()`" if plain else hint
    return ExpressionError(f"there are no methods: `.{name}()`; only times and durations have some", offset, hint=hint)


def method_code(name: str, target: Code, arguments: Sequence[Code], sources: Sequence[str], *, optional: bool) -> Code:
    """The code of one call; ``sources`` are the texts of the target and of the arguments."""
    method = METHODS[name]
    where = f"{sources[0]}.{name}({', '.join(sources[1:])})"

    def call(frame: Frame) -> Result:
        found = target(frame)
        if found is SHORT or (optional and (found is None or isinstance(found, Missing))):
            return SHORT
        value = present(found)
        if not isinstance(value, method.of):
            hint = f"write `date({sources[0]}).{name}(…)`" if method.of is Time and isinstance(value, str) else ""
            raise EvaluationError(f"`.{name}()` is of a {_WORDS[method.of]}: {named(sources[0], value)}", hint)
        given = [
            _checked(name, method.takes[i], present(each(frame)), sources[i + 1]) for i, each in enumerate(arguments)
        ]
        try:
            result = method.code(value, *given)
        except (TimeProblem, FunctionError, arithmetic.ArithmeticProblem) as problem:
            raise EvaluationError(f"{where}: {problem}") from None
        if isinstance(result, str):
            frame.charge(len(result))
        return result

    return call


def _checked(name: str, kinds: tuple[type, ...], value: Value, source: str) -> Value:
    if isinstance(value, kinds):
        return value
    raise EvaluationError(f"`.{name}()` takes a {' or '.join(_WORDS[kind] for kind in kinds)}: {named(source, value)}")
