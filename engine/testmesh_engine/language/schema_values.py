"""The JSON Schema of one key's value, from its declaration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from testmesh_engine.contract.catalogue import Key, Kind

Schema: TypeAlias = "dict[str, Json]"
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_PLACEHOLDER = r"\$\{|\{\{"
WORDS: Schema = {"type": "string", "pattern": r"\S"}
"""Text that is not empty."""

_DURATION = r"^\s*([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+\s*$"
_WHOLE_DURATION = re.compile(_DURATION)
_TYPES: dict[Kind, str] = {
    Kind.TEXT: "string",
    Kind.STEP: "string",
    Kind.INTEGER: "integer",
    Kind.BOOLEAN: "boolean",
    Kind.MAP: "object",
    Kind.LIST: "array",
}


def ref(name: str) -> Schema:
    """A reference to the definition ``name``."""
    return {"$ref": f"#/$defs/{name}"}


EXPRESSIONS: Schema = {
    "if": {"type": "array"},
    "then": {"minItems": 1, "items": ref("expression")},
    "else": ref("expression"),
}
"""One expression, or a list of them."""

STEPS: Schema = {"type": "array", "minItems": 1, "items": ref("step")}
_BRANCH: Schema = {
    "if": {"type": "array"},
    "then": STEPS,
    "else": {
        "if": {"required": ["steps"], "not": {"required": ["action"]}},
        "then": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"name": {"type": "string"}, "steps": STEPS},
        },
        "else": ref("step"),
    },
}
_BRANCHES: Schema = {
    "if": {"type": "array"},
    "then": {"minItems": 1, "items": _BRANCH},
    "else": {"type": "object", "minProperties": 1, "additionalProperties": STEPS},
}

_FORMS: dict[Kind, Schema] = {
    Kind.ANY: {},
    Kind.CONDITION: ref("expression"),
    Kind.CONDITIONS: EXPRESSIONS,
    Kind.EXPRESSION: {"type": ["string", "number", "boolean", "object", "array"], "pattern": r"\S"},
    Kind.EXPRESSIONS: {"type": "object", "minProperties": 1},
    Kind.FLOW: WORDS,
    Kind.STEPS: STEPS,
    Kind.BRANCHES: _BRANCHES,
}
"""Kinds whose values have one form whatever else is declared."""


def any_of(*schemas: Schema) -> Schema:
    """What any of them allows."""
    return {"anyOf": [*schemas]}


def closed(keys: Iterable[Key], *, rendered: bool, complete: bool = True) -> Schema:
    """A map that has these keys and no other, each under one of its names.

    ``rendered`` is set where a placeholder may stand for a value of any kind; without ``complete`` a required key
    may stand elsewhere.
    """
    listed = tuple(keys)
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: described(key, of_key(key, rendered=rendered), name=name)
            for key in listed
            for name in (key.name, *key.aliases)
        },
    }
    rules: list[Json] = [at_most_one((key.name, *key.aliases)) for key in listed if key.aliases]
    if complete:
        rules += [required(key) for key in listed if key.required and not key.variables]
    return {**schema, "allOf": rules} if rules else schema


def required(key: Key) -> Schema:
    """That the key is there, under any of its names."""
    if not key.aliases:
        return {"required": [key.name]}
    named: list[Json] = [{"required": [name]} for name in (key.name, *key.aliases)]
    return {"anyOf": named}


def at_most_one(names: Iterable[str]) -> Schema:
    """That no two of the names are there: editors then say of the second that it is not allowed."""
    listed = list(names)
    return {
        "dependentSchemas": {
            name: {"properties": {other: False for other in listed if other != name}} for name in listed
        }
    }


def of_key(key: Key, *, rendered: bool) -> Schema:
    """The values of a key, without its description. One schema, no choice of several: editors explain it better."""
    if key.kind in _FORMS:
        return _FORMS[key.kind]
    if key.kind is Kind.DURATION:
        pattern = f"{_DURATION}|{_PLACEHOLDER}" if rendered else _DURATION
        return {"type": "string", "pattern": pattern, "patternErrorMessage": f"Write {Kind.DURATION.value}."}
    if key.choices:
        return _choices(key.choices, rendered=rendered)
    schema: Schema = closed(key.fields, rendered=rendered) if key.fields else {"type": _TYPES[key.kind]}
    if not rendered or key.kind is Kind.TEXT:
        return schema
    # A pattern is about text alone.
    message = f"Write {key.kind.value}, or a placeholder such as ${{name}}."
    about: Schema = {"pattern": _PLACEHOLDER, "patternErrorMessage": message}
    return {**schema, "type": [_TYPES[key.kind], "string"], **about}


def described(key: Key, schema: Schema, *, name: str = "") -> Schema:
    """``schema`` with what the declaration says of the key, and its default where that is a value."""
    also = f" The same as {key.name}." if name and name != key.name else ""
    text = f"{key.doc[:1].upper()}{key.doc[1:]}."
    default = _default(key)
    said = f" Default: {key.default}." if key.default and default is None else ""
    about: Schema = {"description": f"{text}{said}{also}"}
    if default is not None:
        about["default"] = default
    # Beside a reference older editors read nothing else.
    return {**about, "allOf": [schema]} if "$ref" in schema else {**about, **schema}


def _choices(words: tuple[str, ...], *, rendered: bool) -> Schema:
    """One of the words; those of an action are compared without regard to case."""
    listed: Schema = {"enum": list(words)}
    if not rendered:
        return listed
    letters = "|".join("".join(_both_cases(char) for char in word) for word in words)
    return any_of(listed, {"type": "string", "pattern": f"^({letters})$|{_PLACEHOLDER}"})


def _both_cases(char: str) -> str:
    return f"[{char.upper()}{char.lower()}]" if char.isalpha() else re.escape(char)


def _default(key: Key) -> Json:
    """The default as a value, ``None`` where it is told in words."""
    if key.kind is Kind.BOOLEAN and key.default in {"true", "false"}:
        return key.default == "true"
    if key.kind is Kind.INTEGER and key.default.isdecimal():
        return int(key.default)
    if (key.kind is Kind.DURATION and _WHOLE_DURATION.match(key.default)) or key.default in key.choices:
        return key.default or None
    return None
