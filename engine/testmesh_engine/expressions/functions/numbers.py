"""Functions over numbers. All are exact."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from testmesh_engine.expressions import arithmetic
from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.functions.table import FunctionError, function

MAX_SHIFT = 1024
"""Bits; Expr's integers have 64."""


def _integral(number: int | Decimal, rounding: str) -> int:
    if isinstance(number, int):
        return number
    arithmetic.require_finite(number)
    return int(arithmetic.bounded(int(number.to_integral_value(rounding=rounding))))


def _approx(_: Frame, left: int | Decimal, right: int | Decimal, tolerance: int | Decimal) -> bool:
    if arithmetic.less(tolerance, 0):
        raise FunctionError(f"the tolerance is {tolerance}; it can't be negative")
    return not arithmetic.less(tolerance, arithmetic.absolute(arithmetic.subtract(left, right)))


def _shift(number: int, bits: int) -> int:
    if not 0 <= bits <= MAX_SHIFT:
        raise FunctionError(f"a number is shifted by 0 to {MAX_SHIFT} bits, not {bits}")
    return int(arithmetic.bounded(number << bits))


def _right(number: int, bits: int) -> int:
    if bits < 0:
        raise FunctionError(f"a number can't be shifted by {bits} bits")
    return number >> bits


TABLE = (
    function("abs", "number: number", lambda _, number: arithmetic.absolute(number)),
    function("ceil", "number: number", lambda _, number: _integral(number, ROUND_CEILING)),
    function("floor", "number: number", lambda _, number: _integral(number, ROUND_FLOOR)),
    function("round", "number: number", lambda _, number: _integral(number, ROUND_HALF_UP)),
    function("approx", "a: number, b: number, tolerance: number", _approx),
    function("bitand", "a: integer, b: integer", lambda _, a, b: a & b),
    function("bitor", "a: integer, b: integer", lambda _, a, b: a | b),
    function("bitxor", "a: integer, b: integer", lambda _, a, b: a ^ b),
    function("bitnand", "a: integer, b: integer", lambda _, a, b: a & ~b),
    function("bitnot", "a: integer", lambda _, a: ~a),
    function("bitshl", "number: integer, bits: integer", lambda _, number, bits: _shift(number, bits)),
    function("bitshr", "number: integer, bits: integer", lambda _, number, bits: _right(number, bits)),
    # Unsigned means 64 bits, as in Expr.
    function("bitushr", "number: integer, bits: integer", lambda _, number, bits: _right(number % 2**64, bits)),
)
