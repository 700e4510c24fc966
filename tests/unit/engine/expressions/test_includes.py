"""Subsets: what is included in what, and what a failure shows."""

from __future__ import annotations

import pytest
from hypothesis import given

from testmesh_engine.expressions import EvaluationError, MapScope, Value, compile_expression, limits, parse_json
from unit.engine.expressions.strategies import values

SCOPE = MapScope(
    {
        "body": parse_json(
            '{"id": "42", "total": 59.97, "customer": {"id": 7, "name": "Ann"}, "tags": ["a", "b", "b"],'
            ' "items": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 3}]}'
        )
    }
)


@pytest.mark.parametrize(
    "part",
    [
        "{}",
        "{total: 59.970}",
        "{customer: {id: 7}}",
        '{tags: ["b", "a"]}',
        '{tags: ["b", "b"]}',
        '{items: [{sku: "b"}]}',
        '{items: [{}, {sku: "a"}]}',  # {} must not take the only item that the other one fits
        "{items: []}",
    ],
)
def test_it_is_included(part: str) -> None:
    """At every depth, in any order."""
    assert compile_expression(f"includes(body, {part})").evaluate(SCOPE) is True


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("{total: 60}", "body.total is 59.97, not 60"),
        ("{id: 42}", 'body.id is text "42" against number 42'),
        ("{custmer: {}}", 'body has no "custmer"; did you mean "customer"?'),
        ("{xyz: 1}", 'body has no "xyz", which should be 1'),
        ("{total: nil}", "body.total is number 59.97 against nil"),
        ('{tags: ["a", "a"]}', 'body.tags has no item of its own that includes "a"'),
        (
            '{items: [{sku: "b", qty: 2}]}',
            'body.items has no item that includes {"sku":"b","qty":2}; the nearest is [1]: [1].qty is 3, not 2',
        ),
        ("{total: 1, customer: {id: 8}}", "body.total is 59.97, not 1; body.customer.id is 7, not 8"),
    ],
)
def test_a_failure_shows_what_differs(part: str, why: str) -> None:
    """All of it, each with its path."""
    check = compile_expression(f"includes(body, {part})").check(SCOPE)
    assert not check.holds
    assert f"includes(body, {part}): {why}" == check.message


@given(values)
def test_everything_includes_itself(value: Value) -> None:
    """Whatever it is made of."""
    assert compile_expression("includes(a, a)").evaluate(MapScope({"a": value})) is True


def test_an_absent_part_is_an_error() -> None:
    """A misspelt key must not make it hold."""
    with pytest.raises(EvaluationError, match="custmer"):
        compile_expression("includes(body.custmer, {})").evaluate(SCOPE)


def test_comparing_many_with_many_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two long lists of lists end in an error; with a lower bound here, as lists take long."""
    monkeypatch.setattr(limits, "MAX_CALLS", 50_000)
    scope = MapScope({"a": [[n] for n in range(2000)], "b": [[n] for n in range(2000)]})
    with pytest.raises(EvaluationError, match="more than 50,000 times"):
        compile_expression("includes(a, b)").evaluate(scope)
