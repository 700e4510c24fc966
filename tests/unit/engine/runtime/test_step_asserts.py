"""What is shown of assertions: only what is true, and every failure with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.flows import Options, run
from support.web import Web, web_server
from testmesh_engine.contract.result import AssertionResult, Outcome, StepResult
from testmesh_engine.runtime.layers import Layers

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def one(web: Web, asserts: str) -> StepResult:
    """The result of a step that gets an order (status 200, id 7) and says ``asserts`` of it."""
    text = f"steps: [{{id: one, action: http_request, config: {{url: '${{WEB}}/order'}}, {asserts}}}]"
    (step,) = run(text, Options(layers=Layers(var={"WEB": web.url}))).result.steps
    return step


def checks(web: Web, asserts: str) -> tuple[AssertionResult, ...]:
    """Its assertions."""
    return one(web, asserts).attempts[-1].assertions


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("got ${status}", "got 200 (status == 500: status is 200)"),
        ("${body.items}", '[{"sku":"a"}] (status == 500: status is 200)'),
        ("no ${body.nothing.here}", "(its message can't be shown: "),
        ("no ${order_id + 1}", "(its message can't be shown: "),
    ],
)
def test_a_message_never_hides_the_failure(web: Web, message: str, said: str) -> None:
    """The author's words come first, what was found beside them; words that can't be rendered say so."""
    (check,) = checks(
        web, f"output: {{order_id: content_type}}, assert: [{{message: '{message}', expression: status == 500}}]"
    )
    assert not check.passed
    assert said in check.message
    assert check.message.endswith("(status == 500: status is 200)")


def test_of_assert_any_only_what_holds_is_shown_where_one_does(web: Web) -> None:
    """A report that shows a false expression as passed would be a lie."""
    found = checks(web, "assert_any: [status == 500, body.nope.x == 1, status == 200, body.id == 7]")
    assert [("status == 200", True), ("body.id == 7", True)] == [(check.expression, check.passed) for check in found]


def test_where_none_of_assert_any_holds_each_says_why(web: Web) -> None:
    """One that has no value counts as false."""
    first, second = checks(web, "assert_any: [status == 500, body.nope.x == 1]")
    assert "none of assert_any holds: status == 500: status is 200" == first.message
    assert second.message.startswith("none of assert_any holds: body.nope.x == 1: ")


def test_of_assert_none_the_opposite_is_shown_where_it_holds(web: Web) -> None:
    """That is what is true; one that does hold is shown as it is written."""
    good, bad = checks(web, "assert_none: [status == 500, status == 200]")
    assert ("not (status == 500)", True) == (good.expression, good.passed)
    assert ("status == 200", False, "status == 200 holds and must not") == (bad.expression, bad.passed, bad.message)


def test_what_has_no_value_fails_in_assert_none_too(web: Web) -> None:
    """It says nothing of what must not be."""
    step = one(web, "assert_none: [body.nope.x == 1]")
    assert FAILED == step.outcome
    assert 'body has no "nope"' in step.message


def test_what_can_not_hold_in_assert_none_is_a_warning(web: Web) -> None:
    """Text never equals a number, so it is no check."""
    (check,) = checks(web, "assert_none: ['status == \"200\"']")
    assert check.passed
    assert 'text "200"' in check.warning


@pytest.mark.parametrize(
    ("asserts", "holds"),
    [
        ("assert: ['status != \"200\"']", False),
        ("assert_none: ['status == \"200\"']", False),
        ("assert_any: ['status != \"200\"']", False),
        ("assert_any: ['status != \"200\"', status == 200]", True),
        ("assert: ['status != 500']", True),
        ("assert_none: ['status == 500']", True),
    ],
)
def test_what_would_hold_whatever_the_values_are_fails_under_strict(web: Web, asserts: str, *, holds: bool) -> None:
    """It has tested nothing; without --strict it is a warning."""
    text = f"steps: [{{id: one, action: http_request, config: {{url: '${{WEB}}/order'}}, {asserts}}}]"
    layers = Layers(var={"WEB": web.url})
    step = run(text, Options(layers=layers, strict=True)).step("one")
    assert holds == (step.outcome is PASSED)
    assert holds or "whatever the values are" in step.message
    assert holds or "--strict" in step.message
    assert PASSED == run(text, Options(layers=layers)).step("one").outcome


@pytest.mark.parametrize("expression", ["status", "body", "body.items[0].sku", "nil ?? body.id"])
def test_what_is_neither_true_nor_false_fails(web: Web, expression: str) -> None:
    """Wherever it stands."""
    for name in ("assert", "assert_any", "assert_none"):
        assert FAILED == one(web, f"{name}: ['{expression}']").outcome


@pytest.mark.parametrize(
    "asserts", ["assert: status == 200", "assert: ['!(status == 500)']", "assert: [!(status == 500)]"]
)
def test_forms_that_authors_write_work(web: Web, asserts: str) -> None:
    """One assertion alone, and a denied one without quotes."""
    assert PASSED == one(web, asserts).outcome


def test_a_map_in_an_assertion_works_where_it_is_quoted(web: Web) -> None:
    """Unquoted it arrives as a map, which is explained."""
    assert PASSED == one(web, 'assert: [\'body.items[0] == {"sku": "a"}\']').outcome


@pytest.mark.parametrize(
    "expression", ["$env == 1", '"nope" in $env', "toJSON($env) == 1", "status == 201 and $env != nil"]
)
def test_all_names_can_be_shown_in_a_failure(web: Web, expression: str) -> None:
    """Those of Faker are made when they are read by name, and not shown: there are hundreds."""
    step = one(web, f"assert: ['{expression}']")
    assert FAILED == step.outcome
    assert "engine error" not in step.message
