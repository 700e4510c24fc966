"""The JSON Schema of flows: it says what the reader says, as far as shapes go."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from support.checked import check
from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.catalogue import Key, Kind
from testmesh_engine.language import keys
from testmesh_engine.language.load import read_documents
from testmesh_engine.language.nodes import Source, plain
from testmesh_engine.language.scanning import lines_of
from testmesh_engine.language.schema import as_json, schema_of

ROOT = Path(__file__).parents[4]
COMMITTED = ROOT / "engine" / "testmesh.schema.json"
SCHEMA = schema_of(Registry())
VALIDATOR = Draft202012Validator(SCHEMA)
EXAMPLES = [
    # The flow of custom-action needs a package that is not installed here.
    *sorted(path for path in (ROOT / "examples").rglob("*.yaml") if "custom-action" not in path.parts),
    *sorted((ROOT / "tests" / "cluster" / "scenarios").rglob("*.yaml")),
]
BROKEN = sorted((ROOT / "tests" / "data" / "broken").glob("*.yaml"))
NOT_OF_SHAPE = {
    "YAML's own": {
        *("anchors", "brace-not-closed", "bracket-not-closed", "brackets-in-list", "comma-in-list", "cut-by-comment"),
        *(
            "brackets-twice-in-a-line",
            "duplicate-key",
            "empty-file",
            "escapes",
            "first-bracket",
            "first-characters",
            "indentation",
        ),
        *(
            "invisible-characters",
            "item-too-deep",
            "line-separator",
            "list-as-key",
            "manifest-as-kubectl-reads",
            "merge-of-text",
            "nan",
            "no-space-after-colon",
        ),
        *("no-space-after-dash", "placeholder-in-list", "placeholder-in-map", "placeholder-unquoted"),
        *("quote-goes-on", "quote-not-closed", "star-unquoted", "tab-indent", "tags", "too-many-aliases", "two-flows"),
        *("value-and-map", "yaml-1-1"),
    },
    "expressions and names": {
        *("bad-expression", "duplicate-id", "env-circle", "foreign-names", "manifest", "message", "other-languages"),
        *("two-mistakes-in-one-step", "typographic-quotes", "unknown-function", "unknown-variable"),
    },
}
"""Faults that a schema of values can't know: it sees neither the text nor what stands in it."""


def refusals(value: object) -> list[str]:
    """Where the schema refuses ``value``, and why."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(as_json(value))]


def refusals_of(path: Path) -> list[str]:
    """The same for all documents of a file."""
    text = path.read_text(encoding="utf-8")
    loaded = read_documents(text, Source(name=path.name, lines=lines_of(text)))
    return [refusal for document in loaded.documents for refusal in refusals(plain(document.root))]


def holds_flow(path: Path) -> bool:
    """Whether a file of an example is a flow or a manifest of ours."""
    text = path.read_text(encoding="utf-8")
    return text.startswith("flow:") or "\nflow:" in text or "kind: TestFlow" in text or "kind: TestRun" in text


def flow(step: Mapping[str, object] | None = None, **more: object) -> dict[str, object]:
    """A flow of one HTTP step with the keys ``step``, and ``more`` keys of its own."""
    one = {"id": "one", "action": "http_request", "config": {"url": "http://h/"}, "assert": ["status == 200"]}
    return {"flow": {"name": "x", "steps": [{**one, **(step or {})}], **more}}


def test_the_schema_is_one() -> None:
    """By the metaschema of its dialect."""
    Draft202012Validator.check_schema(SCHEMA)
    assert "https://json-schema.org/draft/2020-12/schema" == SCHEMA["$schema"]


def test_the_committed_schema_is_made_anew_from_the_declarations() -> None:
    """Editors may take it by its path; ``UPDATE_GOLDEN=1`` writes it."""
    made = json.dumps(SCHEMA, ensure_ascii=False, indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        COMMITTED.write_text(made, encoding="utf-8")
    assert COMMITTED.read_text(encoding="utf-8") == made


@pytest.mark.parametrize("path", [path for path in EXAMPLES if holds_flow(path)], ids=lambda path: path.stem)
def test_flows_of_the_examples_are_accepted(path: Path) -> None:
    """All of them, manifests too."""
    assert not refusals_of(path)


def test_the_examples_are_there() -> None:
    """The test above has something to test."""
    assert len([path for path in EXAMPLES if holds_flow(path)]) >= 5


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_flow_is_refused_where_its_shape_is_at_fault(path: Path) -> None:
    """All others are listed, so that none is overlooked."""
    listed = any(path.stem in names for names in NOT_OF_SHAPE.values())
    assert listed == (not refusals_of(path)), refusals_of(path)


def test_no_exception_is_listed_that_is_not_there() -> None:
    """A renamed flow must not leave its name behind."""
    assert set().union(*NOT_OF_SHAPE.values()) <= {path.stem for path in BROKEN}


@pytest.mark.parametrize(
    "step",
    [
        {"assert": "status == 200"},
        {"assert": {"expression": "status == 200", "message": "m"}},
        {"assert": [{"expression": "status == 200"}, "body.ok"]},
        {
            "config": {
                "url": "${API}/x",
                "method": "get",
                "timeout": "{{T}}",
                "follow_redirects": "${F}",
                "params": "${P}",
            }
        },
        {"retry": {"max_attempts": "${N}", "delay": "${D}", "backoff": "linear", "retry_on": "timeout"}},
        {"eventually": {"timeout": "1m30s", "poll_interval": "250ms", "stable_for": "2s", "stop_on": "status == 500"}},
        {"poll": {}},
        {"config": {"url": "http://h/", "poll": {"timeout": "5s"}}},
        {"on_error": "continue"},
        {"on_error": {"type": "ignore", "steps": [{"action": "delay", "config": {"duration": "1s"}}]}},
        {"output": {"a": "$.body.id", "b": {"path": "$.x", "default": None}, "c": 5, "d": {"any": "map"}}},
        {"save": {"a": "$.body.id"}, "tags": ["x"], "disabled": False, "timeout": "${T}", "when": "!a"},
    ],
)
def test_what_the_reader_takes_is_accepted(step: dict[str, object]) -> None:
    """Every form of a key."""
    assert not refusals(flow(step))


@pytest.mark.parametrize(
    "step",
    [
        {"assert": []},
        {"assert": [""]},
        {"assert": [True]},
        {"assert": [{"message": "m"}]},
        {"when": True},
        {"config": {}},
        {"config": None},
        {"config": {"url": "http://h/", "method": "FETCH"}},
        {"config": {"url": "http://h/", "timeout": "soon"}},
        {"config": {"url": "http://h/", "params": {"a": "b"}, "query_params": {"a": "b"}}},
        {"retry": {}, "eventually": {}},
        {"eventually": {}, "poll": {}},
        {"retry": {"max_attempts": 0}},
        {"retry": {"backoff": "LINEAR"}},
        {"on_error": "explode"},
        {"error_steps": []},
        {"output": {"a": None}},
        {"output": {}, "save": {}},
        {"disabled": "${X}"},
        {"timeout": 5},
    ],
)
def test_what_the_reader_refuses_by_its_shape_is_refused(step: dict[str, object]) -> None:
    """As the reader does."""
    assert refusals(flow(step))


def test_a_required_key_may_stand_in_the_defaults_or_in_a_variable() -> None:
    """Then it need not stand in the step."""
    step: dict[str, object] = {"config": {"method": "GET"}}
    assert refusals(flow(step))
    assert not refusals(flow(step, config={"defaults": {"http_request": {"url": "http://h/", "timeout": "5s"}}}))
    assert not refusals(flow({"action": "database_query", "config": {"query": "SELECT 1"}}))


def test_manifests_are_described_too() -> None:
    """What stands under spec.flow is a flow; other kinds are not looked at."""
    head = {"apiVersion": "testmesh.io/v1alpha1", "kind": "TestFlow", "metadata": {"name": "m"}}
    assert not refusals({**head, "spec": flow()})
    assert refusals({**head, "spec": flow({"asert": "x"})})
    assert refusals({**head, "spec": {}})
    assert refusals({**head, "spec": {**flow(), "source": "flow:"}})
    assert not refusals({"apiVersion": "v1", "kind": "ConfigMap", "data": {}})


def test_every_key_and_action_is_described() -> None:
    """With a sentence, which editors show."""
    definitions = SCHEMA["$defs"]
    assert isinstance(definitions, dict)
    named = {"flow": keys.FLOW, "step": keys.STEP, "retry": keys.RETRY, "eventually": keys.EVENTUALLY}
    for name in Registry().names():
        spec = Registry().find(name)
        assert spec is not None
        named[f"{name}.config"] = spec.keys
    for name, declared in named.items():
        described = definitions[name]
        assert isinstance(described, dict)
        properties = described["properties"]
        assert isinstance(properties, dict)
        for key in keys.names(declared):
            about = properties[key]
            assert isinstance(about, dict)
            assert str(about["description"]).endswith(".")


def of_kind(key: Key) -> st.SearchStrategy[object]:
    """Values of a key, right ones and wrong ones."""
    right = {
        Kind.TEXT: st.sampled_from(key.choices or ("text", "${NAME}")),
        Kind.INTEGER: st.integers(1, 9),
        Kind.BOOLEAN: st.booleans(),
        Kind.DURATION: st.sampled_from(["1s", "500ms", "1m30s", "2h"]),
        Kind.LIST: st.just(["1 == 1"]),
        Kind.MAP: st.just({}),
        Kind.ANY: st.just("fail"),
    }[key.kind]
    return right | st.sampled_from([[], {}, True, 7, "soon", None])


def maps(declared: Iterable[Key], *, strange: bool) -> st.SearchStrategy[dict[str, object]]:
    """Maps of a few of the keys, also under their aliases, and at times one that is none."""
    values = {name: of_kind(key) for key in declared for name in (key.name, *key.aliases)}
    pairs = st.lists(st.sampled_from(sorted(values)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: values[name] for name in names})
    )
    return st.tuples(pairs, st.sampled_from(["", "nme", "x-key", "Timeout"])).map(
        lambda drawn: {**drawn[0], **({drawn[1]: 1} if strange and drawn[1] else {})}
    )


@given(maps(keys.RETRY[:4], strange=True))
def test_reader_and_schema_agree_on_retry(retry: dict[str, object]) -> None:
    """On unknown keys and on values of a wrong kind."""
    agree(flow({"retry": retry}))


@given(maps(keys.EVENTUALLY[:3], strange=True))
def test_reader_and_schema_agree_on_eventually(eventually: dict[str, object]) -> None:
    """But where two times leave no room for each other, which is no matter of shape."""
    known = dict(eventually)
    if "stable_for" in known:
        known["timeout"] = "10h"
    agree(flow({"eventually": known}))


@given(maps([key for key in keys.STEP if key.name in {"name", "description", "disabled", "timeout"}], strange=True))
def test_reader_and_schema_agree_on_steps(step: dict[str, object]) -> None:
    """Keys that say nothing of each other."""
    agree(flow(step))


@given(maps([key for key in keys.FLOW if key.name in {"description", "suite", "author", "tags"}], strange=True))
def test_reader_and_schema_agree_on_flows(more: dict[str, object]) -> None:
    """The same of the flow's own keys."""
    agree(flow(None, **more))


@given(maps([key for key in keys.CONFIG if key.name != "defaults"], strange=True))
def test_reader_and_schema_agree_on_the_flows_config(config: dict[str, object]) -> None:
    """Times and switches."""
    agree(flow(None, config=config))


@given(
    maps(
        [
            key
            for key in getattr(Registry().find("http_request"), "keys", ())
            if key.name in {"method", "headers", "params", "follow_redirects", "verify_ssl", "timeout"}
        ],
        strange=True,
    )
)
def test_reader_and_schema_agree_on_the_config_of_an_action(config: dict[str, object]) -> None:
    """Kinds, words, aliases, unknown keys."""
    agree(flow({"config": {"url": "http://h/", **config}}))


def test_reader_and_schema_agree_on_names_that_are_taken() -> None:
    """Built-in ones, and words of the expressions."""
    for name in ("RANDOM_ID", "env", "let", "true", "NAMED"):
        agree(flow(None, env={name: 1}))
        agree(flow(None, inputs={name: 1}))
        agree(flow({"id": name}))


def test_reader_and_schema_agree_on_inputs() -> None:
    """The long form is one by its keys."""
    long_forms = ({"type": "strng"}, {"type": "string"}, {"type": "number", "default": 1})
    for written in (*long_forms, {"type": "card", "number": 5}):
        agree(flow(None, inputs={"named": written}))


def agree(value: dict[str, object]) -> None:
    """Both accept the flow, or both refuse it."""
    checked = check(json.dumps({"flow": {"env": {"NAME": "x"}, **value["flow"]}}))  # type: ignore[dict-item]  # a map
    assert checked.ok == (not refusals(value)), ([problem.message for problem in checked.problems], refusals(value))
