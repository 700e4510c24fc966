"""JSONPath, parsed by jsonpath-ng and evaluated here: compared by our values, regular expressions by RE2.

jsonpath-ng's own evaluation compares numbers as floats and reads object attributes; only its syntax tree is used.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import operators
from testmesh_engine.expressions.absent import Absent, OutOfRange
from testmesh_engine.expressions.errors import EvaluationError, ExpressionError
from testmesh_engine.expressions.values import Missing, Value, equal, kind_of, show

MAX_VISITED = 1_000_000
"""Values that one path may visit: `$..a..b` on a deep body must end."""

_SHOWN = 120
"""Characters of a value in which nothing was found; the whole response stands beside it."""

# The paths that nearly all outputs are: `$.a.b[0]["c"]`. They need no parser, and so no import of one.
_SIMPLE = re.compile(r"""\$(?:\.[A-Za-z_]\w*|\[-?\d+\]|\["[^"\\]*"\]|\['[^'\\]*'\])*""", re.ASCII)
_STEP = re.compile(r"""\.([A-Za-z_]\w*)|\[(-?\d+)\]|\["([^"\\]*)"\]|\['([^'\\]*)'\]""", re.ASCII)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled path. ``steps`` are the keys and indexes of a definite one, ``tree`` is jsonpath-ng's of any other."""

    source: str
    steps: tuple[str | int, ...] | None
    tree: object = None

    @property
    def first(self) -> str:
        """The first key that the path names, "" where it starts with something else."""
        if self.steps is not None:
            return self.steps[0] if self.steps and isinstance(self.steps[0], str) else ""
        return _first_key(self.tree)

    @property
    def definite(self) -> bool:
        """Whether it leads to one place at most."""
        return self.steps is not None

    def follow(self, root: Value, where: str = "$") -> Value | Missing:
        """Where a definite path leads, or why it leads nowhere; ``where`` names the root in that reason."""
        value: Value = root
        for step in self.steps or ():
            found = _step(value, step, where)
            if isinstance(found, Missing):
                return found
            value, where = found, _path_text(where, step)
        return value

    def find(self, root: Value) -> list[Value]:
        """Everything that an indefinite path leads to, in order."""
        return list(_Search(root).find(self.tree, root))

    def why_nothing(self, root: Value, where: str = "$") -> str:
        """Which step of a path that finds nothing is the first that does, and what is there instead."""
        found: list[Value] = [root]
        for tree in _steps(self.tree):
            following = list(_Search(root).find(tree, root))
            if not following:
                return _why_no_step(found, _last(tree), where)
            found, where = following, _step_text(where, _last(tree))
        return f"nothing in {where} matches"


class NoSuchPart(Missing):
    """A value that has no parts of this kind: nil, a number, a list where a key is asked for."""

    __slots__ = ("_step", "_value", "_where")

    def __init__(self, value: Value, step: str | int, where: str) -> None:
        self._value = value
        self._step = step
        self._where = where

    def __str__(self) -> str:
        kind = kind_of(self._value)
        what = "nil" if kind == "nil" else f"{kind} {show(self._value, 80)}"
        return f"{self._where} is {what}, which has no {show(self._step)}"


def _step(value: Value, step: str | int, where: str) -> Value | Missing:
    if isinstance(value, dict) and isinstance(step, str):
        return value[step] if step in value else Absent(value, step, where)
    if isinstance(value, list) and isinstance(step, int):
        return value[step] if -len(value) <= step < len(value) else OutOfRange(len(value), step, where)
    if step == "length" and isinstance(value, (list, str)):
        return len(value)
    return NoSuchPart(value, step, where)


def _path_text(where: str, step: str | int) -> str:
    if isinstance(step, int):
        return f"{where}[{step}]"
    return f"{where}.{step}" if step.isidentifier() else f"{where}[{show(step)}]"


def compile_jsonpath(text: str) -> JsonPath:
    """Compile a path that starts with ``$``. Raises ``ExpressionError``."""
    path = text.strip()
    if _SIMPLE.fullmatch(path):
        steps = tuple(_simple_step(match) for match in _STEP.finditer(path))
        return JsonPath(path, steps)
    try:
        tree = _parsed(path, len(text) - len(text.lstrip()))
        _check(tree, path)
        return JsonPath(path, _definite(tree), tree)
    except RecursionError:
        raise ExpressionError("the path is too long") from None


def _simple_step(match: re.Match[str]) -> str | int:
    word, index, double, single = match.groups()
    return int(index) if index else next(key for key in (word, double, single) if key is not None)


def _parsed(path: str, offset: int) -> Any:
    from jsonpath_ng.exceptions import JSONPathError  # noqa: PLC0415 - most flows need no parser
    from jsonpath_ng.ext.parser import parse  # noqa: PLC0415 - same

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own hints for writers of Python
        try:
            return parse(path)
        except (JSONPathError, ValueError, AttributeError, TypeError, IndexError, RecursionError) as error:
            reason = str(error).splitlines()[0] if str(error) else "it can't be read"
            raise ExpressionError(
                f"no JSONPath: {reason}", offset + _column(str(error)), hint="for example $.body.items[0].id"
            ) from None


def _column(message: str) -> int:
    match = re.search(r"\b(?:col|column|1:)\s*(\d+)", message)
    return int(match[1]) if match else 0


_INSTEAD = "write an expression instead, such as `filter(body.items, .price > 10)`"


def _kind(tree: object) -> str:
    return type(tree).__name__.lstrip("_")


_FOLLOWED = frozenset(
    {"Root", "This", "Child", "Fields", "Wildcard", "Index", "Slice", "Descendants", "Union", "Filter", "Len"}
)


def _check(tree: Any, path: str) -> None:
    """Only what is evaluated here may be in the tree."""
    kind = _kind(tree)
    if kind not in _FOLLOWED:
        raise ExpressionError(f"JSONPath's `{kind}` is not supported: {path}", hint=_INSTEAD)
    if kind in ("Child", "Descendants", "Union"):
        _check(tree.left, path)
        _check(tree.right, path)
    elif kind == "Filter":
        for condition in tree.expressions:
            _check_condition(condition, path)


def _check_condition(condition: Any, path: str) -> None:
    if _kind(condition) in ("And", "Or"):
        for operand in condition.operands:
            _check_condition(operand, path)
        return
    if _kind(condition) != "Expression":
        raise ExpressionError(f"JSONPath's `{_kind(condition)}` is not supported in a filter", hint=_INSTEAD)
    _check(condition.target, path)
    if _is_path(condition.value):
        _check(condition.value, path)
    elif condition.op == "=~":
        _check_pattern(str(condition.value))


def _check_pattern(pattern: str) -> None:
    try:
        operators.regex(pattern)
    except ValueError as error:
        raise ExpressionError(f"no regular expression: {error}") from None


def _first_key(tree: Any) -> str:
    kind = _kind(tree)
    if kind == "Child":
        first = _single(tree.right) if _kind(tree.left) == "Root" else _first_key(tree.left)
        return first if isinstance(first, str) else ""
    return _first_key(tree.left) if kind == "Descendants" else ""


def _definite(tree: Any) -> tuple[str | int, ...] | None:
    kind = _kind(tree)
    if kind == "Root":
        return ()
    if kind != "Child":
        return None
    before, last = _definite(tree.left), _single(tree.right)
    return None if before is None or last is None else (*before, last)


def _single(tree: Any) -> str | int | None:
    kind = _kind(tree)
    if kind == "Fields" and len(tree.fields) == 1 and tree.fields[0] != "*":
        return str(tree.fields[0])
    if kind == "Index" and len(tree.indices) == 1:
        return int(tree.indices[0])
    return "length" if kind == "Len" else None


def _steps(tree: Any) -> Iterator[Any]:
    """The beginnings of a path, the shortest first."""
    if _kind(tree) in ("Child", "Descendants"):
        yield from _steps(tree.left)
    if _kind(tree) != "Root":
        yield tree


def _last(tree: Any) -> Any:
    return tree.right if _kind(tree) == "Child" else tree


def _step_text(where: str, step: Any) -> str:
    single = _single(step)
    if single is not None:
        return _path_text(where, single)
    return f"{where}[?…]" if _kind(step) == "Filter" else f"{where}[*]"


def _why_no_step(found: list[Value], step: Any, where: str) -> str:
    """Why ``step`` leads nowhere from any of ``found``, which the path before it, ``where``, has found."""
    single, value = _single(step), found[0]
    if single is not None:
        missing = _step(value, single, where)
        others = f" (nor has any other of {len(found)})" if len(found) > 1 else ""
        return f"{missing}{others}" if isinstance(missing, Missing) else f"nothing in {where} matches"
    if isinstance(value, (list, dict)) and not value:
        return f"{where} is empty"
    return f"nothing in {where} matches, it is {show(value, _SHOWN)}"


class _Search:
    """One evaluation of an indefinite path."""

    def __init__(self, root: Value) -> None:
        self._root = root
        self._left = MAX_VISITED

    def find(self, tree: Any, value: Value) -> Iterator[Value]:
        kind = _kind(tree)
        if kind == "Root":
            yield self._root
        elif kind == "This":
            yield value
        elif kind == "Child":
            for found in self.find(tree.left, value):
                yield from self.find(tree.right, found)
        elif kind == "Descendants":
            for found in self.find(tree.left, value):
                yield from self._descendants(tree.right, found)
        elif kind == "Union":
            yield from self.find(tree.left, value)
            yield from self.find(tree.right, value)
        else:
            yield from self._step(tree, kind, value)

    def _step(self, tree: Any, kind: str, value: Value) -> Iterator[Value]:
        self._visit()
        if kind == "Fields":
            yield from _fields(tree.fields, value)
        elif kind == "Wildcard":
            yield from _children(value)
        elif kind == "Index" and isinstance(value, list):
            yield from (value[index] for index in tree.indices if -len(value) <= index < len(value))
        elif kind == "Slice" and isinstance(value, list):
            yield from value[tree.start : tree.end : tree.step]
        elif kind == "Filter":
            yield from (item for item in _children(value) if all(self._holds(each, item) for each in tree.expressions))
        elif kind == "Len" and isinstance(value, (list, dict, str)):
            yield len(value)

    def _visit(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise EvaluationError(f"the path visits more than {MAX_VISITED:,} values")

    def _descendants(self, tree: Any, value: Value) -> Iterator[Value]:
        self._visit()
        yield from self.find(tree, value)
        for child in _children(value):
            if isinstance(child, (list, dict)):
                yield from self._descendants(tree, child)

    def _holds(self, condition: Any, item: Value) -> bool:
        kind = _kind(condition)
        if kind in ("And", "Or"):
            results = (self._holds(each, item) for each in condition.operands)
            return all(results) if kind == "And" else any(results)
        found = list(self.find(condition.target, item))
        if condition.op is None:
            return bool(found)
        if condition.op == "!":
            return not found
        wanted = list(self.find(condition.value, item)) if _is_path(condition.value) else [_literal(condition.value)]
        return _compared(condition.op, found, wanted)


def _fields(fields: tuple[str, ...], value: Value) -> Iterator[Value]:
    if "*" in fields:
        yield from _children(value)
    elif isinstance(value, dict):
        yield from (value[field] for field in fields if field in value)


def _children(value: Value) -> Iterator[Value]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _is_path(value: object) -> bool:
    return value is not None and not isinstance(value, (str, int, float))


def _literal(value: object) -> Value:
    if isinstance(value, float):
        return Decimal(repr(value))
    return value  # type: ignore[return-value]  # the parser yields text, integers, booleans and None else


def _compared(operator: str, found: list[Value], wanted: list[Value]) -> bool:
    """RFC 9535, 2.3.5.2.2: nothing equals nothing only; different kinds are never equal and have no order."""
    if not found or not wanted:
        same = not found and not wanted
        return same if operator in ("==", "=") else not same and operator == "!="
    return any(_holds_between(operator, left, right) for left in found for right in wanted)


def _holds_between(operator: str, left: Value, right: Value) -> bool:
    if operator in ("==", "="):
        return equal(left, right)
    if operator == "!=":
        return not equal(left, right)
    if operator == "=~":
        return isinstance(left, str) and operators.matches(left, str(right))
    if kind_of(left) != kind_of(right) or kind_of(left) not in ("number", "text"):
        return False
    before, after = (left, right) if operator in ("<", "<=") else (right, left)
    strictly = bool(before < after)  # type: ignore[operator]  # two numbers or two texts
    return strictly or (operator in ("<=", ">=") and equal(left, right))
