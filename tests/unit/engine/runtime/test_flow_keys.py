"""The flow's own keys in a run: inputs, output, data, secrets, config, and the names that tell of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.flows import Options, Ran, run, run_rows
from support.web import Web, web_server
from testmesh_engine.contract.result import Outcome
from testmesh_engine.report.events import FlowStarted
from testmesh_engine.runtime.layers import Layers

PASSED, FAILED, ERRORED = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED
SKIPPED, NOT_RUN = Outcome.SKIPPED, Outcome.NOT_RUN
STEP = "steps: [{id: one, action: delay, config: {duration: 1ms}, output: {ms: $.duration_ms}}]"


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def message(ran: Ran) -> str:
    """The first thing that went wrong."""
    assert ran.result.first_failure is not None
    return ran.result.first_failure.message


def test_a_flow_that_was_found_is_skipped_without_a_value_for_its_input() -> None:
    """With the way to run it; nothing else of the call fails for it."""
    ran = run(f"inputs: {{who: }}\n{STEP}", Options(skippable=True))
    assert (SKIPPED, 0, NOT_RUN) == (ran.result.outcome, ran.exit_code, ran.step("one").outcome)
    assert "the input who has no value. Give --var who=… to run it." == message(ran)


def test_a_flow_that_was_named_needs_its_inputs() -> None:
    """All that it lacks is said at once, before anything runs."""
    ran = run(f"inputs: [who, what]\n{STEP}")
    assert (ERRORED, 2, NOT_RUN) == (ran.result.outcome, ran.exit_code, ran.step("one").outcome)
    assert "inputs without value: who, what. Give --var who=… --var what=…." == message(ran)


def test_an_input_is_read_by_both_its_names() -> None:
    """With the kind of its default."""
    text = """
    inputs: {count: 3}
    steps: [{action: delay, config: {duration: 1ms}, assert: [count == 4, input.count == 4, "len(input) == 1"]}]
    """
    assert PASSED == run(text, Options(layers=Layers(var={"count": "4"}))).result.outcome


def test_a_bare_placeholder_reads_an_input_as_what_it_spells() -> None:
    """As every text of an env layer; the name alone stays text."""
    checks = "['10 == ${price}', '10 == ${input.price}', 'price == \"10.00\"', 'input.price == \"10.00\"']"
    text = f"inputs: [price]\nsteps: [{{action: delay, config: {{duration: 1ms}}, assert: {checks}}}]"
    ran = run(text, Options(layers=Layers(var={"price": "10.00"})))
    assert PASSED == ran.result.outcome, message(ran)


def test_the_output_is_what_the_caller_sees() -> None:
    """Masked, as all of a result; teardown reads the real value."""
    text = f"""
    env: {{PASSWORD: hunter22}}
    output: {{took: one.ms, name: "the ${{PASSWORD}}", fixed: 5, missing: {{path: one.nope, default: none}}}}
    {STEP}
    teardown:
      - {{id: last, action: delay, config: {{duration: 1ms}}, assert:
          ["flow.output.name == 'the hunter22'", "flow.status == 'success'", "flow.name == 'tested'"]}}
    """
    ran = run(text)
    assert (PASSED, PASSED) == (ran.result.outcome, ran.step("last").outcome)
    assert {"name": "the ***", "fixed": 5, "missing": "none"} == {
        name: value for name, value in ran.result.output.items() if name != "took"
    }
    assert isinstance(ran.result.output["took"], int)


def test_an_output_that_is_not_found_fails_the_flow() -> None:
    """And teardown is told; a step of it that reads the output is skipped."""
    text = f"""
    output: {{x: one.nope, y: one.ms}}
    {STEP}
    teardown:
      - {{id: told, action: delay, config: {{duration: 1ms}}, assert: ["flow.status == 'failed'", flow.output.y >= 0]}}
      - {{id: reads, action: delay, config: {{duration: "${{flow.output.x}}ms"}}}}
      - {{id: asks, action: delay, config: {{duration: 1ms}},
         assert: ["!(flow.output.x exists) && (flow.output.x ?? 1) == 1"]}}
    """
    ran = run(text)
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)
    assert message(ran).startswith('the flow\'s output x: one.nope finds nothing: one has no "nope"')
    assert {"one": PASSED, "told": PASSED, "reads": SKIPPED, "asks": PASSED} == ran.outcomes()


def test_a_failed_step_is_the_failure_whatever_the_output_lacks() -> None:
    """The cause comes first."""
    ran = run("output: {x: one.ms}\n" + STEP.replace("output:", "assert: ['time < 0'], output:"))
    assert ran.result.first_failure is not None
    assert "one" == ran.result.first_failure.step
    ran = run("output: {x: one.ms}\n" + STEP.replace("{id: one", "{id: one, disabled: true"))
    assert SKIPPED == ran.result.outcome


def test_each_row_has_its_own_variables_result_and_random_values() -> None:
    """Its label says which it was; the seed of the run repeats them all."""
    text = """
    name: "of ${row.user}"
    env: {BASE: b}
    data: {rows: [{user: john, path: "${BASE}/j"}, {user: jane, path: x}]}
    output: {id: "${RANDOM_ID}", path: "${row.path}", seen: "${seen ?? 'nothing'}"}
    steps:
      - {id: one, action: delay, config: {duration: 1ms}, when: "row.user == 'john'", output: {seen: row.user}}
      - {id: two, action: delay, config: {duration: 1ms}, assert: ["row.user startsWith 'j'"]}
    """.replace('name: "of ${row.user}"', "")
    first, second = run_rows(text)
    assert ["row 1 of 2 (user: john)", "row 2 of 2 (user: jane)"] == [first.result.row, second.result.row]
    assert [("b/j", "john"), ("x", "nothing")] == [
        (ran.result.output["path"], ran.result.output["seen"]) for ran in (first, second)
    ]
    assert first.result.output["id"] != second.result.output["id"]
    assert [first.result.output["id"]] == [ran.result.output["id"] for ran in run_rows(text)][:1]
    assert {"seed"} == {first.result.seed, second.result.seed}


def test_a_secret_column_is_not_in_the_label() -> None:
    """Nor anywhere else."""
    (ran,) = run_rows(
        """
        data: {rows: [{password: hunter22}]}
        steps: [{id: one, action: delay, config: {duration: 1ms}, assert: ["row.password == 'x'"]}]
        """
    )
    assert "row 1 of 1 (password: ***)" == ran.result.row
    assert "hunter22" not in repr(ran)


def test_declared_secrets_are_masked_wherever_they_stand(web: Web) -> None:
    """Of env, of a caller, captured ones; short ones where they are a whole value."""
    text = """
    env: {WEB: "${WEB}", KEYWORD: open-sesame, PIN: abc}
    inputs: {who: }
    secrets: [KEYWORD, who, PIN, sku]
    output: {all: "${KEYWORD} ${who} ${PIN} ${sku}", pin: "${PIN}"}
    steps:
      - id: one
        name: "with ${KEYWORD}"
        action: http_request
        config: {url: "${WEB}/order?${KEYWORD}&${who}"}
        assert: [status == 200, 'body.items[0].sku == "other"']
        output: {sku: "'longsku-' + body.items[0].sku"}
    """
    ran = run(text, Options(layers=Layers(var={"WEB": web.url, "who": "somebody"})))
    assert FAILED == ran.result.outcome
    shown = repr(ran.result) + repr(ran.events)
    assert [] == [secret for secret in ("open-sesame", "somebody", "longsku-a") if secret in shown]
    assert {"all": "*** *** abc ***", "pin": "***"} == ran.result.output


def test_every_variable_says_where_it_comes_from() -> None:
    """Those that the flow declares or reads, masked."""
    text = f"""
    env: {{A: 1, TOKEN: abcdefgh}}
    inputs: {{who: me}}
    output: {{x: "${{A}}${{B}}${{C}}"}}
    {STEP}
    """
    layers = Layers(var={"B": "var"}, process={"A": "2", "UNREAD": "x"}, dot_env={"C": "dot"})
    ran = run(text, Options(layers=layers))
    started = next(event for event in ran.events if isinstance(event, FlowStarted))
    assert [
        ("A", "2", "the environment"),
        ("B", "var", "--var"),
        ("C", "dot", ".env"),
        ("TOKEN", "***", "env"),
        ("who", "me", "inputs"),
    ] == [(each.name, each.value, each.source) for each in started.variables]


def test_fail_fast_false_runs_the_steps_below_a_failed_one() -> None:
    """The flow fails all the same."""
    text = """
    config: {fail_fast: false}
    steps:
      - {id: one, action: delay, config: {duration: 1ms}, assert: [time < 0]}
      - {id: two, action: delay, config: {duration: 1ms}}
      - {id: three, action: delay, config: {duration: 1ms}, assert: [time < 0], on_error: fail}
      - {id: four, action: delay, config: {duration: 1ms}}
    teardown: [{id: five, action: delay, config: {duration: 1ms}, assert: [time < 0]}]
    """
    ran = run(text)
    assert [FAILED, PASSED, FAILED, NOT_RUN, FAILED] == [*ran.outcomes().values()]
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)


def test_a_failed_teardown_counts_also_without_fail_fast() -> None:
    """``continue`` there would mean that it does not."""
    last = "[{action: delay, config: {duration: 1ms}, assert: [time < 0]}]"
    text = f"config: {{fail_fast: false}}\n{STEP}\nteardown: {last}"
    assert FAILED == run(text).result.outcome


def test_the_flows_times_may_be_variables() -> None:
    """A value that is no time is refused before the first step."""
    text = f'env: {{T: 50ms}}\nconfig: {{timeout: "${{T}}"}}\n{STEP.replace("1ms", "5s")}'
    ran = run(text)
    assert (FAILED, 1) == (ran.result.outcome, ran.exit_code)
    assert "config.timeout" in message(ran)
    ran = run(text, Options(layers=Layers(var={"T": "soon"})))
    assert (ERRORED, 2) == (ran.result.outcome, ran.exit_code)
    assert message(ran).startswith("config.timeout takes a duration: 'soon' is none")


def test_labels_and_seed_are_in_the_result() -> None:
    """As reports show them."""
    result = run(f"suite: shop\ntags: [a]\ndescription: d\n{STEP}").result
    assert ("shop", ("a",), "d", "seed") == (result.suite, result.tags, result.description, result.seed)


def test_a_name_without_value_is_no_absent_key() -> None:
    """It does not equal nil, whichever way it is read; ``??``, ``exists`` and a default go on from it."""
    text = """
    config: {fail_fast: false}
    steps:
      - {id: gone, action: delay, disabled: true, config: {duration: 1ms}, output: {x: $.duration_ms}}
      - {id: name, action: delay, config: {duration: 1ms}, assert: [x == nil]}
      - {id: vars, action: delay, config: {duration: 1ms}, assert: [vars.x == nil]}
      - {id: step, action: delay, config: {duration: 1ms}, assert: [steps.gone.duration_ms == nil]}
      - {id: negated, action: delay, config: {duration: 1ms}, assert: ["!(vars.x == 1)"]}
      - id: soft
        action: delay
        config: {duration: "${x:1ms}"}
        assert:
          - (x ?? 1) == 1
          - (vars.x ?? 1) == 1
          - (steps.gone.x ?? 1) == 1
          - "!(vars.x exists) && !(steps.gone.x exists) && !(x exists)"
          - steps.gone.outcome == "skipped" && steps.gone.error == nil
          - steps.name.outcome == "failed" && steps.name.error.kind == "assertion"
    """.replace("id: vars", "id: vars_").replace("id: step,", "id: step_,")
    ran = run(text)
    expected = {"gone": SKIPPED, "name": FAILED, "vars_": FAILED, "step_": FAILED, "negated": FAILED, "soft": PASSED}
    assert expected == ran.outcomes()
    assert "vars.x == nil: vars.x has no value: step gone was skipped" == ran.step("vars_").message


def test_in_teardown_an_id_means_its_own_step(web: Web) -> None:
    """Also where that one has failed: what a step of the name gave before is not what is meant."""
    text = """
    steps: [{id: one, action: http_request, config: {url: "${WEB}/order"}, assert: [status == 200]}]
    teardown:
      - {id: one, disabled: true, action: delay, config: {duration: 1ms}}
      - {id: last, action: delay, config: {duration: 1ms}, assert: ["!(one.status exists)", "one == nil"]}
    """
    ran = run(text, Options(layers=Layers(var={"WEB": web.url})))
    assert [PASSED, SKIPPED, SKIPPED] == [record.outcome for record in ran.result.steps]
    assert "one has no value: step one of teardown was not run" == ran.step("last").message


def test_what_a_step_captured_comes_before_its_result_key(web: Web) -> None:
    """Under its id; ``response`` is always the result."""
    text = """
    steps:
      - id: one
        action: http_request
        config: {url: "${WEB}/order"}
        output: {status: body.id}
        assert: [status == 200]
      - action: delay
        config: {duration: 1ms}
        assert: [one.status == 7, one.response.status == 200, status == 7, vars.status == 7]
    """
    assert PASSED == run(text, Options(layers=Layers(var={"WEB": web.url}))).result.outcome
