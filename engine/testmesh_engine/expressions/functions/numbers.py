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
    function(
        "abs",
        "number: number",
        lambda _, number: arithmetic.absolute(number),
        "The number without its sign.",
        ("abs(-5)", "5"),
    ),
    function(
        "ceil",
        "number: number",
        lambda _, number: _integral(number, ROUND_CEILING),
        "The least integer that is not below the number.",
        ("ceil(1.2)", "2"),
    ),
    function(
        "floor",
        "number: number",
        lambda _, number: _integral(number, ROUND_FLOOR),
        "The greatest integer that is not above the number.",
        ("floor(-1.2)", "-2"),
    ),
    function(
        "round",
        "number: number",
        lambda _, number: _integral(number, ROUND_HALF_UP),
        "The nearest integer, halves away from zero.",
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
    ),
    function(
        "approx",
        "a: number, b: number, tolerance: number",
        _approx,
        "Whether two numbers differ by no more than `tolerance`.",
        ("approx(1/3, 0.333, 0.001)", "true"),
    ),
    function(
        "bitand", "a: integer, b: integer", lambda _, a, b: a & b, "Bitwise and.", ("bitand(0b1010, 0b1100)", "0b1000")
    ),
    function(
        "bitor", "a: integer, b: integer", lambda _, a, b: a | b, "Bitwise or.", ("bitor(0b1010, 0b1100)", "0b1110")
    ),
    function(
        "bitxor",
        "a: integer, b: integer",
        lambda _, a, b: a ^ b,
        "Bitwise exclusive or.",
        ("bitxor(0b1010, 0b1100)", "0b110"),
    ),
    function(
        "bitnand",
        "a: integer, b: integer",
        lambda _, a, b: a & ~b,
        "`a` without the bits of `b`.",
        ("bitnand(0b1010, 0b1100)", "0b10"),
    ),
    function("bitnot", "a: integer", lambda _, a: ~a, "All bits the other way.", ("bitnot(0b1010)", "-11")),
    function(
        "bitshl",
        "number: integer, bits: integer",
        lambda _, number, bits: _shift(number, bits),
        "The bits shifted left.",
        ("bitshl(0b101101, 2)", "0b10110100"),
    ),
    function(
        "bitshr",
        "number: integer, bits: integer",
        lambda _, number, bits: _right(number, bits),
        "The bits shifted right, the sign kept.",
        ("bitshr(0b101101, 2)", "0b1011"),
    ),
    # Unsigned means 64 bits, as in Expr.
    function(
        "bitushr",
        "number: integer, bits: integer",
        lambda _, number, bits: _right(number % 2**64, bits),
        "The 64 bits shifted right, the sign taken for one of them.",
        ("bitushr(-0b101, 2)", "4611686018427387902"),
    ),
)
