"""What is said of a condition that is false for want of something to look at: when, stop_on, retry_on; and teardown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.flows import Options, Ran, run
from support.web import Web, web_server
from testmesh_engine.contract.result import Outcome
from testmesh_engine.runtime.layers import Layers

PASSED, FAILED, ERRORED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED, Outcome.SKIPPED


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def against(web: Web, text: str) -> Ran:
    """Run ``text`` with WEB as the server's base URL, whose /order has the id 7."""
    web.seen.clear()
    return run(text, Options(layers=Layers(var={"WEB": web.url})))


ORDER = "action: http_request, config: {url: '${WEB}/order'}"
ENV = "env: {FLAG: 'true', YES: 'yes', N: '42', EMPTY: '', TOKEN: 's3cr3t-t0ken'}"


def skipped(web: Web, when: str) -> str:
    """What is said of a step that ``when`` keeps from running, after the order ``p``."""
    text = f"{ENV}\nsteps:\n  - {{id: p, {ORDER}, assert: [status == 200]}}\n  - {{id: q, {ORDER}, when: '{when}'}}"
    q = against(web, text).step("q")
    assert SKIPPED == q.outcome, q.message
    return q.message


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("FLAG == true", 'FLAG is text "true" against boolean true'),
        ('${FLAG} == "true"', '${FLAG} is boolean true against text "true"'),
        ("N == 42", 'N is text "42" against number 42'),
        ("p.status == 200 and N == 42", 'N is text "42" against number 42'),
        ('p.body.statuss == "pending"', 'p.body has no "statuss"; did you mean "status"?'),
    ],
)
def test_a_step_that_is_skipped_for_want_of_a_comparison_says_so(web: Web, when: str, why: str) -> None:
    """It would be skipped for ever, and the flow be green."""
    assert f"when: {when} is false: {why}" == skipped(web, when)


def test_a_step_that_is_skipped_as_it_should_be_says_no_more(web: Web) -> None:
    """The condition is the reason."""
    assert "when: p.body.id == 8 is false" == skipped(web, "p.body.id == 8")


def test_the_reason_of_a_skipped_step_shows_no_secret(web: Web) -> None:
    """As an assertion does not."""
    assert "s3cr" not in skipped(web, "TOKEN[0:4] == 5")
    text = f"{ENV}\nsteps: [{{id: q, {ORDER}, when: 'TOKEN[0:4]'}}]"
    q = against(web, text).step("q")
    assert (ERRORED, False) == (q.outcome, "s3cr" in q.message)


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ("YES", 'YES: it is text "yes"'),
        ("${YES}", '${YES}: it is text "yes"'),
        ("EMPTY", 'EMPTY: it is text ""'),
        ("p.body.id", "p.body.id: it is number 7"),
        ("steps.p.error", "steps.p.error: it is nil"),
        ("FLAG", 'FLAG: it is text "true", neither true nor false. Write ${FLAG}, which is read as what it spells'),
    ],
)
def test_a_condition_that_is_none_tells_what_it_is(web: Web, when: str, found: str) -> None:
    """Neither a run nor a skip; text that spells true is not what a plain name is read as."""
    text = f"{ENV}\nsteps:\n  - {{id: p, {ORDER}, assert: [status == 200]}}\n  - {{id: q, {ORDER}, when: '{when}'}}"
    q = against(web, text).step("q")
    assert ERRORED == q.outcome
    assert q.message.startswith(f"when is no condition: {found}")
    assert "neither true nor false" in q.message


@pytest.mark.parametrize(
    ("stop_on", "why"),
    [
        ('body.id == "7"', 'is false: body.id is number 7 against text "7"'),
        ('body.statuss == "pending"', 'is false: body has no "statuss"; did you mean "status"?'),
        ("body.nope.x == 1", 'had no value: body has no "nope"'),
    ],
)
def test_a_stop_on_that_could_not_hold_is_told_beside_the_failure(web: Web, stop_on: str, why: str) -> None:
    """It ran into its timeout instead, and nothing else says why."""
    how = f"eventually: {{timeout: 20s, interval: 30s, stop_on: '{stop_on}'}}"
    one = against(web, f"steps: [{{id: one, {ORDER}, assert: [status == 201], {how}}}]").step("one")
    assert FAILED == one.outcome
    assert f"stop_on {stop_on} {why}" in one.message


def test_a_retry_on_that_could_not_hold_says_why(web: Web) -> None:
    """Beside the failure that was not tried again."""
    how = "retry: {delay: 1ms, retry_on: ['body.id == \"7\"']}"
    one = against(web, f"steps: [{{id: one, {ORDER}, assert: [status == 201], {how}}}]").step("one")
    assert 'nothing of retry_on holds: body.id == "7" (is false: body.id is number 7 against text "7")' in one.message


@pytest.mark.parametrize(
    "wanted", ["y != 3", "vars.y == 1", "made.status == 200", "steps.made.status == 200", '"${y}" == ""']
)
def test_a_teardown_step_whose_assertions_need_a_missing_value_is_skipped(web: Web, wanted: str) -> None:
    """Before it does anything: what it would look at was never made."""
    text = f"""
    steps:
      - {{id: first, {ORDER}, assert: [status == 200]}}
      - {{id: made, when: 1 == 2, {ORDER}, output: {{y: id}}, assert: [status == 200]}}
    teardown:
      - {{id: clean, {ORDER}, assert: [status == 200, '{wanted}']}}
    """
    ran = against(web, text)
    assert (SKIPPED, PASSED) == (ran.step("clean").outcome, ran.result.outcome)
    assert "has no value: step made was skipped" in ran.step("clean").message
    assert ["GET /order"] == web.seen


@pytest.mark.parametrize(
    "asserts",
    [
        "assert_any: [y == 1, status == 200]",
        "assert: ['!(y exists)', (y ?? 3) == 3, '${y:none} == \"none\"', steps.made.outcome == \"skipped\"]",
        "output: {y: id}, assert: [y == 7, vars.y == 7]",
    ],
)
def test_a_teardown_step_that_can_do_without_the_value_is_run(web: Web, asserts: str) -> None:
    """It asks whether there is one, has another one, or captures it itself."""
    text = f"""
    steps:
      - {{id: first, {ORDER}, assert: [status == 200]}}
      - {{id: made, when: 1 == 2, {ORDER}, output: {{y: id}}, assert: [status == 200]}}
    teardown:
      - {{id: clean, {ORDER}, {asserts}}}
    """
    clean = against(web, text).step("clean")
    assert PASSED == clean.outcome, clean.message
