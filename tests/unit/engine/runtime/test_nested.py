"""Steps inside of steps: what they see, what they leave behind, how their container ends and is shown."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.flows import Options, Ran, run
from support.web import Web, web_server
from testmesh_engine.contract.result import Outcome, StepResult
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


def get(path: str, more: str = "assert: [status == 200]") -> str:
    """A step that asks for ``path``."""
    return f"{{action: http_request, config: {{url: '${{WEB}}/{path}'}}, {more}}}"


def shown(step: StepResult) -> list[tuple[str, Outcome]]:
    """The steps inside of ``step``, each with its outcome."""
    return [(inner.id, inner.outcome) for inner in step.steps]


def loop(items: str, steps: str, more: str = "", beside: str = "") -> str:
    """A flow of one loop."""
    config = f"items: {items}, steps: [{steps}]{more}"
    return f"steps: [{{id: loop, action: for_each, config: {{{config}}}{beside}}}]"


def test_nested_steps_see_the_outer_scope_and_leave_their_names_behind(web: Web) -> None:
    """Those of a loop's last round; each round's results stand under the loop's id."""
    text = f"""
    env: {{N: 2}}
    steps:
      - {get("echo?a", "id: a, output: {before: body.method}, assert: [status == 200]")}
      - id: loop
        action: for_each
        config:
          items: 1..N
          item_name: n
          steps:
            - {get("echo?${before}-${n}-${index}", "id: b, output: {path: body.path}, assert: [n == index + 1]")}
        assert: [count == 2, 'items[0].b.path == "/echo?GET-1-0"']
      - {get("echo?c", "id: c, assert: [path == '/echo?GET-2-1', b.status == 200, 'loop.items[1].b.path == path']")}
    """
    ran = against(web, text)
    assert (PASSED, 0) == (ran.result.outcome, ran.exit_code), ran.result.first_failure
    assert ["GET /echo?a", "GET /echo?GET-1-0", "GET /echo?GET-2-1", "GET /echo?c"] == web.seen
    assert [("loop/0/b", PASSED), ("loop/1/b", PASSED)] == shown(ran.step("loop"))
    assert 3 == ran.result.counts.total


def test_the_name_of_a_round_is_nothing_outside_of_it_and_beats_what_is_captured(web: Web) -> None:
    """Also in placeholders, and within a loop of its own."""
    inner = f"{{action: for_each, config: {{items: [x], steps: [{get('echo?${item}')}]}}}}"
    ran = against(web, loop("[a]", f"{inner}, {get('echo?${item}')}"))
    assert ["GET /echo?x", "GET /echo?a"] == web.seen
    assert [("loop/0/for_each_1", PASSED), ("loop/0/http_request_1", PASSED)] == shown(ran.step("loop"))
    assert [("loop/0/for_each_1/0/http_request_1", PASSED)] == shown(ran.step("loop").steps[0])


def test_a_round_begins_without_what_the_one_before_it_gave(web: Web) -> None:
    """A skipped step's variable of the round before would be taken for this round's."""
    make = get("order", "id: make, when: index == 0, output: {made: body.id}, assert: [status == 200]")
    ran = against(web, loop("[a, b]", f"{make}, {get('echo?${made}')}"))
    assert [PASSED, PASSED, SKIPPED, ERRORED] == [outcome for _, outcome in shown(ran.step("loop"))]
    assert "made has no value: step loop/1/make was skipped" in ran.step("loop").message
    assert 2 == ran.exit_code


def test_what_was_captured_before_a_loop_goes_from_round_to_round(web: Web) -> None:
    """So sums are made."""
    first = get("order", "output: {sum: '0'}, assert: [status == 200]")
    add = get("order", "output: {sum: vars.sum + item}, assert: [status == 200]")
    add = add.replace("sum: vars.sum + item", "sum: 'int(vars.sum) + item'")
    text = f"steps: [{first}, {{action: for_each, config: {{items: [1, 2, 3], steps: [{add}]}}}}, LAST]"
    ran = against(web, text.replace("LAST", get("order", "assert: [sum == 6]")))
    assert PASSED == ran.result.outcome, ran.result.first_failure


def test_the_first_failure_ends_a_loop_and_names_the_step_round_and_value(web: Web) -> None:
    """The verdict names the nested step; what was not started is said."""
    ran = against(web, loop("[200, 503, 200]", get("status/${item}", "id: ask, assert: [status == 200]")))
    assert [("loop/0/ask", PASSED), ("loop/1/ask", FAILED)] == shown(ran.step("loop"))
    message = "items[1] (item: 503), ask: status == 200: status is 503 (1 more round was not started)"
    assert message == ran.step("loop").message
    assert ran.result.first_failure is not None
    assert ("loop/1/ask", message) == (ran.result.first_failure.step, ran.result.first_failure.message)
    assert (FAILED, 1, 1) == (ran.result.outcome, ran.exit_code, ran.result.counts.failed)


def test_within_a_round_nothing_runs_after_a_failure_but_where_the_step_says_so(web: Web) -> None:
    """As in the flow itself; ``on_error: ignore`` does not count."""
    bad = get("status/500", "id: bad, assert: [status == 200]HOW")
    text = loop("[a]", f"{bad}, {get('order')}")
    for how, outcomes, whole in (
        ("", [FAILED, NOT_RUN], FAILED),
        (", on_error: continue", [FAILED, PASSED], FAILED),
        (", on_error: ignore", [FAILED, PASSED], PASSED),
    ):
        step = against(web, text.replace("HOW", how)).step("loop")
        assert (outcomes, whole) == ([outcome for _, outcome in shown(step)], step.outcome)


def test_continue_on_error_gives_every_item_its_turn(web: Web) -> None:
    """The loop fails all the same."""
    ran = against(web, loop("[500, 200]", get("status/${item}"), ", continue_on_error: true"))
    assert (FAILED, [FAILED, PASSED]) == (ran.result.outcome, [outcome for _, outcome in shown(ran.step("loop"))])


def test_an_empty_list_fails_where_the_test_is_and_is_skipped_where_it_may_be_empty(web: Web) -> None:
    """A loop over nothing tests nothing: it is never silently green."""
    empty = loop("[]", get("order"))
    ran = against(web, empty)
    assert (FAILED, "the list of items is empty: nothing was tested. Where that may be, write allow_empty: true.") == (
        ran.step("loop").outcome,
        " ".join(ran.step("loop").message.split()),
    )
    allowed = against(web, loop("[]", get("order"), ", allow_empty: true")).step("loop")
    assert (SKIPPED, "the list of items is empty") == (allowed.outcome, allowed.message)
    both = f"{empty.replace('steps:', 'setup:', 1)}\nsteps: [{get('order')}]"
    assert (SKIPPED, PASSED) == tuple(step.outcome for step in against(web, both).result.steps)


def test_a_loop_of_which_no_step_was_run_is_skipped_with_the_reasons(web: Web) -> None:
    """And a flow of nothing else is no pass."""
    ran = against(web, loop("[a]", get("order", "id: ask, when: item == 'b', assert: [status == 200]")))
    assert (SKIPPED, "none of its steps was run: 0/ask: when: item == 'b' is false") == (
        ran.step("loop").outcome,
        ran.step("loop").message,
    )
    assert SKIPPED == ran.result.outcome


def test_a_loop_of_which_all_that_ran_was_ignored_has_not_passed(web: Web) -> None:
    """What failed shows nothing, ignored or not."""
    ran = against(web, loop("[a]", get("status/500", "on_error: ignore, assert: [status == 200]")))
    assert (FAILED, True) == (ran.result.outcome, "none of its steps has passed" in ran.step("loop").message)


@pytest.mark.parametrize("items", ["WEB", "order.status", "'{\"a\": 1}'"])
def test_items_that_are_no_list_fail_the_loop(web: Web, items: str) -> None:
    """Named with what was found; nothing inside is run."""
    first = get("order", "id: order, output: {status2: body.status}, assert: [status == 200]")
    text = f"steps: [{first}, {{id: loop, action: for_each, config: {{items: ITEMS, steps: [{get('echo')}]}}}}]"
    ran = against(web, text.replace("ITEMS", items))
    assert (FAILED, 1) == (ran.step("loop").outcome, ran.exit_code)
    assert "items is a list, and" in ran.step("loop").message
    assert ["GET /order"] == web.seen


def test_retry_repeats_all_nested_steps_and_shows_the_last_attempt(web: Web) -> None:
    """So does eventually; the attempts before it are counted."""
    ask = get("turns/503,503,200?x", "id: ask, assert: [status == 200]")
    ran = against(web, loop("[a]", f"{get('order')}, {ask}", beside=", retry: {delay: 1ms}"))
    assert (PASSED, 6) == (ran.result.outcome, len(web.seen))
    assert [("loop/0/http_request_1", PASSED), ("loop/0/ask", PASSED)] == shown(ran.step("loop"))
    assert ['items[0] (item: "a"), ask: status == 200: status is 503'] * 2 == [
        attempt.error for attempt in ran.step("loop").attempts[:2]
    ]


def test_the_step_timeout_of_a_container_bounds_all_inside_of_it(web: Web) -> None:
    """It is named as what ran out; without it a container takes as long as its steps."""
    started = time.monotonic()
    ran = against(web, loop("[a, b]", get("silent"), beside=", timeout: 200ms"))
    assert time.monotonic() - started < 5
    assert (FAILED, True) == (ran.step("loop").outcome, "the step's timeout of 200ms" in ran.step("loop").message)


def test_an_interrupt_ends_what_runs_inside_and_what_ran_is_shown(web: Web) -> None:
    """The container is not left without the steps that it had run."""
    ask = get("order", "id: ask, assert: [status == 201], retry: {delay: 20s}")
    text = loop("[a, b]", f"{get('order', 'id: first, assert: [status == 200]')}, {ask}")
    started = time.monotonic()
    running: list[Interrupts] = []
    options = Options(on_event=lambda _, interrupts: running.append(interrupts))
    timer = threading.Timer(0.5, lambda: running[0].run.set("SIGINT"))
    timer.start()
    ran = against(web, text, options)
    timer.join()
    assert time.monotonic() - started < 10
    assert 130 == ran.exit_code
    assert ran.step("loop").message.startswith("interrupted by SIGINT"), ran.step("loop").message
    assert [("loop/0/first", PASSED), ("loop/0/ask", ERRORED)] == shown(ran.step("loop"))[:2]


def test_rounds_run_at_once_where_told_to_and_are_shown_in_order(web: Web) -> None:
    """Bounded by max_concurrent."""
    wait = "{id: wait, action: delay, config: {duration: '${item}ms'}}"
    started = time.monotonic()
    ran = against(web, loop("[300, 200, 100, 300, 200, 100]", wait, ", parallel: true"))
    assert 0.25 < time.monotonic() - started < 0.9
    assert [f"loop/{index}/wait" for index in range(6)] == [inner.id for inner in ran.step("loop").steps]
    started = time.monotonic()
    against(web, loop("[200, 200, 200, 200]", wait, ", parallel: true, max_concurrent: 2"))
    assert 0.38 < time.monotonic() - started < 0.75


def test_rounds_at_once_keep_their_variables_apart_and_leave_none_behind(web: Web) -> None:
    """Their results stand under the loop's id, each in its place."""
    ask = get("echo?${item}", "id: ask, output: {mine: body.path}, assert: [status == 200]")
    use = get(
        "echo?${mine}", "id: use, assert: ['body.path == \"/echo?\" + mine', 'mine == \"/echo?\" + string(item)']"
    )
    text = loop("1..20", f"{ask}, {use}", ", parallel: true")
    last = get("order", "id: last, assert: ['len(loop.items) == 20', 'loop.items[19].ask.mine == \"/echo?20\"']")
    ran = against(web, f"{text[:-1]}, {last}]")
    assert PASSED == ran.result.outcome, ran.result.first_failure
    assert 41 == ran.result.metrics.http_requests
    dynamic = text.replace("parallel: true", "parallel: '${P}'")[:-1] + f", {get('echo?${mine}', 'id: last')}]"
    ran = against(web, f"env: {{P: true}}\n{dynamic}")
    assert "mine has no value: the rounds of loop ran at once" in ran.step("last").message


def test_the_first_failure_of_rounds_at_once_is_the_first_in_order(web: Web) -> None:
    """Whichever failed first in time."""
    steps = "{action: delay, config: {duration: '${item}ms'}}, " + get("status/500")
    ran = against(web, loop("[200, 1]", steps, ", parallel: true"))
    assert ran.step("loop").message.startswith("items[0] (item: 200), http_request_1: ")


def test_branches_run_at_once_and_leave_all_their_names_behind(web: Web) -> None:
    """Each sees what was there before, none what another one gives; a failed one keeps no other from its end."""
    text = f"""
    steps:
      - id: both
        action: parallel
        config:
          branches:
            slow:
              - {{id: wait, action: delay, config: {{duration: 200ms}}}}
              - {get("order", "id: a, output: {from_a: body.id}, assert: [status == 200]")}
            quick:
              - {{action: delay, config: {{duration: 200ms}}}}
              - {get("status/CODE", "id: b, output: {from_b: status}, assert: [status == 200]")}
        on_error: continue
      - {get("order", "id: last, assert: [from_a == 7, from_b == CODE, both.count == 2, both.a.status == 200]")}
    """
    started = time.monotonic()
    ran = against(web, text.replace("CODE", "200"))
    assert time.monotonic() - started < 0.39
    assert PASSED == ran.result.outcome, ran.result.first_failure
    assert ["both/slow/wait", "both/slow/a", "both/quick/delay_1", "both/quick/b"] == [
        inner.id for inner in ran.step("both").steps
    ]
    ran = against(web, text.replace("CODE", "500"))
    assert [PASSED, PASSED, PASSED, FAILED] == [outcome for _, outcome in shown(ran.step("both"))]
    assert "quick/b: status == 200: status is 500" == ran.step("both").message


@pytest.mark.parametrize(("n", "branch", "outcome"), [(1, "then", PASSED), (0, "else", PASSED)])
def test_a_condition_runs_one_branch_and_says_which(web: Web, n: int, branch: str, outcome: Outcome) -> None:
    """Both may give the same name."""
    text = f"""
    env: {{N: {n}}}
    steps:
      - id: pay
        action: condition
        config:
          condition: N > 0
          then: [{get("order?then", "id: one, output: {path: request.url}, assert: [status == 200]")}]
          else: [{get("order?else", "id: two, output: {path: request.url}, assert: [status == 200]")}]
        assert: [branch == "{branch}"]
      - LAST
    """
    last = get("order", f'assert: [\'path endsWith "{branch}"\', pay.branch == "{branch}"]')
    ran = against(web, text.replace("LAST", last))
    assert outcome == ran.result.outcome, ran.result.first_failure
    assert [f"GET /order?{branch}", "GET /order"] == web.seen


def test_a_condition_without_the_branch_is_skipped_and_says_so(web: Web) -> None:
    """What the other branch would have given has no value."""
    text = f"""
    steps:
      - id: pay
        action: condition
        config: {{if: 1 > 2 || WEB == "", then: [{get("order", "id: one, output: {x: body.id}")}]}}
      - {get("echo?${x}", "id: last")}
    """
    ran = against(web, text)
    assert (SKIPPED, 'condition: 1 > 2 || WEB == "" is false, and there is no else') == (
        ran.step("pay").outcome,
        ran.step("pay").message,
    )
    assert "x has no value: step pay/one was not run" in ran.step("last").message


def test_containers_in_teardown_run_all_and_hide_no_failure(web: Web) -> None:
    """What teardown cleans up must not hang on the first thing that can't be."""
    text = f"""
    steps: [{get("order")}]
    teardown:
      - id: clean
        action: for_each
        config: {{items: [500, 200], steps: [{get("status/${item}")}, {get("order?x")}]}}
    """
    ran = against(web, text)
    assert ["GET /order", "GET /status/500", "GET /order?x", "GET /status/200", "GET /order?x"] == web.seen
    assert (FAILED, 1) == (ran.step("clean").outcome, ran.exit_code)


def test_error_steps_of_a_container_see_its_error(web: Web) -> None:
    """They stand beside what ran inside of it, and are no cause of its failure."""
    tell = get("echo?${error.kind}", "id: tell, assert: [status == 201]")
    ran = against(
        web, loop("[a]", get("status/500", "id: ask, assert: [status == 200]"), beside=f", error_steps: [{tell}]")
    )
    assert [("loop/0/ask", FAILED), ("loop/tell", FAILED)] == shown(ran.step("loop"))
    assert ran.result.first_failure is not None
    assert "loop/0/ask" == ran.result.first_failure.step
    assert "GET /echo?assertion" == web.seen[-1]


def test_each_round_has_random_values_of_its_own(web: Web) -> None:
    """The same in all attempts of a step."""
    against(web, loop("1..3", get("echo?${RANDOM_ID}")))
    assert 3 == len(set(web.seen))


def test_defaults_and_fail_fast_reach_nested_steps(web: Web) -> None:
    """They are steps like all others."""
    text = loop("[a]", "{action: http_request, config: {params: {q: 1}}, assert: [status == 201]}, " + get("order?2"))
    ran = against(web, f"config: {{fail_fast: false, defaults: {{http_request: {{url: '${{WEB}}/order'}}}}}}\n{text}")
    assert ["GET /order?q=1", "GET /order?2"] == web.seen
    assert FAILED == ran.result.outcome


def test_the_console_names_the_step_within_its_line_and_no_container_beside_it(web: Web, tmp_path: Path) -> None:
    """Through the command line: one failure, one place to look at."""
    path = tmp_path / "f.yaml"
    inner = f"\n          - {get('status/${item}', 'id: ask, assert: [status == 200]')}"
    steps = f"    - id: loop\n      action: for_each\n      config:\n        items: [200, 500]\n        steps:{inner}\n"
    path.write_text(f"flow:\n  name: tested\n  steps:\n{steps}", encoding="utf-8")
    command = [sys.executable, "-m", "testmesh_engine", "run", str(path), "--var", f"WEB={web.url}"]
    # A process of its own: the command line leaves signals as it wants them.
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    said = done.stdout
    assert 1 == done.returncode
    assert f"  step loop/1/ask: items[1] (item: 500), ask: status == 200: status is 500\n  {path}:9\n" in said
    assert "also:" not in said
