"""``inputs`` and what a flow needs from outside."""

from __future__ import annotations

import pytest

from support.checked import check, errors, head, warnings
from testmesh_engine.language.names import Outside

BEFORE_THE_RUN = Outside()
USE = "assert: [\"who == 'a'\", \"input.who == 'a'\"]"


def test_an_input_is_known_by_its_name_and_under_input() -> None:
    """Both read the same."""
    assert () == check(head("inputs: {who: me}", step=USE)).problems
    assert () == check(head("inputs: {who: }", step=USE)).problems
    assert () == check(head("inputs: [who]", step=USE)).problems
    assert () == check(head("inputs: {who: {description: whose, type: string}}", step=USE)).problems


def test_a_mistyped_input_is_named() -> None:
    """With the nearest one that there is."""
    checked = check(head("inputs: {customer: me}", step="assert: ['input.custmer == customer']"))
    assert [("inputs has no custmer", 'Did you mean "customer"?')] == [(p.message, p.hint) for p in checked.problems]


def test_input_is_a_name_of_its_own_where_there_are_inputs_only() -> None:
    """A flow without them may call a step so."""
    step = "id: input, output: {row: $.duration_ms}"
    assert [] == errors(head("", step=step))
    assert ['"input" can\'t be an id'] == errors(head("inputs: {a: 1}", step=step))
    assert ["row can't be an output"] == errors(head("data: {rows: [{a: 1}]}", step=step))
    assert ['"flow" can\'t be an id'] == errors(head("output: {a: 1}", step="id: flow"))
    assert [] == errors(head("", step="id: flow"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("inputs: {env: 1}", '"env" can\'t be a variable in inputs'),
        ("inputs: {a-b: 1}", '"a-b" can\'t be a variable in inputs'),
        ("{env: {A: x}, inputs: {A: y}}", "A stands in env and in inputs"),
        ("inputs: 5", "inputs is a map, found the number 5"),
        ("inputs: {a: {type: thing}}", "type is one of text, string, number, integer, float"),
        ("inputs: {a: {type: number, default: x}}", "a is declared as a number, and its default is a text"),
        ("inputs: {a: {required: true, default: x}}", "a has a default, and so is not required"),
        ("inputs: {a: {required: false}}", "a is not required, and has no default"),
        ("inputs: {a: '${b}', b: '${a}'}", "the variables of env need each other: a -> b -> a"),
        ("inputs: {a: '${steps.x}'}", "steps has no value here: env and inputs are computed before the first step"),
        ("env: {A: '${flow.name}'}", "flow has no value here: env and inputs are computed before the first step"),
    ],
)
def test_what_is_wrong_with_inputs_is_said(written: str, said: str) -> None:
    """Before anything runs."""
    text = (
        head(written.removeprefix("{").removesuffix("}").replace("}, inputs", "}\ninputs"))
        if "{env: {A" in written
        else head(written)
    )
    assert any(message.startswith(said) for message in errors(text)), errors(text)


def test_a_map_as_a_default_is_a_default() -> None:
    """Only one of a declaration's keys makes a declaration."""
    flow = check(head("inputs: {filter: {type: a, size: 2}}", step="assert: [filter.size == 2]")).flow
    assert flow is not None
    assert ("map", {"type": "a", "size": 2}) == (
        flow.inputs[0].kind,
        flow.inputs[0].default and flow.inputs[0].default.value,
    )


def test_needs_name_all_that_a_caller_must_or_may_give() -> None:
    """Those that it must give first."""
    text = head(
        """
        env: {API: "${API}", DB: "${DB:-postgres}", OWN: x}
        inputs: {who: {description: whose}, count: 3}
        """,
        step='name: "${OWN}${WHERE}", assert: ["\'${API}${DB}${who}${count}${LATE}${OPT:z}\' == who"]',
    )
    found = check(text, outside=BEFORE_THE_RUN).needs
    assert [
        "API (required)",
        "who (required)",
        "LATE (required)",
        "DB (default postgres)",
        "count (default 3)",
        "OPT",
    ] == [need.words() for need in found]
    assert "whose" == next(need.description for need in found if need.name == "who")


def test_a_variable_that_names_itself_must_be_given_to_a_run() -> None:
    """It is said at its place before the first step; validate can't know."""
    text = head("env:\n  API: '${API}'", step="assert: ['API == \"x\"']")
    (problem,) = check(text).problems
    assert (4, "API must come from outside, and nothing gives it") == (problem.line, problem.message)
    assert [] == errors(text, outside=BEFORE_THE_RUN)
    assert [] == errors(text, outside=Outside(names=frozenset({"API"}), complete=True))
    assert [] == errors(text, outside=Outside(process=frozenset({"API"}), complete=True))
    assert [] == errors(head("env: {HOME: '${HOME:-/}'}", step="assert: ['HOME == \"x\"']"))


def test_an_unused_input_is_a_warning() -> None:
    """As an unused variable is."""
    assert ["who is declared and never used"] == warnings(head("inputs: {who: a}", step="assert: [duration_ms > 0]"))
