"""What stands at the head of a flow, mistyped: it must not become something else in silence."""

from __future__ import annotations

import pytest

from support.checked import check, errors, head, warnings
from testmesh_engine.contract.problem import Severity
from testmesh_engine.expressions import MapScope

HTTP = """flow:
  name: f
  config: {{defaults: {{http_request: {{headers: {below}}}}}}}
  steps:
    - {{action: http_request, config: {{url: "http://h/", headers: {own}}}, assert: [status == 200]}}
"""


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("{default: 1, requird: true}", 'the input a has no key "requird"', 'Did you mean "required"?'),
        ("{typ: number, default: 5}", 'the input a has no key "typ"', 'Did you mean "type"?'),
        ("{required: true, defalt: 5}", 'the input a has no key "defalt"', "the value itself stands under default"),
        ("{requird: true}", 'the input a has no key "requird"', 'Did you mean "required"?'),
        ("{type: text, number: 5}", 'the input a has no key "number"', "the value itself stands under default"),
    ],
)
def test_a_mistyped_key_of_an_input_is_an_error(written: str, message: str, hint: str) -> None:
    """Else the whole declaration would be its value, and a required input would not be required."""
    found = {p.message: p.hint for p in check(head(f"inputs: {{a: {written}}}", step="assert: [a == 1]")).problems}
    assert message in found
    assert hint in found[message]


@pytest.mark.parametrize(
    "written", ["{type: card, number: 5}", "{name: x, default: y}", "{default: {type: card, n: 1}}"]
)
def test_a_map_that_is_no_declaration_is_the_value_of_an_input(written: str) -> None:
    """What is near no key of a declaration; or what stands under default."""
    assert [] == errors(head(f"inputs: {{a: {written}}}", step="assert: [a == 1]"))


def test_a_header_of_a_step_replaces_the_default_of_any_case() -> None:
    """Both would be sent, and most servers take the first."""
    text = HTTP.format(
        below="{Content-Type: text/plain, X-Tenant: a}", own="{content-type: text/xml, x-tenant: b, X-c: d}"
    )
    flow = check(text).flow
    assert flow is not None
    (step,) = flow.steps
    assert {"content-type": "text/xml", "x-tenant": "b", "X-c": "d"} == step.config["headers"].render(MapScope({}))


def test_a_header_twice_in_one_map_is_an_error() -> None:
    """Which of the two a server takes is for chance to say."""
    problems = check(HTTP.format(below="{}", own="{X-A: 1, x-a: 2}")).problems
    assert [("x-a stands twice, first as X-A", "Remove one of the two: case does not count here.")] == [
        (problem.message, problem.hint) for problem in problems
    ]


def test_a_key_that_stands_twice_in_a_json_file_is_an_error() -> None:
    """As in YAML."""
    said = errors(head("data: {file: r.json}", step="assert: [row.a == 2]"), files={"r.json": '[{"a": 1, "a": 2}]'})
    assert ['r.json is no JSON: "a" stands twice in one object, as 1 and as 2'] == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,t\n1\n", "r.csv:2: 1 values for 2 columns"),
        ("", "r.csv is empty: the flow would not run at all"),
        ("a,t\n", "r.csv is empty: the flow would not run at all"),
    ],
)
def test_of_rows_that_can_not_be_read_nothing_more_is_said(text: str, said: str) -> None:
    """At the place in the flow, and no column is told to be missing."""
    checked = check(head("data: {file: r.csv}", step="assert: [row.t == 1]"), files={"r.csv": text})
    assert [(said, "f.yaml", 3)] == [(problem.message, problem.file, problem.line) for problem in checked.problems]


def test_one_mistake_is_told_once() -> None:
    """An output called like its own step, a name that is no text, a list under env."""
    assert ["output one is called like its step"] == errors(head("", step="id: one, output: {one: duration_ms}"))
    assert ["name is text, found the number 5"] == errors(head("").replace("name: x", "name: 5"))
    assert ["env is a map, found a list"] == errors(head("env: [A=1]"))


def test_allowed_keys_are_listed_once() -> None:
    """An action may have keys of its own that each step has too."""
    (problem,) = check(head("config: {defaults: {http_request: {tiemout: 5s}}}")).problems[:1]
    assert 1 == problem.hint.count("timeout,")


def test_an_action_of_the_defaults_is_named_as_that_of_a_step_is() -> None:
    """By its name here."""
    (problem,) = [p for p in check(head("config: {defaults: {http: {}}}")).problems if p.severity is Severity.ERROR]
    assert problem.hint.startswith('Write "http_request".')


def test_a_variable_that_only_results_are_called_like_is_not_read() -> None:
    """Giving it to a run would change nothing."""
    step = "id: a, output: {seen: duration_ms}, assert: [time > 0, seen > 0]"
    flow = check(head("env: {A: 1}", step=step)).flow
    assert flow is not None
    assert {"time", "duration_ms"}.isdisjoint(flow.names)
    assert {"A", "seen"} <= flow.names
    assert ["A is declared and never used"] == warnings(head("env: {A: 1}", step=step))


@pytest.mark.parametrize(
    ("written", "step", "said"),
    [
        ("", "id: and", '"and" can\'t be an id'),
        ("", "output: {let: duration_ms}", "let can't be an output"),
        ("", "output: {a b: duration_ms}", '"a b" can\'t be an output'),
        ("env: {nil: x}", "", '"nil" can\'t be a variable in env'),
        ("", "output: {s: {default: 2}}", "output s has a default and no path"),
        ("", 'tags: [""]', "a tag is empty"),
        ('tags: [" "]', "", "a tag is empty"),
        ("secrets: [A B]", "", "secrets names A B, and nothing is called so"),
    ],
)
def test_what_nobody_could_read_is_refused(written: str, step: str, said: str) -> None:
    """Words of the expressions, and what says nothing."""
    assert [said] == errors(head(written, step=step))


def test_a_function_may_lend_its_name() -> None:
    """It is told from a name by its bracket."""
    assert [] == errors(head("env: {count: 2}", step='id: len, output: {max: duration_ms}, assert: ["count == 2"]'))


def test_a_secret_that_can_not_be_masked_is_a_warning() -> None:
    """Its author takes it for hidden; one without a value is mostly given from outside."""
    texts = {value: head(f"env: {{B: {value}}}\nsecrets: [B]", step="assert: [B != 1]") for value in ("true", "", '""')}
    said = "the secret B is true or false, which is never masked"
    assert {"true": [said], "": [], '""': []} == {value: warnings(text) for value, text in texts.items()}


@pytest.mark.parametrize("name", ["tok", "row.tok"])
def test_a_column_of_data_may_be_a_secret(name: str) -> None:
    """By its name, or as it is read."""
    text = head(f"data: {{rows: [{{tok: abcd1234}}]}}\nsecrets: [{name}]", step="assert: [row.tok != 1]")
    assert () == check(text).problems
    flow = check(text).flow
    assert flow is not None
    assert {"tok"} == flow.secrets


def test_what_may_be_received_is_near_to_no_built_in_name() -> None:
    """A key called items is common: it was not meant for steps."""
    for name in ("items", "step", "year"):
        assert [] == warnings(head("", step=f'output: {{it: "{name}[0].id"}}, assert: [it == 1]'))
    near = warnings(head("", step="output: {it: duration_mss}, assert: [it == 1]"))
    assert ["duration_mss is no key of the result: it is looked up in what is received"] == near


@pytest.mark.parametrize(
    ("written", "step", "hint"),
    [
        ("", "retry: 3", "Write retry: {max_attempts: 3}"),
        ("", "eventually: 10s", "Write eventually: {timeout: 10s}"),
        ("tags: smoke", "", "Write tags: [smoke]"),
        ("data: rows.csv", "", "Write data: {file: rows.csv}"),
        ("data: [{a: 1}]", "", "Write data: {rows: […]}, with the list under rows."),
    ],
)
def test_a_value_in_place_of_a_map_or_list_comes_with_what_to_write(written: str, step: str, hint: str) -> None:
    """It is known what was meant."""
    assert [hint] == [problem.hint for problem in check(head(written, step=step)).problems]


def test_keys_beside_flow_are_its_own_or_nothing() -> None:
    """What is no key of a flow would be wrong below it too; anchors have a place of their own."""
    text = head("") + "env: {}\nx-common: &c {a: 1}\n$schema: y\nstep: []\n"
    assert {
        '"env" stands beside flow': "Indent it, so that it stands under flow.",
        '"$schema" stands beside flow': "Remove it; what holds anchors alone may be called x-$schema.",
        '"step" stands beside flow': 'Did you mean "steps"? Indent it, so that it stands under flow.',
    } == {problem.message: problem.hint for problem in check(text).problems}
    anchored = "x-common: &c {duration: 1ms}\n" + head("").replace("{duration: 1ms}", "*c")
    assert [] == errors(anchored)
