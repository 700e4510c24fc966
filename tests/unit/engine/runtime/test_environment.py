"""The env layers: who gives a variable its value."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from support.flows import read
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, compile_template
from testmesh_engine.language.model import EnvFile, EnvVar, Flow, Input, Row
from testmesh_engine.runtime.builtins import Identity, moment
from testmesh_engine.runtime.environment import Variables, missing_inputs, variables_of
from testmesh_engine.runtime.layers import Layers


def computed(flow: Flow, layers: Layers) -> Variables:
    """The variables of ``flow``, computed now."""
    identity = Identity(run_id="r", execution_id="e", seed="s")
    return variables_of(flow, layers, moment(identity, flow="f", step="env", failed=False))


def resolve(declared: list[EnvVar], layers: Layers) -> dict[str, Value]:
    """The variables of a flow with this ``env`` only."""
    return computed(Flow(name="f", file="f.yaml", env=tuple(declared)), layers).env


def env(**declared: Value) -> list[EnvVar]:
    """What a flow declares."""
    return [EnvVar(name=name, value=value, template=compile_template(value)) for name, value in declared.items()]


def test_the_highest_layer_wins() -> None:
    """--var, the run, --env-file, the process, the flow, .env."""
    layers = {
        "var": {"A": "var"},
        "run": {"A": "run", "B": "run"},
        "env_file": {"A": "f", "B": "f", "C": "file"},
        "process": {"A": "p", "B": "p", "C": "p", "D": "process"},
        "dot_env": {"A": "d", "B": "d", "C": "d", "D": "d", "E": "d", "F": "dot"},
    }
    found = resolve(env(A="flow", B="flow", C="flow", D="flow", E="flow"), Layers(**layers))
    assert {"A": "var", "B": "run", "C": "file", "D": "process", "E": "flow", "F": "dot"} == found


def test_env_as_a_whole_holds_nothing_of_the_process_that_the_flow_does_not_name() -> None:
    """A body of `${env}` would send every variable of the machine to the service, and each report would list them."""
    flow = Flow(name="f", file="f.yaml", env=tuple(env(D="flow")), names=frozenset({"D", "READ"}))
    process = {"D": "declared", "READ": "by name", "MY_DB_PASS": "leakme-please"}
    found = computed(flow, Layers(process=process, var={"V": "v"}, dot_env={"E": "e"})).env
    assert {"D": "declared", "READ": "by name", "V": "v", "E": "e"} == found


@pytest.mark.parametrize("name", ["${WEB_HOST}", "${env.WEB_HOST}", '${env["WEB_HOST"]}'])
@pytest.mark.parametrize(
    "flow",
    [
        "steps: [{action: delay, config: {duration: 1ms}, assert: ['NAME == \"h\"']}]",
        "steps: [{action: delay, name: 'NAME', config: {duration: 1ms}}]",
        "steps: [{action: delay, config: {duration: 1ms}, output: {x: 'NAME'}}]",
        "output: {x: 'NAME'}\nsteps: [{action: delay, config: {duration: 1ms}}]",
        "steps: [{action: log, config: {message: 'NAME'}}]",
        "steps: [{action: delay, config: {duration: 1ms}, assert: [{expression: 1 == 2, message: 'NAME'}]}]",
        "env: {X: 'NAME'}\nsteps: [{action: delay, config: {duration: 1ms}}]",
        "steps: [{action: delay, when: 'NAME == \"h\"', config: {duration: 1ms}}]",
        "steps: [{action: delay, timeout: 'NAME', config: {duration: 1ms}}]",
    ],
)
def test_a_variable_of_the_process_is_there_wherever_the_flow_reads_it_by_name(flow: str, name: str) -> None:
    """In expressions, placeholders and titles, with `env.` or without."""
    layers = Layers(process={"WEB_HOST": "h"})
    assert {"WEB_HOST": "h"}.items() <= computed(read(flow.replace("NAME", name), layers), layers).env.items()


def test_an_override_takes_the_declared_kind() -> None:
    """Layers hold text; a number stays a number."""
    found = resolve(
        env(N=1, D=Decimal("1.0"), B=True, T="1"), Layers(var={"N": "7", "D": "2.50", "B": "FALSE", "T": "9"})
    )
    assert {"N": 7, "D": Decimal("2.50"), "B": False, "T": "9"} == found


@pytest.mark.parametrize(("declared", "given"), [(1, "many"), (True, "perhaps")])
def test_an_override_of_the_wrong_kind_is_refused(declared: Value, given: str) -> None:
    """With the layer that gave it."""
    with pytest.raises(UsageError, match="--var gives"):
        resolve(env(X=declared), Layers(var={"X": given}))


def test_variables_may_name_each_other_in_any_order() -> None:
    """Each is computed once."""
    found = resolve(env(URL="http://${HOST_NAME}:${PORT}", HOST_NAME="h", PORT=5), Layers())
    assert "http://h:5" == found["URL"]


def test_a_variable_that_names_itself_means_the_layers_outside() -> None:
    """It requires what it names, or takes its default."""
    assert "/x" == resolve(env(HOME="${HOME}"), Layers(process={"HOME": "/x"}))["HOME"]
    assert "d" == resolve(env(X="${X:-d}"), Layers())["X"]
    with pytest.raises(UsageError, match="env X"):
        resolve(env(X="${X}"), Layers())


def test_variables_that_need_each_other_are_refused_with_their_circle() -> None:
    """Also where only the layers show it, long after the flow was checked."""
    with pytest.raises(UsageError, match="B -> A -> B"):
        resolve(env(A="${B}", B="${A}"), Layers(dot_env={"A": "1"}))


def test_a_long_chain_of_variables_is_resolved() -> None:
    """However many stand between a name and its value."""
    chain: dict[str, Value] = {f"V{number}": f"${{V{number + 1}}}" for number in range(2000)}
    assert "end" == resolve(env(**chain, V2000="end"), Layers())["V0"]


@pytest.mark.parametrize("given", ["NaN", "Infinity", "1_0", "1e20000000", "", " 1", "0x1G"])
def test_an_override_that_is_no_number_of_a_flow_is_refused(given: str) -> None:
    """Numbers are those that a flow itself can hold."""
    with pytest.raises(UsageError, match=r'--var gives ".*"') as caught:
        resolve(env(PORT=1), Layers(var={"PORT": given}))
    assert "PORT is a number in the flow" in str(caught.value)


@pytest.mark.parametrize("declared", [[1, 2], {"a": 1}])
def test_text_in_place_of_a_list_or_a_map_is_refused(declared: Value) -> None:
    """It would be another thing; JSON of the kind is what was meant."""
    with pytest.raises(UsageError, match=r'LIST is a (list|map) in the flow, and --var gives "x"'):
        resolve(env(LIST=declared), Layers(var={"LIST": "x"}))


def test_json_overrides_a_list_or_a_map() -> None:
    """With exact numbers; a list is no map."""
    layers = Layers(var={"LIST": "[1, 2.50]", "MAP": '{"a": true}'})
    assert {"LIST": [1, Decimal("2.50")], "MAP": {"a": True}} == resolve(env(LIST=[], MAP={}), layers)
    with pytest.raises(UsageError, match="MAP is a map in the flow"):
        resolve(env(MAP={}), Layers(var={"MAP": "[]"}))


def test_the_value_of_a_refused_secret_is_not_shown() -> None:
    """The message goes to logs."""
    with pytest.raises(UsageError, match="--var gives what it is not") as caught:
        resolve(env(API_TOKEN=1), Layers(var={"API_TOKEN": "hunter2"}))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["HOME", "PATH", "HOSTNAME", "KAFKA_PORT_9092_TCP", "A_SERVICE_HOST", "TESTMESH_RUN_ENV"]
)
def test_what_every_machine_has_is_never_taken_unasked(name: str) -> None:
    """The flow's own value stays."""
    assert "flow" == resolve(env(**{name: "flow"}), Layers(process={name: "machine"}))[name]
    assert name not in resolve([], Layers(process={name: "machine"}))


def test_an_undeclared_name_comes_from_the_process_in_capitals_only() -> None:
    """``path`` in a flow is the flow's own word."""
    flow = Flow(name="f", file="f.yaml", names=frozenset({"API_URL", "api_url"}))
    assert {"API_URL": "u"} == computed(flow, Layers(process={"API_URL": "u", "api_url": "v"})).env


FILES = (EnvFile(name="a.env", values={"A": "1", "B": "1", "X": "a"}), EnvFile(name="b.env", values={"B": "2"}))


def test_an_env_file_of_the_flow_lies_between_its_env_and_dot_env() -> None:
    """And of two files the later one counts."""
    flow = Flow(name="f", file="f.yaml", env=tuple(env(X="flow")), env_files=FILES)
    found = computed(flow, Layers(dot_env={"A": "dot", "D": "dot"}))
    assert {"X": "flow", "A": "1", "B": "2", "D": "dot"} == found.env
    assert {"X": "env", "A": "a.env", "B": "b.env", "D": ".env"} == found.sources


def test_what_the_run_gives_overrides_the_flows_own_file() -> None:
    """An undeclared name in capitals comes from the process, whatever lies below the flow."""
    found = computed(Flow(name="f", file="f.yaml", env_files=FILES), Layers(process={"A": "p"}, env_file={"B": "f"}))
    assert {"A": "p", "B": "f", "X": "a"} == found.env
    assert {"A": "the environment", "B": "--env-file", "X": "a.env"} == found.sources


def test_the_callers_input_stands_below_var_and_above_the_run() -> None:
    """It keeps its kind."""
    layers = Layers(var={"A": "var"}, input={"A": 1, "B": [2]}, run={"B": "run"})
    assert {"A": "var", "B": [2]} == computed(Flow(name="f", file="f.yaml"), layers).env


def given(name: str, default: Value = None, kind: str = "") -> Input:
    """One of ``inputs``."""
    template = EnvVar(name=name, value=default, template=compile_template(default)) if default is not None else None
    return Input(name=name, default=template, kind=kind)


def test_an_input_is_its_callers_or_its_default() -> None:
    """Under ``input`` too, and there only the inputs are."""
    flow = Flow(name="f", file="f.yaml", env=tuple(env(U="${who}!", ALL="${input.who}")), inputs=(given("who", "me"),))
    assert {"who": "me"} == computed(flow, Layers()).inputs
    found = computed(flow, Layers(var={"who": "you"}))
    assert ({"who": "you"}, "you!", "you") == (found.inputs, found.env["U"], found.env["ALL"])
    assert "inputs" == computed(flow, Layers()).sources["who"]


@pytest.mark.parametrize("layer", ["var", "run", "env_file", "dot_env"])
def test_an_input_without_default_is_missing_until_a_layer_gives_it(layer: str) -> None:
    """Whichever."""
    flow = Flow(name="f", file="f.yaml", inputs=(given("who"), given("what", "x")))
    assert ("who",) == missing_inputs(flow, Layers())
    assert () == missing_inputs(flow, Layers(**{layer: {"who": "me"}}))


def test_a_lower_case_input_is_not_taken_from_the_process() -> None:
    """``name`` and ``user`` are everywhere."""
    flow = Flow(name="f", file="f.yaml", inputs=(given("who"), given("WHO")))
    layers = Layers(process={"who": "me", "WHO": "me"})
    assert ("who",) == missing_inputs(flow, layers)
    assert {"who": "d", "WHO": "me"} == computed(replace(flow, inputs=(given("who", "d"), given("WHO"))), layers).env


def test_an_input_takes_its_declared_kind() -> None:
    """Also one that has no default."""
    flow = Flow(name="f", file="f.yaml", inputs=(given("n", kind="number"),))
    assert 7 == computed(flow, Layers(var={"n": "7"})).env["n"]
    with pytest.raises(UsageError, match="n is a number in the flow, and the caller's input gives true"):
        computed(flow, Layers(input={"n": True}))


def test_a_row_is_rendered_with_env_and_env_with_the_row() -> None:
    """Each where it names the other; a circle is an error."""
    values: Value = {"path": "/a", "url": "${BASE}/x"}
    template = EnvVar(name="row", value=values, template=compile_template(values))
    row = Row(number=1, count=1, values={}, template=template)
    found = computed(Flow(name="f", file="f.yaml", env=tuple(env(BASE="http://h")), row=row), Layers())
    assert {"path": "/a", "url": "http://h/x"} == found.row
    assert {"BASE": "http://h"} == found.env
    with pytest.raises(UsageError, match=r"row -> BASE -> row|BASE -> row -> BASE"):
        computed(Flow(name="f", file="f.yaml", env=tuple(env(BASE="${row.path}")), row=row), Layers())


def test_rows_of_a_file_are_taken_as_they_are() -> None:
    """They are data, no text of the flow."""
    row = Row(number=1, count=1, values={"path": "${X}"})
    found = computed(Flow(name="f", file="f.yaml", env=tuple(env(P="${row.path}")), row=row), Layers())
    assert ({"path": "${X}"}, "${X}") == (found.row, found.env["P"])


def test_a_built_in_that_env_reads_stays_one_of_each_step() -> None:
    """It does not become a variable of env."""
    assert {"ID"} == resolve(env(ID="x-${RANDOM_ID}"), Layers()).keys()


def test_what_env_asks_of_the_process_is_no_variable_of_the_flow() -> None:
    """Only the one that asks is."""
    assert {"H": "/x"} == resolve(env(H="${HOME}"), Layers(process={"HOME": "/x"}))
