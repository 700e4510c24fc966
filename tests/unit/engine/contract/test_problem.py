"""Problems: where, what, and what to do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from testmesh_engine.contract.problem import FlowInvalid, Problem, Severity
from unit.engine.contract.strategies import problems


@given(problems)
def test_a_problem_survives_its_json(problem: Problem) -> None:
    """What was written reads back as the same."""
    assert problem == Problem.from_json(json.loads(json.dumps(problem.to_json())))


@given(problems)
def test_a_problem_always_says_what_is_wrong(problem: Problem) -> None:
    """In its headline and in its full form."""
    assert problem.message in problem.headline()
    assert problem.render().startswith(problem.headline())


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem(message="m", file="f.yaml", line=3, column=5), "f.yaml:3:5: error: m"),
        (Problem(message="m", file="f.yaml", path="steps[3].assert[0]"), "f.yaml: steps[3].assert[0]: error: m"),
        (Problem(message="m", path="steps[3]"), "steps[3]: error: m"),
        (Problem(message="m", file="f.yaml", severity=Severity.WARNING), "f.yaml: warning: m"),
        (Problem(message="m"), "error: m"),
    ],
)
def test_the_headline_starts_with_the_best_place_that_is_known(problem: Problem, expected: str) -> None:
    """Line and column, else the path within the flow, else the file."""
    assert expected == problem.headline()


def test_the_caret_stands_below_the_culprit() -> None:
    """Also after a tab, and the hint comes last."""
    problem = Problem(message="m", file="f", line=12, column=3, hint="write x", excerpt="\t- status = 200")
    assert [
        "f:12:3: error: m",
        "   12 | \t- status = 200",
        "      | \t ^",
        "        write x",
    ] == problem.render().split("\n")


def test_the_caret_stands_below_the_culprit_behind_wide_characters() -> None:
    """Two columns for each of them on a terminal, none for an accent of its own."""
    problem = Problem(message="m", file="f", line=1, column=6, excerpt="- 名前e\u0301x")
    assert "      | " + " " * 7 + "^" == problem.render().split("\n")[2]


@pytest.mark.parametrize("data", [{}, {"message": "m", "unknown": 1}, {"message": "m", "severity": "fatal"}])
def test_other_json_is_refused(data: dict[str, object]) -> None:
    """A reader of problems meets no surprises later."""
    with pytest.raises((TypeError, ValueError)):
        Problem.from_json(data)


def test_an_invalid_flow_shows_all_of_its_problems() -> None:
    """One line each, in their order."""
    error = FlowInvalid([Problem(message="one", file="f", line=1, column=1), Problem(message="two")])
    assert "f:1:1: error: one\nerror: two" == str(error)
    assert 2 == len(error.problems)
