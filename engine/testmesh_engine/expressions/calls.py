"""Calls of built-in functions: the kinds of the arguments are checked here, once for all functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from testmesh_engine.expressions.access import as_index
from testmesh_engine.expressions.arithmetic import ArithmeticProblem
from testmesh_engine.expressions.errors import AbsentError, EvaluationError
from testmesh_engine.expressions.frame import Code, Frame, Result
from testmesh_engine.expressions.functions.table import Function, FunctionError, ParameterKind
from testmesh_engine.expressions.operators import named, present
from testmesh_engine.expressions.values import Missing

_TYPES: dict[ParameterKind, tuple[type, ...]] = {
    "list": (list,),
    "map": (dict,),
    "text": (str,),
    "number": (int, Decimal),
    "bytes or text": (str, bytes),
}


def call_code(function: Function, arguments: Sequence[Callable[[Frame], object]], sources: Sequence[str]) -> Code:
    """The code of one call; ``sources`` are the texts of the arguments."""
    readers = [_reader(function, index, code, sources[index]) for index, code in enumerate(arguments)]
    code, name = function.code, function.name

    def call(frame: Frame) -> Result:
        try:
            given = [read(frame) for read in readers]
            if given and isinstance(given[0], (list, dict)):
                frame.work(len(given[0]))
            result = code(frame, *given)
        except (FunctionError, ArithmeticProblem) as problem:
            raise EvaluationError(f"{name}({', '.join(sources)}): {problem}") from None
        _charge(frame, result)
        return result

    return call


def _charge(frame: Frame, result: Result) -> None:
    if isinstance(result, (str, bytes)):
        frame.charge(len(result))
    elif isinstance(result, (list, dict)):
        frame.charge_items(len(result))


def _reader(function: Function, index: int, code: Callable[[Frame], object], source: str) -> Callable[[Frame], object]:
    kind = function.kind_at(index)
    if kind == "predicate":
        return code
    if kind == "any":
        return lambda frame: present(_result(code(frame)))
    if kind == "integer":
        return lambda frame: _integer(function, _result(code(frame)), source)
    types = _TYPES[kind or "list"]

    def read(frame: Frame) -> object:
        value = code(frame)
        # A boolean is an int to Python, and no number here.
        if isinstance(value, types) and not isinstance(value, bool):
            return value
        raise _wrong(function, _result(value), kind or "", source)

    return read


def _result(value: object) -> Result:
    return value  # type: ignore[return-value]  # only predicates are anything else, and they have no reader


def _integer(function: Function, value: Result, source: str) -> int:
    index = as_index(present(value))
    if index is None:
        raise _wrong(function, value, "integer", source)
    return index


def _wrong(function: Function, value: Result, kind: str, source: str) -> EvaluationError:
    if isinstance(value, Missing):
        return AbsentError(f"`{function.name}` takes a {kind}: {value}")
    article = "an" if kind == "integer" else "a"
    return EvaluationError(
        f"`{function.name}` takes {article} {kind}: {named(source, value)}", f"write `{function.usage()}`"
    )
