"""What a failed step means: on_error, error_steps, ``error``, and how each step has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from support.flows import Options, Ran, run
from support.web import Web, web_server
from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.http_request import HttpRequest
from testmesh_engine.contract.result import Outcome
from testmesh_engine.expressions import Value
from testmesh_engine.report.events import Event, StepStarted
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.signals import Interrupts

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED
SKIPPED, NOT_RUN = Outcome.SKIPPED, Outcome.NOT_RUN


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def against(web: Web, text: str, options: Options | None = None) -> Ran:
    """Run ``text`` with WEB as the server's base URL; ``web.seen`` starts empty."""
    web.seen.clear()
    options = options or Options()
    options.layers = Layers(var={"WEB": web.url})
    return run(text, options)


FAILING = "action: http_request, config: {url: '${WEB}/order?pay'}, assert: [status == 201]"
TELLING = "action: http_request, config: {url: '${WEB}/order?ID'}, assert: [status == EXPECTED]"


def telling(step_id: str, expected: int = 200, more: str = "") -> str:
    """A step inside of another one."""
    return f"{{id: {step_id}, {TELLING.replace('ID', step_id).replace('EXPECTED', str(expected))}{more}}}"


def test_error_steps_run_after_the_last_attempt_and_see_the_error(web: Web) -> None:
    """They are shown inside of their step, and no part of the flow's counts."""
    text = f"""
    steps:
      - {{id: pay, {FAILING}, retry: {{max_attempts: 2, delay: 1ms}}, error_steps: [STEP]}}
    """
    step = (
        "{id: tell, action: http_request, config: {url: '${WEB}/echo', method: POST, body: '${error.message}'}, "
        "assert: ['error.kind == \"assertion\"', '!error.timeout', 'body.body contains \"status is 200\"', "
        "'steps.pay.outcome == \"failed\"', steps.pay.error.kind == error.kind]}"
    )
    ran = against(web, text.replace("STEP", step))
    pay = ran.step("pay")
    assert ["GET /order?pay", "GET /order?pay", "POST /echo"] == web.seen
    assert (FAILED, [("pay/tell", PASSED)]) == (pay.outcome, [(inner.id, inner.outcome) for inner in pay.steps])
    assert "status == 201: status is 200 (after 2 attempts)" == pay.message
    assert (1, 1) == (ran.result.counts.total, ran.exit_code)
    assert pay.steps[0].started_ms >= pay.attempts[-1].started_ms + pay.attempts[-1].duration_ms


def test_an_error_tells_whether_time_ran_out(web: Web) -> None:
    """Also where the last attempt itself had an answer, and what it answered is the reason that is shown."""
    step = "{id: t, action: delay, config: {duration: 1ms}, when: error.timeout, on_error: ignore}"
    cut = "action: http_request, config: {url: '${WEB}/silent', timeout: 20ms}"
    for how, ran in (
        (f"{FAILING}, eventually: {{timeout: 20s, interval: 30s}}", PASSED),
        (FAILING, SKIPPED),
        (cut, PASSED),
    ):
        text = f"steps: [{{id: pay, {how}, error_steps: [{step}]}}]"
        assert [ran] == [inner.outcome for inner in against(web, text).step("pay").steps]


def test_error_steps_do_not_run_after_a_success(web: Web) -> None:
    """And what they would give has no value, which is said."""
    text = f"""
    steps:
      - id: pay
        action: http_request
        config: {{url: "${{WEB}}/order?pay"}}
        assert: [status == 200, error == nil]
        error_steps: [{telling("tell", more=", output: {told: body.id}")}]
      - {{id: use, action: http_request, config: {{url: "${{WEB}}/order?use"}}, assert: [told == 7]}}
    """
    ran = against(web, text)
    assert ["GET /order?pay", "GET /order?use"] == web.seen
    assert () == ran.step("pay").steps
    assert "told has no value: step pay/tell was not run" in ran.step("use").message


def test_what_error_steps_give_is_there_for_the_steps_below(web: Web) -> None:
    """Where they have run."""
    text = f"""
    steps:
      - {{id: pay, {FAILING}, on_error: continue, error_steps: [{telling("tell", more=", output: {told: body.id}")}]}}
      - {{id: use, action: http_request, config: {{url: "${{WEB}}/order"}}, assert: [told == 7, tell.status == 200]}}
    """
    assert PASSED == against(web, text).step("use").outcome


def test_a_failing_error_step_is_shown_and_neither_hides_nor_changes_the_failure(web: Web) -> None:
    """The others run all the same: they are there to find out more."""
    text = f"""
    steps:
      - {{id: pay, {FAILING}, on_error: HOW, error_steps: [{telling("a", 500)}, {telling("b")}, {telling("c", 404)}]}}
      - {telling("last")}
    """
    ran = against(web, text.replace("HOW", "fail"))
    pay = ran.step("pay")
    assert [FAILED, PASSED, FAILED] == [inner.outcome for inner in pay.steps]
    assert "status == 201: status is 200 (in its error_steps: a failed, c failed)" == pay.message
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)
    ignored = against(web, text.replace("HOW", "ignore"))
    assert (PASSED, PASSED) == (ignored.step("last").outcome, ignored.result.outcome)


def test_the_error_stays_that_of_the_outer_step(web: Web) -> None:
    """Also for an error step after one that failed itself; and the flow's after them."""
    asking = "{id: b, action: http_request, config: {url: '${WEB}/order'}, assert: ['error.message contains \"201\"']}"
    text = f"""
    steps: [{{id: pay, {FAILING}, error_steps: [{telling("a", 500)}, {asking}]}}]
    teardown:
      - id: clean
        action: http_request
        config: {{url: "${{WEB}}/order"}}
        assert: ['error.message contains "201"', 'steps.a.outcome == "failed"', steps.b.error == nil]
    """
    ran = against(web, text)
    assert PASSED == ran.step("pay").steps[1].outcome
    assert PASSED == ran.step("clean").outcome


def test_error_steps_run_in_teardown_too(web: Web) -> None:
    """A cleanup that fails has its reasons as well."""
    text = f"""
    steps: [{telling("one")}]
    teardown: [{{id: clean, {FAILING}, error_steps: [{telling("tell")}]}}]
    """
    ran = against(web, text)
    assert (FAILED, [PASSED]) == (ran.step("clean").outcome, [inner.outcome for inner in ran.step("clean").steps])


def test_error_steps_run_after_a_mistake_of_the_flow_and_not_where_a_step_is_skipped(web: Web) -> None:
    """Whatever the reason for the failure is."""
    only = ', when: error.kind == "variable_error"'
    text = f"""
    env: {{N: 1}}
    steps:
      - {{id: skipped, {FAILING}, when: N == 2, error_steps: [{telling("no")}]}}
      - {{id: wrong, {FAILING}, when: N + 1, error_steps: [{telling("yes", more=only)}]}}
    """
    ran = against(web, text)
    assert ["GET /order?yes"] == web.seen
    assert (SKIPPED, ERRORED, 2) == (ran.step("skipped").outcome, ran.step("wrong").outcome, ran.exit_code)


def test_a_signal_runs_no_error_steps(web: Web) -> None:
    """Teardown is what is left to do."""

    def interrupt(event: Event, interrupts: Interrupts) -> None:
        if isinstance(event, StepStarted) and event.id == "hang":
            interrupts.run.set("SIGTERM")

    text = f"""
    steps:
      - {{id: hang, action: http_request, config: {{url: "${{WEB}}/silent"}}, error_steps: [{telling("tell")}]}}
    """
    ran = against(web, text, Options(on_event=interrupt))
    assert ((), 130) == (ran.step("hang").steps, ran.exit_code)
    assert "GET /order?tell" not in web.seen


def test_error_steps_for_which_no_time_is_left_are_shown_as_not_run(web: Web) -> None:
    """The flow's time bounds them; the step's own does not."""
    hanging = 'action: http_request, config: {url: "${WEB}/silent"}'
    text = f"""
    config: {{timeout: 200ms}}
    steps: [{{id: hang, {hanging}, error_steps: [{telling("tell")}]}}]
    """
    (inner,) = against(web, text).step("hang").steps
    assert (NOT_RUN, "the flow's config.timeout of 200ms was used up") == (inner.outcome, inner.message)
    text = f"steps: [{{id: hang, {hanging}, timeout: 50ms, error_steps: [{telling('tell')}]}}]"
    (inner,) = against(web, text).step("hang").steps
    assert PASSED == inner.outcome


@pytest.mark.parametrize("form", ["continue", "{action: continue}", "{type: continue}"])
def test_on_error_may_be_a_word_or_a_map(web: Web, form: str) -> None:
    """With the steps that run then."""
    ran = against(web, f"steps: [{{id: pay, {FAILING}, on_error: {form}}}, {telling('last')}]")
    assert (FAILED, PASSED, FAILED) == (ran.step("pay").outcome, ran.step("last").outcome, ran.result.outcome)


def test_the_map_of_on_error_holds_error_steps(web: Web) -> None:
    """The same as the key of that name; without a word the flow fails."""
    ran = against(web, f"steps: [{{id: pay, {FAILING}, on_error: {{steps: [{telling('a')}]}}}}, {telling('last')}]")
    assert ["pay/a"] == [inner.id for inner in ran.step("pay").steps]
    assert NOT_RUN == ran.step("last").outcome


def test_on_error_retry_fails_after_the_last_attempt(web: Web) -> None:
    """It says of ``retry`` what it says anyway."""
    retry = "on_error: retry, retry: {max_attempts: 2, delay: 1ms}"
    ran = against(web, f"steps: [{{id: pay, {FAILING}, {retry}}}, {telling('last')}]")
    assert (2, NOT_RUN, 1) == (len(ran.step("pay").attempts), ran.step("last").outcome, ran.exit_code)


def test_how_each_step_ended_can_be_asked(web: Web) -> None:
    """Of those that were skipped or have not run too; what they would have given stays an error."""
    asserts = [
        'steps.good.outcome == "passed"',
        "steps.good.error == nil",
        'steps.bad.outcome == "failed"',
        'steps.bad.error.message startsWith "status == 201"',
        'steps.off.outcome == "skipped"',
        "error == steps.bad.error",
    ]
    listed = "".join(f"\n          - {text!r}" for text in asserts)
    text = f"""
    steps:
      - {telling("good")}
      - {{id: bad, {FAILING}, on_error: continue}}
      - {telling("off", more=", disabled: true")}
      - id: ask
        action: http_request
        config: {{url: "${{WEB}}/order"}}
        assert: {listed}
        on_error: continue
      - id: odd
        action: http_request
        config: {{url: "${{WEB}}/order"}}
        assert: [off.status == 200, steps.off.status == nil]
      - {telling("later")}
    teardown:
      - id: clean
        action: http_request
        config: {{url: "${{WEB}}/order"}}
        assert: ['steps["later"].outcome == "not_run"', steps.later.error == nil]
    """
    ran = against(web, text)
    assert [False, False] == [check.passed for check in ran.step("odd").attempts[-1].assertions]
    assert PASSED == ran.step("clean").outcome
    assert (PASSED, "") == (ran.step("ask").outcome, ran.step("ask").message)
    assert (FAILED, True) == (ran.step("odd").outcome, "step off was skipped" in ran.step("odd").message)


def test_a_step_that_could_not_do_its_work_has_failed_for_the_flow(web: Web) -> None:
    """Whose fault it was tells the kind: the outcomes that can be asked for are four."""
    text = f"""
    env: {{N: 1}}
    steps: [{{id: wrong, {FAILING}, when: N + 1}}]
    teardown:
      - id: clean
        action: http_request
        config: {{url: "${{WEB}}/order"}}
        assert: ['steps.wrong.outcome == "failed"', 'steps.wrong.error.kind == "variable_error"']
    """
    ran = against(web, text)
    assert (ERRORED, PASSED) == (ran.step("wrong").outcome, ran.step("clean").outcome)


def test_the_steps_of_a_list_have_their_tags_and_times(web: Web) -> None:
    """In milliseconds from the flow's start."""
    text = """
    steps:
      - {id: wait, action: delay, config: {duration: 30ms}, tags: [slow, "a-b"]}
      - {id: after, action: delay, config: {duration: 1ms}}
    """
    wait, after = against(web, text).result.steps
    assert ("slow", "a-b") == wait.tags
    assert wait.started_ms + 30 <= after.started_ms < 5000


@pytest.mark.parametrize(
    "asked",
    [
        '"body" in steps.one',
        '"anything at all" in steps.one',
        '"oid" in vars',
        'not ("oid" in vars)',
        'get(vars, "oid") == nil',
        'get(steps.one, "body") == nil',
        'steps.one | get("body") == nil',
    ],
)
def test_whether_a_known_name_has_a_value_is_not_answered_by_looking_for_its_key(web: Web, asked: str) -> None:
    """A step that was skipped has no result: true and false would both be made up."""
    text = f"""
    steps:
      - {{id: one, when: 1 == 2, {FAILING}, output: {{oid: body}}}}
      - {{id: two, action: http_request, config: {{url: "${{WEB}}/order"}}, assert: ['{asked}']}}
    """
    two = against(web, text).step("two")
    assert FAILED == two.outcome
    assert "has no value: step one was skipped" in two.message


@pytest.mark.parametrize("asked", ['"outcome" in steps.one', '"nope" not in vars', 'get(vars, "nope") == nil'])
def test_what_is_there_or_was_never_declared_can_be_asked_for(web: Web, asked: str) -> None:
    """As of any map."""
    text = f"""
    steps:
      - {{id: one, when: 1 == 2, {FAILING}, output: {{oid: body}}}}
      - {{id: two, action: http_request, config: {{url: "${{WEB}}/order"}}, assert: ['{asked}']}}
    """
    assert PASSED == against(web, text).step("two").outcome


def _breaking(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Make our own code break on requests of ``path``."""
    sound = HttpRequest.run

    def broken(action: HttpRequest, config: Mapping[str, Value], context: Context) -> Result:
        if path in str(config["url"]):
            raise ValueError("a bug")
        return sound(action, config, context)

    monkeypatch.setattr(HttpRequest, "run", broken)


@pytest.mark.parametrize("inside", ["", "error_steps: [{id: tell, action: http_request, config: {url: '${WEB}/bug'}}]"])
def test_our_own_bug_counts_whatever_on_error_says(web: Web, monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    """What is to be ignored is the service's failure: nobody knows what the engine did not look at."""
    _breaking(monkeypatch, "/bug")
    first = f"{FAILING}, {inside}" if inside else "action: http_request, config: {url: '${WEB}/bug'}"
    ran = against(web, f"steps: [{{id: one, {first}, on_error: ignore}}, {telling('two')}]")
    assert PASSED == ran.step("two").outcome
    assert not ran.step("one").ignored
    assert ((FAILED, 1) if inside else (ERRORED, 3)) == (ran.result.outcome, ran.exit_code)
    assert "one" == (ran.result.first_failure and ran.result.first_failure.step)


def test_our_own_bug_in_a_nested_step_counts_too(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the step around it says."""
    _breaking(monkeypatch, "/bug")
    nested = "{id: inner, action: http_request, config: {url: '${WEB}/bug'}, on_error: ignore}"
    loop = f"{{id: all, action: for_each, config: {{items: [1], steps: [{nested}]}}, on_error: ignore}}"
    assert 3 == against(web, f"steps: [{loop}, {telling('two')}]").exit_code


def test_a_step_that_a_signal_ends_is_not_ignored(web: Web) -> None:
    """It has not failed by itself: the run was interrupted, and that step is where."""

    def interrupt(event: Event, interrupts: Interrupts) -> None:
        if isinstance(event, StepStarted) and event.id == "hang":
            interrupts.run.set("SIGTERM")

    text = "steps: [{id: hang, action: http_request, config: {url: '${WEB}/silent'}, on_error: ignore}]"
    ran = against(web, text, Options(on_event=interrupt))
    assert (ERRORED, False) == (ran.step("hang").outcome, ran.step("hang").ignored)
    assert (ERRORED, 130) == (ran.result.outcome, ran.exit_code)
    assert "hang" == (ran.result.first_failure and ran.result.first_failure.step)


@pytest.mark.parametrize("more", ["", ", eventually: {interval: 10ms}", ", error_steps: [STEP]"])
def test_a_flow_whose_time_ran_out_has_failed_also_in_a_step_that_is_ignored(web: Web, more: str) -> None:
    """No step was left to run, and still nobody has seen the flow to its end."""
    more = more.replace("STEP", telling("tell"))
    step = f"{{id: hang, action: http_request, config: {{url: '${{WEB}}/silent'}}, on_error: ignore{more}}}"
    ran = against(web, f"config: {{timeout: 300ms}}\nsteps: [{telling('one')}, {step}]")
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)
    assert "the flow's config.timeout" in ran.step("hang").message
    assert not ran.step("hang").ignored


def test_a_step_that_runs_out_of_its_own_time_is_ignored(web: Web) -> None:
    """And so is one of teardown that uses up what teardown has, where no other one is left."""
    hang = "action: http_request, config: {url: '${WEB}/silent', timeout: 30ms}, on_error: ignore"
    ran = against(web, f"steps: [{telling('one')}, {{id: hang, {hang}}}]")
    assert (PASSED, True) == (ran.result.outcome, ran.step("hang").ignored)
    late = f"config: {{teardown_timeout: 30ms}}\nsteps: [{telling('one')}]\nteardown: [{{id: hang, {hang}}}]"
    assert PASSED == against(web, late.replace("timeout: 30ms}, on", "timeout: 30s}, on")).result.outcome
