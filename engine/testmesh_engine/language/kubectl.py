"""What kubectl makes of a flow under ``spec.flow``: it reads YAML 1.1, and sends numbers as JSON.

As ``resolve`` of go.yaml.in/yaml/v2, which sigs.k8s.io/yaml stands on (tried with ``kubectl patch --local``). Unlike
others of YAML 1.1 it leaves dates and ``12:30`` text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.expressions import Value, show
from testmesh_engine.language.nodes import ListNode, Node, Scalar, Source

_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"(?P<sign>[-+]?)(?P<digits>0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)", re.ASCII)
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_HINT = 'Write what both read alike: text in quotes ("yes", "010"), a number in plain digits.'


def differences(node: Node, source: Source) -> tuple[Problem, ...]:
    """A warning for each key and value below ``node`` that kubectl reads in another way than this engine."""
    found = {(scalar.line, scalar.column): scalar for scalar in _plain_scalars(node) if _differs(scalar)}
    return tuple(
        source.problem(
            f"kubectl reads {scalar.text} as {_named(read_by_kubectl(scalar.text))}, a flow's own text as "
            f"{_named(scalar.value)}",
            line=scalar.line,
            column=scalar.column,
            path=scalar.path,
            hint=_HINT,
            severity=Severity.WARNING,
        )
        for scalar in found.values()
    )


def read_by_kubectl(text: str) -> Value:
    """The value of a plain scalar that is not empty, in the object that kubectl sends."""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "+-.0123456789":
        return text
    digits = text.replace("_", "")
    integer = _INTEGER.fullmatch(digits)
    if integer is not None and -(2**63) <= (number := _integer(integer)) < 2**64:
        return number
    if _FLOAT.fullmatch(digits) and (nearest := float(digits)) not in {float("inf"), float("-inf")}:
        return Decimal(repr(nearest))
    return text


def _integer(match: re.Match[str]) -> int:
    digits = match["digits"].lower()
    base = _BASES.get(digits[:2]) or (8 if digits[0] == "0" else 10)
    return int(digits[2:] if digits[:2] in _BASES else digits, base) * (-1 if match["sign"] == "-" else 1)


def _differs(scalar: Scalar) -> bool:
    if not scalar.text or scalar.value is None:
        return False
    theirs = read_by_kubectl(scalar.text)
    return isinstance(theirs, (bool, str)) != isinstance(scalar.value, (bool, str)) or theirs != scalar.value


def _named(value: Value) -> str:
    return f"text {show(value)}" if isinstance(value, str) else show(value)


def _plain_scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        if not node.style:
            yield node
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _plain_scalars(item)
    else:
        for key, value in node.entries.values():
            yield from _plain_scalars(key)
            yield from _plain_scalars(value)
