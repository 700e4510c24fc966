"""What an assertion compared: the two sides of a ``==`` that does not hold, and where they differ.

A result holds the expression's text and the values of its operands, masked. The sides are read from those alone, so
that a comparison never shows more than the result does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import AssertionResult, Json
from testmesh_engine.expressions import EvaluationError, ExpressionError, MapScope, compile_expression
from testmesh_engine.expressions.nodes import Binary, Node
from testmesh_engine.expressions.parser import parse
from testmesh_engine.expressions.values import from_python, to_plain

MAX_DIFFERENCES = 20
"""Of one comparison in a report; that there are more is said."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides of a ``==``: what was found, under the name that it has in the flow, and what should have been."""

    name: str
    actual: Json
    expected: Json


class Change(StrEnum):
    """What is wrong in one place."""

    DIFFERS = "differs"
    MISSING = "missing"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two values differ: ``body.items[1].qty``; the side that has nothing there is ``None``."""

    path: str
    change: Change
    actual: Json
    expected: Json


def compared(assertion: AssertionResult) -> Comparison | None:
    """The two sides of a failed ``==``; ``None`` for any other assertion, and where a side has no known value."""
    if assertion.passed or "==" not in assertion.expression:
        return None
    try:
        tree = parse(assertion.expression)
        if not isinstance(tree, Binary) or tree.operator != "==":
            return None
        left, right = _Side(tree.left, assertion), _Side(tree.right, assertion)
        found, wanted = (right, left) if right.is_operand and not left.is_operand else (left, right)
        return Comparison(found.source, found.value(), wanted.value())
    except (ExpressionError, EvaluationError, RecursionError):
        return None


class _Side:
    def __init__(self, node: Node, assertion: AssertionResult) -> None:
        self.source = assertion.expression[node.start : node.end]
        self._known = {operand.source: operand.value for operand in assertion.operands}
        self.is_operand = self.source in self._known

    def value(self) -> Json:
        """Its value. Raises ``EvaluationError`` where the operands do not tell it."""
        if self.is_operand:
            return self._known[self.source]
        names = {name: from_python(value) for name, value in self._known.items() if name.isidentifier()}
        return to_plain(compile_expression(self.source).evaluate(MapScope(names)))


def differences(comparison: Comparison) -> list[Difference]:
    """Where two maps or lists differ, in the order of what was found; ``[]`` for any other values."""
    if _kind(comparison.actual) != _kind(comparison.expected) or not _kind(comparison.actual):
        return []
    return list(islice(_differences(comparison.name, comparison.actual, comparison.expected), MAX_DIFFERENCES + 1))


def _differences(path: str, actual: Json, expected: Json) -> Iterator[Difference]:
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        yield from _in_maps(path, actual, expected)
    elif _kind(actual) == _kind(expected) == "list":
        assert isinstance(actual, Sequence)  # noqa: S101 - for the type checker: `_kind` says so
        assert isinstance(expected, Sequence)  # noqa: S101 - the same
        yield from _in_lists(path, actual, expected)
    elif not _same(actual, expected):
        yield Difference(path, Change.DIFFERS, actual, expected)


def _in_maps(path: str, actual: Mapping[str, Json], expected: Mapping[str, Json]) -> Iterator[Difference]:
    for key, value in actual.items():
        place = f"{path}.{key}" if key.isidentifier() else f'{path}["{key}"]'
        if key in expected:
            yield from _differences(place, value, expected[key])
        else:
            yield Difference(place, Change.UNEXPECTED, value, None)
    for key, value in expected.items():
        if key not in actual:
            place = f"{path}.{key}" if key.isidentifier() else f'{path}["{key}"]'
            yield Difference(place, Change.MISSING, None, value)


def _in_lists(path: str, actual: Sequence[Json], expected: Sequence[Json]) -> Iterator[Difference]:
    for index, (one, other) in enumerate(zip(actual, expected, strict=False)):
        yield from _differences(f"{path}[{index}]", one, other)
    for index in range(len(expected), len(actual)):
        yield Difference(f"{path}[{index}]", Change.UNEXPECTED, actual[index], None)
    for index in range(len(actual), len(expected)):
        yield Difference(f"{path}[{index}]", Change.MISSING, None, expected[index])


def _kind(value: Json) -> str:
    if isinstance(value, Mapping):
        return "map"
    return "list" if isinstance(value, Sequence) and not isinstance(value, str) else ""


def _same(actual: Json, expected: Json) -> bool:
    """As the language compares: true is no 1."""
    return isinstance(actual, bool) == isinstance(expected, bool) and actual == expected
