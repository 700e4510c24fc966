"""The built-in functions: one table, a file for each family.

A new function is one line in its family's table and its code.
"""

from testmesh_engine.expressions.functions import collections, conversions, numbers, texts
from testmesh_engine.expressions.functions.table import Function, ParameterKind

FUNCTIONS: dict[str, Function] = {
    function.name: function for function in (*collections.TABLE, *conversions.TABLE, *numbers.TABLE, *texts.TABLE)
}
"""All functions by name."""

LATER = frozenset({"now", "date", "duration", "timezone", "matches_schema", "includes", "hmacSHA256", "jwt"})
"""Documented functions that are still to come: their use is an error that says so."""

__all__ = ["FUNCTIONS", "LATER", "Function", "ParameterKind"]
