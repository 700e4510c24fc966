"""The expressions of assertions, conditions and placeholders: pure functions over values.

Text is compiled once (:func:`compile_expression`, :func:`compile_template`, :func:`compile_output`) and evaluated
often, against a :class:`Scope` that says what its names mean. Nothing here does I/O, knows the time, or reaches an
attribute of a Python object.
"""

from testmesh_engine.expressions.absent import Unset, need_value
from testmesh_engine.expressions.errors import (
    AbsentError,
    EvaluationError,
    ExpressionError,
    NoValueError,
    OutputError,
    nearest,
)
from testmesh_engine.expressions.expression import Check, Expression, compile_expression
from testmesh_engine.expressions.grammar import RESERVED
from testmesh_engine.expressions.output import Output, compile_output
from testmesh_engine.expressions.scope import LayeredScope, MapScope, NameUse, Scope
from testmesh_engine.expressions.template import Path, Template, compile_template
from testmesh_engine.expressions.values import (
    MISSING,
    CaseBlindMap,
    Missing,
    Value,
    equal,
    from_python,
    kind_of,
    parse_json,
    show,
    to_json,
    to_plain,
)

__all__ = [
    "MISSING",
    "RESERVED",
    "AbsentError",
    "CaseBlindMap",
    "Check",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "LayeredScope",
    "MapScope",
    "Missing",
    "NameUse",
    "NoValueError",
    "Output",
    "OutputError",
    "Path",
    "Scope",
    "Template",
    "Unset",
    "Value",
    "compile_expression",
    "compile_output",
    "compile_template",
    "equal",
    "from_python",
    "kind_of",
    "nearest",
    "need_value",
    "parse_json",
    "show",
    "to_json",
    "to_plain",
]
