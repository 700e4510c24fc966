"""Results as JSON text: what Python's own writer writes, but for numbers, which stay as they came."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testmesh_engine.contract.result import Json
from testmesh_engine.report.json_text import dense, indented, one_line

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
PLAIN = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@pytest.mark.parametrize("number", ["59.980", "1.10", "12345678901234567890.123456789012345678901", "1E+400", "-0.0"])
def test_a_number_keeps_its_digits(number: str) -> None:
    """Also those that no float has; it stays a number, without quotes."""
    value: Json = {"total": [Decimal(number)]}
    assert f'{{"total": [{number}]}}' == one_line(value)
    assert f'{{"total":[{number}]}}' == dense(value)
    assert f'{{\n  "total": [\n    {number}\n  ]\n}}' == indented(value)


@given(PLAIN)
def test_all_else_is_written_as_python_writes_it(value: Json) -> None:
    """Readers see no difference."""
    assert json.dumps(value, ensure_ascii=False) == one_line(value)
    assert json.dumps(value, ensure_ascii=False, separators=(",", ":")) == dense(value)
    assert json.dumps(value, ensure_ascii=False, indent=2) == indented(value)


def test_what_is_no_json_is_not_written() -> None:
    """A report that readers can't parse would be none."""
    with pytest.raises(ValueError, match="JSON"):
        dense([float("nan")])
