"""The server's text and the value that it is in the language."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testmesh_engine.actions.sql_postgresql_values import Shape, read_array, reader_of
from testmesh_engine.expressions import Value

BOOL, BYTEA, INT8, TEXT, JSONB, FLOAT8, TIMESTAMP, TIMESTAMPTZ, TIMETZ, NUMERIC = (
    16, 17, 20, 25, 3802, 701, 1114, 1184, 1266, 1700,
)  # fmt: skip
DATE_ARRAY, EMAIL, EMAIL_ARRAY, BOX, BOX_ARRAY = 1182, 90001, 90002, 603, 1020
SHAPES = {
    DATE_ARRAY: Shape(element=1082),
    EMAIL: Shape(base=TEXT),
    EMAIL_ARRAY: Shape(element=EMAIL),
    BOX: Shape(),
    BOX_ARRAY: Shape(element=BOX, delimiter=";"),
}


@pytest.mark.parametrize(
    ("expected", "oid", "text"),
    [
        (True, BOOL, "t"),
        (False, BOOL, "f"),
        (9007199254740993, INT8, "9007199254740993"),
        (-1, INT8, "-1"),
        (Decimal("59.90"), NUMERIC, "59.90"),
        ("NaN", NUMERIC, "NaN"),
        ("-Infinity", FLOAT8, "-Infinity"),
        (Decimal("1e+300"), FLOAT8, "1e+300"),
        ("02134", TEXT, "02134"),
        ({"a": [1, Decimal("2.50"), None]}, JSONB, '{"a": [1, 2.50, null]}'),
        (b"\x00\xff", BYTEA, "\\x00ff"),
        ("2024-01-02T01:04:05.5Z", TIMESTAMPTZ, "2024-01-02 01:04:05.5+00"),
        ("2024-01-02T01:04:05+02:00", TIMESTAMPTZ, "2024-01-02 01:04:05+02"),
        ("2024-01-02T01:04:05+05:30", TIMESTAMPTZ, "2024-01-02 01:04:05+05:30"),
        ("2024-01-02T01:04:05.123456", TIMESTAMP, "2024-01-02 01:04:05.123456"),
        ("infinity", TIMESTAMPTZ, "infinity"),
        ("0044-03-15 00:00:00 BC", TIMESTAMP, "0044-03-15 00:00:00 BC"),
        ("01:04:05Z", TIMETZ, "01:04:05+00"),
        (["2024-01-02", None], DATE_ARRAY, "{2024-01-02,NULL}"),
        ("a@b.c", EMAIL, "a@b.c"),
        (["a@b.c"], EMAIL_ARRAY, "{a@b.c}"),
        (["(1,1),(0,0)", "(2,2),(0,0)"], BOX_ARRAY, "{(1,1),(0,0);(2,2),(0,0)}"),
        ("anything", 4711, "anything"),
    ],
)
def test_each_type_is_read_from_the_servers_text(expected: Value, oid: int, text: str) -> None:
    """Nothing is rounded, converted through a float, or guessed from how it looks."""
    value = reader_of(oid, SHAPES)(text)
    assert (type(expected), expected) == (type(value), value)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ([], "{}"),
        (["a"], "{a}"),
        (["a,b", 'c"d', "e\\f", "", "NULL", None, "{}"], '{"a,b","c\\"d","e\\\\f","","NULL",NULL,"{}"}'),
        ([["1", "2"], ["3", None]], "{{1,2},{3,NULL}}"),
        ([["a b"], ["c"]], '{{"a b"},{c}}'),
        (["1", "2"], "[0:1]={1,2}"),
        (["line\nbreak", "x"], '{"line\nbreak",x}'),
    ],
)
def test_an_array_is_a_list(expected: list[Value], text: str) -> None:
    """Quoted items, nested lists, NULL and bounds are read as the server writes them."""
    assert expected == read_array(text, str)


def test_a_number_beyond_all_bounds_is_refused() -> None:
    """A few characters must not become gigabytes of digits."""
    with pytest.raises(ValueError, match="beyond"):
        reader_of(NUMERIC, {})("1" + "0" * 7000)
