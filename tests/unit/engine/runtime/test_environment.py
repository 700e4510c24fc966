"""The env layers: who gives a variable its value."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, compile_template
from testmesh_engine.language.model import EnvVar
from testmesh_engine.runtime.builtins import Identity, moment
from testmesh_engine.runtime.environment import Layers, parse_env_file
from testmesh_engine.runtime.environment import resolve as resolve_at


def resolve(declared: list[EnvVar], layers: Layers) -> dict[str, Value]:
    """The variables, computed now."""
    identity = Identity(run_id="r", execution_id="e", seed="s")
    return resolve_at(declared, layers, moment(identity, flow="f", step="env", failed=False))


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


def test_an_env_file_may_quote_a_value_before_a_comment() -> None:
    """Quotes end where they end; a comment needs a space before it."""
    text = 'S="x y" # c "q"\nT=  # only comment\nU=#1\nV=\'it\'s\' # c\nJ="{"a":1}"\nW=x#y\nX= z \n'
    expected = {"S": "x y", "T": "", "U": "#1", "V": "it's", "J": '{"a":1}', "W": "x#y", "X": "z"}
    assert expected == parse_env_file(text, name=".env")


def test_a_quote_that_is_not_closed_is_named() -> None:
    """The rest of the line would be taken for the value, quote and all."""
    with pytest.raises(UsageError, match=r"^\.env:1: the quote of A is never closed"):
        parse_env_file('A="x # y\n', name=".env")


@pytest.mark.parametrize("given", ["NaN", "Infinity", "1_0", "1e20000000", "", " 1", "0x1G"])
def test_an_override_that_is_no_number_of_a_flow_is_refused(given: str) -> None:
    """Numbers are those that a flow itself can hold."""
    with pytest.raises(UsageError, match=r"--var gives '.*'") as caught:
        resolve(env(PORT=1), Layers(var={"PORT": given}))
    assert "PORT is a number in the flow's env" in str(caught.value)


@pytest.mark.parametrize("declared", [[1, 2], {"a": 1}])
def test_an_override_of_a_list_or_a_map_is_refused(declared: Value) -> None:
    """Text in its place would be another thing."""
    with pytest.raises(UsageError, match=r"LIST is a (list|map) in the flow's env, which --var can't replace"):
        resolve(env(LIST=declared), Layers(var={"LIST": "x"}))


@pytest.mark.parametrize(
    "name", ["HOME", "PATH", "HOSTNAME", "KAFKA_PORT_9092_TCP", "A_SERVICE_HOST", "TESTMESH_RUN_ENV"]
)
def test_what_every_machine_has_is_never_taken_unasked(name: str) -> None:
    """The flow's own value stays."""
    assert "flow" == resolve(env(**{name: "flow"}), Layers(process={name: "machine"}))[name]
    assert name not in resolve([], Layers(process={name: "machine"}))


def test_an_undeclared_name_comes_from_the_process_in_capitals_only() -> None:
    """``path`` in a flow is the flow's own word."""
    assert {"API_URL": "u"} == resolve([], Layers(process={"API_URL": "u", "api_url": "v"}))


def test_an_env_file_is_read_as_shells_write_it() -> None:
    """Comments, export, quotes."""
    text = "# c\n\nA=1\nexport B = two words # c\nC=\"x # y\"\nD='z'\nE=\n"
    assert {"A": "1", "B": "two words", "C": "x # y", "D": "z", "E": ""} == parse_env_file(text, name=".env")


def test_a_line_that_is_none_is_named() -> None:
    """With its number."""
    with pytest.raises(UsageError, match=r"^\.env:2: no NAME=value line$"):
        parse_env_file("A=1\nnonsense\n", name=".env")
