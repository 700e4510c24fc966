"""One expression: compiled from its text, evaluated against a scope, checked as an assertion."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from testmesh_engine.contract.result import Operand
from testmesh_engine.expressions.scope import NameUse, Scope
from testmesh_engine.expressions.values import Value


@dataclass(frozen=True, slots=True)
class Check:
    """What came of an assertion: whether it holds, and else why not, with the value of every operand."""

    holds: bool
    message: str = ""
    operands: tuple[Operand, ...] = ()


class Expression:
    """A compiled expression. ``source`` is its text, ``names`` what it reads from the scope, in reading order."""

    source: str
    names: tuple[NameUse, ...]

    def evaluate(self, scope: Scope) -> Value:
        """The value. Raises ``EvaluationError`` where it has none."""
        raise NotImplementedError

    def check(self, scope: Scope) -> Check:
        """The expression as an assertion: it holds if it is true; never raises."""
        raise NotImplementedError


def compile_expression(text: str, *, dashed: Collection[str] = ()) -> Expression:
    """Compile ``text``; ``dashed`` are the step ids with a ``-`` in them, each read as one name.

    Raises ``ExpressionError`` with the offset of what is wrong.
    """
    raise NotImplementedError
