"""Every broken flow of tests/data/broken gives exactly the problems that its golden file holds.

``UPDATE_GOLDEN=1 pytest …`` writes the golden files anew; read the difference before committing it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text

BROKEN = Path(__file__).parents[3] / "data" / "broken"
FLOWS = sorted(BROKEN.glob("*.yaml"))


def problems(text: str) -> list[Problem]:
    """All problems of a text."""
    checked = check_text(text, name="t.yaml", catalogue=Registry(), outside=Outside(complete=True))
    return [problem for flow in checked for problem in flow.problems]


def rendered(path: Path) -> str:
    """All problems of the file, as a person sees them."""
    text = path.read_text(encoding="utf-8")
    checked = check_text(text, name=path.name, catalogue=Registry(), outside=Outside(complete=True))
    assert not all(flow.ok for flow in checked)
    return "".join(f"{problem.render()}\n" for flow in checked for problem in flow.problems)


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_broken_flow_is_explained_as_its_golden_file_says(path: Path) -> None:
    """Line, column, what was found, and what to do: to the letter."""
    golden = path.with_suffix(".txt")
    found = rendered(path)
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(found, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == found


def test_at_least_sixty_kinds_of_mistakes_are_covered() -> None:
    """The folder is not empty by accident, and no golden file is left without its flow."""
    assert len(FLOWS) >= 60
    assert {path.stem for path in FLOWS} == {path.stem for path in BROKEN.glob("*.txt")}


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_every_problem_has_a_place(path: Path) -> None:
    """A problem without a line could not be found by anyone."""
    text = path.read_text(encoding="utf-8")
    for flow in check_text(text, name=path.name, catalogue=Registry(), outside=Outside(complete=True)):
        assert all(problem.line > 0 and problem.column > 0 for problem in flow.problems)


def pasteable() -> Iterator[tuple[str, Problem, str]]:
    """Each problem whose hint holds a line to paste, which stands behind a colon and two blanks."""
    for path in FLOWS:
        for problem in problems(path.read_text(encoding="utf-8")):
            _, separator, line = problem.hint.partition(":  ")
            if separator:
                yield path.stem, problem, line.partition("\n")[0]


@pytest.mark.parametrize(
    ("stem", "problem", "line"), [pytest.param(*case, id=f"{case[0]}:{case[1].line}") for case in pasteable()]
)
def test_the_line_that_is_offered_is_accepted_once_it_is_pasted(stem: str, problem: Problem, line: str) -> None:
    """With the indentation of the line that it replaces: what was said of that line is then said no more.

    What is wrong with the line that is offered is said beside it.
    """
    lines = (BROKEN / f"{stem}.yaml").read_text(encoding="utf-8").split("\n")
    old = lines[problem.line - 1]
    indentation = " " * (len(old) - len(old.lstrip()))
    lines[problem.line - 1] = f"{indentation}{line.removeprefix('- ') if old.lstrip()[:2] != '- ' else line}"
    left = [found for found in problems("\n".join(lines)) if found.line == problem.line]
    assert problem.message not in {found.message for found in left}
    before = problems((BROKEN / f"{stem}.yaml").read_text(encoding="utf-8"))
    told = "\n".join(f"{found.message}\n{found.hint}" for found in before if found.line == problem.line)
    errors = [found.message for found in left if found.severity is Severity.ERROR]
    assert not errors or any(message in told for message in errors)


def test_most_of_what_yaml_takes_comes_with_a_line_to_paste() -> None:
    """The test above must have something to test."""
    assert len(list(pasteable())) >= 50
