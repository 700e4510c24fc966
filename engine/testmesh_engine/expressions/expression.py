"""One expression: compiled from its text, evaluated against a scope, checked as an assertion."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from testmesh_engine.contract.result import Operand
from testmesh_engine.expressions.compiler import Program, compile_tree
from testmesh_engine.expressions.errors import EvaluationError, ExpressionError
from testmesh_engine.expressions.explain import Explainer
from testmesh_engine.expressions.frame import Code, Frame, Result
from testmesh_engine.expressions.nodes import Node
from testmesh_engine.expressions.operators import present
from testmesh_engine.expressions.parser import parse
from testmesh_engine.expressions.scope import NameUse, Scope
from testmesh_engine.expressions.values import Missing, Value, kind_of, show


@dataclass(frozen=True, slots=True)
class Check:
    """What came of an assertion: whether it holds, and else why not, with the value of every operand.

    ``evaluated`` is unset where it had no value at all, which is a failure also where the opposite is asserted.
    ``warning`` is about one that holds and may not say what its author thinks.
    """

    holds: bool
    message: str = ""
    operands: tuple[Operand, ...] = ()
    evaluated: bool = True
    warning: str = ""


class Expression:
    """A compiled expression. ``source`` is its text, ``names`` what it reads from the scope, in reading order."""

    __slots__ = ("_code", "_program", "_tree", "names", "source")

    def __init__(self, tree: Node, code: Code, program: Program) -> None:
        self.source: str = program.text
        self.names: tuple[NameUse, ...] = tuple(program.names)
        self._tree = tree
        self._code = code
        self._program = program

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def evaluate(self, scope: Scope) -> Value:
        """The value. Raises ``EvaluationError`` where it has none."""
        return present(self._run(Frame(scope, self._program.slots)))

    def check(self, scope: Scope) -> Check:
        """The expression as an assertion: it holds if it is true; never raises."""
        try:
            value = self._run(Frame(scope, self._program.slots))
        except EvaluationError as error:
            return self._failed(
                scope, f"{error.message} ({error.hint})" if error.hint else error.message, evaluated=False
            )
        if value is True:
            return self._held(scope)
        if value is False:
            return self._failed(scope, self._why(scope))
        return self._failed(scope, f"{_what(value)}, neither true nor false", evaluated=False)

    def _run(self, frame: Frame) -> Result:
        try:
            return self._code(frame)
        except RecursionError:
            raise EvaluationError("the values are nested too deep") from None

    def _why(self, scope: Scope) -> str:
        try:
            return self._explainer(scope).why(self._tree)
        except RecursionError:
            return "it is false; its values are nested too deep to say where"

    def _explainer(self, scope: Scope) -> Explainer:
        return Explainer(self._program, Frame(scope, self._program.slots))

    def _held(self, scope: Scope) -> Check:
        warning = self._explainer(scope).warning(self._tree) if "!=" in self.source else ""
        operands = self._explainer(scope).operands(self._tree) if warning else ()
        return Check(holds=True, operands=operands, warning=warning)

    def _failed(self, scope: Scope, why: str, *, evaluated: bool = True) -> Check:
        operands = self._explainer(scope).operands(self._tree)
        message = why if why.startswith(f"{self.source}: ") else f"{self.source}: {why}"
        return Check(holds=False, message=message, operands=operands, evaluated=evaluated)


def _what(value: Result) -> str:
    if isinstance(value, Missing):
        return str(value)
    return "it is nil" if value is None else f"it is {kind_of(value)} {show(value)}"


def compile_expression(text: str, *, dashed: Collection[str] = ()) -> Expression:
    """Compile ``text``; ``dashed`` are the step ids with a ``-`` in them, each read as one name.

    Raises ``ExpressionError`` with the offset of what is wrong.
    """
    try:
        tree = parse(text, dashed=dashed)
        code, program = compile_tree(text, tree)
    except RecursionError:  # placeholders in the defaults of placeholders
        raise ExpressionError("the expression is nested too deep") from None
    return Expression(tree, code, program)
