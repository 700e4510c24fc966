"""What can be known of a flow without running it: warnings, and values that nothing could come of."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.problem import Severity
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text

HTTP = "    - {{action: http_request, config: {{{config}}}, assert: [status == 200]}}\n"
DELAY = "    - {action: delay, config: {duration: 1s}}\n"


def found(text: str) -> list[tuple[Severity, int, str]]:
    """Severity, line and message of each problem."""
    (flow,) = check_text(text, name="f.yaml", catalogue=Registry(), outside=Outside(complete=True))
    return [(problem.severity, problem.line, problem.message) for problem in flow.problems]


def flow(steps: str, head: str = "") -> str:
    """A flow; its steps begin in the line after ``head``'s."""
    return f"flow:\n  name: x\n{head}  steps:\n{steps}"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("url: /api", 'url takes a URL that starts with http:// or https:// and names a host, found "/api"'),
        ("url: 'http://h:99999/'", "url takes a URL, and its host or port can't be read"),
        ("url: 'ftp://h/'", "and names a host, found one that starts with ftp://"),
        ("url: 'http://h', max_redirects: -1", "max_redirects takes 0 or more, found -1"),
        ("url: 'http://h', headers: {Y: null}", "headers takes text or numbers, and Y holds nothing"),
        ("url: 'http://h', params: {Y: }", "params takes text or numbers, and Y holds nothing"),
    ],
)
def test_a_constant_of_a_request_that_could_never_be_sent_is_an_error(config: str, said: str) -> None:
    """It would fail in the run, after the steps before it."""
    ((severity, line, message),) = found(flow(HTTP.format(config=config)))
    assert (Severity.ERROR, 4) == (severity, line)
    assert said in message


@pytest.mark.parametrize("url", ["${API}/x", "{{ API }}", "http://${HOST}:${PORT}"])
def test_what_a_placeholder_will_give_is_not_judged_before_the_run(url: str) -> None:
    """It may be a URL then."""
    head = "  env: {API: 'http://h', HOST: h, PORT: 1}\n"
    assert all("never used" in message for _, _, message in found(flow(HTTP.format(config=f"url: '{url}'"), head)))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("when: '1'", "when is a condition, and this is always the number 1"),
        ("assert: [\"'status == 500'\"]", 'an assertion is a condition, and this is always text "status == 500"'),
        ("assert: ['nil']", "an assertion is a condition, and this is always nothing"),
        ("eventually: {stop_on: '[1]'}", "stop_on is a condition, and this is always a list"),
    ],
)
def test_a_constant_where_a_condition_belongs_is_an_error(step: str, said: str) -> None:
    """Mostly an expression that is quoted twice."""
    messages = [message for _, _, message in found(flow(DELAY.replace("}}", f"}}, {step}}}")))]
    assert [said] == [message for message in messages if "asserts nothing" not in message]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("assert: ['[duration_ms > 0, true]']", "an assertion is true or false, and this is always a list"),
        ("assert: ['{a: duration_ms}']", "an assertion is true or false, and this is always a map"),
        ("assert_none: ['\"${duration_ms} == 0\"']", "an assertion is true or false, and this is always a text"),
    ],
)
def test_an_assertion_that_is_written_as_another_kind_is_an_error(step: str, said: str) -> None:
    """It could fail in the run only, for no fault of the service."""
    assert [(Severity.ERROR, 4, said)] == found(flow(DELAY.replace("}}", f"}}, {step}}}")))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("assert: ['1 == 1']", "1 == 1 is always true: it tests nothing"),
        ("assert: duration_ms >= 0 or true", "duration_ms >= 0 or true is always true: it tests nothing"),
        ("assert_none: ['false']", "false is always false: it tests nothing"),
        ("assert: ['true // duration_ms > 0']", "true // duration_ms > 0 is always true: it tests nothing"),
    ],
)
def test_an_assertion_that_is_the_same_whatever_happens_is_a_warning(step: str, said: str) -> None:
    """It looks like a test in every report."""
    assert [(Severity.WARNING, 4, said)] == found(flow(DELAY.replace("}}", f"}}, {step}}}")))
    assert [] == found(flow(DELAY.replace("}}", "}, assert: [duration_ms >= 0], when: 1 == 1}")))


@pytest.mark.parametrize(
    ("head", "step", "said"),
    [
        ("  version: [1]\n", "", "version is text or a number, found a list"),
        ("", "tags: 5", "tags is a list, found the number 5"),
        ("", "tags: [5]", "a tag is text, found the number 5"),
        ("", "description: [1]", "description is text, found a list"),
    ],
)
def test_labels_are_checked_too(head: str, step: str, said: str) -> None:
    """What is accepted unread can't be relied upon."""
    steps = DELAY.replace("}}", f"}}, {step}}}") if step else DELAY
    assert [said] == [message for severity, _, message in found(flow(steps, head)) if severity is Severity.ERROR]


@pytest.mark.parametrize("version", ["'1.0'", "1.0", "2"])
def test_a_version_may_be_a_number(version: str) -> None:
    """Nearly everyone writes one."""
    assert not [m for severity, _, m in found(flow(DELAY, f"  version: {version}\n")) if severity is Severity.ERROR]


def test_an_output_that_is_a_text_and_looks_like_an_expression_is_a_warning() -> None:
    """It is captured as it stands."""
    said = 'output a is the text "duration_ms 5", as it is no expression'
    steps = DELAY.replace("}}", "}, output: {a: duration_ms 5}, assert: [duration_ms > 0]}")
    used = "    - {action: delay, config: {duration: '${a}'}, assert: [duration_ms > 0]}\n"
    assert [(Severity.WARNING, 4, said)] == found(flow(steps + used))


KAFKA = "    - {{action: kafka_consumer, config: {{brokers: 'h:1', topic: t{config}}}{rest}}}\n"


def test_a_kafka_step_without_match_is_a_warning() -> None:
    """Messages of others count too."""
    said = "this kafka_consumer step has no match: messages that others publish meanwhile count too"
    assert [(Severity.WARNING, 4, said)] == found(flow(KAFKA.format(config="", rest="")))
    assert [] == found(flow(KAFKA.format(config=", match: {key: a}", rest="")))
    assert [] == found(flow(KAFKA.format(config=", filter: {key: a}", rest="")))


@pytest.mark.parametrize(
    "assertion", ["len(messages) == 0", "len( messages )==0", "messages.length == 0", "count == 0", "len(messages) < 1"]
)
def test_no_messages_without_absent_is_an_error(assertion: str) -> None:
    """Fewer than ``count`` fails whatever is asserted: such a step could never pass."""
    config = ", match: {key: a}"
    rest = f", assert: ['{assertion}']"
    ((severity, _, message),) = found(flow(KAFKA.format(config=config, rest=rest)))
    assert Severity.ERROR is severity
    assert f"{assertion} can never hold: without a message the step fails at its timeout" == message
    assert [] == found(flow(KAFKA.format(config=f"{config}, absent: true", rest=rest)))


def test_a_name_that_is_declared_and_never_used_is_a_warning() -> None:
    """Mostly a mistyped one."""
    head = "  env:\n    USED: a\n    UNUSED: b\n    INNER: c\n    OUTER: '${INNER}'\n"
    steps = (
        "    - id: one\n      name: 'with ${OUTER}'\n      action: delay\n      config: {duration: 1s}\n"
        "      output:\n        seen: $.duration_ms\n        lost: $.duration_ms\n        by_id: $.duration_ms\n"
        "    - {action: delay, config: {duration: '${USED}'}, assert: [seen > 0, one.by_id > 0]}\n"
    )
    warnings = [(line, message) for _, line, message in found(flow(steps, head)) if "never used" in message]
    assert [(5, "UNUSED is declared and never used"), (15, "lost is declared and never used")] == warnings


@pytest.mark.parametrize("use", ["env.A == 'x'", "len(env) > 0", "env['A'] == 'x'", "${A} == 'x'"])
def test_every_way_to_read_a_variable_counts(use: str) -> None:
    """A warning for what is used would be a lie."""
    steps = DELAY.replace("}}", f'}}, assert: ["{use}"]}}')
    assert [] == found(flow(steps, "  env: {A: x}\n"))
