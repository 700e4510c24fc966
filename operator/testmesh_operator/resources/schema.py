"""From the models' JSON Schema to the structural schema that the API server takes.

Structural: no references, no null, types everywhere. Where a field holds a type of Kubernetes itself, its schema comes
from the Kubernetes client's own models, without the prose.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

import importlib
import inspect
from typing import cast

from pydantic import BaseModel

from testmesh_operator.resources.base import JsonObject

_QUANTITY: JsonObject = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    # k8s.io/apimachinery/pkg/api/resource: a number, then a binary, decimal or exponent suffix.
    "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+))?$",
    "x-kubernetes-int-or-string": True,
}
_QUANTITIES = frozenset({"sizeLimit", "divisor"})
_QUANTITY_MAPS = frozenset({"limits", "requests"})
# Not in Kubernetes 1.31, the oldest that the operator runs on: it would take them and do nothing.
_TOO_NEW = frozenset({"fileKeyRef", "podCertificate"})
_KEPT = frozenset({"type", "enum", "format", "pattern", "minimum", "maximum", "minLength", "maxLength", "required"})
_RENAMED = {"minItems": "minItems", "maxItems": "maxItems"}


def structural(model: type[BaseModel]) -> JsonObject:
    """The structural schema of a model, its docstrings as descriptions."""
    schema = cast("JsonObject", model.model_json_schema(by_alias=True))
    return _node(schema, cast("JsonObject", schema.get("$defs", {})), prose=True)


def _node(schema: JsonObject, defs: JsonObject, *, prose: bool) -> JsonObject:
    resolved = _resolve(schema, defs)
    native = resolved.get("x-testmesh-native")
    if isinstance(native, str):
        return _native(native, resolved) | _extensions(resolved) | _description(resolved, prose=prose)
    kept = {key: value for key, value in resolved.items() if key in _KEPT or key in _RENAMED}
    return kept | _description(resolved, prose=prose) | _extensions(resolved) | _children(resolved, defs, prose=prose)


def _resolve(schema: JsonObject, defs: JsonObject) -> JsonObject:
    """Follow a reference and drop the null of an optional field; the field's own words beat its type's."""
    merged = dict(schema)
    options = merged.pop("anyOf", None)
    if isinstance(options, list):
        (chosen,) = [cast("JsonObject", option) for option in options if option != {"type": "null"}]
        merged = {**chosen, **merged}
    reference = merged.pop("$ref", None)
    if isinstance(reference, str):
        target = cast("JsonObject", defs[reference.removeprefix("#/$defs/")])
        merged = {**_resolve(target, defs), **merged}
    return merged


def _children(schema: JsonObject, defs: JsonObject, *, prose: bool) -> JsonObject:
    children: JsonObject = {}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        children["properties"] = {
            name: _property(name, cast("JsonObject", value), defs, prose=prose)
            for name, value in properties.items()
            if name not in _TOO_NEW
        }
    for key in ("items", "additionalProperties"):
        value = schema.get(key)
        if isinstance(value, dict) and "x-kubernetes-preserve-unknown-fields" not in schema:
            children[key] = _node(value, defs, prose=prose)
    return children


def _property(name: str, schema: JsonObject, defs: JsonObject, *, prose: bool) -> JsonObject:
    if not prose and name in _QUANTITIES:
        return dict(_QUANTITY)
    if not prose and name in _QUANTITY_MAPS:
        return {"type": "object", "additionalProperties": dict(_QUANTITY)}
    return _node(schema, defs, prose=prose)


def _native(kind: str, schema: JsonObject) -> JsonObject:
    models = importlib.import_module("kubernetes.aio.client.models")
    source = cast("JsonObject", getattr(models, kind).model_json_schema(by_alias=True))
    item = _node(source, cast("JsonObject", source.get("$defs", {})), prose=False)
    return {"type": "array", "items": item} if schema.get("type") == "array" else item


def _extensions(schema: JsonObject) -> JsonObject:
    return {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}


def _description(schema: JsonObject, *, prose: bool) -> JsonObject:
    text = schema.get("description")
    return {"description": inspect.cleandoc(text)} if prose and isinstance(text, str) else {}
