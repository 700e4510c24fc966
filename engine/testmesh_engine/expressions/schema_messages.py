"""What a schema did not like, in our words: jsonschema's own name Python's types and show Python's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions.difference import step
from testmesh_engine.expressions.values import Value, kind_of, show


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is not as the schema wants it.

    ``path`` is its place as it follows the name of the whole (``.items[2].price``), ``words`` what follows the place
    (`` is text "x"; the schema wants number``).
    """

    path: str
    words: str

    def __str__(self) -> str:
        return self.path + self.words


def refusal(error: Any) -> Refusal:
    """Jsonschema's error as one of ours."""
    path = "".join(step(part) for part in error.absolute_path)
    return Refusal(path, _words(error))


def _words(error: Any) -> str:
    if error.message.startswith(" "):  # our own keywords say it themselves
        return str(error.message)
    if error.context:
        return _alternatives(error)
    told = _TOLD.get(str(error.validator))
    if told is not None:
        return told(error.instance, error.validator_value)
    return f" is {_named(error.instance)}, which the schema's {error.validator or 'false'} does not allow"


def _alternatives(error: Any) -> str:
    nearest = max(error.context or (), key=_depth)
    place = "".join(step(part) for part in nearest.relative_path)
    count = len(error.validator_value)
    return f" fits none of the {count} schemas of {error.validator}; the nearest says: {place or 'it'}{_words(nearest)}"


def _depth(error: Any) -> tuple[int, bool]:
    """The deeper an alternative failed, the more of it did fit; a wrong kind says the least."""
    return len(error.relative_path), error.validator != "type"


def _named(value: Value) -> str:
    kind = kind_of(value)
    return show(value) if kind in ("nil", "boolean") else f"{kind} {show(value)}"


def _wants(what: str) -> Callable[[Value, Any], str]:
    return lambda value, wanted: f" is {show(value)}; the schema wants {what} {show(wanted)}"


def _sized(of: str, bound: str) -> Callable[[Value, Any], str]:
    def told(value: Value, wanted: Any) -> str:
        size = len(value) if isinstance(value, (str, list, dict)) else 0
        return f" has {size} {of}; the schema wants at {bound} {show(wanted)}: it is {show(value, 80)}"

    return told


def _type(value: Value, wanted: Any) -> str:
    return f" is {_named(value)}; the schema wants {' or '.join([wanted] if isinstance(wanted, str) else wanted)}"


def _required(value: Value, wanted: Any) -> str:
    absent = [key for key in wanted if isinstance(value, dict) and key not in value]
    return f" has no {', '.join(show(key) for key in absent)}, which the schema requires"


_TOLD: dict[str, Callable[[Value, Any], str]] = {
    "type": _type,
    "required": _required,
    "enum": _wants("one of"),
    "const": _wants("exactly"),
    "minimum": _wants("at least"),
    "maximum": _wants("at most"),
    "exclusiveMinimum": _wants("more than"),
    "exclusiveMaximum": _wants("less than"),
    "pattern": lambda value, wanted: f" is {show(value)}, which does not match {wanted}",
    "format": lambda value, wanted: f" is {show(value)}, which is no {wanted}",
    "minItems": _sized("items", "least"),
    "maxItems": _sized("items", "most"),
    "minLength": _sized("characters", "least"),
    "maxLength": _sized("characters", "most"),
    "minProperties": _sized("keys", "least"),
    "maxProperties": _sized("keys", "most"),
    "not": lambda value, _: f" is {_named(value)}, which is what the schema's `not` describes",
}
