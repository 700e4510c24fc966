"""Which flows --tag and --suite pick."""

from __future__ import annotations

import pytest

from testmesh_engine.cli.selection import Selection
from testmesh_engine.errors import UsageError
from testmesh_engine.language.model import Flow

FLOWS = [
    Flow(name="a", file="a", tags=("smoke", "orders"), suite="shop"),
    Flow(name="b", file="b", tags=("smoke", "slow"), suite="shop"),
    Flow(name="c", file="c", tags=("orders",), suite="billing"),
    Flow(name="d", file="d"),
]


@pytest.mark.parametrize(
    ("tags", "suites", "expected"),
    [
        ([], [], "abcd"),
        (["smoke"], [], "ab"),
        (["smoke", "orders"], [], "abc"),
        (["smoke", "!slow"], [], "a"),
        (["!slow"], [], "acd"),
        ([], ["shop"], "ab"),
        ([], ["shop", "billing"], "abc"),
        (["orders"], ["shop"], "a"),
        (["Smoke"], [], ""),
    ],
)
def test_a_flow_has_one_of_the_tags_none_that_is_left_out_and_is_of_a_suite(
    tags: list[str], suites: list[str], expected: str
) -> None:
    """Without any, every flow is picked."""
    selection = Selection.of(tags, suites)
    assert expected == "".join(flow.name for flow in FLOWS if selection.picks(flow))


def test_nothing_picked_tells_what_was_asked_for_and_what_there_is() -> None:
    """With the nearest name."""
    error = Selection.of(["smok", "!slow"], ["shp"]).complaint(FLOWS)
    assert "none of 4 flows has --tag smok and --tag '!slow' and --suite shp" == error.message
    assert 'Did you mean "smoke"? Did you mean "shop"? Tags: orders, slow, smoke. Suites: billing, shop.' == error.hint


def test_flows_without_any_tag_are_told_as_such() -> None:
    """There is nothing to choose from."""
    assert "Tags: none. Suites: none." == Selection.of(["x"], []).complaint(FLOWS[3:]).hint


@pytest.mark.parametrize(("tags", "suites"), [([""], []), (["!"], []), ([], [" "])])
def test_an_empty_name_is_refused(tags: list[str], suites: list[str]) -> None:
    """Most often a variable of a script that is not set: it would pick another set of flows."""
    with pytest.raises(UsageError, match="--tag and --suite take a name"):
        Selection.of(tags, suites)
