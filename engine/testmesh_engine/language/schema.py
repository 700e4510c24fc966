"""The JSON Schema (2020-12) of flow files and TestFlow manifests, for editors: made of the declarations alone.

It knows shapes: keys, kinds, words. What stands in expressions, which names are known, and what YAML makes of a text
is for ``testmesh validate``. Nothing that ``validate`` accepts is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from testmesh_engine.contract.catalogue import ActionSpec, Catalogue, Key, Kind
from testmesh_engine.expressions import RESERVED
from testmesh_engine.language import keys
from testmesh_engine.language.load import load_documents
from testmesh_engine.language.names import BUILTINS, ROOTS
from testmesh_engine.language.nodes import Source, plain
from testmesh_engine.language.schema_values import (
    EXPRESSIONS,
    WORDS,
    Json,
    Schema,
    any_of,
    at_most_one,
    closed,
    described,
    of_key,
    ref,
    required,
)
from testmesh_engine.language.variables import DECLARATION, TYPES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ATTEMPTS = ("retry", "eventually", "poll")
_KINDS = {"TestFlow": ("source", "flow", "flowFrom"), "TestRun": ("flowRef", "source", "flow", "flowFrom")}


def schema_of(catalogue: Catalogue) -> Schema:
    """The schema of a file: a flow, or a manifest of any kind, in which flows are described too."""
    specs = [spec for name in sorted(catalogue.names()) if (spec := catalogue.find(name))]
    return {
        "$schema": _DIALECT,
        "description": "A flow of TestMesh, or a manifest that holds one.",
        "type": "object",
        "if": {"required": ["kind", "apiVersion"]},
        "then": ref("manifest"),
        "else": {
            "required": ["flow"],
            "additionalProperties": False,
            "properties": {"flow": described(_FLOW_FILE, ref("flow"))},
            "patternProperties": {"^x-": {"description": "Your own: a place for anchors."}},
        },
        "$defs": {**_flow(specs), **_steps(specs), **dict(_configs(specs)), **_texts(), "manifest": _manifest()},
    }


_TAKEN: list[Json] = [*sorted(RESERVED | BUILTINS | ROOTS)]
_FREE: Schema = {"not": {"enum": _TAKEN}}
"""Names that are nobody else's."""

_INPUT: Schema = {
    "if": {"type": "object", "required": ["type"], "propertyNames": {"enum": [*DECLARATION]}},
    "then": {"properties": {"type": {"enum": [*TYPES]}}},
}
"""The long form of an input; any other map is its value."""

_FLOW_FILE = Key(name="flow", kind=Kind.MAP, doc="one flow; a file holds one")


def _map(declared: Iterable[Key], forms: Mapping[str, Schema]) -> Schema:
    """A map with these keys; ``forms`` are those whose values are more than a kind."""
    schema = closed(declared, rendered=False)
    properties: Schema = {}
    for key in declared:
        for name in (key.name, *key.aliases):
            form = forms.get(key.name)
            properties[name] = described(key, form if form is not None else of_key(key, rendered=False), name=name)
    return {**schema, "properties": properties}


def _flow(specs: list[ActionSpec]) -> Schema:
    texts: Schema = {"type": "array", "items": {"type": "string"}}
    words: Schema = {"type": "array", "items": WORDS}
    steps: Schema = {"type": "array", "minItems": 1, "items": ref("step")}
    forms: dict[str, Schema] = {
        "name": WORDS,
        "tags": words,
        "secrets": texts,
        "version": {"type": ["string", "number"]},
        "env": {"type": "object", "propertyNames": {"pattern": r"^[^\s\d.-][^\s.-]*$", **_FREE}},
        "inputs": {"type": ["object", "array"], "items": WORDS, "propertyNames": _FREE, "additionalProperties": _INPUT},
        "env_file": any_of(WORDS, {"type": "array", "items": WORDS, "minItems": 1}),
        "output": ref("output"),
        "data": {**_map(keys.DATA, {"rows": _ROWS}), "minProperties": 1, "maxProperties": 1},
        "config": _map(keys.CONFIG, {**_times(keys.CONFIG), "defaults": _defaults(specs)}),
        **dict.fromkeys(("setup", "steps", "teardown"), steps),
    }
    flow = _map(keys.FLOW, forms)
    # What config.defaults gives a step need not stand in it.
    whole: Schema = {phase: {"items": ref("whole_step")} for phase in ("setup", "steps", "teardown")}
    with_defaults: Schema = {"required": ["config"], "properties": {"config": {"required": ["defaults"]}}}
    return {"flow": {**flow, "if": with_defaults, "else": {"properties": whole}}}


_ROWS: Schema = {"type": "array", "minItems": 1, "items": {"type": "object"}}


def _times(declared: Iterable[Key]) -> dict[str, Schema]:
    """The keys whose values may be placeholders, rendered once: times, and counts from 1 on."""
    found = {key.name: of_key(key, rendered=True) for key in declared if key.kind in {Kind.DURATION, Kind.INTEGER}}
    return {
        name: {**schema, "minimum": 1} if "integer" in str(schema["type"]) else schema for name, schema in found.items()
    }


def _steps(specs: list[ActionSpec]) -> Schema:
    assertions: Schema = {"if": {"type": "array"}, "then": _several("assertion"), "else": ref("assertion")}
    forms: dict[str, Schema] = {
        "id": {"type": "string", "pattern": r"^[^\s.0-9][^\s.]*$", **_FREE},
        "action": {"enum": [name for spec in specs for name in (spec.name, *spec.aliases)]},
        "config": {"type": ["object", "null"]},
        "assert": assertions,
        "assert_any": assertions,
        "assert_none": assertions,
        "output": ref("output"),
        "when": ref("expression"),
        "tags": {"type": "array", "items": WORDS},
        "retry": ref("retry"),
        "eventually": ref("eventually"),
        "on_error": any_of({"enum": list(keys.ON_ERROR_WORDS)}, ref("on_error")),
        "error_steps": {"type": "array", "minItems": 1, "items": ref("step")},
        **_times([key for key in keys.STEP if key.name == "timeout"]),
    }
    step = _map(keys.STEP, forms)
    rules: list[Json] = [*_rules(step), at_most_one(_ATTEMPTS), *(_action_rule(spec, "config") for spec in specs)]
    whole: list[Json] = [ref("step"), *(_action_rule(spec, "whole") for spec in specs)]
    nested: Schema = {"error_steps": {"items": ref("whole_step")}}
    return {
        "step": {**step, "allOf": rules, "defaultSnippets": list(_snippets(specs))},
        "whole_step": {"allOf": whole, "properties": nested},
        "retry": _map(keys.RETRY, {**_times(keys.RETRY), "retry_on": EXPRESSIONS, "retry_on_not": EXPRESSIONS}),
        "eventually": _map(keys.EVENTUALLY, {**_times(keys.EVENTUALLY), "stop_on": ref("expression")}),
        "on_error": _map(keys.ON_ERROR, {"steps": {"type": "array", "minItems": 1, "items": ref("step")}}),
    }


def _several(name: str) -> Schema:
    return {"minItems": 1, "items": ref(name)}


def _rules(schema: Schema) -> list[Json]:
    rules = schema.get("allOf", [])
    return rules if isinstance(rules, list) else []


def _action_rule(spec: ActionSpec, what: str) -> Schema:
    """What the config of a step of this action is; ``whole`` is that what must be there is."""
    named: Schema = {"required": ["action"], "properties": {"action": {"enum": [spec.name, *spec.aliases]}}}
    then: Schema = {"properties": {"config": ref(f"{spec.name}.{what}")}}
    if what == "whole":
        needed = any(key.required and not key.variables for key in spec.keys)
        then = {"properties": {"config": ref(f"{spec.name}.{what}")}, "required": ["config"]} if needed else {}
    return {"if": named, "then": then}


def _configs(specs: list[ActionSpec]) -> Iterator[tuple[str, Schema]]:
    """The config of each action, and what must be there of it."""
    for spec in specs:
        config = closed(spec.keys, rendered=True, complete=False)
        properties = config["properties"]
        if isinstance(properties, dict):
            properties.setdefault("poll", ref("eventually"))
        # Without a type: where nothing stands under config, the step says so by the type of its own.
        yield f"{spec.name}.config", {"description": spec.doc, **{key: config[key] for key in config if key != "type"}}
        needed: list[Json] = [required(key) for key in spec.keys if key.required and not key.variables]
        yield f"{spec.name}.defaults", _default_of(spec)
        yield f"{spec.name}.whole", {"type": "object", "allOf": needed} if needed else {}


def _defaults(specs: list[ActionSpec]) -> Schema:
    """By action, what lies under the config of each of its steps."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: ref(f"{spec.name}.defaults") for spec in specs for name in (spec.name, *spec.aliases)},
    }


def _default_of(spec: ActionSpec) -> Schema:
    config = closed(spec.keys, rendered=True, complete=False)
    properties = config["properties"]
    timeout = next(key for key in keys.STEP if key.name == "timeout")
    if isinstance(properties, dict):
        properties.setdefault("timeout", described(timeout, of_key(timeout, rendered=True)))
        properties["retry"] = ref("retry")
    return config


_SOMETHING: Json = ["string", "number", "boolean", "object", "array"]


def _texts() -> Schema:
    """The forms of what stands in more than one place."""
    described_expression: Schema = {**WORDS, "description": "An expression of Expr, such as status == 200."}
    assertion = _map(keys.ASSERTION, {"expression": ref("expression")})
    capture = _map(keys.CAPTURE, {"path": WORDS})
    with_path: Schema = {"type": "object", "required": ["path"]}
    return {
        "expression": described_expression,
        "assertion": {**assertion, "type": ["string", "object"], "pattern": r"\S"},
        "output": {
            "type": "object",
            "additionalProperties": {"type": _SOMETHING, "if": with_path, "then": capture},
        },
    }


def _snippets(specs: list[ActionSpec]) -> Iterator[Schema]:
    """The declarations' own examples, which editors offer to insert."""
    for spec in specs:
        if not spec.example:
            continue
        (document,) = load_documents(spec.example, Source(name=spec.name, lines=spec.example.splitlines()))
        steps = plain(document.root)
        body = steps[0] if isinstance(steps, list) else steps
        yield {"label": spec.name, "description": spec.doc, "body": as_json(body)}


def as_json(value: object) -> Json:
    """A value of a flow as JSON has it: numbers that are no whole ones are floats."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return float(str(value))


def _manifest() -> Schema:
    """TestFlow and TestRun: the flow that they hold. Their CustomResourceDefinitions describe the rest."""
    rules: list[Json] = [
        {
            "if": {"properties": {"kind": {"const": kind}, "apiVersion": {"pattern": "^testmesh\\.io/"}}},
            "then": {"required": ["spec"], "properties": {"spec": _spec(forms)}},
        }
        for kind, forms in _KINDS.items()
    ]
    return {"allOf": rules}


def _spec(forms: Iterable[str]) -> Schema:
    one: list[Json] = [{"required": [form]} for form in forms]
    properties: Schema = {
        "flow": ref("flow"),
        "source": {"type": "string", "description": "The text of a flow file, as a literal block: source: |."},
    }
    return {"type": "object", "properties": properties, "oneOf": one}
