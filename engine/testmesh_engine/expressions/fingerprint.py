"""What is the same for equal values and for no others, so that they can be found without comparing all with all."""

from __future__ import annotations

from collections.abc import Hashable

from testmesh_engine.expressions.values import Value, kind_of


def fingerprint(value: Value) -> Hashable:
    """Equal for equal values, and for no others."""
    if isinstance(value, list):
        return ("list", *map(fingerprint, value))
    if isinstance(value, dict):
        return ("map", frozenset((key, fingerprint(item)) for key, item in value.items()))
    return (kind_of(value), value)
