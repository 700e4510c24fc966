"""``config`` of a flow: times, ``fail_fast``, and the defaults that lie under its steps."""

from __future__ import annotations

import pytest

from support.checked import check, errors, head, warnings
from testmesh_engine.expressions import MapScope, Value
from testmesh_engine.language.model import Flow, OnError, Retry
from testmesh_engine.language.names import Outside


def flow_of(text: str, *, outside: Outside | None = None) -> Flow:
    """The flow of ``text``, which must be right."""
    checked = check(text, outside=outside or Outside(complete=True))
    assert checked.flow is not None, "\n".join(problem.render() for problem in checked.problems)
    return checked.flow


def steps(config: str, *lines: str, more: str = "") -> str:
    """A flow with this ``config`` and these steps."""
    return f"flow:\n  name: x\n  config: {config}\n{more}  steps:\n" + "".join(f"    - {line}\n" for line in lines)


def configs(flow: Flow) -> list[dict[str, Value]]:
    """The configs of its steps, rendered with nothing."""
    return [{name: template.render(MapScope({})) for name, template in step.config.items()} for step in flow.steps]


GET = "{action: http_request, config: {url: 'http://h/'CONFIG}, assert: [status == 200]}"


def test_defaults_lie_under_the_config_of_each_step_of_their_action() -> None:
    """Maps are merged; lists and values of the step replace them; other actions have none of it."""
    text = steps(
        "{defaults: {http_request: {headers: {A: 1, B: 1}, max_redirects: 3, timeout: 9s}}}",
        GET.replace("CONFIG", ""),
        GET.replace("CONFIG", ", headers: {B: 2}, max_redirects: 5"),
        "{action: delay, config: {duration: 1s}}",
    )
    assert [
        {"url": "http://h/", "headers": {"A": 1, "B": 1}, "max_redirects": 3, "timeout": "9s"},
        {"url": "http://h/", "headers": {"A": 1, "B": 2}, "max_redirects": 5, "timeout": "9s"},
        {"duration": "1s"},
    ] == configs(flow_of(text))


def test_other_words_for_an_action_and_its_keys_are_the_same() -> None:
    """In the defaults and in the step."""
    text = steps(
        "{defaults: {kafka_consume: {brokers: 'h:1', max_messages: 2, filter: {key: d}}}}",
        "{action: kafka.consume, config: {topic: t, count: 3, match: {key: a}}}",
        "{action: kafka_consumer, config: {topic: t}}",
    )
    first, second = configs(flow_of(text))
    assert {"topic": "t", "count": 3, "match": {"key": "a"}, "brokers": "h:1"} == first
    assert {"topic": "t", "count": 2, "match": {"key": "d"}, "brokers": "h:1"} == second


def test_defaults_may_hold_retry_and_timeout_of_the_step() -> None:
    """A step that says how it is repeated has no default retry; ``timeout`` is the action's where it has one."""
    text = steps(
        "{defaults: {delay: {retry: {max_attempts: 5, delay: 2s}, timeout: 7s}, http_request: {timeout: 4s}}}",
        "{action: delay, config: {duration: 1s}}",
        "{action: delay, config: {duration: 1s}, retry: {max_attempts: 2}, timeout: 1s}",
        "{action: delay, config: {duration: 1s}, eventually: {timeout: 3s}}",
        "{action: delay, config: {duration: 1s, poll: {timeout: 3s}}}",
        GET.replace("CONFIG", ""),
    )
    first, second, third, fourth, fifth = flow_of(text).steps
    assert (Retry(max_attempts=5, delay=2.0), 7.0) == (first.attempts, first.timeout)
    assert (Retry(max_attempts=2, delay=2.0), 1.0) == (second.attempts, second.timeout)
    assert not isinstance(third.attempts, Retry)
    assert not isinstance(fourth.attempts, Retry)
    assert (None, "4s") == (fifth.timeout, fifth.config["timeout"].render(MapScope({})))


def test_defaults_lie_under_error_steps_too() -> None:
    """Wherever a step stands."""
    inner = "{action: delay, config: {}}"
    text = steps(
        "{defaults: {delay: {duration: 5ms}}}",
        f"{{action: delay, error_steps: [{inner}]}}",
        f"{{action: delay, on_error: {{action: continue, steps: [{inner}]}}}}",
    )
    for step in flow_of(text).steps:
        assert "5ms" == step.error_steps[0].config["duration"].render(MapScope({}))


@pytest.mark.parametrize(
    ("defaults", "column", "said"),
    [
        ("{delai: {}}", 23, 'defaults has no action "delai"'),
        ("{delay: {duratoin: 1s}}", 31, 'defaults.delay has no key "duratoin"'),
        ("{delay: [1]}", 30, "defaults.delay is a map, found a list"),
        ("{delay: {duration: x}}", 41, "duration takes a duration"),
        ("{delay: {duration: '${nope}'}}", 44, "unknown variable nope"),
        ("{kafka_consumer: {count: 1, max_messages: 2}}", 50, "max_messages is another word for count"),
        ("{kafka_consumer: {}, kafka_consume: {}}", 43, "kafka_consume is another word for kafka_consumer"),
    ],
)
def test_a_wrong_default_is_named_once_at_its_own_place(defaults: str, column: int, said: str) -> None:
    """However many steps it lies under."""
    delay = (
        "{action: delay}"
        if "duration" in defaults and "duratoin" not in defaults
        else "{action: delay, config: {duration: 1s}}"
    )
    text = steps(f"{{defaults: {defaults}}}", delay, delay)
    found = [(p.line, p.column, p.message) for p in check(text).problems if p.severity == "error"]
    assert [(3, column)] == [(line, at) for line, at, message in found if message.startswith(said)]
    assert 1 == len(found), found


def test_defaults_that_no_step_uses_are_a_warning() -> None:
    """Mostly another action was meant."""
    text = steps(
        "{defaults: {kafka_consumer: {brokers: 'h:1'}}}", "{action: delay, config: {duration: 1s}, assert: [time > 0]}"
    )
    assert ["no step is a kafka_consumer: these defaults are never used"] == warnings(text)


QUERY = "{action: database_query, config: {query: SELECT 1}, assert: [row_count == 1]}"


@pytest.mark.parametrize("name", ["DB_URL", "DATABASE_URL"])
def test_a_connection_is_taken_from_a_variable_of_a_known_name(name: str) -> None:
    """From the flow or from outside; what the step says stands."""
    (step,) = flow_of(steps("{}", QUERY, more=f"  env: {{{name}: u}}\n")).steps
    assert "u" == step.config["connection"].render(MapScope({name: "u"}))
    (step,) = flow_of(steps("{}", QUERY), outside=Outside(names=frozenset({name}), complete=True)).steps
    assert [name] == [use.name for use in step.config["connection"].names]
    own = QUERY.replace("query:", "connection_string: 'postgresql://h/d', query:")
    (step,) = flow_of(steps("{}", own, more=f"  env: {{{name}: '${{{name}:-u}}'}}\n")).steps
    assert "connection" not in step.config


def test_without_a_connection_the_error_shows_how_to_say_it_once() -> None:
    """With the lines to paste."""
    (problem,) = check(steps("{}", QUERY)).problems
    assert problem.message.startswith('database_query needs "connection": ')
    assert 'config:\n  defaults:\n    database_query: {connection: "…"}' in problem.hint
    assert "DB_URL or DATABASE_URL" in problem.hint


def test_before_the_run_a_missing_connection_is_something_that_it_needs() -> None:
    """The run may bring it."""
    checked = check(steps("{}", QUERY), outside=Outside())
    assert checked.ok
    assert ["DB_URL (required)"] == [need.words() for need in checked.needs]


def test_fail_fast_false_lets_the_steps_below_a_failed_one_run() -> None:
    """But for one that says what its failure means; a failed teardown fails the flow all the same."""
    text = steps(
        "{fail_fast: false}",
        "{action: delay, config: {duration: 1s}}",
        "{action: delay, config: {duration: 1s}, on_error: fail}",
        more="  teardown:\n    - {action: delay, config: {duration: 1s}}\n",
    )
    flow = flow_of(text)
    assert [OnError.CONTINUE, OnError.FAIL] == [step.on_error for step in flow.steps]
    assert [OnError.FAIL] == [step.on_error for step in flow.teardown]
    assert [OnError.FAIL] == [
        step.on_error for step in flow_of(steps("{}", "{action: delay, config: {duration: 1s}}")).steps
    ]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("config: {fail_fast: 1}", "fail_fast is true or false, found the number 1"),
        ("config: {timeout: 0s}", "timeout is 0, which leaves no time"),
        ("config: {timeout: '${nope}'}", "unknown variable nope"),
        ("config: {retries: 1}", 'config has no key "retries"'),
        ("exclusive: '${X}'", "exclusive is read before any variable is known"),
        ("exclusive: [a]", "exclusive is text, found a list"),
    ],
)
def test_what_is_wrong_with_config_is_said(written: str, said: str) -> None:
    """Before anything runs."""
    assert [said] == errors(head(written))


def test_labels_are_in_the_model() -> None:
    """As they were written."""
    written = "suite: s\nversion: 1.0\nauthor: me\ndescription: d\ntags: [a, b]\nexclusive: db"
    flow = flow_of(head(written))
    found = (flow.suite, flow.version, flow.author, flow.description, flow.tags, flow.exclusive)
    assert ("s", "1.0", "me", "d", ("a", "b"), "db") == found
