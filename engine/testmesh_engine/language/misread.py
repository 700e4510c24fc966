"""What YAML made of an expression, and what to write instead. A line is offered only if it is an expression then."""

from __future__ import annotations

from testmesh_engine.expressions import ExpressionError, compile_expression, show
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, plain
from testmesh_engine.language.quoting import Piece, cut_off_hint, quoted, quoted_line, value_of

_SHOWN_LINES = 5
_EXAMPLE = "Write an expression, for example: status == 200"


def hint_of(findings: Findings, node: Node) -> str:
    """What to write where ``node``, which is no text, stands in place of an expression."""
    if isinstance(node, MapNode):
        return _of_map(findings, node)
    if isinstance(node, ListNode):
        return "Write each condition as an item of its own:  - status == 200"
    return _EXAMPLE if node.value is None else f"Compare something with it, for example: status == {node.text}"


def _of_map(findings: Findings, node: MapNode) -> str:
    raw = _raw(findings, node)
    text = value_of(raw, node.column - 1).value if raw else str(plain(node))
    if is_condition(text):
        line = quoted_line(raw, node.column - 1) if raw else quoted(text)
        return f"Quote an expression that holds ': ' or starts with {{:  {line}"
    compared = _compared(node)
    if not compared:
        return _EXAMPLE
    piece = value_of(raw, node.column - 1) if raw else Piece("", "")
    return f"Compare the two:  {piece.before.strip()} {compared}".replace(":   ", ":  ")


def _compared(node: MapNode) -> str:
    """``status == 200`` for ``status: 200``, "" for anything else."""
    (key, value), *others = node.entries.values() or [(None, None)]
    if key is None or others or not isinstance(value, Scalar):
        return ""
    text = f"{key.text} == {show(value.value) if isinstance(value.value, str) else value.text or 'nil'}"
    return text if is_condition(text) else ""


def is_condition(text: str) -> bool:
    """Whether ``text`` is an expression that may be true or false."""
    try:
        return compile_expression(text).kind not in ("list", "map")
    except ExpressionError:
        return False


def broken_hint(findings: Findings, node: Node, what: str) -> str:
    """What to do about text that is no expression where YAML, or its author, put too much or too little into it."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return ""
    lines = [line.strip() for line in node.value.splitlines() if line.strip()]
    if len(lines) > 1 and all(map(is_condition, lines)):
        if "assertion" not in what:
            return "Join the lines by and."
        return "\n".join(["Each is an item of its own:", *(f"- {line}" for line in lines[:_SHOWN_LINES])])
    return _cut_off(findings, node)


def _cut_off(findings: Findings, node: Scalar) -> str:
    """The hint where YAML has ended a plain expression before its author did."""
    raw = _raw(findings, node)
    if node.style or node.line != node.end_line or not is_condition(value_of(raw, node.column - 1).value):
        return ""
    return cut_off_hint(raw, node.column - 1, node.text)


def _raw(findings: Findings, node: Node) -> str:
    return findings.source.text_of(node.line)[findings.source.column_shift :]
