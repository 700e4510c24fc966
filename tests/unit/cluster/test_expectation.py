"""The scenarios' comparison must not find a match where there is none: every cluster test stands on it."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.expectation import differences

MATCHING: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": {"b": "~^x"}}, {"a": {"b": "xyz"}}),
    ([{"id": "one"}, "..."], [{"id": "one"}, {"id": "two"}]),
    ([{"type": "Ready", "status": "True"}], [{"type": "Other"}, {"type": "Ready", "status": "True"}]),
    ("~one.*two", "one\ntwo"),
]
DIFFERING: list[tuple[Any, Any, str]] = [
    ({"a": 1}, {"a": 2}, "a: expected 1, found 2"),
    ({"a": 1}, {}, "a: expected 1, found None"),
    ({"a": 1}, None, ": expected a map, found None"),
    ({"a": True}, {"a": 1}, "a: expected True, found 1"),
    ([{"id": "one"}], [{"id": "one"}, {"id": "two"}], ": expected 1 items"),
    ([{"id": "one"}, "..."], [], ": expected 1 items or more"),
    ([{"type": "Ready"}], [{"type": "Other"}], "[Ready]: expected a map, found None"),
    ("~^y", "xyz", "expected text that matches '^y'"),
    ("~y", None, "expected text that matches 'y', found None"),
]


@pytest.mark.parametrize(("expected", "actual"), MATCHING)
def test_a_part_matches_the_whole(expected: Any, actual: Any) -> None:
    """What is not spoken of may be anything."""
    assert [] == differences(expected, actual)


@pytest.mark.parametrize(("expected", "actual", "line"), DIFFERING)
def test_a_difference_is_named_with_its_place(expected: Any, actual: Any, line: str) -> None:
    """Each difference says where it is, what was expected and what was found."""
    found = differences(expected, actual)
    assert 1 == len(found)
    assert line in found[0]
