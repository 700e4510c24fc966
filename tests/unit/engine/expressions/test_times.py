"""Times and durations: what they are made from, how they are reckoned with, and how they leave an expression."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testmesh_engine.expressions import (
    EvaluationError,
    MapScope,
    Missing,
    Value,
    compile_expression,
    compile_template,
    equal,
)
from testmesh_engine.expressions.layout_reading import read_time
from testmesh_engine.expressions.layouts import write_time
from testmesh_engine.expressions.times import FIRST_SECOND, LAST_SECOND, SECOND, Duration, read_duration, time_at

NEW_YEAR = 1_704_067_200 * SECOND  # 2024-01-01T00:00:00Z


class _Clocked(MapScope):
    """A scope whose clock goes on by a second at each look."""

    def __init__(self, values: dict[str, Value]) -> None:
        super().__init__(values)
        self.at = NEW_YEAR

    def now(self) -> int:
        """The time, one second later at each call."""
        self.at += SECOND
        return self.at


def value_of(text: str, **names: Value) -> Value:
    """The value of an expression."""
    return compile_expression(text).evaluate(MapScope(names))


def test_now_is_the_clock_of_the_scope() -> None:
    """A run can be repeated with the same time."""
    assert "2024-01-01T00:00:01Z" == compile_expression("now()").evaluate(_Clocked({}))
    assert "at 2024" == compile_template("at ${now().Year()}").render(_Clocked({}))


def test_it_is_the_same_time_throughout_an_evaluation_and_its_explanation() -> None:
    """What a failed assertion shows is what it compared."""
    assert compile_expression("now() == now()").evaluate(_Clocked({})) is True
    check = compile_expression('now() < date("2023-01-01")').check(_Clocked({}))
    assert 'now() < date("2023-01-01"): now() is 2024-01-01T00:00:01Z, date("2023-01-01") is 2023-01-01T00:00:00Z' == (
        check.message
    )


def test_times_leave_an_expression_as_text_at_every_depth() -> None:
    """No report and no captured variable holds one."""
    found = value_of('{at: [date("2024-01-02"), duration("90m")], in: timezone("Europe/Zurich")}')
    assert {"at": ["2024-01-02T00:00:00Z", "1h30m0s"], "in": "Europe/Zurich"} == found
    assert "on 2024-01-02T00:00:00Z" == value_of("'on ${date(day)}'", day="2024-01-02")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('date("2024-02-30")', "there is no day 2024-02-30"),
        ('date("2024-13-01", "2006-01-02")', "there is no month 13"),
        ('date("soon")', '"soon" is no date'),
        ('date("10:00 EST", "15:04 MST")', '"EST" is no time zone of one meaning'),
        ("date(5)", "a date is made from text, not from number"),
        ('duration("1 day")', '"1 day" is no duration'),
        ('timezone("/etc/passwd")', "there is no time zone"),
        ('timezone("Local")', "another zone on every machine"),
        ('now() > "2024-01-01"', "`>` takes two numbers or two texts"),
        ("now() + 1", "`+` takes times and durations that fit"),
        ("now() + now()", "`+` takes times and durations that fit"),
        ('duration("1h") / duration("1m")', "`/` takes times and durations that fit"),
        ('date("9999-01-01") + duration("99999h")', "outside of the years 0 to 9999"),
        ('duration("9999999h") * 10 ** 30', "too long"),
        ("day.Year()", '`.Year()` is of a time: day is text "2024-01-02"'),
        ("now().Format(5)", "`.Format()` takes a text: number 5"),
        ("now().Hours()", "`.Hours()` is of a duration"),
    ],
)
def test_what_is_no_time_says_why(text: str, reason: str) -> None:
    """And nothing is guessed."""
    with pytest.raises(EvaluationError) as caught:
        value_of(text, day="2024-01-02")
    assert reason in f"{caught.value} {caught.value.hint}"


@given(st.integers(min_value=FIRST_SECOND * SECOND, max_value=LAST_SECOND * SECOND))
def test_a_time_is_read_as_it_is_written(nanoseconds: int) -> None:
    """In RFC 3339, and in any layout that shows all of it."""
    moment = time_at(nanoseconds)
    for layout in ("2006-01-02T15:04:05.999999999Z07:00", "Jan _2 2006 03:04:05.000000000 PM MST"):
        assert moment == read_time(write_time(moment, layout), layout)
    assert str(moment) == write_time(moment, "2006-01-02T15:04:05.999999999Z07:00")


@given(st.integers(min_value=-(10**20), max_value=10**20))
def test_a_duration_is_read_as_it_is_written(nanoseconds: int) -> None:
    """To the nanosecond."""
    assert Duration(nanoseconds) == read_duration(str(Duration(nanoseconds)))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_and_any_layout_end_in_a_time_or_in_an_error(text: str, layout: str) -> None:
    """Nothing else comes out."""
    scope = MapScope({"text": text, "layout": layout})
    for expression in ("date(text)", "date(text, layout)", "duration(text)", "timezone(text)", "now().Format(layout)"):
        try:
            found = compile_expression(expression).evaluate(scope)
        except EvaluationError:
            continue
        assert isinstance(found, str)


def test_optional_access_reaches_methods() -> None:
    """A path that was cut short has no methods to call."""
    assert value_of("a?.b.Year()", a=None) is None
    assert value_of("a.b?.Year()", a={}) is None
    assert not isinstance(value_of("$env.a", a=1), Missing)
    assert equal({"a": 1}, value_of("$env", a=1))
