"""What the outputs of a step may read: its own result, the outputs above them, and nothing stale."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.flows import Options, Ran, run
from support.web import Web, web_server
from testmesh_engine.contract.result import Outcome
from testmesh_engine.runtime.layers import Layers

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def against(web: Web, text: str) -> Ran:
    """Run ``text`` with WEB as the server's base URL, whose /order has the id 7."""
    return run(text, Options(layers=Layers(var={"WEB": web.url})))


ORDER = "action: http_request, config: {url: '${WEB}/order'}"
ECHO = "action: http_request, config: {url: '${WEB}/echo'}"


@pytest.mark.parametrize("spec", ["id", "id.x", "{path: id}", '"items[0].sku"'])
def test_an_output_by_its_plain_name_is_never_what_an_earlier_step_captured(web: Web, spec: str) -> None:
    """The answer that lacks it has not found it: with the old value the step would pass and test nothing."""
    name = "items" if "items" in spec else "id"
    text = f"""
    steps:
      - {{{ORDER}, output: {{{name}: {name}}}, assert: [status == 200]}}
      - {{id: two, {ECHO}, output: {{{name}: {spec}}}, assert: [status == 200]}}
    """
    two = against(web, text).step("two")
    assert FAILED == two.outcome
    assert f'finds nothing: body has no "{name}"' in two.message
    assert f"write ${{{name}}} for what was called so before" in two.message


def test_a_default_stands_in_for_what_the_answer_lacks_and_not_the_old_value(web: Web) -> None:
    """Nothing found is nothing found."""
    text = f"""
    steps:
      - {{{ORDER}, output: {{id: id}}, assert: [id == 7]}}
      - {{{ECHO}, output: {{id: {{path: id, default: none}}}}, assert: ['id == "none"']}}
    """
    assert PASSED == against(web, text).result.outcome


@pytest.mark.parametrize("spec", ["${id}", "vars.id", "id + 1 - 1"])
def test_an_earlier_value_can_be_kept_by_those_who_say_so(web: Web, spec: str) -> None:
    """A placeholder, ``vars``, or a calculation."""
    text = f"""
    steps:
      - {{{ORDER}, output: {{id: id}}, assert: [id == 7]}}
      - {{{ECHO}, output: {{id: "{spec}"}}, assert: [id == 7]}}
    """
    assert PASSED == against(web, text).result.outcome


def test_an_output_reads_the_outputs_above_it(web: Web) -> None:
    """Not what an earlier step had captured under their names."""
    text = f"""
    steps:
      - {{{ECHO}, output: {{a: status, b: body.method}}, assert: [a == 200]}}
      - {{{ORDER}, output: {{a: body.id, b: a, c: "x${{a}}", d: vars.a}}, assert: [a == 7, b == 7, c == "x7", d == 7]}}
    """
    assert PASSED == against(web, text).result.outcome


@pytest.mark.parametrize("reading", ["a", "${a}", "vars.a", "a + 1"])
def test_an_output_that_was_not_found_has_no_value_for_those_below_it(web: Web, reading: str) -> None:
    """Also where an earlier step had given one; the reason is its own, and not that a step was not run."""
    text = f"""
    steps:
      - {{{ORDER}, output: {{a: id}}, assert: [a == 7]}}
      - {{id: two, {ECHO}, output: {{a: $.body.nope, b: "{reading}"}}, assert: [status == 200, "{reading} == 7"]}}
    """
    (attempt,) = against(web, text).step("two").attempts
    assert "output b: " in attempt.error
    assert [False] == [check.passed for check in attempt.assertions[1:]]
    assert "a has no value: the step has not found it" in attempt.error
    assert "a has no value: the step has not found it" in attempt.assertions[1].message


def test_an_output_that_was_not_found_says_so_wherever_it_is_read(web: Web) -> None:
    """The reason that the step was not run would be a lie: it is running."""
    text = f"steps: [{{id: one, {ECHO}, output: {{a: $.body.nope, b: a}}, assert: [a == 1, b == 1]}}]"
    (attempt,) = against(web, text).step("one").attempts
    assert "a has no value: the step has not found it" in attempt.error
    assert ["a", "b"] == [check.message.split(" == 1: ")[1][0] for check in attempt.assertions]
    assert all(check.message.endswith("has no value: the step has not found it") for check in attempt.assertions)


@pytest.mark.parametrize(
    "spec",
    [
        'find(body.items, .sku == "z")',
        'filter(body.items, .sku == "z")',
        'body.items | filter(.sku == "z")',
        'findIndex(body.items, .sku == "z")',
        "first([])",
        "last([])",
    ],
)
def test_a_search_that_finds_nothing_fails_the_step_as_a_path_does(web: Web, spec: str) -> None:
    """A nil or an empty list that nobody looks at would go into the steps below."""
    text = f"steps: [{{id: one, {ORDER}, output: {{found: '{spec}'}}, assert: [status == 200]}}]"
    one = against(web, text).step("one")
    assert FAILED == one.outcome
    assert f"{spec} finds nothing" in one.message
    text = text.replace(f"'{spec}'", f"{{path: '{spec}', default: none}}").replace("status == 200", 'found == "none"')
    assert PASSED == against(web, text).result.outcome


def test_a_path_to_an_empty_list_or_to_null_gives_it(web: Web) -> None:
    """A definite path leads to one value, whatever that is: it was found."""
    text = f"""
    steps:
      - {{{ECHO}, output: {{none: "$.redirects", same: redirects}}, assert: ["none == []", "same == []"]}}
    """
    assert PASSED == against(web, text).result.outcome
