"""The built-in functions: one table, a file for each family.

A new function is one line in its family's table and its code.
"""

from testmesh_engine.expressions.errors import ExpressionError, nearest
from testmesh_engine.expressions.functions import (
    aggregates,
    collections,
    comparisons,
    conversions,
    dates,
    encodings,
    numbers,
    predicates,
    texts,
)
from testmesh_engine.expressions.functions.table import Function, ParameterKind

FAMILIES: dict[str, tuple[Function, ...]] = {
    "Items of a list": predicates.TABLE,
    "Numbers and order": aggregates.TABLE,
    "Lists and maps": collections.TABLE,
    "Text": texts.TABLE,
    "Numbers": numbers.TABLE,
    "Times": dates.TABLE,
    "Comparison": comparisons.TABLE,
    "Conversion": conversions.TABLE,
    "Encoding": encodings.TABLE,
}
"""The functions by what they are about, as the reference lists them."""

FUNCTIONS: dict[str, Function] = {function.name: function for table in FAMILIES.values() for function in table}
"""All functions by name."""


def unknown_function(name: str, offset: int) -> ExpressionError:
    """The error for a call of a function that is not in the table."""
    if name == "exists":
        return ExpressionError("`exists` is no function", offset, hint="write `body.id exists`")
    near = nearest(name, FUNCTIONS)
    hint = f"did you mean `{near}`?" if near else "the reference lists the functions"
    return ExpressionError(f"there is no function `{name}`", offset, hint=hint)


__all__ = ["FAMILIES", "FUNCTIONS", "Function", "ParameterKind", "unknown_function"]
