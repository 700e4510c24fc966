"""database_query against a real PostgreSQL: results, values and parameters."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from support.sql import SqlFlow, wait_until_idle
from testmesh_engine.errors import ServiceError
from testmesh_engine.expressions import Value

# Results


def test_rows_are_maps_of_exact_values(flow: SqlFlow, orders: str) -> None:
    """NUMERIC keeps its digits, text that looks like a number stays text, json is parsed."""
    result = flow.ask("SELECT id, total, zip, doc FROM orders")
    row = {"id": orders, "total": Decimal("59.98"), "zip": "02134", "doc": {"k": [Decimal("1.50")]}}
    assert {
        "rows": [row],
        "row_count": 1,
        "first_row": row,
        "rows_affected": 1,
        "columns": ["id", "total", "zip", "doc"],
        "count": 1,
        "truncated": False,
    } == result


def test_no_rows_are_an_empty_list(flow: SqlFlow, orders: str) -> None:
    """The columns are there all the same."""
    result = flow.ask("SELECT id FROM orders WHERE false")
    assert ([], 0, None, ["id"], 0) == tuple(
        result[key] for key in ("rows", "row_count", "first_row", "columns", "count")
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("INSERT INTO orders (number) VALUES (8), (9)", (0, 2, 2)),
        ("UPDATE orders SET number = 8", (0, 1, 1)),
        ("UPDATE orders SET number = 8 WHERE false", (0, 0, 0)),
        ("DELETE FROM orders RETURNING id", (1, 1, 1)),
        ("DELETE FROM orders WHERE false RETURNING id", (0, 0, 0)),
        ("WITH gone AS (DELETE FROM orders RETURNING id) SELECT id FROM gone", (1, 1, 1)),
        ("VALUES (1), (2)", (2, 2, 2)),
        ("SHOW TimeZone", (1, 0, 1)),
        ("SELECT", (1, 1, 1)),
        ("CREATE INDEX ON orders (number)", (0, 0, 0)),
    ],
)
def test_every_statement_tells_its_rows_and_what_it_changed(
    flow: SqlFlow, orders: str, query: str, expected: tuple[int, int, int]
) -> None:
    """row_count is of rows returned, rows_affected the server's tag, count the one that the statement is about."""
    result = flow.ask(query)
    assert expected == (result["row_count"], result["rows_affected"], result["count"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1::int2", 1),
        ("9007199254740993::int8", 9007199254740993),
        ("0.1::float8", Decimal("0.1")),
        ("'NaN'::numeric", "NaN"),
        ("'-Infinity'::float4", "-Infinity"),
        ("true", True),
        ("NULL::int", None),
        ("'2024-01-02 03:04:05.5+02'::timestamptz", "2024-01-02T01:04:05.5Z"),
        ("'2024-01-02 03:04:05'::timestamp", "2024-01-02T03:04:05"),
        ("'2024-01-02'::date", "2024-01-02"),
        ("'infinity'::timestamptz", "infinity"),
        ("'1 month 2 days'::interval", "P1M2D"),
        ("12.5::numeric::money", "$12.50"),
        ("'\\x00ff'::bytea", b"\x00\xff"),
        ("'{\"a\": 1.10}'::json", {"a": Decimal("1.10")}),
        ("ARRAY[[1,2],[3,NULL]]", [[1, 2], [3, None]]),
        ("ARRAY['a,b', NULL, 'NULL', '']", ["a,b", None, "NULL", ""]),
        ("ARRAY['2024-01-02 00:00Z'::timestamptz]", ["2024-01-02T00:00:00Z"]),
        ("ARRAY['{\"a\": 1}'::jsonb]", [{"a": 1}]),
        ("ARRAY[box '(1,1),(0,0)']", ["(1,1),(0,0)"]),
        ("'1 2'::int2vector", "1 2"),
        ("ROW(1, 'a')", "(1,a)"),
        ("int4range(1, 5)", "[1,5)"),
        ("point(1, 2)", "(1,2)"),
        ("'10.0.0.1/8'::inet", "10.0.0.1/8"),
        ("ARRAY[ARRAY['{}'::jsonb, NULL]]", [[{}, None]]),
        ("'4 days 03:02:01'::interval", "P4DT3H2M1S"),
        ("'{x}'::name[]", ["x"]),
    ],
)
def test_each_type_arrives_as_the_language_has_it(flow: SqlFlow, expression: str, expected: Value) -> None:
    """Read from the server's own text."""
    assert expected == flow.value(f"SELECT {expression}")


def test_types_of_the_services_own_are_read(flow: SqlFlow, other: psycopg.Connection) -> None:
    """Enums are text, domains what they stand for, and arrays of both are lists."""
    other.execute("CREATE TYPE mood AS ENUM ('sad', 'very happy')")
    other.execute("CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
    try:
        assert ["very happy", "sad"] == flow.value("SELECT ARRAY['very happy', 'sad']::mood[]")
        assert [1, 2] == flow.value("SELECT ARRAY[1, 2]::positive[]")
        assert 5 == flow.value("SELECT 5::positive")
        assert "sad" == flow.value("SELECT m FROM (VALUES ('sad'::mood)) moods (m) WHERE m = $1", ["sad"])
        assert [True] == flow.value("SELECT ARRAY[$1 = ANY(ARRAY['sad']::mood[])]", ["sad"])
    finally:
        other.execute("DROP TYPE mood; DROP DOMAIN positive")


def test_the_servers_settings_change_no_value(flow: SqlFlow, other: psycopg.Connection) -> None:
    """A role with its own date style and time zone sees the same text."""
    other.execute("ALTER ROLE root SET DateStyle = 'SQL, DMY'")
    other.execute("ALTER ROLE root SET TimeZone = 'Asia/Tokyo'")
    other.execute("ALTER ROLE root SET bytea_output = 'escape'")
    try:
        assert "2024-01-02T01:04:05Z" == flow.value("SELECT '2024-01-02 01:04:05Z'::timestamptz")
        assert b"\xff" == flow.value("SELECT '\\xff'::bytea")
    finally:
        other.execute("ALTER ROLE root RESET ALL")


def test_max_rows_keeps_that_many_and_says_so(flow: SqlFlow) -> None:
    """row_count tells how many there were."""
    result = flow.ask("SELECT generate_series(1, 20)", max_rows=3)
    assert (3, 20, True) == (len(result["rows"]), result["row_count"], result["truncated"])  # type: ignore[arg-type]  # a list


def test_too_many_rows_fail(flow: SqlFlow, other: psycopg.Connection) -> None:
    """Without max_rows nothing is cut silently, and the server stops."""
    assert 10_000 == flow.ask("SELECT generate_series(1, 10000)")["row_count"]
    with pytest.raises(ServiceError, match="more than 10,000 rows"):
        flow.ask("SELECT generate_series(1, 100000000), pg_sleep(0)")
    wait_until_idle(other)
    assert 1 == flow.value("SELECT 1")


def test_too_many_bytes_fail(flow: SqlFlow) -> None:
    """A few rows can fill the memory too."""
    with pytest.raises(ServiceError, match="more than 32 MiB"):
        flow.ask("SELECT repeat('x', 1000000) FROM generate_series(1, 40)")


# Parameters


@pytest.mark.parametrize(
    ("column", "given", "stored"),
    [
        ("number", "5", 5),
        ("number", 5, 5),
        ("big", 2**40, 2**40),
        ("total", "59.90", Decimal("59.90")),
        ("total", Decimal("59.90"), Decimal("59.90")),
        ("zip", "02134", "02134"),
        ("zip", 42, "42"),
        ("zip", ["a"], '["a"]'),
        ("paid", True, True),
        ("paid", "false", False),
        ("doc", {"a": [1]}, {"a": [1]}),
        ("doc", [1, "a"], [1, "a"]),
        ("doc", '{"a": 1}', {"a": 1}),
        ("tags", ["a b", None, 'q"'], ["a b", None, 'q"']),
        ("tags", [], []),
        ("at", "2024-01-02T03:04:05+02:00", "2024-01-02T01:04:05Z"),
        ("raw", b"\x00\xff", b"\x00\xff"),
        ("zip", None, None),
    ],
)
def test_a_parameter_reaches_a_column_of_any_type(
    flow: SqlFlow, orders: str, column: str, given: Value, stored: Value
) -> None:
    """It goes untyped, so the column decides; the uuid of the key is text as well."""
    query = "UPDATE orders SET column = $1 WHERE id = $2 RETURNING column".replace("column", column)
    result = flow.ask(query, [given, orders])
    assert [{column: stored}] == result["rows"]


@pytest.mark.parametrize(
    ("query", "params", "expected"),
    [
        ("SELECT $1 + $2", [5, 6], 11),
        ("SELECT jsonb_build_object('a', $1)", [5], {"a": 5}),
        ("SELECT pg_typeof($1)::text", [5], "integer"),
        ("SELECT to_jsonb($1)", [["a", "b"]], ["a", "b"]),
        ("SELECT abs($1)", [Decimal("-1.5")], Decimal("1.5")),
        ("SELECT $1 IS NULL", [None], True),
        ("SELECT count(*) FROM generate_series(1, 5) g WHERE g = ANY($1)", [[1, 2, 9]], 2),
        ("SELECT '[\"x\"]'::jsonb ? 'x' AND '{\"a\": 1}'::jsonb @> $1", ['{"a": 1}'], True),
        ("SELECT '[\"x\"]'::jsonb ?? ? AND 'a%b' LIKE ?", ["x", "a%"], True),
        ("SELECT :name::text || '100%' || ':name'", {"name": "a"}, "a100%:name"),
        ("SELECT 'john@example.com' LIKE '%@%' AND 10 % $1 = 1", [3], True),
    ],
)
def test_parameters_work_beside_any_operator(flow: SqlFlow, query: str, params: Value, expected: Value) -> None:
    """Nothing interprets % or ?; what the server can't infer has its own type."""
    assert expected == flow.value(query, params)


def test_a_parameter_is_never_part_of_the_query(flow: SqlFlow) -> None:
    """Quotes in a value are just characters."""
    assert "'; DROP TABLE x; --" == flow.value("SELECT $1", ["'; DROP TABLE x; --"])


def test_large_parameters_and_values_pass(flow: SqlFlow) -> None:
    """More than any socket's buffer, in both directions."""
    text = "x" * 20_000_000
    assert text == flow.value("SELECT $1", [text])
