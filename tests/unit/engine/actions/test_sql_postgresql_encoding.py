"""How a parameter is written, and what type it has by itself."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testmesh_engine.actions.sql_postgresql_encoding import (
    BOOLEAN,
    BYTEA,
    INT4,
    INT8,
    JSONB,
    NUMERIC,
    TEXT,
    encode,
    own_type,
)
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (None, None),
        (b"02134", "02134"),
        ("für".encode(), "für"),
        (b"true", True),
        (b"42", 42),
        (b"59.90", Decimal("59.90")),
        (b"100", Decimal("1E+2")),
        (b"\\x00ff", b"\x00\xff"),
        (b'{"a":[1,null]}', {"a": [1, None]}),
        (b'["a"]', ["a"]),
    ],
)
def test_a_value_is_written_as_the_server_reads_it(expected: bytes | None, value: Value) -> None:
    """Numbers in plain digits, bytes in hex, maps and lists as JSON."""
    assert expected == encode(value, as_array=False)


def test_a_list_is_an_array_where_the_parameter_is_one() -> None:
    """Items are quoted, so that nothing in them is read as the array's own characters."""
    value: Value = ["a,b", 'c"d', "e\\f", "", "NULL", None, 5, ["x"], {"k": 1}]
    expected = r'{"a,b","c\"d","e\\f","","NULL",NULL,"5",{"x"},"{\"k\":1}"}'
    assert expected.encode() == encode(value, as_array=True)


def test_a_zero_character_is_refused() -> None:
    """PostgreSQL would cut the text off there."""
    with pytest.raises(UsageError, match="zero character"):
        encode("a\0b", as_array=False)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (TEXT, "5"),
        (TEXT, None),
        (BOOLEAN, True),
        (INT4, 5),
        (INT8, 2**31),
        (NUMERIC, 2**63),
        (NUMERIC, Decimal("1.5")),
        (BYTEA, b""),
        (JSONB, {"a": 1}),
        (1007, [1, None, 2]),
        (1016, [1, 2**40]),
        (1231, [1, Decimal("1.5")]),
        (1009, ["a"]),
        (JSONB, ["a", 1]),
        (JSONB, []),
        (JSONB, [[1]]),
    ],
)
def test_a_value_has_a_type_of_its_own(expected: int, value: Value) -> None:
    """It is used where the server can't infer one."""
    assert expected == own_type(value)
