"""What kubectl makes of a flow under ``spec.flow``: it reads YAML 1.1, and sends numbers as JSON.

As ``resolve`` of go.yaml.in/yaml/v2, which sigs.k8s.io/yaml stands on; tests/data/kubectl holds what these packages
said. Unlike others of YAML 1.1 it leaves dates and ``12:30`` text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.expressions import Value, show, to_json
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, Source

_NULLS = frozenset({"~", "null", "Null", "NULL"})
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"(?P<sign>[-+]?)(?P<digits>0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)", re.ASCII)
_LONGEST_PLAIN = 1e21
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_HINT = 'Write what both read alike: text in quotes ("yes", "010"), a number in plain digits.'


def differences(node: Node, source: Source) -> tuple[Problem, ...]:
    """A warning for each key and value below ``node`` that kubectl reads in another way than this engine."""
    found: dict[tuple[int, int], Problem] = {}
    for scalar, message, hint in _all(node):
        found[scalar.line, scalar.column] = source.problem(
            message,
            line=scalar.line,
            column=scalar.column,
            path=scalar.path,
            hint=hint,
            severity=Severity.WARNING,
        )
    return tuple(found.values())


def read_by_kubectl(text: str) -> Value:
    """The value of a plain scalar that is not empty, in the object that kubectl sends."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "+-.0123456789":
        return text
    digits = text.replace("_", "")
    integer = _INTEGER.fullmatch(digits)
    if integer is not None and -(2**63) <= (number := _integer(integer)) < 2**64:
        # An unstructured object has int64 and float64.
        return number if number < 2**63 else _as_json(float(number))
    if _FLOAT.fullmatch(digits) and (nearest := float(digits)) not in {float("inf"), float("-inf")}:
        return _as_json(nearest)
    return text


def _as_json(number: float) -> int | Decimal:
    """What Go writes of a float: digits without a point where it is whole and not too long."""
    exact = Decimal(repr(number))
    if not number:
        return exact.normalize()  # -0 stays what it is
    return int(exact) if number.is_integer() and abs(number) < _LONGEST_PLAIN else exact


def key_by_kubectl(text: str) -> str:
    """The key that a plain scalar becomes; "" where kubectl refuses it, or its digits are not told here."""
    value = read_by_kubectl(text)
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return text
        case int() if _INTEGER.fullmatch(text.replace("_", "")) and abs(value) < 2**63:
            return str(value)
        case int() | Decimal():
            # A key that is a float goes through a float32: six digits of it are exact.
            written = f"{float(value):g}"
            return written if Decimal(written) == value else ""
    return ""


def _all(node: Node) -> Iterator[tuple[Scalar, str, str]]:
    """Each scalar that is read otherwise, what is said of it, and what to do."""
    if isinstance(node, Scalar):
        if _differs(node):
            theirs, ours = _named(read_by_kubectl(node.text)), _named(node.value)
            yield node, f"kubectl reads {node.text} as {theirs}, a flow's own text as {ours}", _HINT
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _all(item)
    else:
        yield from _of_map(node)


def _of_map(node: MapNode) -> Iterator[tuple[Scalar, str, str]]:
    for key, value in node.entries.values():
        if not key.style and key.text and (theirs := key_by_kubectl(key.text)) != key.text:
            read = f'reads the key {key.text} as "{theirs}"' if theirs else f"can't keep the key {key.text}"
            yield key, f'kubectl {read}, a flow\'s own text as "{key.text}"', f'Quote it: "{key.text}":'
        yield from _all(value)
    for key in node.before_merge:
        message = f"kubectl takes {key.text} from the << behind it, a flow's own text from here"
        yield key, message, "Write << first."


def _integer(match: re.Match[str]) -> int:
    digits = match["digits"].lower()
    base = _BASES.get(digits[:2]) or (8 if digits[0] == "0" else 10)
    return int(digits[2:] if digits[:2] in _BASES else digits, base) * (-1 if match["sign"] == "-" else 1)


def _differs(scalar: Scalar) -> bool:
    """Whether the two values are of different kinds, or are written with different digits."""
    if not scalar.text or scalar.style or scalar.value is None:
        return False
    theirs, ours = read_by_kubectl(scalar.text), scalar.value
    if isinstance(theirs, (bool, str)) or isinstance(ours, (bool, str)):
        return type(theirs) is not type(ours) or theirs != ours
    return to_json(theirs) != to_json(ours)


def _named(value: Value) -> str:
    return f"text {show(value)}" if isinstance(value, str) else show(value)
