"""The keywords of JSON Schema: a misspelt one asserts nothing, so it is refused and not passed over.

Source: JSON Schema 2020-12 (core, validation, and its annotations), those of the drafts before it, and the notes that
OpenAPI adds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from testmesh_engine.expressions.errors import nearest
from testmesh_engine.expressions.values import Value, show

_SCHEMA = frozenset({
    *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"),
    *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
})  # fmt: skip
"""Each holds a schema; ``items`` may hold several."""
_SCHEMAS = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_NAMED = frozenset({"definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"})
_VALUES = frozenset({
    *("const", "dependentRequired", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxContains"),
    *("maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties"),
    *("minimum", "multipleOf", "pattern", "required", "type", "uniqueItems", "disallow", "divisibleBy", "extends"),
})  # fmt: skip
_NOTES = frozenset({
    *("title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "id"),
    *("contentEncoding", "contentMediaType", "definitions", "discriminator", "externalDocs", "xml"),
})  # fmt: skip
"""What says something to readers only, or holds what is referred to."""

KEYWORDS = _SCHEMA | _SCHEMAS | _NAMED | _VALUES | _NOTES
"""Those of all dialects."""


def of_dialect(asserting: Collection[str]) -> frozenset[str]:
    """The keywords of a dialect in which those of ``asserting`` have a meaning of their own."""
    # They have none of their own in jsonschema: `if`, `contains` and draft 4's `maximum` read them.
    read = {"exclusiveMaximum", "exclusiveMinimum", "contentSchema"}
    read.update(("then", "else") if "if" in asserting else ())
    read.update(("minContains", "maxContains") if "dependentRequired" in asserting else ())
    return _NOTES.union(asserting, read)


def unknown_keyword(schema: Value, keywords: Collection[str] = KEYWORDS) -> str:
    """What is wrong with the first key of ``schema`` that is none of ``keywords``, "" where there is none."""
    held = {reference.split("/")[1] for reference in _references(schema) if reference.startswith("#/")}
    for part, where in _schemas(schema):
        for key in part:
            if key not in keywords and key not in held and not key.startswith(("$", "x-")):
                return _told(key, where, keywords)
    return ""


def _told(key: str, where: str, keywords: Collection[str]) -> str:
    if key in KEYWORDS:
        return f"{where} has {show(key)}, which its dialect of JSON Schema does not know"
    near = nearest(key, keywords)
    meant = f"; did you mean {show(near)}?" if near else "; a note of your own starts with x-"
    return f"{where} has {show(key)}, which is no keyword of JSON Schema{meant}"


def _schemas(schema: Value) -> Iterator[tuple[dict[str, Value], str]]:
    """Each schema within ``schema``, itself first, with its place."""
    left = [(schema, "the schema")]
    while left:
        part, where = left.pop(0)
        if isinstance(part, dict):
            yield part, where
            left.extend((inner, f"{where}.{place}") for key in part for inner, place in _inner(key, part[key]))


def _inner(key: str, value: Value) -> Iterator[tuple[Value, str]]:
    if key in _SCHEMAS and isinstance(value, list):
        yield from ((each, f"{key}[{index}]") for index, each in enumerate(value))
    elif (key in _NAMED or key == "$defs") and isinstance(value, dict):
        yield from ((each, f"{key}.{name}") for name, each in value.items())
    elif key in _SCHEMA:
        yield value, key


def _references(schema: Value) -> Iterator[str]:
    left = [schema]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            reference = part.get("$ref")
            if isinstance(reference, str):
                yield reference
            left.extend(part.values())
        elif isinstance(part, list):
            left.extend(part)
