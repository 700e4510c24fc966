"""``env_file``: files of NAME=value lines beside the flow."""

from __future__ import annotations

import pytest

from support.checked import check, errors, head
from testmesh_engine.errors import UsageError
from testmesh_engine.language.env_file import parse_env_file


def test_an_env_file_may_quote_a_value_before_a_comment() -> None:
    """Quotes end where they end; a comment needs a space before it."""
    text = 'S="x y" # c "q"\nT=  # only comment\nU=#1\nV=\'it\'s\' # c\nJ="{"a":1}"\nW=x#y\nX= z \n'
    expected = {"S": "x y", "T": "", "U": "#1", "V": "it's", "J": '{"a":1}', "W": "x#y", "X": "z"}
    assert expected == parse_env_file(text, name=".env")


def test_a_quote_that_is_not_closed_is_named() -> None:
    """The rest of the line would be taken for the value, quote and all."""
    with pytest.raises(UsageError, match=r"^\.env:1: the quote of A is never closed"):
        parse_env_file('A="x # y\n', name=".env")


def test_an_env_file_is_read_as_shells_write_it() -> None:
    """Comments, export, quotes."""
    text = "# c\n\nA=1\nexport B = two words # c\nC=\"x # y\"\nD='z'\nE=\n"
    assert {"A": "1", "B": "two words", "C": "x # y", "D": "z", "E": ""} == parse_env_file(text, name=".env")


def test_a_line_that_is_none_is_named() -> None:
    """With its number."""
    with pytest.raises(UsageError, match=r"^\.env:2: no NAME=value line$"):
        parse_env_file("A=1\nnonsense\n", name=".env")


FILES = {"a.env": "A=1\nB=2\n", "broken.env": "A=1\nno line\n"}


def test_names_of_an_env_file_are_known_before_the_run() -> None:
    """As those of env; a mistyped one is still an error."""
    checked = check(head("env_file: a.env", step='assert: [\'"${A}${B}" == "12"\']'), files=FILES)
    assert () == checked.problems
    assert checked.flow is not None
    assert [("a.env", {"A": "1", "B": "2"})] == [(file.name, dict(file.values)) for file in checked.flow.env_files]
    assert ["unknown variable AB"] == errors(
        head("env_file: [a.env]", step='assert: [\'"${AB}" == "12"\']'), files=FILES
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("env_file: gone.env", "gone.env can't be read: it is not there"),
        ("env_file: [a.env, broken.env]", "broken.env:2: no NAME=value line"),
        ("env_file: []", "env_file is empty"),
        ("env_file: ''", "env_file is empty"),
        ("env_file: 5", "env_file is text, found the number 5"),
        ("env_file: '${A}.env'", "env_file is read before any variable is known"),
    ],
)
def test_an_env_file_that_can_not_be_read_is_named(written: str, said: str) -> None:
    """At its place in the flow, with the place in the file."""
    checked = check(head(written), files=FILES)
    assert [(3, said)] == [(problem.line, problem.message) for problem in checked.problems]
