"""Conditions that are the same whatever the values are: they test nothing, or can never hold."""

from __future__ import annotations

from decimal import Decimal

from testmesh_engine.expressions import EvaluationError, Expression, MapScope, Value, kind_of, show
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.model import Quantifier
from testmesh_engine.language.nodes import Node


def check_condition(findings: Findings, node: Node, what: str, compiled: Expression) -> None:
    """Note an expression that is neither true nor false by the way it is written: mostly text in quotes twice."""
    if not compiled.names:
        _check_value(findings, node, what, compiled)
    elif compiled.kind in ("list", "map", "text"):
        hint = _ONE_EACH if compiled.kind == "list" else _COMPARE
        findings.error(node, f"{what} is true or false, and this is always a {compiled.kind}", hint=hint)


_COMPARE = "Compare something with it."
_ONE_EACH = "Write each condition as an item of its own:  - status == 200"


def _check_value(findings: Findings, node: Node, what: str, compiled: Expression) -> None:
    try:
        value = compiled.evaluate(MapScope({}))
    except EvaluationError as error:
        findings.error(node, f"{what} can never be evaluated: {error.message}", hint=error.hint)
        return
    if not isinstance(value, bool):
        hint = f"Write it without the inner quotes: {value}" if isinstance(value, str) else _COMPARE
        findings.error(node, f"{what} is a condition, and this is always {_always(value)}", hint=hint)


def _always(value: Value) -> str:
    match value:
        case None:
            return "nothing"
        case int() | Decimal():
            return f"the number {value}"
        case str():
            return f"text {show(value, 80)}"
        case _:
            return f"a {kind_of(value)}"


def check_assertion(findings: Findings, node: Node, quantifier: Quantifier, compiled: Expression) -> None:
    """Warn of an assertion that is true, or false, whatever the values are: it tests nothing, or always fails."""
    always = compiled.always
    if always is None:
        return
    said = f"{compiled.source} is always {'true' if always else 'false'}"
    holds = always is (quantifier is not Quantifier.NONE)
    # A step that is to fail may be meant, where another one failing would be too late.
    what = "it tests nothing" if holds or quantifier is Quantifier.ANY else "the step always fails"
    hint = "Compare something that was received, for example: status == 200"
    findings.warning(node, f"{said}: {what}", hint=hint)
