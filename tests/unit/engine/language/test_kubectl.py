"""What kubectl makes of plain scalars, and where a flow's own text means something else.

The expected values are what ``kubectl patch --local`` (1.32) printed.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from testmesh_engine.expressions import Value
from testmesh_engine.language.kubectl import differences, read_by_kubectl
from testmesh_engine.language.load import load_documents
from testmesh_engine.language.nodes import Source


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, True) for word in ("yes", "on", "y", "Yes", "True")),
        *((word, False) for word in ("N", "off", "NO")),
        *(
            (word, word)
            for word in ("nO", "12:30", "190:20:30", "2024-01-02", "2024-01-02T03:04:05Z", "=", "0b", "0o8")
        ),
        *(("010", 8), ("-010", -8), ("08", Decimal(8)), ("1_000", 1000), ("0_1", 1), ("+12", 12)),
        *(("0b11", 3), ("-0b11", -3), ("0o17", 15), ("0x1F", 31), ("0X1f", 31)),
        *(("1e3", Decimal(1000)), ("1.", Decimal(1)), (".5", Decimal("0.5")), ("1_0.5", Decimal("10.5"))),
        ("9007199254740993", 9007199254740993),
        ("123456789012345678901234", Decimal("1.2345678901234569e+23")),
        ("0.1234567890123456789", Decimal("0.12345678901234568")),
        ("1e400", "1e400"),
    ],
)
def test_plain_scalars_are_read_as_kubectl_does(text: str, value: Value) -> None:
    """By YAML 1.1, with numbers that JSON has."""
    found = read_by_kubectl(text)
    assert (value, isinstance(value, bool)) == (found, isinstance(found, bool))


def test_each_value_and_key_that_two_readings_disagree_on_is_named() -> None:
    """With its place; what is quoted, or the same in both, is not."""
    text = 'a: yes\nb: [010, "010", 10, 12:30]\non: 1\nc: {d: 1_000, e: 10.00, f: true, g: ~, h: 0.5}\ni: 1\n'
    source = Source(name="m.yaml", lines=text.splitlines())
    (document,) = load_documents(text, source)
    found = differences(document.root, source)
    assert [(1, 4), (2, 5), (3, 1), (4, 8)] == [(problem.line, problem.column) for problem in found]
    assert 'kubectl reads yes as true, a flow\'s own text as text "yes"' == found[0].message
    assert "kubectl reads 010 as 8, a flow's own text as 10" == found[1].message
