"""The attempts of a step against a real service: what is tried again, how long, and what is told of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest

from support.flows import Options, Ran, run
from support.web import Web, web_server
from testmesh_engine.contract.result import Outcome, StepResult
from testmesh_engine.report.events import Event, StepStarted
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.signals import Interrupts

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def asking(web: Web, turns: str, how: str, *, asserts: str = "[status == 200]", options: Options | None = None) -> Ran:
    """Run a flow of one step, ``one``, that asks ``/turns/<turns>``; ``how`` are more keys of it."""
    web.seen.clear()
    options = options or Options()
    options.layers = Layers(var={"WEB": web.url})
    step = f"id: one, action: http_request, config: {{url: '${{WEB}}/turns/{turns}'}}, assert: {asserts}, {how}"
    return run(f"env: {{SHORT: 5ms, FEW: '2', WORD: soon}}\nsteps: [{{{step}}}]", options)


def one(web: Web, turns: str, how: str, asserts: str = "[status == 200]") -> StepResult:
    """The result of that step."""
    return asking(web, turns, how, asserts=asserts).step("one")


@pytest.mark.parametrize(
    ("turns", "how", "attempts"),
    [
        ("503,200", "retry: {delay: 1ms}", 2),
        ("503,200", "retry: {delay: 1ms, retry_on: [status == 503]}", 2),
        ("503,200", "retry: {delay: 1ms, retry_on: status == 503}", 2),
        ("500,200", "retry: {delay: 1ms, retry_on: [status == 503]}", 1),
        ("500,200", "retry: {delay: 1ms, retry_on: [status == 503, assertion]}", 2),
        ("500,200", "retry: {delay: 1ms, retry_on: [timeout, connection_error]}", 1),
        ("404,200", "retry: {delay: 1ms, retry_on_not: [status == 404]}", 1),
        ("404,200", "retry: {delay: 1ms, retry_on: [assertion], retry_on_not: [status == 404]}", 1),
        ("503,200", "retry: {delay: 1ms, retry_on: ['error.kind == \"assertion\"']}", 2),
        ("503,200", "retry: {delay: 1ms, retry_on: [body.no.such.key == 1]}", 1),
        ("503,200", "retry: {delay: 1ms, retry_on_not: [body.no.such.key == 1]}", 2),
    ],
)
def test_what_is_tried_again_is_what_the_author_says(web: Web, turns: str, how: str, attempts: int) -> None:
    """Expressions over the result and the words for kinds of failures; a missing value is false."""
    step = one(web, turns, how)
    assert attempts == len(step.attempts) == len(web.seen)
    assert (PASSED if attempts == 2 else FAILED) == step.outcome


@pytest.mark.parametrize(("word", "attempts"), [("connection_error", 2), ("assertion", 1), ("status == 503", 1)])
def test_an_attempt_without_a_result_is_tried_again_by_its_kind(word: str, attempts: int) -> None:
    """Its result keys have no value, whatever else in the flow is called so."""
    step = "action: http_request, config: {url: 'http://127.0.0.1:1/'}, assert: [status == 200]"
    how = f"retry: {{max_attempts: 2, delay: 1ms, retry_on: [{word}]}}"
    (found,) = run(f"env: {{status: 503}}\nsteps: [{{id: one, {step}, {how}}}]").result.steps
    assert attempts == len(found.attempts)
    assert "no value" not in found.message


def test_a_timeout_of_an_attempt_counts_as_one(web: Web) -> None:
    """And may be tried again by its word."""
    text = """
    steps:
      - id: one
        action: http_request
        config: {url: "${WEB}/silent", timeout: 50ms}
        assert: [status == 200]
        retry: {max_attempts: 2, delay: 1ms, retry_on: [timeout]}
    """
    (step,) = run(text, Options(layers=Layers(var={"WEB": web.url}))).result.steps
    assert (FAILED, 2) == (step.outcome, len(step.attempts))
    assert "config.timeout of 50ms" in step.message
    assert step.message.endswith("(after 2 attempts)")


def test_the_message_says_why_there_was_no_further_attempt(web: Web) -> None:
    """Whoever wrote retry wonders why it did not."""
    said = one(web, "404", "retry: {delay: 1ms, retry_on_not: [status == 404]}").message
    assert "status == 200: status is 404 (not tried again: retry_on_not status == 404)" == said
    said = one(web, "500", "retry: {delay: 1ms, retry_on: [body.code == 5, timeout]}").message
    assert said.startswith("status == 200: status is 500 (not tried again: nothing of retry_on holds: body.code == 5")
    said = one(web, "500", "retry: {max_attempts: 2, delay: 1ms}").message
    assert "status == 200: status is 500 (after 2 attempts)" == said


def test_stop_on_ends_what_can_only_fail(web: Web) -> None:
    """At once, and the last answer is what is shown."""
    step = one(web, "503,410,200", "eventually: {interval: 1ms, stop_on: status == 410}")
    assert (FAILED, 2) == (step.outcome, len(step.attempts))
    assert "status == 200: status is 410 (stop_on status == 410 holds; after 2 attempts)" == step.message


ONE_ATTEMPT = "timeout: 20s, interval: 30s"
"""There is no time for a second one, and so nothing to wait for."""


def test_a_stop_on_that_never_had_a_value_is_told_beside_the_failure(web: Web) -> None:
    """Else a mistyped one would be noticed nowhere."""
    step = one(web, "503", f"eventually: {{{ONE_ATTEMPT}, stop_on: body.tur > 1}}")
    assert FAILED == step.outcome
    assert 'stop_on body.tur > 1 had no value: body has no "tur"' in step.message
    assert "had no value" not in one(web, "503", f"eventually: {{{ONE_ATTEMPT}, stop_on: body.turn > 1}}").message


@pytest.mark.parametrize("key", ["eventually: {interval: 1ms, stop_on: body.turn}", "retry: {retry_on: [body.turn]}"])
def test_a_condition_that_is_none_is_an_error_and_not_false(web: Web, key: str) -> None:
    """As in ``when``."""
    step = one(web, "503", key)
    assert ERRORED == step.outcome
    assert "body.turn: it is number 1, neither true nor false" in step.message


def test_a_stable_success_needs_several_attempts(web: Web) -> None:
    """All of which hold; one that does not starts anew."""
    step = one(web, "200,503,200", "eventually: {timeout: 5s, interval: 10ms, stable_for: 35ms}")
    assert PASSED == step.outcome
    held = step.attempts[2:]
    assert held[-1].started_ms - held[0].started_ms >= 35
    assert [True, False, True] == [attempt.assertions[0].passed for attempt in step.attempts[:3]]


def test_what_holds_too_short_fails_and_says_how_long_it_held(web: Web) -> None:
    """A success that nobody has seen to be stable is none."""
    step = one(web, "200", "eventually: {timeout: 1s, interval: 5s, stable_for: 999.9ms}")
    assert FAILED == step.outcome
    why = r"eventually's timeout of 1s leaves no time for another: \d+ms in attempts, 0ms between"
    said = rf"^all held for 0ms only, and stable_for is 1000ms \(after 1 attempt; {why}\)$"
    assert re.search(said, step.message)
    step = one(web, "200", "eventually: {interval: 1ms, stable_for: 1s, stop_on: body.turn == 2}")
    assert (FAILED, 2) == (step.outcome, len(step.attempts))
    assert "stop_on body.turn == 2 holds; after 2 attempts" in step.message


def test_without_assertions_it_waits_until_the_action_succeeds() -> None:
    """A service that refuses connections is no success, whatever is not asserted."""
    text = "steps: [{id: one, action: http_request, config: {url: 'http://127.0.0.1:1/'}, HOW}]"
    (step,) = run(text.replace("HOW", "eventually: {timeout: 300ms, interval: 30ms}")).result.steps
    assert FAILED == step.outcome
    assert len(step.attempts) > 1


def test_the_last_finished_attempt_is_shown_where_the_deadline_cuts_one(web: Web) -> None:
    """With the account of where the time went."""
    step = one(web, "503,0", "eventually: {timeout: 600ms, interval: 10ms}")
    assert (FAILED, 1) == (step.outcome, len(step.attempts))
    assert step.message.startswith("status == 200: status is 503 (after 1 attempt; eventually's timeout of 600ms")
    assert re.search(r"\d+ms in attempts, \d+ms between, \d+ms in one that it cut short\)$", step.message)


def test_the_steps_timeout_bounds_all_attempts_and_is_named(web: Web) -> None:
    """With how many there were, and what took the time."""
    step = one(web, "503", "timeout: 400ms, retry: {max_attempts: 50, delay: 90ms, backoff: fixed}")
    assert FAILED == step.outcome
    found = re.search(r"\(after (\d+) attempts; the step's timeout of 400ms leaves no time for another: ", step.message)
    assert found is not None
    assert int(found[1]) == len(step.attempts) > 1


def test_times_and_counts_may_be_placeholders(web: Web) -> None:
    """Rendered when the step starts, the same for all attempts."""
    step = one(web, "503", "retry: {max_attempts: '${FEW}', delay: '${SHORT}', max_delay: '${RANDOM_INT}ms'}")
    assert 2 == len(step.attempts)
    step = one(web, "503", "timeout: '${SHORT}', eventually: {timeout: '{{SHORT}}', interval: '${SHORT}'}")
    assert (FAILED, 1) == (step.outcome, len(step.attempts))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("timeout: '${WORD}'", "timeout takes a duration: 'soon' is none; write for example 500ms, 30s, 2m or 1h30m"),
        ("timeout: '${FEW}'", "timeout takes a duration: 2 has no unit: write 2s for seconds, 2ms for milliseconds"),
        ("timeout: '${FEW == \"2\"}'", "timeout takes a duration such as 500ms, 30s or 2m, found boolean true"),
        ("retry: {max_attempts: '${WORD}'}", 'retry.max_attempts is a whole number from 1 on, found text "soon"'),
        ("retry: {max_attempts: '${0}'}", "retry.max_attempts is a whole number from 1 on, found number 0"),
        ("eventually: {timeout: '${\"0s\"}'}", 'eventually.timeout is 0, which leaves no time (found text "0s")'),
        ("eventually: {stable_for: '${\"31s\"}'}", "stable_for of 31s can't be reached within a timeout of 30s"),
    ],
)
def test_a_placeholder_that_gives_no_time_is_the_flows_mistake(web: Web, how: str, said: str) -> None:
    """Named with its key, the value found, and what is allowed; nothing is asked of the service."""
    ran = asking(web, "200", how)
    assert (ERRORED, 2) == (ran.step("one").outcome, ran.exit_code)
    assert ran.step("one").message.startswith(said)
    assert [] == web.seen


def test_a_timeout_of_the_action_that_comes_out_as_nothing_is_the_flows_mistake(web: Web) -> None:
    """As it is where it is written out."""
    text = (
        "env: {NONE: 0s}\nsteps: [{id: one, action: http_request, config: {url: '${WEB}/order', timeout: '${NONE}'}}]"
    )
    (step,) = run(text, Options(layers=Layers(var={"WEB": web.url}))).result.steps
    assert ERRORED == step.outcome
    assert step.message.startswith("config.timeout is 0, which leaves no time")


@pytest.mark.parametrize(
    "step",
    [
        "poll: {timeout: 5s, interval: 1ms}, config: {url: URL}",
        "poll: {timeout: 5s, poll_interval: 1ms}, config: {url: URL}",
        "config: {url: URL, poll: {timeout: 5s, interval: 1ms}}",
    ],
)
def test_the_other_spellings_of_eventually_wait_as_well(web: Web, step: str) -> None:
    """They are the same machine."""
    web.seen.clear()
    asked = step.replace("URL", "'${WEB}/turns/503,503,200'")
    text = f"steps: [{{id: one, action: http_request, assert: [status == 200], {asked}}}]"
    ran = run(text, Options(layers=Layers(var={"WEB": web.url})))
    assert (PASSED, 3, 2) == (ran.step("one").outcome, len(ran.step("one").attempts), ran.result.metrics.retries)


def test_attempts_are_told_with_their_times_also_on_success(web: Web) -> None:
    """And the last one with what was asked and answered."""
    step = one(web, "503,200", "eventually: {interval: 20ms}")
    first, last = step.attempts
    assert [1, 2] == [first.number, last.number]
    assert step.started_ms <= first.started_ms
    assert first.started_ms + first.duration_ms + 20 <= last.started_ms + 0.2
    assert (None, 200) == (first.response, last.response["status"] if isinstance(last.response, dict) else None)
    assert ["status == 200: status is 503"] == [check.message for check in first.assertions]


def test_a_signal_in_the_midst_of_attempts_keeps_those_that_were_made(web: Web) -> None:
    """What the service had said is what one wants to know."""

    def interrupt(event: Event, interrupts: Interrupts) -> None:
        if isinstance(event, StepStarted):
            threading.Timer(0.4, lambda: interrupts.run.set("SIGTERM")).start()

    ran = asking(web, "503", "eventually: {timeout: 20s, interval: 10s}", options=Options(on_event=interrupt))
    step = ran.step("one")
    assert (ERRORED, 130, 1) == (step.outcome, ran.exit_code, len(step.attempts))
    assert "interrupted by SIGTERM (after 1 attempt: status == 200: status is 503)" == step.message


def test_where_the_time_went_adds_up_where_an_attempt_was_cut(web: Web) -> None:
    """The pause before it is part of it."""
    step = one(web, "503,0", "eventually: {timeout: 400ms, interval: 100ms}")
    found = re.search(r"(\d+)ms in attempts, (\d+)ms between, (\d+)ms in one that it cut short", step.message)
    assert found, step.message
    attempts, between, cut = map(int, found.groups())
    assert between >= 100
    assert 395 <= attempts + between + cut <= 450


@pytest.mark.parametrize("how", ["eventually: {timeout: 5s, interval: 1ms}", "retry: {delay: 1ms}"])
@pytest.mark.parametrize("asserts", ["", "output: {turn: body.turn}"])
def test_without_assertions_an_answer_from_400_on_is_no_success(web: Web, how: str, asserts: str) -> None:
    """Who waits for a service and says no more waits for it to work."""
    config = "{url: '${WEB}/turns/503,404,302,200'}"
    text = f"steps: [{{id: one, action: http_request, config: {config}, {how}, {asserts}}}]"
    web.seen.clear()
    step = run(text, Options(layers=Layers(var={"WEB": web.url}))).step("one")
    assert (PASSED, 3) == (step.outcome, len(step.attempts))


def test_an_answer_that_is_no_success_is_told_with_its_status(web: Web) -> None:
    """And counts as a failed assertion, for ``retry_on`` too."""
    text = """
    steps:
      - id: one
        action: http_request
        config: {url: "${WEB}/turns/503"}
        retry: {max_attempts: 2, delay: 1ms, retry_on: assertion}
    """
    web.seen.clear()
    step = run(text, Options(layers=Layers(var={"WEB": web.url}))).step("one")
    assert FAILED == step.outcome
    assert "status is 503, which without an assertion is no success (after 2 attempts)" == step.message
    assert step.message.startswith(step.attempts[-1].error)
    assert all(attempt.error for attempt in step.attempts)


@pytest.mark.parametrize("how", ["retry: {delay: 1ms}, assert: [status >= 400]", "output: {turn: body.turn}"])
def test_an_error_can_be_what_is_asked_for(web: Web, how: str) -> None:
    """By an assertion, or where nothing is tried again."""
    text = f"steps: [{{id: one, action: http_request, config: {{url: '${{WEB}}/turns/503'}}, {how}}}]"
    web.seen.clear()
    step = run(text, Options(layers=Layers(var={"WEB": web.url}))).step("one")
    assert (PASSED, 1) == (step.outcome, len(step.attempts))


_ASKING = "{id: h, action: http_request, config: {url: '${WEB}/turns/503,404,200'}}"
_WITHIN = f"{{action: condition, config: {{condition: 'true', then: [{_ASKING}]}}}}"


@pytest.mark.parametrize(
    "step",
    [
        f"action: wait_until, config: {{interval: 1ms, steps: [{_ASKING}]}}",
        f"action: condition, eventually: {{interval: 1ms}}, config: {{condition: 'true', then: [{_ASKING}]}}",
        f"action: for_each, retry: {{delay: 1ms}}, config: {{items: [1], steps: [{_ASKING}]}}",
        f"action: parallel, retry: {{delay: 1ms}}, config: {{steps: [{_WITHIN}]}}",
    ],
)
def test_what_is_tried_again_around_a_step_waits_for_it_to_work(web: Web, step: str) -> None:
    """As the step itself would: an answer from 400 on, which nobody has asked for, is no success."""
    web.seen.clear()
    ran = run(f"steps: [{{id: one, {step}}}]", Options(layers=Layers(var={"WEB": web.url})))
    assert (PASSED, 3) == (ran.step("one").outcome, len(ran.step("one").attempts)), ran.step("one").message


@pytest.mark.parametrize(
    "more",
    ["config: {condition: h.status == 503, steps: [%s]}", "config: {steps: [%s]}, assert: [h.status == 503]"],
)
def test_what_a_container_asserts_decides_what_is_a_success_inside_of_it(web: Web, more: str) -> None:
    """Who waits for a service to go down says so there."""
    web.seen.clear()
    text = f"steps: [{{id: one, action: wait_until, {more % _ASKING}}}]"
    step = run(text, Options(layers=Layers(var={"WEB": web.url}))).step("one")
    assert (PASSED, 1) == (step.outcome, len(step.attempts)), step.message


def test_the_error_steps_inside_of_what_is_tried_again_may_get_any_answer(web: Web) -> None:
    """They tidy up; nobody waits for them."""
    tidy = "{action: http_request, config: {url: '${WEB}/turns/404'}}"
    text = f"""
    steps:
      - id: one
        action: wait_until
        config:
          max_attempts: 1
          steps: [{{action: assert, assert: ['1 > 2'], error_steps: [{tidy}]}}]
    """
    web.seen.clear()
    (inner,) = run(text, Options(layers=Layers(var={"WEB": web.url}))).step("one").steps
    assert [PASSED] == [each.outcome for each in inner.steps]
