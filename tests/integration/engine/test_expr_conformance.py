"""Ours beside Expr itself, for every construct and every function of its documentation."""

from __future__ import annotations

import base64
from typing import TypeAlias

import pytest

from support.expr.cases import ENV, SECTIONS, Difference
from support.expr.original import answers, shown
from testmesh_engine.expressions import (
    EvaluationError,
    ExpressionError,
    MapScope,
    Value,
    compile_expression,
    equal,
    from_python,
)

Outcome: TypeAlias = "Value | type[Exception]"

AGREEING = tuple(text for section in SECTIONS for text in section.agreeing)
DIFFERING = tuple(case for section in SECTIONS for case in section.differing)


@pytest.fixture(scope="module")
def theirs() -> dict[str, Outcome]:
    """What Expr gives for every case; one process answers all."""
    texts = (*AGREEING, *(case.text for case in DIFFERING))
    return dict(zip(texts, answers(texts), strict=True))


def ours(text: str) -> Outcome:
    """What we give, bytes as the base64 that a report has."""
    scope = MapScope({name: from_python(value) for name, value in ENV.items()})
    try:
        value = compile_expression(text).evaluate(scope)
    except (ExpressionError, EvaluationError):
        return Exception
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("text", AGREEING)
def test_it_is_as_in_expr(text: str, theirs: dict[str, Outcome]) -> None:
    """The same value, numbers compared by theirs, or an error in both."""
    expected, found = theirs[text], ours(text)
    if isinstance(expected, type) or isinstance(found, type):
        assert expected is found
    else:
        assert equal(expected, found), (expected, found)


@pytest.mark.parametrize("case", DIFFERING, ids=lambda case: case.text)
def test_it_differs_from_expr_as_documented(case: Difference, theirs: dict[str, Outcome]) -> None:
    """Neither side has moved: a difference that is gone is taken from the page."""
    assert (case.ours, case.theirs) == (shown(ours(case.text)), shown(theirs[case.text]))
    assert case.ours != case.theirs
