"""Exact arithmetic on ``int`` and ``Decimal``: nothing is rounded but a quotient, to 34 digits (decimal128).

Everything raises ``ArithmeticProblem`` with what is wrong.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from testmesh_engine.expressions.values import MAX_EXPONENT, MAX_INTEGER_DIGITS

Number: TypeAlias = "int | Decimal"

QUOTIENT_DIGITS = 34
_MAX_BITS = int(MAX_INTEGER_DIGITS * 3.3219280948873626)  # log2(10)

# Wide enough for the exact sum of the greatest and the smallest number, and the product of two full ones.
_EXACT = decimal.Context(
    prec=2 * (MAX_EXPONENT + MAX_INTEGER_DIGITS),
    Emax=decimal.MAX_EMAX,
    Emin=decimal.MIN_EMIN,
    traps=[decimal.InvalidOperation, decimal.Overflow, decimal.Inexact],
)
_ROUNDED = decimal.Context(
    prec=QUOTIENT_DIGITS,
    rounding=decimal.ROUND_HALF_EVEN,
    Emax=decimal.MAX_EMAX,
    Emin=decimal.MIN_EMIN,
    traps=[decimal.InvalidOperation, decimal.Overflow, decimal.DivisionByZero],
)


class ArithmeticProblem(ValueError):
    """The numbers have no such result; ``str()`` says why."""


def require_finite(number: Number) -> None:
    """Raise ``ArithmeticProblem`` for NaN and infinities."""
    if isinstance(number, Decimal) and not number.is_finite():
        raise ArithmeticProblem(f"{number} is no number to calculate with")


def bounded(number: Number) -> Number:
    """The number itself. Raises ``ArithmeticProblem`` beyond 4,300 digits or 10^6144."""
    if isinstance(number, int):
        if number.bit_length() > _MAX_BITS:
            raise ArithmeticProblem(f"the result has more than {MAX_INTEGER_DIGITS:,} digits")
        return number
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        raise ArithmeticProblem(f"the result is beyond 10^{MAX_EXPONENT}")
    return number


def _decimals(left: Number, right: Number) -> tuple[Decimal, Decimal]:
    require_finite(left)
    require_finite(right)
    return Decimal(left), Decimal(right)


def _exactly(operation: Callable[[Decimal, Decimal], Decimal], left: Number, right: Number) -> Number:
    first, second = _decimals(left, right)
    try:
        result = operation(first, second)
    except decimal.Inexact:
        raise ArithmeticProblem("the result has too many digits") from None
    except decimal.DecimalException:
        raise ArithmeticProblem("the numbers have no such result") from None
    return bounded(result)


def add(left: Number, right: Number) -> Number:
    """The exact sum."""
    if isinstance(left, int) and isinstance(right, int):
        return bounded(left + right)
    return _exactly(_EXACT.add, left, right)


def subtract(left: Number, right: Number) -> Number:
    """The exact difference."""
    if isinstance(left, int) and isinstance(right, int):
        return bounded(left - right)
    return _exactly(_EXACT.subtract, left, right)


def multiply(left: Number, right: Number) -> Number:
    """The exact product."""
    if isinstance(left, int) and isinstance(right, int):
        return bounded(left * right)
    return _exactly(_EXACT.multiply, left, right)


def divide(left: Number, right: Number) -> Number:
    """The quotient to 34 digits."""
    first, second = _decimals(left, right)
    if not second:
        raise ArithmeticProblem("division by zero")
    return bounded(_ROUNDED.divide(first, second))


def remainder(left: Number, right: Number) -> Number:
    """What is left of a division that is cut towards zero: it has the sign of ``left``, as in Go."""
    if not right:
        raise ArithmeticProblem("division by zero")
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    return _exactly(_EXACT.remainder, left, right)


def power(left: Number, right: Number) -> Number:
    """Exact for integers with an exponent of 0 or more, else to 34 digits."""
    if isinstance(left, int) and isinstance(right, int) and right >= 0:
        if abs(left) > 1 and left.bit_length() * right > 2 * _MAX_BITS:
            raise ArithmeticProblem(f"the result has more than {MAX_INTEGER_DIGITS:,} digits")
        return bounded(left**right if abs(left) > 1 else left ** min(right, 2 + right % 2))
    first, second = _decimals(left, right)
    try:
        return bounded(_ROUNDED.power(first, second))
    except decimal.DecimalException:
        raise ArithmeticProblem("the numbers have no such result") from None


def negate(number: Number) -> Number:
    """The number with the other sign, every digit kept."""
    return -number if isinstance(number, int) else number.copy_negate()


def absolute(number: Number) -> Number:
    """The number without its sign, every digit kept."""
    return abs(number) if isinstance(number, int) else number.copy_abs()


def less(left: Number, right: Number) -> bool:
    """Whether ``left`` is the smaller one."""
    if any(isinstance(number, Decimal) and number.is_nan() for number in (left, right)):
        raise ArithmeticProblem("NaN has no place in an order")
    return left < right
