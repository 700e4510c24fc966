"""``transform``: makes values of values, by expressions or by a JSONPath."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import ExpressionError, Missing, Value, show
from testmesh_engine.expressions.jsonpath import compile_jsonpath

_WHAT = ("expression", "jsonpath", "path", "values", "variables", "fields")


def _exposed(config: Mapping[str, object]) -> Collection[str]:
    """The names under ``values``. Raises ``ValueError`` with what is wrong and the key ("" for none)."""
    if not any(name in config for name in _WHAT):
        message = "transform needs what to make: values, expression or jsonpath"
        raise ValueError(message, "")
    if path := next((name for name in ("jsonpath", "path") if name in config), ""):
        _check_path(config, path)
    values = next((name for name in ("values", "variables", "fields") if name in config), "")
    if values and config[values] == {}:
        message = f"{values} is empty: it makes nothing"
        raise ValueError(message, values)
    given = config.get(values)
    return [*given] if isinstance(given, dict) else []


def _check_path(config: Mapping[str, object], key: str) -> None:
    if "expression" in config:
        message = f"value is made by expression or by {key}: a step has one of the two"
        raise ValueError(message, key)
    if "input" not in config:
        message = "a JSONPath is looked for in input, and there is no input"
        raise ValueError(message, key)


def _fault_of_path(value: object) -> str:
    try:
        compile_jsonpath(str(value))
    except ExpressionError as error:
        return f"{value}: {error.message}"
    return ""


class Transform:
    """Values of expressions, each known to those below it."""

    spec = ActionSpec(
        name="transform",
        doc="Makes values of what was received: by expressions, or by a JSONPath.",
        example=(
            "- id: order\n"
            "  action: transform\n"
            "  config:\n"
            "    input: [{sku: a, price: 1.5}, {sku: b, price: 2}]\n"
            "    values:\n"
            "      skus: map(input, .sku)\n"
            "      total: sum(input, .price)\n"
            "  assert: [total == 3.5, len(skus) == 2]\n"
        ),
        keys=(
            Key(name="input", kind=Kind.EXPRESSION, doc="what is worked on: an expression, or the value itself"),
            Key(
                name="values",
                kind=Kind.EXPRESSIONS,
                doc="by name, an expression over input, the names above it, and all that the step sees",
                names=("input",),
                aliases=("variables", "fields"),
            ),
            Key(name="expression", kind=Kind.EXPRESSION, doc="one expression over input", names=("input",)),
            Key(
                name="jsonpath",
                kind=Kind.TEXT,
                doc="a JSONPath on input: $.items[*].sku",
                aliases=("path",),
                fault=_fault_of_path,
            ),
        ),
        results={"value": "what expression or jsonpath gives, else the map of values"},
        exposes=_exposed,
        asserts_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Each value by its name, and ``value``.

        Raises ``ServiceError`` for an expression that has no value and a path that finds nothing.
        """
        names: dict[str, Value] = {"input": context.value(config["input"])} if "input" in config else {}
        given = config.get("values")
        found: dict[str, Value] = {}
        for name, item in given.items() if isinstance(given, dict) else ():
            found[name] = context.value(item, {**names, **found})
        if "expression" in config:
            return {**found, "value": context.value(config["expression"], {**names, **found})}
        if "jsonpath" in config:
            return {**found, "value": _at(str(config["jsonpath"]), names["input"])}
        return {**found, "value": dict(found)}


def _at(text: str, value: Value) -> Value:
    """What the path finds: the value of a definite one, else the list. Nothing found is a failure, never a nil."""
    try:
        path = compile_jsonpath(text)
    except ExpressionError as error:
        raise UsageError(f"jsonpath {text}: {error.message}", hint=error.hint) from error
    found = path.follow(value) if path.definite else path.find(value)
    if isinstance(found, Missing) or (not path.definite and not found):
        raise ServiceError(f"jsonpath {text} finds nothing in {show(value, 200)}", kind="assertion")
    return found
