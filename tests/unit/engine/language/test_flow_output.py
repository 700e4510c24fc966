"""``output`` and ``secrets`` of a flow, and the names that are maps of others."""

from __future__ import annotations

import pytest

from support.checked import check, errors, head, warnings
from testmesh_engine.language.names import Outside

CAPTURE = "id: one, output: {ms: $.duration_ms}"


@pytest.mark.parametrize("line", ["ms", "one.ms", "'${ms}'", "steps.one.duration_ms", "{path: ms, default: 0}", "5"])
def test_an_output_reads_what_the_steps_gave(line: str) -> None:
    """And so makes it used."""
    flow = check(head(f"output: {{took: {line}}}", step=CAPTURE)).flow
    assert flow is not None
    assert ["took"] == [capture.name for capture in flow.outputs]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("output: {took: msec}", "unknown variable msec"),
        ("output: {took: steps.two.x}", "no step above has the id two"),
        ("output: {took: vars.sm}", "no output above captures sm"),
        ("output: {took: }", "output took is empty"),
        ("output: [ms]", "output is a map, found a list"),
    ],
)
def test_what_is_wrong_with_an_output_is_said(written: str, said: str) -> None:
    """Before anything runs."""
    assert [said] == errors(head(written, step=CAPTURE))


def test_the_flows_output_is_read_in_teardown_only() -> None:
    """Before, it is not made."""
    step = "assert: [flow.output.a == 1]"
    assert [] == errors(head("output: {a: 1}", step=step, phase="teardown"))
    typo = "assert: ['flow.output.took_ms == nil']"
    assert ["flow.output has no took_ms"] == errors(head("output: {took: 1}", step=typo, phase="teardown"))
    said = "flow.output has no value here: it is made once the steps have run"
    assert [said] == errors(head("output: {a: 1}", step=step))
    said = "flow.output has no value here: the flow declares no output"
    assert [said] == errors(head("", step=step, phase="teardown"))


@pytest.mark.parametrize("key", ["name", "status"])
def test_name_and_status_of_the_flow_are_known_everywhere(key: str) -> None:
    """Another key is an error with the nearest one."""
    assert [] == errors(head("", step=f"assert: ['flow.{key} == \"x\"']"))
    assert [f"flow has no {key}x"] == errors(head("", step=f"assert: ['flow.{key}x == \"x\"']"))


def test_a_name_that_is_given_further_below_is_said_to_be() -> None:
    """Its author knows it well: the order is wrong."""
    steps = (
        "flow:\n  name: x\n  steps:\n"
        "    - {action: delay, config: {duration: '${ms}ms'}}\n"
        "    - {id: two, action: delay, config: {duration: 1s}, output: {ms: $.duration_ms}}\n"
        "    - {action: delay, config: {duration: 1s}, assert: [two.ms == ms, steps.three.time > 0]}\n"
        "    - {id: three, action: delay, config: {duration: 1s}}\n"
    )
    found = [(p.line, p.message, p.hint) for p in check(steps).problems if p.severity == "error"]
    assert [
        (4, "unknown variable ms", "It is captured by a step further below, and has no value here."),
        (6, "no step above has the id three", "It is the id of a step further below."),
    ] == found


def test_in_teardown_an_id_that_it_gives_itself_is_its_own() -> None:
    """Not that of setup or steps, also where its step stands below."""
    text = (
        "flow:\n  name: x\n  steps:\n    - {id: one, action: delay, config: {duration: 1s}}\n  teardown:\n"
        "    - {action: delay, config: {duration: 1s}, assert: [one.time > 0]}\n"
        "    - {id: one, action: delay, config: {duration: 1s}}\n"
        "    - {action: delay, config: {duration: 1s}, assert: [one.time > 0]}\n"
    )
    assert [(6, "unknown variable one")] == [(p.line, p.message) for p in check(text).problems if p.severity == "error"]


def test_an_output_of_a_step_is_not_called_like_a_step_further_below() -> None:
    """Each would hide the other."""
    text = (
        "flow:\n  name: x\n  steps:\n"
        "    - {action: delay, config: {duration: 1s}, output: {two: $.duration_ms}}\n"
        "    - {id: two, action: delay, config: {duration: 1s}}\n"
    )
    assert ["output two is called like the step two"] == errors(text)


@pytest.mark.parametrize("name", ["A", "who", "F", "ms", "GIVEN"])
def test_secrets_names_variables_of_any_origin(name: str) -> None:
    """Of env, inputs, a file, a step, and from outside."""
    written = f"env: {{A: abcd}}\ninputs: {{who: abcd}}\nenv_file: a.env\nsecrets: [{name}]"
    outside = Outside(names=frozenset({"GIVEN"}), complete=True)
    checked = check(head(written, step=CAPTURE), outside=outside, files={"a.env": "F=1234"})
    assert checked.flow is not None
    assert {name} == checked.flow.secrets


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("secrets: [TOKEM]\nenv: {TOKEN: abcd}", "secrets names TOKEM, and nothing is called so"),
        ("secrets: TOKEN\nenv: {TOKEN: abcd}", 'secrets is a list, found text "TOKEN"'),
        ("secrets: []", "secrets is empty"),
        ("secrets: [5]", "a name in secrets is text, found the number 5"),
    ],
)
def test_what_is_wrong_with_secrets_is_said(written: str, said: str) -> None:
    """A mistyped name would leave a secret in sight."""
    assert [said] == errors(head(written))


def test_before_the_run_a_secret_may_still_come_with_it() -> None:
    """It is something that the flow needs."""
    checked = check(head("secrets: [TOKEN]"), outside=Outside())
    assert checked.ok
    assert ["TOKEN (required)"] == [need.words() for need in checked.needs]


def test_a_short_secret_is_a_warning() -> None:
    """It can't be masked within text."""
    said = warnings(head("env: {PIN: abc, KEY: abcd}\nsecrets: [PIN, KEY]"))
    assert ["the secret PIN has fewer than 4 characters"] == [each for each in said if "secret" in each]
