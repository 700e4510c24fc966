"""What may be read of a step: a mistyped key would be absent, equal nil, and pass."""

from __future__ import annotations

import pytest

from support.checked import check, errors, head
from testmesh_engine.language.names import Outside

TWO = """flow:
  name: f
  env: {{API: "http://h/"}}
  steps:
    - {{id: a, action: http_request, config: {{url: "${{API}}"}}, output: {{oid: body.id}}, assert: [status == oid]}}
    - {{id: own, action: http_request, config: {{url: "${{API}}{url}"}}, when: "{when}", assert: ['{asserted}']}}
"""


def found(asserted: str = "status == 200", *, when: str = "a.status == 200", url: str = "") -> list[tuple[str, str]]:
    """What is said of the second of two steps."""
    problems = check(TWO.format(asserted=asserted, when=when, url=url)).problems
    return [(problem.message, problem.hint) for problem in problems]


@pytest.mark.parametrize(
    ("asserted", "message", "hint"),
    [
        ("steps.a.eror == nil", "steps.a has no eror", 'Did you mean "error"?'),
        ("steps.a.outcom == nil", "steps.a has no outcom", 'Did you mean "outcome"?'),
        ("not (steps.a.eror exists)", "steps.a has no eror", 'Did you mean "error"?'),
        ('steps["a"].eror == nil', "steps.a has no eror", 'Did you mean "error"?'),
        ("steps.a.error.mesage == nil", "steps.a.error has no mesage", 'Did you mean "message"?'),
        ("a.eror == nil", "a has no eror", "Did you mean steps.a.error?"),
        ("a.error == nil", "error is no key of what step a has given", "Write steps.a.error."),
        ("a.outcome == nil", "outcome is no key of what step a has given", "Write steps.a.outcome."),
        ("a.oidd == nil", "a has no oidd", 'Did you mean "oid"?'),
        ("a.result.statu == nil", "a.result has no statu", 'Did you mean "status"?'),
        ("a.response.oid == nil", "a.response has no oid", "There is: body, content_type"),
        ("result.stattus == nil", "result has no stattus", 'Did you mean "status"?'),
        ("response.boddy == nil", "response has no boddy", 'Did you mean "body"?'),
        ("result.oid == nil", "result has no oid", "There is: body, content_type"),
        ("error.mesage == nil", "error has no mesage", 'Did you mean "message"?'),
        ("(a?.eror ?? 1) == 1", "a has no eror", "Did you mean steps.a.error?"),
    ],
)
def test_a_key_that_a_step_can_not_have_is_an_error(asserted: str, message: str, hint: str) -> None:
    """With the nearest one, or all that there are; also where what is not there is asked for."""
    ((said, advice),) = found(asserted)
    assert message == said
    assert hint in advice


@pytest.mark.parametrize(
    "asserted",
    [
        'steps.a.error == nil && steps.a.outcome == "passed" && steps.a.error.kind == nil',
        "a.oid == steps.a.oid && a.body.anything == nil && a.result.body.x == nil && a.response.headers.y == nil",
        "result.duration_ms == time && response.request.method == request.method && a.request.anything == nil",
        'a[body.key] == nil && steps["a"].status == 200 && steps[body.id].eror == nil',
        "error.message == nil && vars.oid == oid",
    ],
)
def test_what_a_step_may_have_is_read(asserted: str) -> None:
    """Its result, what it captured, how it ended, and what is sent by others, whose keys nobody knows."""
    assert [] == found(asserted)


def test_results_that_nobody_declares_are_open() -> None:
    """Those of nested steps have their ids, and a step that can't be read says nothing of its result."""
    nested = """flow:
  name: f
  steps:
    - id: two
      action: parallel
      config: {branches: {one: [{id: x, action: http_request, config: {url: "http://h/"}, assert: [status == 200]}]}}
    - {action: http_request, config: {url: "http://h/"}, assert: [two.x.status == 200]}
"""
    assert [] == [problem.message for problem in check(nested).problems]
    broken = head("", step="id: a, config: 5").replace("steps:", "steps:\n    - {id: z, action: nope}", 1)
    assert not any("z has no" in said for said in errors(broken + "    - {action: log, config: {message: '${z.q}'}}\n"))


@pytest.mark.parametrize(
    ("asserted", "hint"),
    [
        ("own.status == 200", "That is this step itself, whose result is read without its id: write status."),
        ("own.result.body.x == 200", "That is this step itself, whose result is read without its id: write body.x."),
        ("own == 200", "That is this step itself, whose result is read without its id: write result."),
        ("steps.own.status == 200", "That is this step itself, whose result is read without its id: write status."),
    ],
)
def test_a_step_that_reads_itself_by_its_id_is_told_so(asserted: str, hint: str) -> None:
    """It stands nowhere below, and the line to write is known."""
    assert [hint] == [advice for _, advice in found(asserted)]


def test_a_step_has_no_result_before_it_runs() -> None:
    """Neither in when nor in config."""
    early = "The step has no result yet: name a step above by its id, as in create.status."
    assert [("unknown variable body", early)] == found(when="body.x == 200")
    hint = "That is this step itself: it has no result yet."
    assert [("unknown variable own", hint)] == found(when="own.status == 200")
    assert [("unknown variable own", hint)] == found(url="${own.status}")


@pytest.mark.parametrize(
    ("asserted", "hint"),
    [
        ("$.body.id == 7", "Here write body.id."),
        ("$.id == 7", "Here write body.id."),
        ("$.status == 7", "Here write status."),
        ("$ == 7", "such as body"),
    ],
)
def test_a_dollar_in_an_assertion_is_an_error(asserted: str, hint: str) -> None:
    """It is the result in output, whose authors write it here too; nothing is called so in a run."""
    ((said, advice),) = found(asserted)
    assert "$ is no name here" == said
    assert hint in advice


def in_env(asserted: str, *, complete: bool) -> list[tuple[str, str, str]]:
    """What is said of an assertion, before a run or in one."""
    outside = Outside(names=frozenset({"GIVEN"}), complete=complete)
    problems = check(TWO.format(asserted=asserted, when="a.status == 1", url=""), outside=outside).problems
    return [(problem.severity, problem.message, problem.hint) for problem in problems]


def test_a_variable_of_env_is_looked_up_like_its_plain_name() -> None:
    """A run knows all that there are; before it a name in capitals may still come."""
    said = "nothing in env is called APIS"
    assert [("error", said, 'Did you mean "API"?')] == in_env("env.APIS == nil", complete=True)
    ((severity, message, hint),) = in_env("env.APIS == nil", complete=False)
    assert ("warning", "nothing in this file declares APIS") == (severity, message)
    assert "--var APIS=…" in hint
    assert [("error", "nothing in env is called nope", "Declare it in env, or give --var nope=…")] == in_env(
        "env.nope == nil", complete=False
    )


def test_env_knows_no_name_of_another_kind() -> None:
    """Result keys, captured variables and built-in names are none of it."""
    for name in ("status", "a", "TIMESTAMP"):
        assert [f"nothing in env is called {name}"] == [
            said for _, said, _ in in_env(f"env.{name} == 1", complete=True)
        ]
    hint = "A step captures oid: write vars.oid."
    assert [("error", "nothing in env is called oid", hint)] == in_env("env.oid == 1", complete=True)


@pytest.mark.parametrize(
    "asserted",
    [
        'env.API == "x" && env.GIVEN == 1',
        "(env.NOPE ?? 1) == 1",
        "env.NOPE exists",
        '"${env.NOPE:x}" == "x"',
        "env[body.x] == 1",
    ],
)
def test_what_env_may_have_is_asked_for(asserted: str) -> None:
    """What is there; and what is not where the author says what then."""
    assert [] == in_env(asserted, complete=True)
