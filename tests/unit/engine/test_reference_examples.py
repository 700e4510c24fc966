"""The examples of the reference are flows: each one is read as a file of its own would be."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from support.reference import ENGINE, SERVICE, Block, blocks
from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.problem import Severity
from testmesh_engine.errors import UsageError
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text

YAML = blocks("yaml")
TRAP = re.compile(r"^\| `(- [^`]+)` \| [^|]+ \| `(- [^`]+)` \|$", re.MULTILINE)
TRAPS = TRAP.findall((ENGINE / "reference" / "file.md").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class PageFiles:
    """The files that the reader of a page has saved."""

    page: str

    def read(self, name: str) -> str:
        """The text of one that the page names."""
        found = [block.text for block in YAML if block.page == self.page and block.file == name]
        if not found:
            raise UsageError(f"{self.page} shows no {name}")
        return found[0]


def problems_of(text: str, page: str = "") -> list[str]:
    """The errors of a flow file, each as a person sees it; other files are those of the ``page``."""
    outside = Outside(process=frozenset({"API"}))
    checked = check_text(text, name="example.yaml", catalogue=Registry(), outside=outside, files=PageFiles(page))
    found = [problem for each in checked for problem in each.problems]
    return [problem.render() for problem in found if problem.severity is Severity.ERROR]


@pytest.mark.parametrize("block", YAML, ids=[block.place for block in YAML])
def test_an_example_is_what_the_language_takes(block: Block) -> None:
    """And one that shows a mistake is refused."""
    problems = problems_of(block.flow(), block.page)
    assert block.wrong == bool(problems), problems


def test_the_examples_are_found() -> None:
    """A pattern that finds none would let them all pass."""
    assert len([block for block in YAML if block.runs()]) > 9
    assert len(TRAPS) > 6


def test_the_first_page_shows_the_flow_that_stands_in_the_examples() -> None:
    """Who copies one has the other."""
    first = next(block for block in YAML if block.page == "engine/README.md")
    assert (SERVICE / "order.yaml").read_text(encoding="utf-8") == first.text


@pytest.mark.parametrize(("written", "instead"), TRAPS, ids=[written for written, _ in TRAPS])
def test_what_yaml_takes_from_an_author_is_refused_and_what_the_page_says_instead_is_read(
    written: str, instead: str
) -> None:
    """Both columns of the table."""
    flow = "flow:\n  name: x\n  steps:\n    - action: http_request\n      config: {url: 'http://h'}\n      assert:\n"
    assert [] != problems_of(f"{flow}        {written}\n")
    assert [] == problems_of(f"{flow}        {instead}\n")
