"""What two sides of a `==` are, and where they differ."""

from __future__ import annotations

import pytest

from testmesh_engine.contract.result import AssertionResult, Json, Operand
from testmesh_engine.report.comparison import MAX_DIFFERENCES, Change, Comparison, Difference, compared, differences


def failed(expression: str, **operands: Json) -> AssertionResult:
    """An assertion that does not hold; `__` in a name stands for a dot."""
    known = tuple(Operand(source=name.replace("__", "."), value=value) for name, value in operands.items())
    return AssertionResult(expression=expression, passed=False, operands=known)


@pytest.mark.parametrize(
    ("assertion", "expected"),
    [
        (failed("body.id == 7", body__id=8), Comparison("body.id", 8, 7)),
        (failed("7 == body.id", body__id=8), Comparison("body.id", 8, 7)),
        (failed('body == {"a": [1, nil]}', body={}), Comparison("body", {}, {"a": [1, None]})),
        (failed("body.id == order", body__id=8, order="x"), Comparison("body.id", 8, "x")),
        (failed("body == [1, order]", body=[], order="x"), Comparison("body", [], [1, "x"])),
    ],
)
def test_both_sides_are_read_from_the_text_and_the_operands(assertion: AssertionResult, expected: Comparison) -> None:
    """Whichever side the literal stands on."""
    assert expected == compared(assertion)


@pytest.mark.parametrize(
    "assertion",
    [
        failed("body.id != 7", body__id=7),
        failed("body.id == 7 && true", body__id=8),
        failed("body.id == unknown", body__id=8),
        failed("== =="),
        AssertionResult(expression="1 == 1", passed=True),
    ],
)
def test_what_is_no_comparison_or_has_no_known_side_is_left_alone(assertion: AssertionResult) -> None:
    """Nothing is guessed."""
    assert compared(assertion) is None


def test_only_the_places_that_differ_are_named() -> None:
    """Whatever depth they have; a key that is no name stands in brackets."""
    actual: Json = {"a": 1, "items": [{"qty": 2}, {"qty": 3}, {}], "x-y": 1, "same": [1, {"b": None}]}
    expected: Json = {"a": True, "items": [{"qty": 2}, {"qty": 4}], "new": 5, "same": [1, {"b": None}]}
    found = differences(Comparison("body", actual, expected))
    assert [
        Difference("body.a", Change.DIFFERS, 1, True),  # noqa: FBT003 - a value
        Difference("body.items[1].qty", Change.DIFFERS, 3, 4),
        Difference("body.items[2]", Change.UNEXPECTED, {}, None),
        Difference('body["x-y"]', Change.UNEXPECTED, 1, None),
        Difference("body.new", Change.MISSING, None, 5),
    ] == found


def test_values_of_which_one_is_no_map_or_list_have_no_places() -> None:
    """Both are shown whole."""
    assert [] == differences(Comparison("body", "text", {"a": 1}))
    assert [] == differences(Comparison("body", 1, 2))


def test_differences_are_bounded() -> None:
    """One more than is shown tells that there are more."""
    assert MAX_DIFFERENCES + 1 == len(differences(Comparison("body", list(range(500)), [])))
