"""The operators on values. Each takes both operands and the :class:`Site` that names them in messages.

They raise ``EvaluationError``; an absent key equals nil, and every other operator on it is an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import arithmetic, limits
from testmesh_engine.expressions.absent import OutOfRange, absence
from testmesh_engine.expressions.arithmetic import ArithmeticProblem, Number
from testmesh_engine.expressions.errors import EvaluationError
from testmesh_engine.expressions.frame import Frame, Result
from testmesh_engine.expressions.times import Duration, Time, TimeProblem, duration_of, time_at
from testmesh_engine.expressions.values import Missing, Value, equal, kind_of, show

if TYPE_CHECKING:
    import re2


@dataclass(frozen=True, slots=True)
class Site:
    """Where an operator stands: itself and the text of its operands."""

    operator: str
    left: str
    right: str


Operation: TypeAlias = Callable[[Frame, Result, Result, Site], Value]


def named(source: str, value: Result) -> str:
    """An operand for a message: ``body.id is text "42"``, or just ``number 42`` where that is all there is to say."""
    if isinstance(value, Missing):
        return str(value)
    shown = show(value)
    kind = kind_of(value)
    what = shown if kind in ("nil", "boolean") else f"{kind} {shown}"
    literal = isinstance(value, str) and source[1:-1] == value
    return what if literal or source == shown else f"{source} is {what}"


def present(value: Result) -> Value:
    """The value. Raises ``EvaluationError`` if it is not there."""
    if isinstance(value, Missing):
        raise absence(value)
    return value


def _both(left: Result, right: Result) -> tuple[Value, Value]:
    return present(left), present(right)


def _refused(site: Site, wanted: str, left: Value, right: Value, *, hint: str = "") -> EvaluationError:
    return EvaluationError(
        f"`{site.operator}` takes {wanted}: {named(site.left, left)}, {named(site.right, right)}", hint
    )


# Equality


def equals(left: Result, right: Result) -> bool:
    """``==``: an absent key equals nil, nothing else, and no other absent key."""
    if isinstance(left, OutOfRange) or isinstance(right, OutOfRange):
        _both(left, right)
    if isinstance(left, Missing):
        return right is None
    if isinstance(right, Missing):
        return left is None
    return equal(left, right)


def equals_present(left: Result, right: Result) -> bool:
    """``==`` where both sides must be there: an absent key may be compared with nil only."""
    if (isinstance(left, Missing) and right is None) or (left is None and isinstance(right, Missing)):
        return equals(left, right)
    return equal(*_both(left, right))


def not_equal(left: Result, right: Result) -> bool:
    """``!=``, for which both sides must be there."""
    return not equals_present(left, right)


# Order and arithmetic


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _compare(left: Result, right: Result, site: Site) -> int:
    """Below 0, 0 or above: two numbers, two texts, two times or two durations."""
    first, second = _both(left, right)
    if isinstance(first, str) and isinstance(second, str):
        return (first > second) - (first < second)
    if isinstance(first, (Time, Duration)) and type(first) is type(second):
        return (first > second) - (first < second)  # type: ignore[operator]  # two times or two durations
    if not _is_number(first) or not _is_number(second):
        hint = _AS_DATE if isinstance(first, Time) or isinstance(second, Time) else ""
        raise _refused(site, "two numbers or two texts", first, second, hint=hint)
    return int(_calculated(site, first, second, _sign))  # type: ignore[arg-type]  # _sign gives an integer


def _sign(left: Number, right: Number) -> Number:
    return arithmetic.less(right, left) - arithmetic.less(left, right)


def _calculated(site: Site, left: Result, right: Result, operation: Callable[[Number, Number], Number]) -> Value:
    first, second = _both(left, right)
    if (
        isinstance(first, (int, Decimal))
        and isinstance(second, (int, Decimal))
        and _is_number(first)
        and _is_number(second)
    ):
        return _without_problem(site, lambda: operation(first, second))
    raise _refused(site, "two numbers", first, second)


def _without_problem(site: Site, calculate: Callable[[], Number]) -> Number:
    try:
        return calculate()
    except ArithmeticProblem as problem:
        raise EvaluationError(f"`{site.left} {site.operator} {site.right}`: {problem}") from None


def _add(frame: Frame, left: Result, right: Result, site: Site) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        frame.charge(len(left) + len(right))
        return left + right
    first, second = _both(left, right)
    if isinstance(first, (Time, Duration)) or isinstance(second, (Time, Duration)):
        return _with_times(site, first, second)
    if isinstance(first, str) or isinstance(second, str):
        raise _refused(site, "two numbers or two texts", first, second, hint="`string(…)` makes a number text")
    return _calculated(site, first, second, arithmetic.add)


_AS_DATE = "`date(…)` makes a text a time"


def _with_times(site: Site, left: Value, right: Value) -> Value:
    """A calculation with a time or a duration in it: those of Go's ``time`` package that Expr has."""
    operation = _TIMELY.get((site.operator, type(left), type(right)))
    if operation is None:
        hint = '`duration("1h")` makes a text a duration, `date(…)` a time'
        raise _refused(site, "times and durations that fit", left, right, hint=hint)
    try:
        return operation(left, right)
    except TimeProblem as problem:
        raise EvaluationError(f"`{site.left} {site.operator} {site.right}`: {problem}") from None


_TIMELY: dict[tuple[str, type, type], Callable[..., Value]] = {
    ("+", Time, Duration): lambda time, span: time_at(time.nanoseconds + span.nanoseconds, time.zone),
    ("+", Duration, Time): lambda span, time: time_at(time.nanoseconds + span.nanoseconds, time.zone),
    ("-", Time, Duration): lambda time, span: time_at(time.nanoseconds - span.nanoseconds, time.zone),
    ("-", Time, Time): lambda left, right: Duration(left.nanoseconds - right.nanoseconds),
    ("+", Duration, Duration): lambda left, right: duration_of(left.nanoseconds + right.nanoseconds),
    ("-", Duration, Duration): lambda left, right: duration_of(left.nanoseconds - right.nanoseconds),
    ("*", Duration, int): lambda span, times: duration_of(span.nanoseconds * times),
    ("*", int, Duration): lambda times, span: duration_of(span.nanoseconds * times),
    ("*", Duration, Decimal): lambda span, times: duration_of(int(arithmetic.multiply(span.nanoseconds, times))),
    ("*", Decimal, Duration): lambda times, span: duration_of(int(arithmetic.multiply(span.nanoseconds, times))),
}


def _calculation(operation: Callable[[Number, Number], Number]) -> Operation:
    """An operator of two numbers, which may also be one of times and durations."""

    def calculated(_: Frame, left: Result, right: Result, site: Site) -> Value:
        if isinstance(left, (Time, Duration)) or isinstance(right, (Time, Duration)):
            return _with_times(site, *_both(left, right))
        return _calculated(site, left, right, operation)

    return calculated


def _range(frame: Frame, left: Result, right: Result, site: Site) -> Value:
    first, last = _both(left, right)
    if not isinstance(first, int) or not isinstance(last, int) or isinstance(first, bool) or isinstance(last, bool):
        raise _refused(site, "two integers", first, last)
    if last - first >= limits.MAX_RANGE:
        raise EvaluationError(f"`{site.left}..{site.right}` has more than {limits.MAX_RANGE:,} items")
    frame.charge_items(max(0, last - first + 1))
    return list(range(first, last + 1))


# Membership


def _in(frame: Frame, left: Result, right: Result, site: Site) -> bool:
    part, container = _both(left, right)
    if isinstance(container, list):
        frame.work(len(container))
        return any(equal(part, item) for item in container)
    if isinstance(container, dict):
        if isinstance(part, str):
            return has(container, part)
        raise _refused(site, "a text where it asks a map for a key", part, container)
    hint = f"write `{site.right} contains {site.left}`" if isinstance(container, str) else ""
    raise _refused(site, "a list or a map on its right", part, container, hint=hint)


def has(entries: dict[str, Value], key: str) -> bool:
    """Whether there is such a key. Raises ``EvaluationError`` for one that is known and has no value."""
    if key not in entries:
        return False
    present(entries[key])
    return True


def _contains(frame: Frame, left: Result, right: Result, site: Site) -> bool:
    container, part = _both(left, right)
    if isinstance(container, list):
        frame.work(len(container))
        return any(equal(part, item) for item in container)
    if isinstance(container, str) and isinstance(part, str):
        return part in container
    hint = f"write `{site.right} in {site.left}` to ask for a key" if isinstance(container, dict) else ""
    raise _refused(site, "two texts, or a list on its left", container, part, hint=hint)


def _texts(left: Result, right: Result, site: Site) -> tuple[str, str]:
    first, second = _both(left, right)
    if isinstance(first, str) and isinstance(second, str):
        return first, second
    hint = "`string(…)` makes it text" if _is_number(first) else ""
    raise _refused(site, "two texts", first, second, hint=hint)


def _starts(_: Frame, left: Result, right: Result, site: Site) -> bool:
    text, part = _texts(left, right, site)
    return text.startswith(part)


def _ends(_: Frame, left: Result, right: Result, site: Site) -> bool:
    text, part = _texts(left, right, site)
    return text.endswith(part)


def _matches(frame: Frame, left: Result, right: Result, site: Site) -> bool:
    text, pattern = _texts(left, right, site)
    frame.work(len(text) >> 4)
    try:
        return matches(text, pattern)
    except ValueError as error:
        raise EvaluationError(f"{named(site.right, pattern)}, no regular expression: {error}") from None


def matches(text: str, pattern: str) -> bool:
    """Whether ``pattern`` is found in ``text``. Raises ``ValueError`` for a pattern that is none."""
    # RE2 reads UTF-8, in which half a character has no form.
    return regex(pattern).search(text.encode("utf-8", "replace").decode("utf-8")) is not None


@functools.lru_cache(maxsize=256)
def regex(pattern: str) -> re2._Regexp:
    """The pattern, compiled by RE2. Raises ``ValueError`` with the reason."""
    import re2  # noqa: PLC0415 - a driver of its own that few flows need

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise ValueError(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None
    except UnicodeEncodeError:
        raise ValueError("it holds half of a character") from None


OPERATIONS: dict[str, Operation] = {
    "==": lambda _, left, right, _site: equals(left, right),
    "!=": lambda _, left, right, _site: not_equal(left, right),
    "<": lambda _, left, right, site: _compare(left, right, site) < 0,
    ">": lambda _, left, right, site: _compare(left, right, site) > 0,
    "<=": lambda _, left, right, site: _compare(left, right, site) <= 0,
    ">=": lambda _, left, right, site: _compare(left, right, site) >= 0,
    "in": _in,
    "contains": _contains,
    "startsWith": _starts,
    "endsWith": _ends,
    "matches": _matches,
    "..": _range,
    "+": _add,
    "-": _calculation(arithmetic.subtract),
    "*": _calculation(arithmetic.multiply),
    "/": _calculation(arithmetic.divide),
    "%": _calculation(arithmetic.remainder),
    "**": _calculation(arithmetic.power),
}
"""All operators that need both operands; ``and``, ``or`` and ``??`` do not."""


def negated(value: Result, source: str) -> bool:
    """``not``."""
    if value is True or value is False:
        return not value
    hint = f"`not` negates {source} alone; put parentheses around what it should negate"
    raise EvaluationError(f"`not` takes true or false: {named(source, present(value))}", hint)


def truth(value: Result, source: str, operator: str) -> bool:
    """The boolean. Raises ``EvaluationError`` for anything else."""
    if value is True or value is False:
        return value
    raise EvaluationError(f"`{operator}` takes true or false: {named(source, present(value))}")


def signed(value: Result, source: str, operator: str) -> Value:
    """``-`` and ``+`` before a number, or a duration."""
    number = present(value)
    if isinstance(number, Duration):
        return Duration(-number.nanoseconds) if operator == "-" else number
    if not isinstance(number, (int, Decimal)) or isinstance(number, bool):
        raise EvaluationError(f"`{operator}` takes a number: {named(source, number)}")
    return arithmetic.negate(number) if operator == "-" else number
