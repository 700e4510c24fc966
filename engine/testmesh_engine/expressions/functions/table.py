"""What a built-in function is: its parameters, and its code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions.frame import Result

ParameterKind: TypeAlias = Literal["any", "list", "map", "text", "number", "integer", "predicate", "bytes or text"]
"""What an argument must be; the caller checks it, so that no function does."""

_KINDS: frozenset[str] = frozenset(get_args(ParameterKind))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; ``default`` allows to leave it out."""

    name: str
    kind: ParameterKind
    default: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    ``code`` is called with the frame and the arguments, each of the kind that its parameter says; a predicate comes
    as a callable of item and index. It raises ``FunctionError`` with what is wrong, or yields a value. ``rest`` is
    the kind of any further arguments. ``doc`` and ``examples`` (an expression, and one of the same value) are its part
    of the reference.
    """

    name: str
    parameters: tuple[Parameter, ...]
    code: Callable[..., Result]
    doc: str
    examples: tuple[tuple[str, str], ...]
    rest: ParameterKind | None = None

    @property
    def least(self) -> int:
        """The least number of arguments."""
        return sum(not parameter.default for parameter in self.parameters)

    @property
    def most(self) -> int:
        """The greatest number of arguments."""
        return sys.maxsize if self.rest else len(self.parameters)

    def kind_at(self, index: int) -> ParameterKind | None:
        """What the argument at ``index`` must be; ``None`` where there is none."""
        return self.parameters[index].kind if index < len(self.parameters) else self.rest

    def arity(self) -> str:
        """How many arguments it takes, in words."""
        if self.rest:
            return f"at least {self.least}"
        word = "argument" if self.most == 1 else "arguments"
        return f"{self.most} {word}" if self.least == self.most else f"{self.least} to {self.most} {word}"

    def usage(self) -> str:
        """How to call it: ``trim(text, [chars])``."""
        names = [f"[{each.name}]" if each.default else each.name for each in self.parameters]
        return f"{self.name}({', '.join([*names, '…'] if self.rest else names)})"


class FunctionError(ValueError):
    """The arguments are of the right kind and wrong all the same; the caller adds which call it was."""


def function(name: str, signature: str, code: Callable[..., Result], doc: str, *examples: tuple[str, str]) -> Function:
    """One entry of a table. ``signature`` is ``name: kind, name?: kind, *name: kind``, or empty."""
    parameters: list[Parameter] = []
    rest: ParameterKind | None = None
    for part in filter(None, signature.split(",")):
        label, _, kind = (piece.strip() for piece in part.partition(":"))
        if kind not in _KINDS:
            raise ValueError(f"{name}: no such kind: {kind}")
        if label.startswith("*"):
            rest = kind  # type: ignore[assignment]  # one of _KINDS, as was just checked
        else:
            parameters.append(Parameter(label.rstrip("?"), kind, default=label.endswith("?")))  # type: ignore[arg-type]  # same
    return Function(name, tuple(parameters), code, doc, examples, rest)
