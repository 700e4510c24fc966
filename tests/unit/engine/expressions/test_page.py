"""The reference of expressions: its examples are evaluated, its tables are what the code declares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.expr.cases import ENV, ERROR, SECTIONS, Difference, Section
from testmesh_engine.expressions import (
    EvaluationError,
    ExpressionError,
    MapScope,
    compile_expression,
    equal,
    from_python,
    show,
)
from testmesh_engine.expressions.functions import FAMILIES, FUNCTIONS
from testmesh_engine.expressions.methods import METHODS
from testmesh_engine.expressions.times import Time

PAGE = Path(__file__).parents[4] / "engine" / "expressions.md"
EXAMPLES = [(name, *example) for name, function in FUNCTIONS.items() for example in function.examples]


@pytest.mark.parametrize(("name", "text", "expected"), EXAMPLES, ids=lambda part: part)
def test_each_example_of_a_function_gives_what_it_says(name: str, text: str, expected: str) -> None:
    """What the reference shows is what happens."""
    scope = MapScope({})
    assert name in text
    assert equal(compile_expression(expected).evaluate(scope), compile_expression(text).evaluate(scope))


def test_every_function_and_every_method_is_documented() -> None:
    """One sentence and an example each; a method has its words."""
    assert [] == [name for name, each in FUNCTIONS.items() if not each.examples or not each.doc.endswith(".")]
    assert [] == [name for name, each in METHODS.items() if not each.doc]


def test_the_page_shows_the_methods_the_functions_and_the_cases_as_they_are() -> None:
    """A function that is not in the reference is not there for anyone."""
    expected = PAGE.read_text(encoding="utf-8")
    for name, lines in (("methods", methods()), ("functions", functions()), ("cases", cases())):
        head, start, rest = expected.partition(f"<!-- {name}: ")
        opening, _, tail = rest.partition(" -->\n")
        _, end, after = tail.partition(f"<!-- end of {name} -->")
        expected = f"{head}{start}{opening} -->\n{''.join(lines)}\n{end}{after}"
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(expected, encoding="utf-8")
    assert expected == PAGE.read_text(encoding="utf-8")


def code(text: str) -> str:
    """The text as code within a table."""
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def methods() -> Iterator[str]:
    """The table of methods."""
    yield "\n| of | method | |\n|---|---|---|\n"
    for name, method in METHODS.items():
        of = "a time" if method.of is Time else "a duration"
        call = f".{name}({'…' if method.takes else ''})"
        yield f"| {of} | {code(call)} | {method.doc} |\n"


def functions() -> Iterator[str]:
    """The tables of functions, one for each family."""
    for title, table in FAMILIES.items():
        yield f"\n### {title}\n\n| | | for example |\n|---|---|---|\n"
        for each in table:
            examples = "<br>".join(f"{code(text)} is {code(value)}" for text, value in each.examples)
            yield f"| {code(each.usage())} | {each.doc.replace('|', chr(92) + '|')} | {examples} |\n"


def cases() -> Iterator[str]:
    """Where ours and Expr's differ, then all that agrees."""
    yield "\n| other than in Expr | here | in Expr | because |\n|---|---|---|---|\n"
    for case in (case for section in SECTIONS for case in section.differing):
        yield f"| {code(case.text)} | {outcome(case.ours)} | {outcome(case.theirs)} | {case.why} |\n"
    for section in SECTIONS:
        yield from agreeing(section)


def agreeing(section: Section) -> Iterator[str]:
    """The table of one section."""
    yield f"\n### {section.title}: as in Expr\n\n| | |\n|---|---|\n"
    for text in section.agreeing:
        yield f"| {code(text)} | {outcome(value(text))} |\n"


def outcome(shown: str) -> str:
    """A value as code, an error in words."""
    return shown if shown == ERROR else code(shown)


def value(text: str) -> str:
    """What an expression gives over the names of the cases."""
    scope = MapScope({name: from_python(each) for name, each in ENV.items()})
    try:
        return show(compile_expression(text).evaluate(scope))
    except (ExpressionError, EvaluationError):
        return ERROR


@pytest.mark.parametrize(
    "case", [case for section in SECTIONS for case in section.differing], ids=lambda case: case.text
)
def test_what_differs_from_expr_is_as_the_page_says(case: Difference) -> None:
    """Our side of it; the integration tests ask Expr for its own."""
    assert case.ours == value(case.text)
