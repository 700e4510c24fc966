"""The closures that a program is made of, one function for each that more than one line makes."""

from __future__ import annotations

import operator
from collections.abc import Callable

from testmesh_engine.expressions import access, operators
from testmesh_engine.expressions.errors import AbsentError, EvaluationError, nearest
from testmesh_engine.expressions.frame import Code, Frame, Result
from testmesh_engine.expressions.operators import Site
from testmesh_engine.expressions.scope import Scope
from testmesh_engine.expressions.spelling import spelled
from testmesh_engine.expressions.values import MISSING, Missing, Value


class _ShortCircuit(Missing):
    """What a ``?.`` after nil makes of the rest of its path."""

    __slots__ = ()


SHORT = _ShortCircuit()
_PLAIN_TYPES = frozenset({int, str, bool, type(None)})


def nil(_: Frame) -> Result:
    """Nothing, as a bound of a slice that is not written."""
    return None


def field(target: Code, key: str, where: str) -> Code:
    """``target.key``, the path that most expressions are made of."""

    def field_of(frame: Frame) -> Result:
        container = target(frame)
        if type(container) is dict and key in container:
            return container[key]
        return container if container is SHORT else access.part(container, key, where)

    return field_of


def whole_chain(body: Code) -> Code:
    """A path with ``?.``, nil where it was cut short."""

    def chain(frame: Frame) -> Result:
        value = body(frame)
        return None if value is SHORT else value

    return chain


def with_default(body: Code, default: Code, *, or_empty: bool) -> Code:
    """A placeholder with a default."""

    def chosen(frame: Frame) -> Result:
        value = body(frame)
        absent = isinstance(value, Missing) or (or_empty and (value is None or value == ""))
        return default(frame) if absent else value

    return chosen


def spelled_default(default: Code) -> Code:
    """A default in an expression: what its text spells, as nobody else has given it a kind."""

    def read(frame: Frame) -> Result:
        value = default(frame)
        return spelled(value) if isinstance(value, str) else value

    return read


def coalesce(left: Code, right: Code) -> Code:
    """``left ?? right``."""

    def chosen(frame: Frame) -> Result:
        value = left(frame)
        return right(frame) if value is None or isinstance(value, Missing) else value

    return chosen


def logic(left: Code, right: Code, site: Site) -> Code:
    """``left and right``, ``left or right``: the right side only where the left does not decide."""
    truth, deciding = operators.truth, site.operator == "or"

    def decided(frame: Frame) -> Result:
        if truth(left(frame), site.left, site.operator) is deciding:
            return deciding
        return truth(right(frame), site.right, site.operator)

    return decided


def equality(left: Code, right: Code, equals: Callable[[Result, Result], bool]) -> Code:
    """``left == right``, as ``equals`` takes what is not there."""

    def equality(frame: Frame) -> Result:
        first, second = left(frame), right(frame)
        if type(first) is type(second) and type(first) in _PLAIN_TYPES:
            return first == second
        if isinstance(first, (list, dict)):
            frame.work(len(first))
        return equals(first, second)

    return equality


def all_names(frame: Frame) -> Result:
    """``$env``: every name of the scope that has a value."""
    found: dict[str, Value] = {}
    for name in frame.scope.names():
        try:
            value = frame.lookup(name)
        except EvaluationError:
            continue
        if not isinstance(value, Missing):
            found[name] = value
    frame.charge_items(len(found))
    return found


def ordering(left: Code, right: Code, site: Site) -> Code:
    """``left < right`` and its like."""
    operation, plainly = operators.OPERATIONS[site.operator], _ORDER[site.operator]

    def ordered(frame: Frame) -> Result:
        first, second = left(frame), right(frame)
        if type(first) is int and type(second) is int:
            return plainly(first, second)
        return operation(frame, first, second, site)

    return ordered


_ORDER: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def name_in_scope(name: str) -> Code:
    """A name of the scope."""

    def look_up(frame: Frame) -> Result:
        value = frame.lookup(name)
        if value is MISSING:
            raise _unknown(frame.scope, name)
        return value

    return look_up


def name_in_placeholder(name: str) -> Code:
    """A name within ``${…}``, where the scope may have another order."""

    def look_up(frame: Frame) -> Result:
        scope = frame.placeholder_scope()
        value = scope.lookup(name)
        if value is MISSING:
            raise _unknown(scope, name)
        return value

    return look_up


def optional_name(name: str, *, in_placeholder: bool, unset: bool) -> Code:
    """A name that may have no value; with ``unset`` it may also be one that nobody knows."""

    def look_up(frame: Frame) -> Result:
        scope = frame.placeholder_scope() if in_placeholder else frame.scope
        try:
            value = scope.lookup(name)
        except EvaluationError:
            return MISSING
        if value is MISSING and not unset:
            raise _unknown(scope, name)
        return value

    return look_up


def _unknown(scope: Scope, name: str) -> AbsentError:
    near = nearest(name, scope.names())
    return AbsentError(f"nothing is called `{name}`", f"did you mean `{near}`?" if near else "")
