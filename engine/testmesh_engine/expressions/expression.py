"""One expression: compiled from its text, evaluated against a scope, checked as an assertion."""

from __future__ import annotations

from collections.abc import Collection

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Operand
from testmesh_engine.expressions.compiler import Program, compile_tree
from testmesh_engine.expressions.constants import Constants, kind_written, refuse_unknown_keywords
from testmesh_engine.expressions.doubts import Doubt, Doubts
from testmesh_engine.expressions.errors import EvaluationError, ExpressionError
from testmesh_engine.expressions.explain import Explainer
from testmesh_engine.expressions.frame import Code, Frame, Result
from testmesh_engine.expressions.nodes import Call, Node
from testmesh_engine.expressions.operators import present
from testmesh_engine.expressions.parser import parse
from testmesh_engine.expressions.scope import NameUse, Scope
from testmesh_engine.expressions.values import Kind, Missing, Value, kind_of, settled, show


@dataclass(frozen=True, slots=True)
class Check:
    """What came of an assertion: whether it holds, and else why not, with the value of every operand.

    ``evaluated`` is unset where it had no value at all, which is a failure also where the opposite is asserted.
    ``warning`` says of one that two kinds differ and that this alone makes it true, or false: it would hold, or not,
    whatever the values are.
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
        self.source: str = program.text.strip()
        self.names: tuple[NameUse, ...] = tuple(program.names)
        self._tree = tree
        self._code = code
        self._program = program

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    @property
    def function(self) -> str:
        """The function whose result is the value, "" for anything but one call."""
        return self._tree.name if isinstance(self._tree, Call) else ""

    @property
    def kind(self) -> Kind | None:
        """What its value is by the way it is written: a list in ``[a, b]``; ``None`` where that can't be told."""
        return kind_written(self._tree)

    @property
    def always(self) -> bool | None:
        """What it is whatever the values are: true for ``status >= 0 or true``; ``None`` where that depends."""
        return Constants(self._program).whole(self._tree)

    def evaluate(self, scope: Scope) -> Value:
        """The value, times and durations as text. Raises ``EvaluationError`` where it has none."""
        value = present(self._run(Frame(scope, self._program.slots)))
        return settled(value) if self._program.temporal else value

    def check(self, scope: Scope) -> Check:
        """The expression as an assertion: it holds if it is true; never raises.

        What is true or false only because a key is not there has no value: nothing was compared.
        """
        frame = Frame(scope, self._program.slots)
        try:
            value = self._run(frame)
        except EvaluationError as error:
            why = f"{error.message} ({error.hint})" if error.hint else error.message
            return self._failed(frame, why, evaluated=False)
        if value is True:
            return self._held(frame) if self._program.suspect else _HOLDS
        if value is False:
            doubt = self._doubt(frame)
            absent = doubt is not None and doubt.absent
            warning = "" if doubt is None or absent else doubt.said
            return self._failed(frame, self._why(frame), evaluated=not absent, warning=warning)
        return self._failed(frame, f"{_what(value)}, neither true nor false", evaluated=False)

    def _run(self, frame: Frame) -> Result:
        try:
            return self._code(frame)
        except RecursionError:
            raise EvaluationError("the values are nested too deep") from None

    def _why(self, frame: Frame) -> str:
        try:
            return Explainer(self._program, self._again(frame)).why(self._tree)
        except (RecursionError, EvaluationError):
            return "it is false; its values are too large or nested too deep to say where"

    def _doubt(self, frame: Frame) -> Doubt | None:
        try:
            return Doubts(self._program, self._again(frame)).about(self._tree)
        except (RecursionError, EvaluationError):
            return None

    def _again(self, frame: Frame) -> Frame:
        """A frame to evaluate parts in once more: the same scope at the same time, and nothing used up yet."""
        return Frame(frame.scope, self._program.slots, frame.now() if self._program.temporal else None)

    def _operands(self, frame: Frame) -> tuple[Operand, ...]:
        return Explainer(self._program, self._again(frame)).operands(self._tree)

    def _held(self, frame: Frame) -> Check:
        doubt = self._doubt(frame)
        if doubt is None:
            return _HOLDS
        if doubt.absent:
            return self._failed(frame, doubt.said, evaluated=False)
        return Check(holds=True, operands=self._operands(frame), warning=doubt.said)

    def _failed(self, frame: Frame, why: str, *, evaluated: bool = True, warning: str = "") -> Check:
        message = why if why.startswith(f"{self.source}: ") else f"{self.source}: {why}"
        operands = self._operands(frame)
        return Check(holds=False, message=message, operands=operands, evaluated=evaluated, warning=warning)


_HOLDS = Check(holds=True)


def _what(value: Result) -> str:
    if isinstance(value, Missing):
        return str(value)
    return "it is nil" if value is None else f"it is {kind_of(value)} {show(value)}"


def compile_expression(text: str, *, dashed: Collection[str] = (), condition: bool = True) -> Expression:
    """Compile ``text``; ``dashed`` are the step ids with a ``-`` in them, each read as one name.

    ``condition`` is unset for one whose value is kept: comparing with an absent key is an error there, and not false.
    Raises ``ExpressionError`` with the offset of what is wrong.
    """
    try:
        tree = parse(text, dashed=dashed)
        code, program = compile_tree(text, tree, condition=condition)
        refuse_unknown_keywords(program)
    except RecursionError:  # placeholders in the defaults of placeholders
        raise ExpressionError("the expression is nested too deep") from None
    return Expression(tree, code, program)
