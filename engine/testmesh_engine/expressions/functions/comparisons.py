"""Functions that hold a value against what it should be; where it differs is told by ``explain``."""

from __future__ import annotations

from testmesh_engine.expressions import inclusion
from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.values import Value, settled


def _includes(frame: Frame, whole: Value, part: Value) -> bool:
    return inclusion.includes(whole, part, frame.tick)


def _matches_schema(frame: Frame, value: Value, against: Value) -> bool:
    from testmesh_engine.expressions import schema  # noqa: PLC0415 - few flows need it

    try:
        return next(schema.refusals(settled(value), against, frame.tick), None) is None
    except schema.SchemaProblem as problem:
        raise FunctionError(str(problem)) from None


TABLE = (
    function(
        "includes",
        "value: any, part: any",
        _includes,
        "Whether a value includes a part: a map the keys of the part, a list an item of its own for each item of the "
        "part, in any order and at every depth; a failure shows what differs.",
        ("includes({a: 1, b: {c: 2, d: 3}}, {b: {c: 2}})", "true"),
        ("includes([{n: 1}, {n: 2}], [{n: 2}])", "true"),
        ("includes({a: 1}, {a: 2})", "false"),
    ),
    function(
        "matches_schema",
        "value: any, schema: any",
        _matches_schema,
        "Whether a value matches a JSON Schema; a failure shows where it does not, and a keyword that there is none of "
        "is an error.",
        ('matches_schema({n: 1}, {type: "object", required: ["n"]})', "true"),
        ('matches_schema([1, "x"], {items: {type: "integer"}})', "false"),
    ),
)
