"""The built-in functions: one table, a file for each family.

A new function is one line in its family's table and its code.
"""

from testmesh_engine.expressions.errors import ExpressionError, nearest
from testmesh_engine.expressions.functions import collections, conversions, numbers, texts
from testmesh_engine.expressions.functions.table import Function, ParameterKind

FUNCTIONS: dict[str, Function] = {
    function.name: function for function in (*collections.TABLE, *conversions.TABLE, *numbers.TABLE, *texts.TABLE)
}
"""All functions by name."""

LATER = frozenset({"now", "date", "duration", "timezone", "matches_schema", "includes", "hmacSHA256", "jwt"})
"""Documented functions that are still to come: their use is an error that says so."""


def unknown_function(name: str, offset: int) -> ExpressionError:
    """The error for a call of a function that is not in the table."""
    if name in LATER:
        return ExpressionError(f"`{name}()` is not there yet", offset, hint="it comes with a later release")
    if name == "exists":
        return ExpressionError("`exists` is no function", offset, hint="write `body.id exists`")
    near = nearest(name, FUNCTIONS)
    hint = f"did you mean `{near}`?" if near else "the reference lists the functions"
    return ExpressionError(f"there is no function `{name}`", offset, hint=hint)


__all__ = ["FUNCTIONS", "LATER", "Function", "ParameterKind", "unknown_function"]
