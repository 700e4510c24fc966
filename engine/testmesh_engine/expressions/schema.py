"""JSON Schema on our values, for ``matches_schema``: jsonschema's evaluation, with exact numbers and RE2.

A schema comes from a flow or from a service, so it can't reach anything: no reference is fetched, from the network or
from a file, and its evaluation is bounded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import arithmetic, operators
from testmesh_engine.expressions.arithmetic import ArithmeticProblem
from testmesh_engine.expressions.fingerprint import fingerprint
from testmesh_engine.expressions.schema_formats import FORMATS
from testmesh_engine.expressions.schema_keywords import of_dialect, unknown_keyword
from testmesh_engine.expressions.schema_messages import Refusal, refusal
from testmesh_engine.expressions.values import Value, equal, show

if TYPE_CHECKING:
    from jsonschema import ValidationError

_Keyword = Callable[..., "Iterable[ValidationError] | None"]


class SchemaProblem(ValueError):
    """The schema is none, or it asks for more than is done here; ``str()`` says what."""


@dataclass(frozen=True, slots=True)
class _Budget:
    """What one evaluation may still use up; jsonschema has no place of its own for it."""

    tick: Callable[[], None]


_budget: ContextVar[_Budget] = ContextVar("budget")


def refusals(value: Value, schema: Value, tick: Callable[[], None]) -> Iterator[Refusal]:
    """Where ``value`` does not match ``schema``, in the order of the schema; nothing where it matches.

    ``tick`` is called for each keyword that is looked at, and raises where there are too many. Raises
    ``SchemaProblem`` for what is no schema, and for one that refers to something outside of itself.
    """
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - few flows need it
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - same

    token = _budget.set(_Budget(tick))
    try:
        yield from map(refusal, _validator(schema).iter_errors(value))
    except SchemaError as error:
        where = "".join(f".{part}" for part in error.absolute_path)
        raise SchemaProblem(f"the schema is no JSON Schema: schema{where}{refusal(error).words}") from None
    except Unresolvable as error:
        raise SchemaProblem(f'the schema refers to "{error.ref}", which is not in it; nothing is fetched') from None
    except RecursionError:
        raise SchemaProblem("the schema refers to itself without end, or is nested too deep") from None
    except (DecimalException, ArithmeticProblem):
        raise SchemaProblem("NaN and infinities can't be compared with a schema's bounds") from None
    finally:
        _budget.reset(token)


def _validator(schema: Value) -> Any:
    from jsonschema.validators import validator_for  # noqa: PLC0415 - few flows need it
    from referencing.jsonschema import EMPTY_REGISTRY  # noqa: PLC0415 - same

    if not isinstance(schema, (dict, bool)):
        raise SchemaProblem(f"a schema is a map, not {show(schema)}")
    dialect = schema.get("$schema", _NEWEST) if isinstance(schema, dict) else _NEWEST
    unknown: Any = _Unknown
    base: Any = validator_for({"$schema": dialect}, default=unknown) if isinstance(dialect, str) else unknown
    if base is _Unknown:
        raise SchemaProblem(f"$schema {show(dialect)} is no known dialect; the newest is {show(_NEWEST)}")
    _check_patterns(schema)
    base.check_schema(schema, format_checker=_format_checker())  # not its own: it tries patterns as Python's
    unknown_words = unknown_keyword(schema, of_dialect(base.VALIDATORS))
    if unknown_words:
        raise SchemaProblem(unknown_words)
    own = _with_our_values(base)
    return own(schema, registry=EMPTY_REGISTRY, format_checker=_format_checker())


_NEWEST = "https://json-schema.org/draft/2020-12/schema"


def _check_patterns(schema: Value) -> None:
    """Which keys ``unevaluatedProperties`` leaves is reckoned within jsonschema, with Python's own patterns."""
    keys: set[str] = set()
    parts = [schema]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            keys.update(part)
        parts.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    if {"unevaluatedProperties", "patternProperties"} <= keys:
        raise SchemaProblem("`unevaluatedProperties` beside `patternProperties` is not supported")


class _Unknown:
    """What stands for a dialect that is not known."""


@functools.cache
def _with_our_values(base: Any) -> Any:
    """Jsonschema's class for one dialect, with our kinds, our equality, and RE2."""
    from jsonschema.validators import extend  # noqa: PLC0415 - few flows need it

    own = {name: keyword for name, keyword in _KEYWORDS.items() if name in base.VALIDATORS}
    keywords = {name: _counted(own.get(name, keyword)) for name, keyword in base.VALIDATORS.items()}
    kinds = base.TYPE_CHECKER.redefine_many(_KINDS)
    return extend(base, validators=keywords, type_checker=kinds)  # type: ignore[no-untyped-call]  # it has no types


@functools.cache
def _format_checker() -> Any:
    from jsonschema import FormatChecker  # noqa: PLC0415 - few flows need it

    checker = FormatChecker(formats=())
    checker.checkers = {name: (check, ValueError) for name, check in FORMATS.items()}
    return checker


def _counted(keyword: _Keyword) -> _Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        _budget.get().tick()
        return keyword(validator, value, instance, schema)

    return counted


# Kinds


def _is_number(_: object, value: object) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _is_integer(_: object, value: object) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


_KINDS: dict[str, Callable[[object, object], bool]] = {"number": _is_number, "integer": _is_integer}


# Keywords


def _error(message: str) -> ValidationError:
    from jsonschema import ValidationError  # noqa: PLC0415 - few flows need it

    return ValidationError(message)


def _found(pattern: str, text: str) -> bool:
    _budget.get().tick()
    try:
        return operators.matches(text, pattern)
    except ValueError as error:
        raise SchemaProblem(f"the pattern {show(pattern)} is no regular expression: {error}") from None


def _pattern(_: Any, pattern: str, instance: Value, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield _error("")


def _pattern_properties(validator: Any, patterns: Any, instance: Value, _: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, schema in patterns.items():
        for key, item in instance.items():
            if _found(pattern, key):
                yield from validator.descend(item, schema, path=key, schema_path=pattern)


def _additional(validator: Any, allowed: Any, instance: Value, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    for key, item in instance.items():
        if key in schema.get("properties", {}) or any(_found(pattern, key) for pattern in patterns):
            continue
        if isinstance(allowed, dict):
            yield from validator.descend(item, allowed, path=key)
        elif allowed is False:
            yield _error(f" has {show(key)}, which the schema does not allow")


def _enum(_: Any, values: Any, instance: Value, __: Any) -> Iterator[ValidationError]:
    for value in values:
        _budget.get().tick()
        if equal(value, instance):
            return
    yield _error("")


def _const(_: Any, value: Value, instance: Value, __: Any) -> Iterator[ValidationError]:
    if not equal(value, instance):
        yield _error("")


def _multiple_of(_: Any, factor: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    if _is_number(None, instance) and arithmetic.remainder(instance, factor) != 0:
        yield _error(f" is {show(instance)}, no multiple of {show(factor)}")


def _unique(_: Any, wanted: Any, instance: Value, __: Any) -> Iterator[ValidationError]:
    if not wanted or not isinstance(instance, list):
        return
    first: dict[object, int] = {}
    for index, item in enumerate(instance):
        earlier = first.setdefault(fingerprint(item), index)
        if earlier != index:
            yield _error(f" has {show(item)} at [{earlier}] and at [{index}]; the schema wants each item once")
            return


_KEYWORDS: dict[str, _Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "enum": _enum,
    "const": _const,
    "multipleOf": _multiple_of,
    "uniqueItems": _unique,
}
