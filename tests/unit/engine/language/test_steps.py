"""How the keys of a step are read: what is refused, what is warned of, and what is another word for the same."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.language.model import Backoff, Eventually, FailureWord, OnError, Retry, Step
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_text

HTTP = "action: http_request, config: {url: 'http://h/'}, assert: [status == 200]"


def checked(steps: str) -> Checked:
    """The flow of these steps, each line one."""
    text = f"flow:\n  name: x\n  env: {{T: 5s, N: 3}}\n{steps}"
    (found,) = check_text(text, name="f.yaml", catalogue=Registry(), outside=Outside(complete=True))
    return found


def problems(steps: str, severity: Severity = Severity.ERROR) -> list[Problem]:
    """The problems of that severity, but for variables that nothing reads."""
    return [
        problem
        for problem in checked(steps).problems
        if problem.severity is severity and "never used" not in problem.message
    ]


def step(keys: str, base: str = HTTP) -> Step:
    """The step with these keys beside those of ``base``."""
    flow = checked(f"  steps: [{{{base}, {keys}}}]").flow
    assert flow is not None, problems(f"  steps: [{{{base}, {keys}}}]")
    return flow.steps[0]


@pytest.mark.parametrize(
    ("keys", "said", "hint"),
    [
        ("retry: {retry_on: [timeot]}", 'retry_on has no word "timeot"', 'Did you mean "timeout"?'),
        ("retry: {retry_on_not: [nonsense]}", 'retry_on_not has no word "nonsense"', "Write timeout, connection_error"),
        ("retry: {retry_on: []}", "retry_on is empty", "Remove it, or write timeout"),
        ("retry: {retry_on: [503]}", "retry_on is an expression, found the number 503", "status == 503"),
        ("retry: {retry_on: [statu == 503]}", "unknown variable statu", 'Did you mean "status"?'),
        ("retry: {backoff: exponentially}", "backoff is one of exponential, linear, fixed", '"exponential"'),
        ("retry: {max_attempts: 0}", "max_attempts is a whole number from 1 on, found the number 0", ""),
        ("retry: {attempts: 3}", 'retry has no key "attempts"', 'Did you mean "max_attempts"?'),
        ("eventually: {timeout: 0s}", "timeout is 0, which leaves no time", "30s"),
        ("eventually: {stable: 3s}", 'eventually has no key "stable"', "stable_for"),
        ("eventually: {stable_for: 30s}", "stable_for of 30s can't be reached within a timeout of 30s", "longer"),
        ("eventually: {interval: 1s, poll_interval: 1s}", "poll_interval is another word for interval", ""),
        ("eventually: {}, retry: {}", "a step has retry or eventually, not both", ""),
        ("eventually: {}, poll: {}", "a step has eventually or poll, not both", ""),
        ("timeout: '${TT}'", "unknown variable TT", ""),
        ("timeout: '${T'", "", ""),
        ("disabled: '${N}'", 'disabled is true or false, found text "${N}"', "For what a variable decides write when."),
        ("on_error: retry", "on_error: retry needs retry, and the step has none", "Add retry: {max_attempts: 3}."),
        ("on_error: goon", "on_error is one of fail, continue, ignore, retry", ""),
        ("on_error: []", "on_error is a word or a map, found a list", "Write the steps under error_steps."),
        ("on_error: {}", "on_error is empty", "fail, continue"),
        ("on_error: {do: continue}", 'on_error has no key "do"', "action"),
        ("on_error: {action: fail, type: fail}", "type is another word for action", ""),
        ("error_steps: []", "error_steps is empty", "Write at least one step"),
        ("error_steps: {}", "error_steps is a list, found a map", ""),
        ("error_steps: [{action: delay, config: {}}]", 'delay needs "duration"', ""),
        ("id: error", '"error" can\'t be an id', "built in"),
        ("id: and", '"and" can\'t be an id', "a word of the expressions"),
        ("output: {nil: $.duration_ms}", "nil can't be an output", "a word of the expressions"),
        ("output: {a: body.a}, save: {b: body.b}", "save is another word for output", ""),
    ],
)
def test_what_a_step_can_not_say_is_explained(keys: str, said: str, hint: str) -> None:
    """What was found, what is allowed, and what to do."""
    (problem,) = problems(f"  steps: [{{{HTTP}, {keys}}}]")
    assert said in problem.message
    assert hint in problem.hint
    assert 4 == problem.line


def test_the_steps_of_on_error_stand_in_one_place() -> None:
    """Two lists would leave open which of them is meant."""
    inner = "[{action: delay, config: {duration: 1s}}]"
    (problem,) = problems(f"  steps: [{{{HTTP}, error_steps: {inner}, on_error: {{steps: {inner}}}}}]")
    assert "a step has error_steps or steps of on_error, not both" == problem.message


@pytest.mark.parametrize("config", ["url: 'http://h/', timeout: 0s", "url: 'http://h/', timeout: 0ms"])
def test_a_timeout_of_an_action_that_leaves_no_time_is_refused(config: str) -> None:
    """As each other one is."""
    found = problems(f"  steps: [{{action: http_request, config: {{{config}}}, assert: [status == 200]}}]")
    assert ["timeout is 0, which leaves no time"] == [problem.message for problem in found]


@pytest.mark.parametrize(
    ("asserts", "said"),
    [
        ("[{message: no}]", 'an assertion with a message needs "expression"'),
        ("[{expression: status == 200, massage: no}]", 'an assertion has no key "massage"'),
        ("[]", "assert is empty"),
    ],
)
def test_an_assertion_that_asserts_nothing_is_refused(asserts: str, said: str) -> None:
    """It would be a pass of nothing."""
    text = f"  steps: [{{action: http_request, config: {{url: 'http://h/'}}, assert: {asserts}}}]"
    assert [said] == [problem.message for problem in problems(text)]


def test_an_empty_list_of_assertions_asserts_nothing() -> None:
    """The warning stands beside the error: the key alone is no assertion."""
    text = "  steps: [{action: http_request, config: {url: 'http://h/'}, assert: []}]"
    warned = [problem.message for problem in problems(text, Severity.WARNING)]
    assert ["this http_request step asserts nothing"] == warned


@pytest.mark.parametrize("asserts", ["status == 200", "{message: 'is ${status}', expression: status == 200}"])
def test_one_assertion_may_stand_alone(asserts: str) -> None:
    """In either form, its keys in either order."""
    found = step(f"assert: {asserts}", "action: http_request, config: {url: 'http://h/'}")
    assert ["status == 200"] == [assertion.expression.source for assertion in found.asserts]


def test_steps_that_run_after_a_failure_need_not_assert() -> None:
    """They find out more, or clean up."""
    text = f"  steps: [{{{HTTP}, error_steps: [{{action: http_request, config: {{url: 'http://h/'}}}}]}}]"
    assert [] == problems(text, Severity.WARNING)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("retry: {}", Retry()),
        (
            "retry: {max_attempts: 5, delay: 2s, backoff: linear}",
            Retry(max_attempts=5, delay=2, backoff=Backoff.LINEAR),
        ),
        ("retry: {backoff: constant}", Retry(backoff=Backoff.FIXED)),
        ("retry: {retry_on: timeout}", Retry(retry_on=(FailureWord.TIMEOUT,))),
        ("eventually: {}", Eventually()),
        ("poll: {timeout: 5s, poll_interval: 1s}", Eventually(timeout=5, interval=1)),
        ("eventually: {stable_for: 2s}", Eventually(stable_for=2)),
    ],
)
def test_attempts_are_read_with_their_defaults(keys: str, expected: Retry | Eventually) -> None:
    """Those of the language."""
    assert expected == step(keys).attempts


def test_poll_in_the_config_is_poll_of_the_step() -> None:
    """No action has a key of that name."""
    found = step("assert: [status == 200]", "action: http_request, config: {url: 'http://h/', poll: {timeout: 5s}}")
    assert (Eventually(timeout=5), {"url"}) == (found.attempts, set(found.config))
    text = "  steps: [{action: http_request, config: {url: 'http://h/', poll: {}}, retry: {}, assert: [status == 1]}]"
    assert ["a step has retry or poll in its config, not both"] == [problem.message for problem in problems(text)]


def test_an_interval_that_leaves_time_for_one_attempt_is_a_warning() -> None:
    """It asks once, and is called eventually."""
    (warned,) = problems(f"  steps: [{{{HTTP}, eventually: {{timeout: 1s, interval: 2s}}}}]", Severity.WARNING)
    assert "an interval of 2s leaves time for one attempt only within a timeout of 1s" == warned.message


def test_placeholders_of_times_and_counts_wait_for_the_run() -> None:
    """Each with the words by which a message names it."""
    found = step("timeout: '${T}', retry: {max_attempts: '${N}', delay: '{{T}}', max_delay: 3s}")
    assert ["timeout", "retry.max_attempts", "retry.delay"] == [late.what for late in found.late]
    assert (None, Retry(max_delay=3)) == (found.timeout, found.attempts)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [("", OnError.FAIL), (", on_error: continue", OnError.IGNORE), (", on_error: fail", OnError.FAIL)],
)
def test_continue_in_teardown_is_read_as_ignore(keys: str, expected: OnError) -> None:
    """Every step of it runs in any case."""
    flow = checked(f"  steps: [{{{HTTP}}}]\n  teardown: [{{{HTTP}{keys}}}]").flow
    assert flow is not None
    assert expected == flow.teardown[0].on_error


def test_an_id_is_unique_within_its_part_also_inside_of_other_steps() -> None:
    """Else a name would mean two things."""
    text = f"  steps:\n    - {{id: a, {HTTP}, error_steps: [{{id: b, {HTTP}}}]}}\n    - {{id: b, {HTTP}}}\n"
    (problem,) = problems(text)
    assert ('the id "b" is taken by the step in line 5', 6) == (problem.message, problem.line)
    assert [] == problems(
        f"  steps: [{{id: a, {HTTP}, error_steps: [{{id: b, {HTTP}}}]}}]\n  teardown: [{{id: b, {HTTP}}}]"
    )


def test_steps_inside_of_another_one_are_shown_with_it() -> None:
    """Those without an id are counted there."""
    inner = "[{action: delay, config: {duration: 1s}}, {id: b, action: delay, config: {duration: 1s}}]"
    found = step(f"id: a, error_steps: {inner}")
    assert ["a/delay_1", "a/b"] == [nested.shown for nested in found.error_steps]
    assert ["", "b"] == [nested.id for nested in found.error_steps]


def test_what_error_steps_read_is_checked_and_what_they_give_is_known_below() -> None:
    """They see the step's own outputs and its error."""
    when = "when: got == 1 && error.timeout"
    tell = f"{{id: t, action: delay, config: {{duration: '${{D}}'}}, output: {{told: error.message}}, {when}}}"
    first = f"{{{HTTP}, output: {{got: body.a}}, error_steps: [{tell}]}}"
    text = f"  steps:\n    - {first}\n    - {{{HTTP}, when: told == 't'}}\n"
    (problem,) = problems(text)
    assert ("unknown variable D", 5) == (problem.message, problem.line)


def test_an_output_called_error_is_a_warning() -> None:
    """It stands before the error of a failed step."""
    warned = problems(f"  steps: [{{{HTTP}, output: {{error: body.error}}}}]", Severity.WARNING)
    assert any("output error hides the error of a failed step" in problem.message for problem in warned)


@pytest.mark.parametrize(
    ("output", "warned"), [("id", []), ("data.items[0].id", []), ("len(entries)", []), ("bdy.id", ["bdy"])]
)
def test_an_output_may_name_a_key_of_what_will_be_received(output: str, warned: list[str]) -> None:
    """No one can know it before the run; what is nearly a result key is a warning."""
    base = f"  steps: [{{{HTTP}, output: {{got: '{output}'}}}}]"
    assert [] == problems(base)
    found = problems(base, Severity.WARNING)
    assert warned == [problem.message.split()[0] for problem in found]
    assert all('Did you mean "body"?' == problem.hint for problem in found)
