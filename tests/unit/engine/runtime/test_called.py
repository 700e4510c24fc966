"""A flow that another one runs: its variables, its inputs and output, its failures, and how it is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.flows import IDENTITY, Options, Ran, run_flow
from support.web import Web, web_server
from testmesh_engine.actions.registry import Registry
from testmesh_engine.cli.inputs import FilesBeside
from testmesh_engine.contract.problem import Severity
from testmesh_engine.contract.result import Outcome
from testmesh_engine.expressions import NoValueError
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_text
from testmesh_engine.report.wording import failed_step, place_of
from testmesh_engine.runtime.builtins import moment
from testmesh_engine.runtime.called import expected_memory
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.scope import FlowScope

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED
SKIPPED, NOT_RUN = Outcome.SKIPPED, Outcome.NOT_RUN

LOGIN = """
flow:
  name: login
  inputs: {user: , role: guest}
  env: {MINE: "of ${user}"}
  output: {who: asked.body.path, number: 59.90, mine: MINE}
  steps:
    - {id: asked, action: http_request, config: {url: "${WEB}/echo?${user}-${role}"}, assert: [status == 200]}
  teardown:
    - {action: http_request, config: {url: "${WEB}/order?bye-${user}"}}
"""


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def checked(folder: Path, steps: str, **files: str) -> Checked:
    """The flow of ``steps``, which lies beside ``files``: their names without ``.yaml``, their texts."""
    for name, text in {"login": LOGIN, **files}.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / "caller.yaml"
    text = f"flow:\n  name: caller\n  steps:\n{steps}"
    path.write_text(text, encoding="utf-8")
    outside = Outside(names=frozenset({"WEB"}), complete=True)
    (found,) = check_text(text, name=str(path), catalogue=Registry(), outside=outside, files=FilesBeside(str(path)))
    return found


def against(web: Web, found: Checked, options: Options | None = None) -> Ran:
    """Run it with WEB as the server's base URL; ``web.seen`` starts empty."""
    web.seen.clear()
    assert found.flow is not None, "\n".join(problem.render() for problem in found.problems)
    options = options or Options()
    options.layers = Layers(var={"WEB": web.url})
    return run_flow(found.flow, options)


def errors(found: Checked) -> list[str]:
    """What is wrong, each with its hint."""
    return [f"{each.message} {each.hint}".strip() for each in found.problems if each.severity is Severity.ERROR]


CALL = "    - {id: call, action: run_flow, config: {flow: login.yaml, input: {user: john}}"


def test_a_called_flow_gets_its_inputs_and_gives_its_output(web: Web, tmp_path: Path) -> None:
    """Its teardown has run by then; its steps stand inside of the step, and are no part of the counts."""
    last = (
        "    - {action: http_request, config: {url: '${WEB}/echo?${who}'}, "
        "assert: ['call.status == \"success\"', call.output.number == 59.9, 'call.output.mine == \"of john\"']}"
    )
    more = ", output: {who: output.who}, assert: [flow.output.who == '/echo?john-guest', 'flow.name == \"login\"']}\n"
    ran = against(web, checked(tmp_path, CALL + more + last))
    assert (PASSED, 0) == (ran.result.outcome, ran.exit_code), ran.result.first_failure
    assert ["GET /echo?john-guest", "GET /order?bye-john", "GET /echo?/echo?john-guest"] == web.seen
    assert [("call/asked", PASSED), ("call/http_request_1", PASSED)] == [
        (inner.id, inner.outcome) for inner in ran.step("call").steps
    ]
    assert (2, 3) == (ran.result.counts.total, ran.result.metrics.http_requests)


def test_the_variables_of_the_caller_are_not_those_of_the_called(web: Web, tmp_path: Path) -> None:
    """What it needs is given, or declared: nothing comes by chance."""
    other = "flow:\n  name: other\n  steps: [{action: http_request, config: {url: '${WEB}/${who}'}, assert: [true]}]"
    other = other.replace("[true]", "[status == 200]")
    first = CALL + ", output: {who: output.who}}\n"
    found = checked(tmp_path, f"{first}    - {{action: run_flow, config: {{flow: other.yaml}}}}", other=other)
    assert [] != [error for error in errors(found) if error.startswith("unknown variable who")]


def test_a_failure_inside_fails_the_step_and_names_the_step_within(web: Web, tmp_path: Path) -> None:
    """Its teardown runs all the same, nothing of the caller after it."""
    failing = LOGIN.replace("status == 200", "status == 201")
    ran = against(web, checked(tmp_path, CALL + "}\n    - {action: delay, config: {duration: 1ms}}", login=failing))
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)
    assert "flow login, asked: status == 201: status is 200" == ran.step("call").message
    assert ran.result.first_failure is not None
    assert "call/asked" == ran.result.first_failure.step
    assert ["GET /echo?john-guest", "GET /order?bye-john"] == web.seen
    assert NOT_RUN == ran.step("delay_1").outcome


def test_an_output_that_is_not_found_fails_the_step(web: Web, tmp_path: Path) -> None:
    """The steps of the called flow have all passed: it is no success."""
    ran = against(web, checked(tmp_path, CALL + "}", login=LOGIN.replace("asked.body.path", "asked.body.nowhere")))
    assert (FAILED, True) == (ran.result.outcome, "the flow's output who" in ran.step("call").message)


def test_a_called_flow_of_which_nothing_ran_is_skipped(web: Web, tmp_path: Path) -> None:
    """Never silently green."""
    text = "flow:\n  name: none\n  steps: [{id: a, action: delay, config: {duration: 1ms}, when: WEB == ''}]"
    ran = against(web, checked(tmp_path, "    - {id: call, action: run_flow, config: {flow: none.yaml}}", none=text))
    assert (SKIPPED, SKIPPED) == (ran.step("call").outcome, ran.result.outcome)
    assert ran.step("call").message.startswith("the flow none was skipped: no step was run")


def test_rounds_of_a_loop_call_a_flow_each_with_its_own_input(web: Web, tmp_path: Path) -> None:
    """Also at once; random values differ from call to call."""
    text = LOGIN.replace("${user}-${role}", "${user}-${RANDOM_ID}")
    call = "{id: call, action: run_flow, config: {flow: login.yaml, input: {user: '${item}'}}}"
    steps = f"    - {{id: loop, action: for_each, config: {{items: [a, b, c], parallel: true, steps: [{call}]}}}}"
    ran = against(web, checked(tmp_path, steps, login=text))
    assert PASSED == ran.result.outcome, ran.result.first_failure
    assert ["loop/0/call/asked", "loop/0/call/http_request_1"] == [each.id for each in ran.step("loop").steps[0].steps]
    assert 3 == len({seen.partition("-")[2] for seen in web.seen if "echo" in seen})


def test_paths_are_those_of_the_file_that_names_them(web: Web, tmp_path: Path) -> None:
    """A called flow calls others, and reads its files, from its own folder."""
    middle = "flow:\n  name: middle\n  steps:\n" + CALL.replace("login.yaml", "../login.yaml") + "}"
    ran = against(
        web, checked(tmp_path, "    - {id: m, action: run_flow, config: {path: sub/middle.yaml}}", sub__middle=middle)
    )
    assert PASSED == ran.result.outcome, ran.result.first_failure
    assert ["m/call/asked", "m/call/http_request_1"] == [each.id for each in ran.step("m").steps[0].steps]


def test_the_timeout_of_the_step_bounds_the_called_flow(web: Web, tmp_path: Path) -> None:
    """Its teardown has its own time."""
    silent = LOGIN.replace("echo?", "silent?")
    started = time.monotonic()
    ran = against(web, checked(tmp_path, CALL + ", timeout: 300ms}", login=silent))
    assert time.monotonic() - started < 10
    assert (FAILED, True) == (ran.result.outcome, "the step's timeout of 300ms" in ran.step("call").message)
    assert "GET /order?bye-john" == web.seen[-1]


def test_secrets_of_a_called_flow_are_masked_in_its_caller(web: Web, tmp_path: Path) -> None:
    """Also what it captures under such a name."""
    text = LOGIN.replace("  steps:", "  secrets: [user]\n  steps:", 1)
    found = checked(tmp_path, CALL.replace("john", "verysecretjohn") + "}", login=text)
    assert "verysecretjohn" not in repr(against(web, found).result)


def test_a_circle_of_flows_is_an_error_before_the_run(tmp_path: Path) -> None:
    """With all of its files."""
    other = "flow:\n  name: b\n  steps: [{action: run_flow, config: {flow: caller.yaml}}]"
    found = errors(checked(tmp_path, "    - {action: run_flow, config: {flow: b.yaml}}", b=other))
    assert [] != [error for error in found if error.startswith("a circle of flows that call each other: ")]
    itself = errors(checked(tmp_path, "    - {action: run_flow, config: {flow: ./caller.yaml}}"))
    assert "a circle of flows" in itself[0]


def test_problems_of_a_called_flow_name_its_own_file(tmp_path: Path) -> None:
    """At their lines."""
    found = checked(tmp_path, CALL + "}", login=LOGIN.replace("status == 200", "statu == 200"))
    (problem,) = [each for each in found.problems if each.severity is Severity.ERROR]
    assert (str(tmp_path / "login.yaml"), 8) == (problem.file, problem.line)
    assert "unknown variable statu" in problem.message


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{}", 'run_flow needs "flow"'),
        ("{flow: nowhere.yaml}", "nowhere.yaml"),
        ("{flow: '${X}.yaml'}", "flow is read before any variable is known"),
        ("{flow: login.yaml}", "the flow login needs the input user"),
        ("{flow: login.yaml, input: {user: a, rol: b}}", 'the flow login has no input rol Did you mean "role"?'),
        ("{flow: rows.yaml}", "rows.yaml has data: it runs once for each row, and can't be called"),
    ],
)
def test_what_can_not_be_called_is_an_error_before_the_run(tmp_path: Path, config: str, said: str) -> None:
    """Each named at its place."""
    rows = "flow:\n  name: r\n  data: {rows: [{a: 1}]}\n  steps: [{action: delay, config: {duration: '${row.a}ms'}}]"
    found = errors(checked(tmp_path, f"    - {{action: run_flow, config: {config}}}", rows=rows))
    assert [] != [error for error in found if said in error], found


def test_an_input_that_is_known_at_the_run_alone_is_checked_there(web: Web, tmp_path: Path) -> None:
    """A map that is a placeholder may lack what must be given."""
    given = '    - {id: g, action: transform, config: {values: {given: \'{"role": "x"}\'}}, output: {given: given}}\n'
    call = "    - {id: call, action: run_flow, config: {flow: login.yaml, input: '${given}'}}"
    ran = against(web, checked(tmp_path, given + call))
    assert (ERRORED, 2) == (ran.step("call").outcome, ran.exit_code)
    assert "the input user has no value" in ran.step("call").message


def test_before_the_run_all_is_known_of_a_called_flow_that_its_input_does_not_decide(tmp_path: Path) -> None:
    """So that the ends of its topics can be noted: one that its caller names is not known, and not guessed."""
    text = """
flow:
  name: login
  inputs: {count: {type: number}, role: guest, list: {type: list}}
  env: {BROKERS: "broker:9092", TOPIC: "orders-${role}", ALSO: "${TOPIC}.dlq", SIZE: "${count}"}
  steps: [{action: assert, assert: [BROKERS == TOPIC, ALSO == SIZE, count == 1, len(list) == 0]}]
"""
    call = "    - {action: run_flow, config: {flow: login.yaml, input: {count: 1, list: []}}}"
    found = checked(tmp_path, call, login=text)
    assert found.flow is not None, errors(found)
    called = found.flow.steps[0].calls
    assert called is not None
    memory = expected_memory(called, Layers(), IDENTITY, Masker())
    scope = FlowScope(memory, moment(IDENTITY, flow="login", step="x", failed=False))
    assert "broker:9092" == scope.lookup("BROKERS")
    for name in ("TOPIC", "ALSO", "SIZE", "count", "role", "input"):
        with pytest.raises(NoValueError, match="depends on the caller's input"):
            scope.lookup(name)


def test_a_call_that_is_tried_again_waits_for_the_steps_of_the_flow_to_work(web: Web, tmp_path: Path) -> None:
    """A flow whose step takes any answer would end the wait with the first one."""
    step = "{action: http_request, config: {url: '${WEB}/turns/503,404,200'}}"
    called = f"flow: {{name: asks, steps: [{step}], teardown: [{step}]}}"
    steps = "    - {id: call, action: run_flow, config: {flow: asks.yaml}, retry: {delay: 1ms}}"
    found = against(web, checked(tmp_path, steps, asks=called))
    assert (PASSED, 2) == (found.step("call").outcome, len(found.step("call").attempts)), found.step("call").message


@pytest.mark.parametrize(
    ("asserted", "message"),
    [
        ("output.whoo == nil", 'output has no whoo Did you mean "who"?'),
        ("flow.output.whoo == nil", 'flow.output has no whoo Did you mean "who"?'),
        ("flow.state == nil", 'flow has no state Did you mean "status"?'),
        ("result.output.whoo == nil", 'result.output has no whoo Did you mean "who"?'),
        ("response.flow.output.whoo == nil", 'response.flow.output has no whoo Did you mean "who"?'),
        ("output.token == nil", "output has no token There is: mine, number, who."),
    ],
)
def test_an_output_that_the_called_flow_does_not_have_is_an_error(tmp_path: Path, asserted: str, message: str) -> None:
    """It would equal nil, and pass."""
    found = checked(tmp_path, f"{CALL}, assert: ['{asserted}']}}")
    assert [message] == errors(found)


@pytest.mark.parametrize("where", ["call", "steps.call", "call.result", "steps.call.response"])
def test_the_steps_below_a_call_can_read_no_output_that_it_does_not_give(tmp_path: Path, where: str) -> None:
    """Neither in an assertion nor in a placeholder; what is there, and what the step captured, can be read."""
    config = f"config: {{message: '${{{where}.output.whoo}}'}}"
    right = f"{where}.output.who != nil, '{where}.flow.status == \"success\"', call.kept != nil"
    steps = f"{CALL}, output: {{kept: output.who}}}}\n    - {{action: log, {config}, assert: [{right}]}}"
    assert [f'{where}.output has no whoo Did you mean "who"?'] == errors(checked(tmp_path, steps))


def test_a_called_flow_without_output_gives_nothing_to_read(tmp_path: Path) -> None:
    """And is told so."""
    bare = "flow: {name: bare, steps: [{action: delay, config: {duration: 1ms}}]}"
    steps = "    - {action: run_flow, config: {flow: bare.yaml}, assert: [output.who == nil]}"
    assert ["output has no who It is empty."] == errors(checked(tmp_path, steps, bare=bare))


def test_a_step_of_a_called_flow_is_told_with_the_file_that_it_stands_in(web: Web, tmp_path: Path) -> None:
    """Its line in the caller's file would be another step."""
    failing = LOGIN.replace("status == 200", "status == 201")
    middle = "flow:\n  name: middle\n  steps:\n" + CALL.replace("call,", "inner,") + "}\n"
    steps = "    - {id: call, action: run_flow, config: {flow: middle.yaml}}"
    found = against(web, checked(tmp_path, steps, login=failing, middle=middle)).result
    outer = found.steps[0]
    (inner,) = outer.steps
    assert ["", str(tmp_path / "middle.yaml")] == [outer.file, inner.file]
    assert {str(tmp_path / "login.yaml")} == {each.file for each in inner.steps}
    assert f"{tmp_path / 'login.yaml'}:8" == place_of(found, failed_step(found))
