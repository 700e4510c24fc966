"""How a flow runs: order, failures, teardown on every way out, time limits, interrupts, and the exit code."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest

from support.flows import Options, Ran, run
from support.web import Web, raw_server, saying, web_server
from testmesh_engine.actions.kafka_consumer import KafkaConsumer
from testmesh_engine.contract.result import Failure, Outcome, Phase
from testmesh_engine.expressions import Value
from testmesh_engine.report.events import Event, FlowFinished, StepFinished, StepStarted, TeardownStarted
from testmesh_engine.runtime import flow as flow_module
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.signals import Interrupts

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED
SKIPPED, NOT_RUN = Outcome.SKIPPED, Outcome.NOT_RUN


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def flow_against(web: Web, text: str, options: Options | None = None) -> Ran:
    """Run ``text`` with WEB as the server's base URL; ``web.seen`` starts empty."""
    web.seen.clear()
    options = options or Options()
    options.layers = Layers(var={"WEB": web.url, **options.layers.var}, process=options.layers.process)
    return run(text, options)


SETUP_STEPS_TEARDOWN = """
setup:
  - {id: prepare, action: http_request, config: {url: "${WEB}/order?prepare"}, assert: [status == PREPARED]}
steps:
  - {id: ask, action: http_request, config: {url: "${WEB}/order?ask"}, assert: [status == ASKED]}
  - {id: after, action: http_request, config: {url: "${WEB}/order?after"}, assert: [status == 200]}
teardown:
  - {id: clean, action: http_request, config: {url: "${WEB}/order?clean"}, assert: [status == CLEANED]}
  - {id: sweep, action: http_request, config: {url: "${WEB}/order?sweep"}}
"""


def phases(web: Web, *, prepared: int = 200, asked: int = 200, cleaned: int = 200) -> Ran:
    """Run the flow of three parts; a status other than 200 is one that the server does not give."""
    text = SETUP_STEPS_TEARDOWN.replace("PREPARED", str(prepared)).replace("ASKED", str(asked))
    return flow_against(web, text.replace("CLEANED", str(cleaned)))


def test_setup_steps_and_teardown_run_in_order(web: Web) -> None:
    """And the flow passes where every step does."""
    ran = phases(web)
    assert ["prepare", "ask", "after", "clean", "sweep"] == [path.partition("?")[2] for path in web.seen]
    assert (PASSED, 0) == (ran.result.outcome, ran.exit_code)
    assert 4 == ran.result.metrics.assertions
    assert 5 == ran.result.metrics.http_requests


def test_a_failed_setup_runs_no_step_and_still_tears_down(web: Web) -> None:
    """What setup had begun must not stay behind."""
    ran = phases(web, prepared=201)
    expected = {"prepare": FAILED, "ask": NOT_RUN, "after": NOT_RUN, "clean": PASSED, "sweep": PASSED}
    assert expected == ran.outcomes()
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)


def test_a_failed_step_stops_the_rest_and_still_tears_down(web: Web) -> None:
    """The steps after it would fail for its reason, not for theirs."""
    ran = phases(web, asked=404)
    assert {"prepare": PASSED, "ask": FAILED, "after": NOT_RUN, "clean": PASSED, "sweep": PASSED} == ran.outcomes()
    assert "ask failed" == ran.step("after").message
    assert ran.result.first_failure is not None
    assert ("ask", "status == 404: status is 200") == (
        ran.result.first_failure.step,
        ran.result.first_failure.message,
    )


def test_a_failed_teardown_fails_the_flow_and_its_other_steps_run(web: Web) -> None:
    """Rubbish that stays is a failure, and no reason to leave more."""
    ran = phases(web, cleaned=500)
    assert (FAILED, PASSED) == (ran.step("clean").outcome, ran.step("sweep").outcome)
    assert 1 == ran.exit_code


def test_teardown_is_left_out_on_request_only(web: Web) -> None:
    """``--no-teardown`` says so at each step."""
    text = """
    steps: [{action: delay, config: {duration: 1ms}}]
    teardown: [{id: clean, action: http_request, config: {url: "${WEB}/order"}}]
    """
    ran = flow_against(web, text, Options(teardown=False))
    assert (NOT_RUN, "--no-teardown") == (ran.step("clean").outcome, ran.step("clean").message)
    assert (PASSED, 0) == (ran.result.outcome, ran.exit_code)


def test_a_signal_ends_the_step_at_once_and_tears_down(web: Web) -> None:
    """The run is interrupted, with a result, within the time of teardown."""

    def interrupt(event: Event, interrupts: Interrupts) -> None:
        if isinstance(event, StepStarted) and event.id == "hang":
            interrupts.run.set("SIGTERM")

    started = time.monotonic()
    ran = flow_against(
        web,
        """
        steps:
          - {id: hang, action: http_request, config: {url: "${WEB}/silent"}, assert: [status == 200]}
          - {id: after, action: http_request, config: {url: "${WEB}/order?after"}, assert: [status == 200]}
        teardown:
          - {id: clean, action: http_request, config: {url: "${WEB}/order?clean"}}
        """,
        Options(on_event=interrupt),
    )
    assert time.monotonic() - started < 3
    assert {"hang": ERRORED, "after": NOT_RUN, "clean": PASSED} == ran.outcomes()
    assert "interrupted by SIGTERM" == ran.step("hang").message
    assert (True, 130) == (ran.result.interrupted, ran.exit_code)
    assert "GET /order?clean" in web.seen


def test_a_signal_in_teardown_leaves_no_flow_passed_though_all_its_steps_have() -> None:
    """The exit code is 130: a report that said passed would say more than the run can."""

    def interrupt(event: Event, interrupts: Interrupts) -> None:
        if isinstance(event, StepStarted) and event.id == "clean":
            interrupts.run.set("SIGTERM")

    ran = run(
        """
        steps: [{id: one, action: delay, config: {duration: 1ms}, assert: [1 == 1]}]
        teardown: [{id: clean, action: delay, config: {duration: 1ms}}]
        """,
        Options(on_event=interrupt),
    )
    assert {"one": PASSED, "clean": PASSED} == ran.outcomes()
    assert (ERRORED, True, 130) == (ran.result.outcome, ran.result.interrupted, ran.exit_code)
    assert ran.result.first_failure == Failure(flow="tested", step="", message="interrupted by SIGTERM")


def test_a_second_signal_skips_the_rest_of_teardown(web: Web) -> None:
    """Whoever presses Ctrl-C twice means it."""

    def interrupt(event: Event, interrupts: Interrupts) -> None:
        if isinstance(event, StepStarted) and event.id == "ask":
            interrupts.run.set("SIGINT")
        if isinstance(event, StepStarted) and event.id == "clean":
            interrupts.teardown.set("a second SIGINT")

    ran = flow_against(
        web,
        """
        steps:
          - {id: ask, action: http_request, config: {url: "${WEB}/silent"}, assert: [status == 200]}
        teardown:
          - {id: clean, action: http_request, config: {url: "${WEB}/silent"}}
          - {id: sweep, action: http_request, config: {url: "${WEB}/order"}}
        """,
        Options(on_event=interrupt),
    )
    assert {"ask": ERRORED, "clean": ERRORED, "sweep": NOT_RUN} == ran.outcomes()
    assert "interrupted by a second SIGINT" == ran.step("sweep").message


def test_a_signal_before_the_first_step_runs_nothing_and_ends_as_interrupted() -> None:
    """Not even teardown: there is nothing to clean up."""

    def interrupt(_event: Event, interrupts: Interrupts) -> None:
        interrupts.run.set("SIGTERM")

    text = """
    steps: [{id: one, action: delay, config: {duration: 1ms}}]
    teardown: [{id: two, action: delay, config: {duration: 1ms}}]
    """
    ran = run(text, Options(on_event=interrupt))
    assert {NOT_RUN} == set(ran.outcomes().values())
    assert (True, 130) == (ran.result.interrupted, ran.exit_code)


def test_our_own_bug_in_a_step_is_an_engine_error_and_tears_down(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3: no test has failed."""
    from testmesh_engine.actions.delay import Delay  # noqa: PLC0415 - patched here only

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret of the house")

    monkeypatch.setattr(Delay, "run", broken)
    ran = flow_against(
        web,
        """
        steps: [{id: one, action: delay, config: {duration: 1ms}}]
        teardown: [{id: clean, action: http_request, config: {url: "${WEB}/order"}}]
        """,
    )
    assert (ERRORED, 3) == (ran.result.outcome, ran.exit_code)
    assert ran.step("one").message.startswith("engine error: ZeroDivisionError")
    assert PASSED == ran.step("clean").outcome
    finished = ran.events[-1]
    assert isinstance(finished, FlowFinished)
    assert "Traceback" in finished.trace


def test_our_own_bug_outside_of_a_step_still_tears_down(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flow is never passed then."""
    real = flow_module.run_step

    def broken(step: object, around: object) -> object:
        if getattr(step, "id", "") == "one":
            raise ZeroDivisionError
        return real(step, around)  # type: ignore[arg-type]  # what the flow gives it

    monkeypatch.setattr(flow_module, "run_step", broken)
    ran = flow_against(
        web,
        """
        setup: [{id: zero, action: delay, config: {duration: 1ms}}]
        steps: [{id: one, action: delay, config: {duration: 1ms}}]
        teardown: [{id: clean, action: http_request, config: {url: "${WEB}/order"}}]
        """,
    )
    assert (ERRORED, 3) == (ran.result.outcome, ran.exit_code)
    assert PASSED == ran.step("clean").outcome


def test_the_flows_timeout_is_named_and_leaves_teardown_its_own_time(web: Web) -> None:
    """Setup and steps are bounded together; teardown is not part of it."""
    ran = flow_against(
        web,
        """
        config: {timeout: 300ms}
        steps:
          - {id: hang, action: http_request, config: {url: "${WEB}/silent"}, assert: [status == 200]}
          - {id: after, action: delay, config: {duration: 1ms}}
        teardown: [{id: clean, action: http_request, config: {url: "${WEB}/order"}}]
        """,
    )
    assert "within the flow's config.timeout of 300ms" in ran.step("hang").message
    assert {"hang": FAILED, "after": NOT_RUN, "clean": PASSED} == ran.outcomes()


def test_the_runs_timeout_is_named(web: Web) -> None:
    """``--timeout`` bounds what the flow itself leaves open."""
    text = 'steps: [{id: hang, action: http_request, config: {url: "${WEB}/silent"}, assert: [status == 200]}]'
    ran = flow_against(web, text, Options(timeout=0.2))
    assert "within --timeout of 200ms" in ran.step("hang").message


def test_teardown_has_a_time_of_its_own(web: Web) -> None:
    """A cleanup that hangs does not hang the run."""
    ran = flow_against(
        web,
        """
        config: {teardown_timeout: 300ms}
        steps: [{action: delay, config: {duration: 1ms}}]
        teardown:
          - {id: clean, action: http_request, config: {url: "${WEB}/silent"}}
          - {id: sweep, action: delay, config: {duration: 1ms}}
        """,
    )
    assert "within the time for teardown of 300ms" in ran.step("clean").message
    assert NOT_RUN == ran.step("sweep").outcome


def test_a_flow_that_runs_out_of_time_between_two_steps_has_failed(web: Web) -> None:
    """The check that was left out would perhaps not have held: never a pass."""
    ran = flow_against(
        web,
        """
        config: {timeout: 300ms}
        steps:
          - {id: ping, action: delay, config: {duration: 1ms}}
          - {id: warm, action: http_request, config: {url: "${WEB}/silent"}, on_error: ignore}
          - {id: check, action: http_request, config: {url: "${WEB}/order"}, assert: [status == 500]}
        """,
    )
    assert {"ping": PASSED, "warm": FAILED, "check": NOT_RUN} == ran.outcomes()
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)
    assert ran.result.first_failure is not None
    assert "warm" == ran.result.first_failure.step
    assert "the flow's config.timeout of 300ms" in ran.result.first_failure.message


def test_a_teardown_that_runs_out_of_time_has_failed(web: Web) -> None:
    """What it would have cleaned up is still there, though the step that took the time is ignored."""
    ran = flow_against(
        web,
        """
        config: {teardown_timeout: 200ms}
        steps: [{action: delay, config: {duration: 1ms}}]
        teardown:
          - {id: clean, action: http_request, config: {url: "${WEB}/silent"}, on_error: ignore}
          - {id: sweep, action: delay, config: {duration: 1ms}}
        """,
    )
    assert NOT_RUN == ran.step("sweep").outcome
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)
    assert ran.result.first_failure is not None
    assert "sweep" == ran.result.first_failure.step


def test_a_flow_whose_steps_are_all_skipped_is_no_pass_whatever_setup_does() -> None:
    """And where setup is skipped too there is nothing to tear down."""
    skipped = "steps: [{id: check, action: delay, config: {duration: 1ms}, disabled: true}]\n"
    step = "[{id: ID, action: delay, config: {duration: 1ms}}]\n"
    ran = run(f"setup: {step.replace('ID', 'make')}{skipped}teardown: {step.replace('ID', 'clean')}")
    assert {"make": PASSED, "check": SKIPPED, "clean": PASSED} == ran.outcomes()
    assert (SKIPPED, 2) == (ran.result.outcome, ran.exit_code)
    ran = run(f"{skipped}teardown: {step.replace('ID', 'clean')}")
    assert {"check": SKIPPED, "clean": NOT_RUN} == ran.outcomes()
    assert (SKIPPED, 2) == (ran.result.outcome, ran.exit_code)
    assert ran.result.first_failure is not None
    assert "no step was run: check: disabled" == ran.result.first_failure.message


def test_on_error_continue_runs_the_rest_and_fails_in_the_end(web: Web) -> None:
    """And ``ignore`` shows the failure and does not count it."""
    text = """
    steps:
      - {id: a, action: http_request, config: {url: "${WEB}/order"}, assert: [status == 500], on_error: HOW}
      - {id: b, action: http_request, config: {url: "${WEB}/order"}, assert: [status == 200]}
    """
    carried_on = flow_against(web, text.replace("HOW", "continue"))
    assert ({"a": FAILED, "b": PASSED}, FAILED) == (carried_on.outcomes(), carried_on.result.outcome)
    ignored = flow_against(web, text.replace("HOW", "ignore"))
    assert ({"a": FAILED, "b": PASSED}, PASSED) == (ignored.outcomes(), ignored.result.outcome)
    assert ignored.result.first_failure is None


def test_a_disabled_step_and_a_false_condition_are_skipped_with_their_reason(web: Web) -> None:
    """A flow in which nothing ran is no pass: exit code 2."""
    text = """
    env: {ON: false}
    steps:
      - {id: off, action: delay, config: {duration: 1ms}, disabled: true}
      - {id: unless, action: delay, config: {duration: 1ms}, when: ON == true}
    """
    ran = flow_against(web, text)
    assert {"off": SKIPPED, "unless": SKIPPED} == ran.outcomes()
    assert ["disabled", "when: ON == true is false"] == [step.message for step in ran.result.steps]
    assert (SKIPPED, 2) == (ran.result.outcome, ran.exit_code)


def test_a_condition_that_is_none_is_an_error_and_runs_nothing(web: Web) -> None:
    """Neither a run nor a skip."""
    ran = flow_against(web, "env: {N: 1}\nsteps: [{id: one, action: delay, config: {duration: 1ms}, when: N + 1}]")
    assert (ERRORED, 2) == (ran.step("one").outcome, ran.exit_code)
    assert "neither true nor false" in ran.step("one").message


def test_a_name_whose_step_gave_no_value_is_an_error_that_says_so(web: Web) -> None:
    """In teardown it skips the step: what it would clean up was never made."""
    ran = flow_against(
        web,
        """
        steps:
          - id: make
            action: http_request
            config: {url: "http://127.0.0.1:1/"}
            assert: [status == 201]
            output: {order_id: $.body.id}
            on_error: continue
          - {id: use, action: http_request, config: {url: "${WEB}/order/${order_id}"}, assert: [status == 200]}
        teardown:
          - {id: remove, action: http_request, config: {url: "${WEB}/order/${order_id}"}}
        """,
    )
    assert {"make": FAILED, "use": ERRORED, "remove": SKIPPED} == ran.outcomes()
    assert "order_id has no value: step make failed" in ran.step("use").message
    assert [] == web.seen


REFUSED = """
    action: http_request
    config: {url: "http://127.0.0.1:1/"}
    assert: [status == 200]
"""
NOT_FOUND = """
    action: http_request
    config: {url: "${WEB}/order"}
    assert: [status == 200]
"""


@pytest.mark.parametrize("step", [REFUSED, NOT_FOUND])
@pytest.mark.parametrize("env", ["", "env: {p: 7}\n"])
def test_a_capture_that_fails_takes_the_old_value_away(web: Web, step: str, env: str) -> None:
    """Else a check would be made with a value that is not the one meant; nor does a variable of env step in."""
    ran = flow_against(
        web,
        f"""{env}
steps:
  - {{id: a, action: http_request, config: {{url: "${{WEB}}/order"}}, output: {{p: body.id}}, assert: [p == 7]}}
  - id: b
    output: {{p: $.body.idd}}
    on_error: ignore
{step}
  - {{id: c, action: http_request, config: {{url: "${{WEB}}/order"}}, assert: [body.id == p]}}
""",
    )
    assert {"a": PASSED, "b": FAILED, "c": FAILED} == ran.outcomes()
    assert "p has no value: step b failed" in ran.step("c").message


def test_a_capture_of_a_step_that_is_skipped_or_not_run_leaves_the_old_value(web: Web) -> None:
    """Of two steps with opposite conditions one gives the value; and teardown cleans up what there is."""
    step = 'action: http_request, config: {url: "${WEB}/order"}, output: {p: body.id}'
    ran = flow_against(
        web,
        f"""
        steps:
          - {{id: a, {step}, assert: [status == 200]}}
          - {{id: b, {step}, assert: [status == 200], disabled: true}}
          - {{id: c, action: http_request, config: {{url: "${{WEB}}/order"}}, assert: [p == 8]}}
          - {{id: d, {step}, assert: [status == 200]}}
        teardown: [{{id: clean, action: http_request, config: {{url: "${{WEB}}/order/${{p}}"}}, assert: [p == 7]}}]
        """,
    )
    assert {"a": PASSED, "b": SKIPPED, "c": FAILED, "d": NOT_RUN, "clean": PASSED} == ran.outcomes()


def test_captured_values_reach_the_steps_after_and_teardown(web: Web) -> None:
    """With their kind, by name and by the step's id, and also where an assertion failed."""
    ran = flow_against(
        web,
        """
        steps:
          - id: make
            action: http_request
            config: {url: "${WEB}/order"}
            output: {order_id: $.body.id, total: body.total}
            assert: [total == 59.98, status == 418]
            on_error: continue
          - id: use
            action: http_request
            config: {url: "${WEB}/echo/{{order_id}}", method: POST, body: {id: "{{order_id}}", of: "no {{order_id}}"}}
            assert: ['body.body == "{\\"id\\":7,\\"of\\":\\"no 7\\"}"', make.order_id == 7, make.body.total == 59.98]
        teardown: [{id: remove, action: http_request, config: {url: "${WEB}/order/${order_id}"}}]
        """,
    )
    assert {"make": FAILED, "use": PASSED, "remove": PASSED} == ran.outcomes()
    assert "GET /order/7" in web.seen


def test_an_output_that_finds_nothing_fails_the_step(web: Web) -> None:
    """And every assertion is still evaluated."""
    ran = flow_against(
        web,
        """
        steps:
          - id: make
            action: http_request
            config: {url: "${WEB}/order"}
            output: {order_id: $.body.idd}
            assert: [status == 200, order_id == 7]
        """,
    )
    make = ran.step("make")
    assert FAILED == make.outcome
    assert make.message.startswith("output order_id: ")
    assert make.message.endswith("(and 1 more)")
    assert [True, False] == [check.passed for check in make.attempts[-1].assertions]


def test_a_false_assertion_is_told_before_an_output_that_finds_nothing(web: Web) -> None:
    """A wrong status is the cause, a body without the id its consequence; both are shown."""
    ran = flow_against(
        web,
        """
        steps:
          - id: make
            action: http_request
            config: {url: "${WEB}/order"}
            output: {order_id: $.body.idd}
            assert: [status == 201]
        """,
    )
    make = ran.step("make")
    assert "status == 201: status is 200 (and 1 more)" == make.message
    assert make.attempts[-1].error.startswith("output order_id: ")


def test_every_assertion_is_evaluated_and_each_failure_has_its_operands(web: Web) -> None:
    """Request and response stand beside them."""
    ran = flow_against(
        web,
        """
        steps:
          - id: one
            action: http_request
            config: {url: "${WEB}/order"}
            assert: [status == 201, body.total == 59.97, body.id == "7"]
        """,
    )
    one = ran.step("one")
    assert one.message.endswith("(and 2 more)")
    (attempt,) = one.attempts
    assert [False, False, False] == [check.passed for check in attempt.assertions]
    assert "body.total" == attempt.assertions[1].operands[0].source
    assert "59.98" in str(attempt.assertions[1].operands[0].value)
    assert isinstance(attempt.request, dict)
    assert isinstance(attempt.response, dict)
    assert 200 == attempt.response["status"]


@pytest.mark.parametrize(
    ("asserts", "outcome"),
    [
        ("assert_any: [status == 500, status == 200]", PASSED),
        ("assert_any: [status == 500, body.nothing.here == 1]", FAILED),
        ("assert_none: [status == 500]", PASSED),
        ("assert_none: [status == 500, status == 200]", FAILED),
        ("assert_none: [body.nothing.here == 1]", FAILED),
        ("assert: [status]", FAILED),
        ("assert: [{expression: status == 500, message: 'got ${status}'}]", FAILED),
    ],
)
def test_the_three_lists_of_assertions(web: Web, asserts: str, outcome: Outcome) -> None:
    """One that has no value fails, also in ``assert_none``; one that is neither true nor false fails."""
    ran = flow_against(web, f"steps: [{{id: one, action: http_request, config: {{url: '${{WEB}}/order'}}, {asserts}}}]")
    assert outcome == ran.step("one").outcome


def test_an_assertion_that_can_never_be_false_warns(web: Web) -> None:
    """Also where it stands among others of assert_any, or what must not hold is what it denies."""
    step = '{action: http_request, config: {url: "${WEB}/order"}, ASSERT: [body.total != "59.98"]}'
    (ran,) = flow_against(web, f"steps: [{step.replace('ASSERT', 'assert')}]").result.steps
    (check,) = ran.attempts[-1].assertions
    assert (PASSED, True) == (ran.outcome, check.passed)
    assert 'body.total is number 59.980 against text "59.98"' in check.warning
    (ran,) = flow_against(web, f"steps: [{step.replace('ASSERT', 'assert_any')}]").result.steps
    assert "holds whatever the values are" in ran.attempts[-1].assertions[0].warning


def test_a_warning_shows_no_secret(web: Web) -> None:
    """That the kinds differ is told, the value is not."""
    text = """
    steps:
      - id: one
        action: http_request
        config: {url: "${WEB}/echo", method: POST, body: {a: 1}}
        output: {api_token: body.method}
        assert: [api_token != 42]
    """
    (step,) = flow_against(web, text).result.steps
    (check,) = step.attempts[-1].assertions
    assert check.passed
    assert "holds whatever the values are" in check.warning
    assert "POST" not in check.warning


def test_a_secret_that_a_service_gives_is_masked_wherever_else_it_stands() -> None:
    """Also where nothing captures it."""
    body = b'{"access_token": "tok-1234567890", "note": "use tok-1234567890"}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with raw_server(saying(head, body)) as url:
        text = f"steps: [{{id: one, action: http_request, config: {{url: '{url}'}}, assert: ['body.note == 1']}}]"
        step = run(text).step("one")
    assert "use ***" in str(step.attempts[-1].response)
    assert "tok-1234567890" not in str(step)


def test_a_signal_counts_more_than_our_own_bug_outside_of_a_step(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict and the exit code say the same."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    def interrupt(event: Event, interrupts: Interrupts) -> None:
        if isinstance(event, StepStarted):
            interrupts.run.set("SIGTERM")

    monkeypatch.setattr(flow_module, "run_step", broken)
    ran = run("steps: [{id: one, action: delay, config: {duration: 1ms}}]", Options(on_event=interrupt))
    assert (True, 130) == (ran.result.interrupted, ran.exit_code)
    monkeypatch.undo()


def test_what_an_action_must_know_early_may_name_a_step_with_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not known before the first step; what is known is rendered as in the step itself."""
    seen: list[Mapping[str, Value | None]] = []

    def prepare(_self: object, steps: list[Mapping[str, Value | None]], _context: object) -> None:
        seen.extend(steps)

    monkeypatch.setattr(KafkaConsumer, "prepare", prepare)
    run(
        """
        env: {KAFKA: "127.0.0.1:1"}
        steps:
          - {id: order-2, action: delay, config: {duration: 1ms}, disabled: true}
          - id: wait
            action: kafka_consumer
            config: {brokers: "${KAFKA}", topic: "{{order-2.duration_ms}}", timeout: 1ms}
            disabled: true
        """
    )
    assert [("127.0.0.1:1", None)] == [(known["brokers"], known["topic"]) for known in seen]


def test_continue_in_teardown_means_ignore(web: Web) -> None:
    """There every step runs in any case; without a word a failure counts."""
    text = """
    steps: [{action: delay, config: {duration: 1ms}}]
    teardown: [{id: clean, action: http_request, config: {url: "${WEB}/order"}, assert: [status == 500] HOW}]
    """
    assert FAILED == flow_against(web, text.replace("HOW", "")).result.outcome
    ran = flow_against(web, text.replace("HOW", ", on_error: continue"))
    assert (FAILED, PASSED, 0) == (ran.step("clean").outcome, ran.result.outcome, ran.exit_code)


def test_the_verdict_can_be_made_before_and_after_teardown(web: Web) -> None:
    """A runner that is killed in teardown has said how its steps ended."""
    ran = phases(web, asked=404)
    (before,) = [event for event in ran.events if isinstance(event, TeardownStarted)]
    assert FAILED == before.so_far().outcome
    assert isinstance(ran.events[-1], FlowFinished)
    told = [event.step.phase for event in ran.events if isinstance(event, StepFinished)]
    assert [Phase.SETUP, Phase.STEPS, Phase.STEPS, Phase.TEARDOWN, Phase.TEARDOWN] == told


def test_eventually_waits_until_the_service_answers_as_it_should(web: Web) -> None:
    """Attempts are told; only the last one's exchange is kept."""
    text = """
    steps:
      - id: one
        action: http_request
        config: {url: "${WEB}/order"}
        assert: [status == 500]
        eventually: {timeout: 400ms, interval: 50ms}
    """
    ran = flow_against(web, text)
    one = ran.step("one")
    assert FAILED == one.outcome
    assert len(one.attempts) > 2
    why = "eventually's timeout of 400ms leaves no time for another: "
    assert f"(after {len(one.attempts)} attempts; {why}" in one.message
    assert len(one.attempts) - 1 == ran.result.metrics.retries
    assert [None, None] == [attempt.response for attempt in one.attempts[:2]]


def test_an_env_variable_without_a_value_runs_nothing() -> None:
    """The author's mistake: exit code 2, and the variable is named."""
    text = "env: {A: '${B.x}', B: '${B}'}\nsteps: [{id: one, action: delay, config: {duration: 1ms}}]"
    ran = run(text, Options(layers=Layers(process={"B": ""})))
    assert (ERRORED, 2) == (ran.result.outcome, ran.exit_code)
    assert ran.result.first_failure is not None
    assert ran.result.first_failure.message.startswith("env A: ")
    assert NOT_RUN == ran.step("one").outcome


def test_names_are_rendered(web: Web) -> None:
    """A name may say what the step is about."""
    ran = flow_against(web, 'steps: [{id: one, name: "of ${WEB}", action: delay, config: {duration: 1ms}}]')
    assert f"of {web.url}" == ran.step("one").name
