"""``assert``, ``transform`` and ``wait_until``: what they give, what they wait for, what they refuse."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from support.flows import Options, Ran, run
from support.web import Web, web_server
from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.problem import Severity
from testmesh_engine.contract.result import Outcome
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text
from testmesh_engine.runtime.layers import Layers

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED
ORDER = "{id: order, action: http_request, config: {url: '${WEB}/order'}, assert: [status == 200]}"


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def against(web: Web, text: str) -> Ran:
    """Run ``text`` with WEB as the server's base URL; ``web.seen`` starts empty."""
    web.seen.clear()
    return run(text, Options(layers=Layers(var={"WEB": web.url})))


def errors(step: str) -> list[str]:
    """What is wrong with a flow of this step."""
    (found,) = check_text(
        f"flow: {{name: x, steps: [{step}]}}", name="f", catalogue=Registry(), outside=Outside(complete=True)
    )
    return [problem.message for problem in found.problems if problem.severity is Severity.ERROR]


@pytest.mark.parametrize(("total", "outcome"), [("59.98", PASSED), ("60", FAILED)])
def test_an_assert_step_checks_what_the_steps_above_gave(web: Web, total: str, outcome: Outcome) -> None:
    """No result of its own hides a name."""
    check = f"{{id: check, action: assert, assert: [order.body.total == {total}, 'order.body.items[0].sku == \"a\"']}}"
    ran = against(web, f"steps: [{ORDER}, {check}]")
    assert outcome == ran.step("check").outcome, ran.step("check").message


def test_an_assert_step_without_assertions_is_an_error() -> None:
    """Wherever it stands: it would be green and have said nothing."""
    assert ["this assert step asserts nothing"] == errors("{action: assert}")
    inner = "{action: for_each, config: {items: [1], steps: [{action: assert, assert: []}]}}"
    assert "this assert step asserts nothing" in errors(inner)


def test_a_transform_gives_each_value_by_its_name(web: Web) -> None:
    """Each reads those above it; values that are no text are themselves."""
    text = f"""
    steps:
      - {ORDER}
      - id: made
        action: transform
        config:
          input: order.body.items
          values:
            first: "input[0].sku"
            twice: first + first + order.body.status
            number: 7
            list: ["${{order.status}}"]
        output: {{word: twice}}
        assert: [first == "a", number == 7, "list == [200]", 'value.twice == "aapending"']
      - {{action: assert, assert: [word == "aapending", made.first == "a", made.value.number == 7]}}
    """
    ran = against(web, text)
    assert PASSED == ran.result.outcome, ran.result.first_failure


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("input: order.body, expression: input.total * 2", "119.96"),
        ("expression: order.status + 1", "201"),
        ("input: '${order.body.items}', jsonpath: '$[*].sku'", '["a"]'),
        ("input: order.body, path: $.total", "59.98"),
        ("input: {a: [1, 2]}, jsonpath: '$.a[1]'", "2"),
        ("input: {body: {body: 1}}, jsonpath: $.body.body", "1"),
        ("input: {a: null}, jsonpath: $.a", "nil"),
    ],
)
def test_a_transform_of_one_expression_or_path_gives_value(web: Web, config: str, expected: str) -> None:
    """Numbers stay exact."""
    made = f"{{id: made, action: transform, config: {{{config}}}, assert: ['value == {expected}']}}"
    ran = against(web, f"steps: [{ORDER}, {made}]")
    assert PASSED == ran.step("made").outcome, ran.step("made").message


@pytest.mark.parametrize(
    ("config", "outcome", "said"),
    [
        ("input: order.body, jsonpath: $.totl", FAILED, "jsonpath $.totl finds nothing in"),
        ("input: order.body, jsonpath: '$.items[*].price'", FAILED, "finds nothing"),
        ("input: order.body, jsonpath: '$.${order.body.status}['", ERRORED, "jsonpath $.pending[: "),
        ("input: order.body, expression: input.totl + 1", FAILED, 'did you mean "total"?'),
    ],
)
def test_a_transform_that_finds_nothing_never_gives_nil(web: Web, config: str, outcome: Outcome, said: str) -> None:
    """What has no value fails, as in an output."""
    ran = against(web, f"steps: [{ORDER}, {{id: made, action: transform, config: {{{config}}}}}]")
    assert (outcome, True) == (ran.step("made").outcome, said in ran.step("made").message), ran.step("made").message


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{}", "transform needs what to make: values, expression or jsonpath"),
        ("{input: RUN_ID}", "transform needs what to make"),
        ("{path: $.a}", "a JSONPath is looked for in input, and there is no input"),
        ("{values: {a: nope}}", "unknown variable nope"),
        ("{values: {a: '1 +'}}", "values.a"),
        ("{values: [1]}", "values takes a map of expressions, found a list"),
        ("{expression: inpt}", "unknown variable inpt"),
        ("{values: {}}", "values is empty: it makes nothing"),
        ("{input: RUN_ID, expression: input, fields: {}}", "fields is empty: it makes nothing"),
        ("{values: {a: b, b: 1}}", "unknown variable b"),
        ("{values: {a: a}}", "unknown variable a"),
        ("{input: RUN_ID, expression: input, path: $.a}", "value is made by expression or by path: a step has one"),
        ("{input: RUN_ID, jsonpath: '$.['}", "jsonpath $.[: "),
    ],
)
def test_a_transform_that_can_make_nothing_is_refused(config: str, said: str) -> None:
    """Before the run, at its place."""
    found = errors(f"{{action: transform, config: {config}}}")
    assert found != []
    if said != "values.a":
        assert said in found[0]


def test_a_value_that_is_made_further_below_is_said_to_be() -> None:
    """Its author knows it well: the order is wrong."""
    step = "{action: transform, config: {values: {a: b, b: 1}}}"
    (found,) = check_text(
        f"flow: {{name: x, steps: [{step}]}}", name="f", catalogue=Registry(), outside=Outside(complete=True)
    )
    assert ["It is a name of values further below, and has no value here."] == [each.hint for each in found.problems]


def test_wait_until_runs_its_steps_until_the_condition_holds(web: Web) -> None:
    """A nested step that fails meanwhile is no failure."""
    text = """
    steps:
      - id: paid
        action: wait_until
        config:
          condition: ask.body.turn >= 3
          interval: 1ms
          steps: [{id: ask, action: http_request, config: {url: "${WEB}/turns/503,200,200"}, assert: [status == 200]}]
        assert: [attempts == 3, paid_turn == 3]
        output: {paid_turn: ask.body.turn}
    """
    ran = against(web, text)
    assert (PASSED, 3, 3) == (ran.result.outcome, len(web.seen), len(ran.step("paid").attempts)), (
        ran.result.first_failure
    )


def test_wait_until_fails_at_its_timeout_and_says_what_did_not_hold(web: Web) -> None:
    """With the last value that was seen."""
    text = """
    steps:
      - id: paid
        action: wait_until
        config:
          until: ask.body.status == "paid"
          timeout: 300ms
          interval: 50ms
          steps: [{id: ask, action: http_request, config: {url: "${WEB}/order"}, assert: [status == 200]}]
    """
    started = time.monotonic()
    ran = against(web, text)
    assert time.monotonic() - started < 5
    assert FAILED == ran.result.outcome
    assert 'ask.body.status is "pending"' in ran.step("paid").message
    assert "eventually's timeout of 300ms leaves no time" in ran.step("paid").message


def test_wait_until_without_a_condition_waits_for_its_steps_and_counts_attempts(web: Web) -> None:
    """max_attempts bounds it."""
    step = "{id: ask, action: http_request, config: {url: '${WEB}/turns/503,503,200?n'}, assert: [status == 200]}"
    text = f"steps: [{{id: up, action: wait_until, config: {{max_attempts: 2, interval: 1ms, steps: [{step}]}}}}]"
    ran = against(web, text)
    assert (FAILED, 2) == (ran.step("up").outcome, len(web.seen))
    assert PASSED == against(web, text.replace("max_attempts: 2", "max_attempts: 3")).step("up").outcome


def test_a_condition_that_decides_about_nothing_is_refused() -> None:
    """It would be skipped, whatever it says."""
    said = "condition needs the steps that it decides about: then, else or both"
    assert [said] == errors("{action: condition, config: {if: 1 > 2}}")
    assert [] == errors("{action: condition, config: {if: 1 > 2, else: [{action: delay, config: {duration: 1ms}}]}}")


@pytest.mark.parametrize("config", ["{}", "{timeout: 1s}"])
def test_wait_until_needs_something_to_wait_for(config: str) -> None:
    """Else it would hold at once."""
    assert ["wait_until needs a condition, or steps that must pass"] == errors(
        f"{{action: wait_until, config: {config}}}"
    )
