"""database_query against a real PostgreSQL: values, parameters, errors, and an end to every wait."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Self

import psycopg
import pytest

from support.ports import free_port
from support.postgresql import database_url, postgresql
from support.process import Process
from testmesh_engine.actions.base import Connections, Context, Counters, Result
from testmesh_engine.actions.database_query import DatabaseQuery
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import Interrupted, PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value

SLACK_SECONDS = 2.0  # of a busy machine


class Flow:
    """The steps of one flow, which share a connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.interrupt = Interrupt()
        self.connections = Connections()

    def ask(self, query: str, params: Value = None, *, seconds: float = 20, **config: Value) -> Result:
        """Run one step."""
        context = Context(
            step="ask",
            deadline=Deadline.after(seconds, "config.timeout"),
            interrupt=self.interrupt,
            connections=self.connections,
            counters=Counters(),
            holds=lambda _: True,
        )
        return DatabaseQuery().run({"connection": self.url, "query": query, "params": params} | config, context)

    def value(self, query: str, params: Value = None) -> Value:
        """The only value of the only row."""
        result = self.ask(query, params)
        assert 1 == result["row_count"]
        row = result["first_row"]
        assert isinstance(row, dict)
        [value] = row.values()
        return value

    def close(self) -> None:
        """End it."""
        self.connections.close()
        self.interrupt.close()


class Elapsed:
    """How long a block took."""

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._started


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for this module."""
    port = free_port()
    with postgresql(port, logs=tmp_path_factory.mktemp("logs")):
        yield database_url(port)


@pytest.fixture
def flow(url: str) -> Iterator[Flow]:
    """A flow on it."""
    flow = Flow(url)
    yield flow
    flow.close()


@pytest.fixture
def other(url: str) -> Iterator[psycopg.Connection]:
    """Somebody else's connection."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Process, int]]:
    """A server of the test's own, to be mistreated, and its port."""
    port = free_port()
    with postgresql(port, logs=tmp_path) as process:
        yield process, port


@pytest.fixture
def orders(flow: Flow, other: psycopg.Connection) -> Iterator[str]:
    """A table with a column of each usual type, and one row."""
    other.execute("DROP TABLE IF EXISTS orders")
    other.execute(
        "CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), number int, big bigint,"
        " total numeric(10,2), zip text, paid boolean, doc jsonb, tags text[], at timestamptz, raw bytea)"
    )
    row = other.execute(
        "INSERT INTO orders (number, total, zip, doc) VALUES (7, 59.98, '02134', '{\"k\": [1.50]}') RETURNING id::text"
    ).fetchone()
    assert row is not None
    yield row[0]
    other.execute("DROP TABLE orders")


def active_sleeps(connection: psycopg.Connection) -> int:
    """How many backends are running pg_sleep or waiting for a lock."""
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
        " AND (query LIKE '%pg_sleep%' OR wait_event_type = 'Lock')"
    ).fetchone()
    assert row is not None
    return int(row[0])


def wait_until_idle(connection: psycopg.Connection) -> None:
    """A cancelled backend needs a moment to notice."""
    end = time.monotonic() + SLACK_SECONDS
    while active_sleeps(connection) and time.monotonic() < end:
        time.sleep(0.01)
    assert 0 == active_sleeps(connection)


# Results


def test_rows_are_maps_of_exact_values(flow: Flow, orders: str) -> None:
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


def test_no_rows_are_an_empty_list(flow: Flow, orders: str) -> None:
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
    flow: Flow, orders: str, query: str, expected: tuple[int, int, int]
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
        ("'{x}'::name[]", ["x"]),
    ],
)
def test_each_type_arrives_as_the_language_has_it(flow: Flow, expression: str, expected: Value) -> None:
    """Read from the server's own text."""
    assert expected == flow.value(f"SELECT {expression}")


def test_types_of_the_services_own_are_read(flow: Flow, other: psycopg.Connection) -> None:
    """Enums are text, domains what they stand for, and arrays of both are lists."""
    other.execute("CREATE TYPE mood AS ENUM ('sad', 'very happy')")
    other.execute("CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
    try:
        assert ["very happy", "sad"] == flow.value("SELECT ARRAY['very happy', 'sad']::mood[]")
        assert [1, 2] == flow.value("SELECT ARRAY[1, 2]::positive[]")
        assert 5 == flow.value("SELECT 5::positive")
    finally:
        other.execute("DROP TYPE mood; DROP DOMAIN positive")


def test_the_servers_settings_change_no_value(flow: Flow, other: psycopg.Connection) -> None:
    """A role with its own date style and time zone sees the same text."""
    other.execute("ALTER ROLE root SET DateStyle = 'SQL, DMY'")
    other.execute("ALTER ROLE root SET TimeZone = 'Asia/Tokyo'")
    other.execute("ALTER ROLE root SET bytea_output = 'escape'")
    try:
        assert "2024-01-02T01:04:05Z" == flow.value("SELECT '2024-01-02 01:04:05Z'::timestamptz")
        assert b"\xff" == flow.value("SELECT '\\xff'::bytea")
    finally:
        other.execute("ALTER ROLE root RESET ALL")


def test_max_rows_keeps_that_many_and_says_so(flow: Flow) -> None:
    """row_count tells how many there were."""
    result = flow.ask("SELECT generate_series(1, 20)", max_rows=3)
    assert (3, 20, True) == (len(result["rows"]), result["row_count"], result["truncated"])  # type: ignore[arg-type]  # a list


def test_too_many_rows_fail(flow: Flow, other: psycopg.Connection) -> None:
    """Without max_rows nothing is cut silently, and the server stops."""
    assert 10_000 == flow.ask("SELECT generate_series(1, 10000)")["row_count"]
    with pytest.raises(ServiceError, match="more than 10,000 rows"):
        flow.ask("SELECT generate_series(1, 100000000), pg_sleep(0)")
    wait_until_idle(other)
    assert 1 == flow.value("SELECT 1")


def test_too_many_bytes_fail(flow: Flow) -> None:
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
    flow: Flow, orders: str, column: str, given: Value, stored: Value
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
def test_parameters_work_beside_any_operator(flow: Flow, query: str, params: Value, expected: Value) -> None:
    """Nothing interprets % or ?; what the server can't infer has its own type."""
    assert expected == flow.value(query, params)


def test_a_parameter_is_never_part_of_the_query(flow: Flow) -> None:
    """Quotes in a value are just characters."""
    assert "'; DROP TABLE x; --" == flow.value("SELECT $1", ["'; DROP TABLE x; --"])


def test_large_parameters_and_values_pass(flow: Flow) -> None:
    """More than any socket's buffer, in both directions."""
    text = "x" * 20_000_000
    assert text == flow.value("SELECT $1", [text])


# Errors


def test_a_refused_query_says_code_place_and_hint(flow: Flow, orders: str) -> None:
    """All that the server knows, in one line."""
    with pytest.raises(ServiceError) as caught:
        flow.ask("SELECT id\nFROM orders\nWHERE totl = 5")
    assert (
        'the database refused the query: column "totl" does not exist (SQLSTATE 42703)'
        " at line 3, column 7: WHERE >>>totl = 5"
    ) == caught.value.message
    assert 'Perhaps you meant to reference the column "orders.total".' == caught.value.hint
    assert "query_error" == caught.value.kind
    assert 1 == flow.value("SELECT 1")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FORM orders", r'syntax error at or near "FORM" \(SQLSTATE 42601\) at line 1, column 10'),
        ("SELECT 1; SELECT 2", "cannot insert multiple commands"),
        ("-- nothing", "the query is empty"),
        ("BEGIN", "left a transaction open"),
        ("COPY orders TO STDOUT", "COPY"),
        ("COPY orders FROM STDIN", "COPY"),
    ],
)
def test_what_is_no_single_statement_is_the_flows_error(flow: Flow, orders: str, query: str, message: str) -> None:
    """The next step finds a good connection all the same."""
    with pytest.raises(UsageError, match=message):
        flow.ask(query)
    assert 1 == flow.value("SELECT 1")


def test_notices_go_nowhere(flow: Flow, capfd: pytest.CaptureFixture[str]) -> None:
    """Standard error belongs to the report."""
    flow.ask("DO $$ BEGIN RAISE NOTICE 'hello'; END $$")
    flow.ask("SELECT 1")
    assert ("", "") == capfd.readouterr()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (":admin@", ":s3cret@", "password authentication failed"),
        ("/postgres", "/nowhere", 'database "nowhere" does not exist'),
    ],
)
def test_a_connection_that_is_refused_names_all_but_the_password(url: str, old: str, new: str, said: str) -> None:
    """Host, port, database and user are in the message."""
    flow = Flow(url.replace(old, new))
    with pytest.raises(PlatformError, match=f"can't connect to localhost:.* as root: .*{said}") as caught:
        flow.ask("SELECT 1")
    flow.close()
    assert "connection_error" == caught.value.kind
    assert "s3cret" not in str(caught.value)


# The connection


def test_steps_share_a_connection(flow: Flow, other: psycopg.Connection) -> None:
    """It is closed at the flow's end."""
    first = flow.value("SELECT pg_backend_pid()")
    assert first == flow.value("SELECT pg_backend_pid()")
    flow.connections.close()
    assert first != flow.value("SELECT pg_backend_pid()")


def test_a_connection_is_a_url_or_a_map(url: str) -> None:
    """Both reach the same database; libpq's own parameters stand after the ? of the URL."""
    flow = Flow(f"{url}?options=-csearch_path%3Dpg_catalog")
    port = int(url.rpartition(":")[2].partition("/")[0])
    parts: Value = {"host": "127.0.0.1", "port": port, "user": "root", "password": "admin", "database": "postgres"}
    assert "pg_catalog" == flow.value("SHOW search_path")
    assert [{"port": port}] == flow.ask("SELECT inet_server_port() AS port;", connection=parts)["rows"]
    flow.close()


def test_each_statement_is_seen_by_others_at_once(flow: Flow, orders: str, other: psycopg.Connection) -> None:
    """Nothing waits for the flow's end to be committed."""
    flow.ask("UPDATE orders SET number = 11")
    row = other.execute("SELECT number FROM orders").fetchone()
    assert (11,) == row


def test_a_connection_lost_between_steps_is_opened_anew(flow: Flow, other: psycopg.Connection) -> None:
    """No step pays for what happened while nothing was asked."""
    lost = flow.value("SELECT pg_backend_pid()")
    other.execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
    assert lost != flow.value("SELECT pg_backend_pid()")


def test_a_connection_lost_during_a_query_is_an_error(flow: Flow, orders: str, other: psycopg.Connection) -> None:
    """The statement is not sent again; the next step has a new connection."""
    pid = flow.value("SELECT pg_backend_pid()")
    timer = threading.Timer(0.2, other.execute, ["SELECT pg_terminate_backend(%s)", [pid]])
    timer.start()
    with pytest.raises(PlatformError, match="ended the connection: terminating connection") as caught:
        flow.ask("WITH done AS (INSERT INTO orders (number) VALUES (1)) SELECT pg_sleep(20)")
    timer.join()
    assert "connection_error" == caught.value.kind
    assert 1 == flow.value("SELECT count(*) FROM orders")


# Time


def test_a_query_longer_than_its_time_ends_on_time(flow: Flow, other: psycopg.Connection) -> None:
    """The server is told to stop as well."""
    with Elapsed() as elapsed, pytest.raises(PlatformError, match=r"within config\.timeout of 300ms") as caught:
        flow.ask("SELECT pg_sleep(20)", seconds=0.3)
    assert "timeout" == caught.value.kind
    assert 0.3 <= elapsed.seconds < 0.3 + SLACK_SECONDS
    wait_until_idle(other)
    assert 1 == flow.value("SELECT 1")


def test_a_wait_for_a_lock_ends_on_time(flow: Flow, orders: str, url: str, other: psycopg.Connection) -> None:
    """Also where another transaction holds the row."""
    with psycopg.connect(url) as holder:
        holder.execute("UPDATE orders SET number = 1")
        with Elapsed() as elapsed, pytest.raises(PlatformError, match=r"config\.timeout of 300ms"):
            flow.ask("DELETE FROM orders", seconds=0.3)
        assert elapsed.seconds < 0.3 + SLACK_SECONDS
        wait_until_idle(other)
    assert 1 == flow.value("SELECT count(*) FROM orders")


def test_an_interrupt_ends_a_query_at_once(flow: Flow, other: psycopg.Connection) -> None:
    """SIGTERM leaves its time to teardown, and the server idle."""
    flow.value("SELECT 1")
    timer = threading.Timer(0.2, flow.interrupt.set, ["SIGTERM"])
    timer.start()
    with Elapsed() as elapsed, pytest.raises(Interrupted, match="SIGTERM"):
        flow.ask("SELECT pg_sleep(20)")
    timer.join()
    assert elapsed.seconds < 0.2 + SLACK_SECONDS
    wait_until_idle(other)


def test_the_servers_own_timeout_is_a_timeout(flow: Flow) -> None:
    """A role's statement_timeout may be shorter than the step's."""
    flow.ask("SET statement_timeout = '100ms'")
    with pytest.raises(PlatformError, match="statement timeout") as caught:
        flow.ask("SELECT pg_sleep(20)")
    assert "timeout" == caught.value.kind


def test_a_server_that_stops_during_a_query_is_an_error_at_once(server: tuple[Process, int]) -> None:
    """Within the deadline, and with the connection's name."""
    process, port = server
    flow = Flow(database_url(port))
    flow.value("SELECT 1")
    timer = threading.Timer(0.2, process.stop)
    timer.start()
    with Elapsed() as elapsed, pytest.raises(PlatformError, match=f"localhost:{port}/postgres as root") as caught:
        flow.ask("SELECT pg_sleep(20)")
    timer.join()
    flow.close()
    assert "connection_error" == caught.value.kind
    assert elapsed.seconds < 5


def test_a_server_that_came_back_is_used_again(tmp_path: Path) -> None:
    """The flow's connection broke while the server was restarted between two steps."""
    port = free_port()
    flow = Flow(database_url(port))
    with postgresql(port, logs=tmp_path):
        assert 1 == flow.value("SELECT 1")
    with pytest.raises(PlatformError, match=r"can't connect .* Connection refused"):
        flow.ask("SELECT 2")
    with postgresql(port, logs=tmp_path):
        assert 3 == flow.value("SELECT 3")
        flow.close()


def test_a_server_that_hangs_holds_nobody(server: tuple[Process, int]) -> None:
    """Neither connecting to it, nor the request to cancel, waits longer than its time."""
    process, port = server
    flow, late = Flow(database_url(port)), Flow(database_url(port))
    flow.value("SELECT 1")
    process.signal(signal.SIGSTOP)
    try:
        with Elapsed() as asking, pytest.raises(PlatformError, match=r"config\.timeout of 300ms"):
            flow.ask("SELECT pg_sleep(20)", seconds=0.3)
        with Elapsed() as connecting, pytest.raises(PlatformError, match="can't connect") as caught:
            late.ask("SELECT 1", seconds=0.3)
    finally:
        process.signal(signal.SIGCONT)
    flow.close()
    late.close()
    assert asking.seconds < 0.3 + 1.0 + SLACK_SECONDS
    assert connecting.seconds < 0.3 + SLACK_SECONDS
    assert "timeout" == caught.value.kind


def test_an_interrupt_ends_connecting_at_once(server: tuple[Process, int]) -> None:
    """A server that does not answer must not hold up teardown."""
    process, port = server
    flow = Flow(database_url(port))
    process.signal(signal.SIGSTOP)
    timer = threading.Timer(0.2, flow.interrupt.set, ["SIGTERM"])
    timer.start()
    try:
        with Elapsed() as elapsed, pytest.raises(Interrupted, match="SIGTERM"):
            flow.ask("SELECT 1")
    finally:
        process.signal(signal.SIGCONT)
    timer.join()
    flow.close()
    assert elapsed.seconds < 0.2 + SLACK_SECONDS


def test_nothing_is_sent_after_the_deadline(flow: Flow, orders: str) -> None:
    """A statement that can't be answered in time is not executed."""
    flow.value("SELECT 1")
    with pytest.raises(PlatformError, match="timeout"):
        flow.ask("DELETE FROM orders", seconds=0)
    assert 1 == flow.value("SELECT count(*) FROM orders")
