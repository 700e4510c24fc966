"""database_query on SQLite: values, parameters, transactions, locks, and an end to every statement."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from support.sql import SqlFlow
from testmesh_engine.actions.sql_database import Bounds, Limit, Table
from testmesh_engine.actions.sql_parameters import Statement
from testmesh_engine.actions.sql_sqlite import Sqlite, SqliteSession, database_of
from testmesh_engine.errors import Interrupted, PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture
def flow() -> Iterator[SqlFlow]:
    """A flow on a database in memory, with a table."""
    flow = SqlFlow("sqlite:///:memory:")
    flow.ask("CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC, name TEXT, raw BLOB)")
    yield flow
    flow.close()


def test_the_steps_of_a_flow_share_what_is_in_memory(flow: SqlFlow) -> None:
    """And another flow has a database of its own."""
    flow.ask("INSERT INTO orders (name) VALUES ('a')")
    assert 1 == flow.value("SELECT count(*) FROM orders")
    other = SqlFlow(flow.url)
    with pytest.raises(ServiceError, match="no such table: orders"):
        other.ask("SELECT * FROM orders")
    other.close()


@pytest.mark.parametrize(
    ("expected", "literal"),
    [
        (1, "1"),
        (9223372036854775807, "9223372036854775807"),
        (Decimal("59.98"), "59.98"),
        (Decimal("5.0"), "5.0"),
        (Decimal("0.1"), "0.1"),
        ("Infinity", "9e999"),
        ("-Infinity", "-9e999"),
        ("02134", "'02134'"),
        (b"\x00\xff", "x'00ff'"),
        (None, "NULL"),
        ('{"a": 1}', "'{\"a\": 1}'"),
    ],
)
def test_values_are_what_sqlite_has(flow: SqlFlow, expected: Value, literal: str) -> None:
    """Five kinds; a float is the shortest number that means it."""
    assert expected == flow.value(f"SELECT {literal}")


@pytest.mark.parametrize(
    ("query", "params", "expected"),
    [
        ("SELECT name FROM orders WHERE id = $1", ["1"], "john@example.com"),
        ("SELECT name FROM orders WHERE total = ?", [Decimal("59.98")], "john@example.com"),
        ("SELECT id FROM orders WHERE name = :name AND :name LIKE '%@%'", {"name": "john@example.com"}, 1),
        ("SELECT count(*) FROM orders WHERE name = $1", [12], 1),
        ("SELECT $1", [True], 1),
        ("SELECT $1", [2**70], str(2**70)),
        ("SELECT $1", [Decimal("0.1234567890123456789")], "0.1234567890123456789"),
        ("SELECT $2 || $1 || $2", ["b", "a"], "aba"),
        ("SELECT json_extract($1, '$.a[1]')", [{"a": [1, 2]}], 2),
        ("SELECT hex($1)", [b"\x00\xff"], "00FF"),
    ],
)
def test_parameters_reach_columns_of_any_type(flow: SqlFlow, query: str, params: Value, expected: Value) -> None:
    """In all three spellings; text reaches a number's column, and a number a text's."""
    flow.ask("INSERT INTO orders VALUES (1, 59.98, 'john@example.com', NULL), (2, 1, '12', NULL)")
    assert expected == flow.value(query, params)


def test_several_statements_are_one_transaction(flow: SqlFlow) -> None:
    """The rows are those of the last statement that returns any; a refused one leaves nothing of the others."""
    result = flow.ask(
        "INSERT INTO orders (id) VALUES ($1), ($2); DELETE FROM orders WHERE id = $1; SELECT id FROM orders", [1, 2]
    )
    assert ([{"id": 2}], 3, 1) == (result["rows"], result["rows_affected"], result["count"])
    with pytest.raises(ServiceError) as caught:
        flow.ask("INSERT INTO orders (id) VALUES (3); INSERT INTO orders (id) VALUES (2)")
    expected = (
        "the database refused statement 2 of 2: UNIQUE constraint failed: orders.id (SQLITE_CONSTRAINT_PRIMARYKEY)"
    )
    assert f"{expected}; nothing of the query was kept" == caught.value.message
    assert 1 == flow.value("SELECT count(*) FROM orders")


@pytest.mark.parametrize(
    ("expected", "query", "rows"),
    [
        ("; statement 1 was kept, since CREATE commits by itself", "CREATE TABLE t (a UNIQUE); {}; {}", 0),
        ("; statements 1 to 2 were kept, since CREATE commits by itself", "{}; CREATE TABLE s (a); {}", 1),
        ("; what stands before it may have been kept, since CREATE commits by itself", "{}; CREATE TABLE t (a)", 1),
        ("; nothing of the query was kept", "{}; {}", 0),
    ],
)
def test_what_a_statement_committed_by_itself_is_told_and_what_follows_is_a_transaction(
    flow: SqlFlow, monkeypatch: pytest.MonkeyPatch, expected: str, query: str, rows: int
) -> None:
    """MySQL's CREATE does: here a SQLite that commits with it, also where it is refused."""
    run = SqliteSession.run

    def commit_and_run(self: SqliteSession, statement: Statement, *, bounds: Bounds, limit: Limit) -> Table:
        if statement.head != "CREATE":
            return run(self, statement, bounds=bounds, limit=limit)
        self.command("COMMIT", bounds)
        return run(self, statement, bounds=bounds, limit=limit)

    if "CREATE TABLE t (a UNIQUE)" not in query:
        flow.ask("CREATE TABLE t (a UNIQUE)")
    monkeypatch.setattr(SqliteSession, "run", commit_and_run)
    monkeypatch.setattr(Sqlite, "committing", frozenset({"CREATE"}))
    with pytest.raises(ServiceError) as caught:
        flow.ask(query.replace("{}", "INSERT INTO t VALUES (1)"))
    assert caught.value.message.endswith(expected)
    assert rows == flow.value("SELECT count(*) FROM t")


def test_without_a_transaction_each_statement_counts(flow: SqlFlow) -> None:
    """What stands before a refused one is kept."""
    with pytest.raises(ServiceError):
        flow.ask("INSERT INTO orders (id) VALUES (3); INSERT INTO orders (id) VALUES (3)", transaction=False)
    assert 1 == flow.value("SELECT count(*) FROM orders")


def test_what_triggers_did_is_not_counted(flow: SqlFlow) -> None:
    """As other databases count; RETURNING gives rows."""
    flow.ask(
        "CREATE TRIGGER g AFTER INSERT ON orders BEGIN UPDATE orders SET name = 'x'; UPDATE orders SET total = 1; END"
    )
    assert 2 == flow.ask("INSERT INTO orders (id) VALUES (1), (2)")["rows_affected"]
    result = flow.ask("INSERT INTO orders (id) VALUES (3) RETURNING id")
    assert ([{"id": 3}], 1) == (result["rows"], result["rows_affected"])
    assert 0 == flow.ask("DELETE FROM orders WHERE id = 77")["rows_affected"]


@pytest.mark.parametrize(
    ("error", "query", "message"),
    [
        (UsageError, "SELEC 1", 'near "SELEC": syntax error'),
        (UsageError, "SELECT (1", "incomplete input"),
        (UsageError, "BEGIN", "left a transaction open"),
        (ServiceError, "SELECT * FROM nowhere", "no such table: nowhere"),
        (ServiceError, "SELECT totl FROM orders", "no such column: totl"),
        (
            ServiceError,
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 10001) SELECT * FROM c",
            "10,000",
        ),
    ],
)
def test_errors_say_whose_fault_it_is(flow: SqlFlow, error: type[Exception], query: str, message: str) -> None:
    """Syntax is the flow's, tables are the service's; the next step goes on with the same database."""
    with pytest.raises(error, match=message):
        flow.ask(query)
    assert 0 == flow.value("SELECT count(*) FROM orders")


def test_a_statement_longer_than_its_time_is_stopped(flow: SqlFlow) -> None:
    """SQLite runs in this process, and looks at the clock meanwhile."""
    started = time.monotonic()
    with pytest.raises(PlatformError, match=r"SQLite in memory within config\.timeout of 200ms") as caught:
        flow.ask(ENDLESS, seconds=0.2)
    assert 2 > time.monotonic() - started
    assert "timeout" == caught.value.kind
    assert 0 == flow.value("SELECT count(*) FROM orders")


def test_an_interrupt_stops_a_statement(flow: SqlFlow) -> None:
    """SIGTERM leaves its time to teardown."""
    timer = threading.Timer(0.1, flow.interrupt.set, ["SIGTERM"])
    timer.start()
    with pytest.raises(Interrupted, match="SIGTERM"):
        flow.ask(ENDLESS)
    timer.join()


def test_a_file_that_another_one_locks_is_waited_for(tmp_path: Path) -> None:
    """As long as the step may take, and no longer."""
    path = tmp_path / "shop.db"
    flow = SqlFlow(f"sqlite:///{path}?mode=rwc")
    flow.ask("CREATE TABLE orders (id INTEGER)")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(PlatformError, match=r"within config\.timeout of 100ms"):
        flow.ask("INSERT INTO orders VALUES (1); SELECT 1", seconds=0.1)
    timer = threading.Timer(0.1, other.execute, ["COMMIT"])
    timer.start()
    assert 1 == flow.ask("INSERT INTO orders VALUES (2)")["rows_affected"]
    timer.join()
    other.close()
    assert [{"id": 2}] == flow.ask("SELECT id FROM orders")["rows"]
    flow.close()


def test_a_file_is_not_made_by_asking_for_it(tmp_path: Path) -> None:
    """A misspelt name would pass as an empty database; what is no database is told."""
    flow = SqlFlow(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(PlatformError, match="there is no file") as caught:
        flow.ask("SELECT 1")
    assert "?mode=rwc makes a new file" in caught.value.hint
    (tmp_path / "text.db").write_text("this is text, and long enough to be read as a header of a database" * 20)
    flow.url = f"sqlite:///{tmp_path}/text.db"
    with pytest.raises(PlatformError, match="file is not a database"):
        flow.ask("SELECT 1")
    flow.close()


@pytest.mark.parametrize(
    ("expected", "connection"),
    [
        (Sqlite("/flows/shop.db"), "sqlite:///shop.db"),
        (Sqlite("/tmp/shop.db", "ro"), "sqlite:////tmp/shop.db?mode=ro"),  # noqa: S108 - a path of a test's URL
        (Sqlite("/flows/a b.db"), "sqlite:///a%20b.db"),
        (Sqlite(":memory:"), "sqlite://"),
        (Sqlite(":memory:"), "sqlite:///:memory:"),
        (Sqlite(":memory:"), ":memory:"),
        (Sqlite("/flows/shop.db", "rwc"), {"driver": "sqlite", "database": "shop.db", "mode": "rwc"}),
        (Sqlite(":memory:"), {"driver": "sqlite"}),
    ],
)
def test_a_file_is_named_by_a_url_or_a_map(expected: Sqlite, connection: Value) -> None:
    """A relative path is beside the flow."""
    assert expected == database_of(connection, Path("/flows"))


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ("sqlite://host/shop.db", "with a host"),
        ("sqlite:///shop.db?cache=shared", 'no parameter "cache"'),
        ("sqlite:///shop.db?mode=rx", 'found "rx"'),
        ({"driver": "sqlite", "databse": "shop.db"}, 'no key "databse"'),
        ({"driver": "sqlite", "database": 5}, "takes text"),
    ],
)
def test_what_names_no_file_is_refused(connection: Value, message: str) -> None:
    """With what is wrong."""
    with pytest.raises(UsageError, match=message):
        database_of(connection, None)


def test_other_levels_of_isolation_are_refused(flow: SqlFlow) -> None:
    """SQLite has one."""
    assert 1 == flow.ask("SELECT 1", transaction="serializable")["row_count"]
    with pytest.raises(UsageError, match="always serializable"):
        flow.ask("SELECT 1", transaction="read_committed")


def test_steps_at_the_same_time_share_what_is_in_memory(flow: SqlFlow) -> None:
    """One after the other; each waits for its turn, and no longer than it may."""
    beside = SqlFlow(flow.url)
    beside.connections = flow.connections.beside()

    def hold() -> None:
        with pytest.raises(PlatformError):
            flow.ask(ENDLESS, seconds=0.4)

    thread = threading.Thread(target=hold)
    thread.start()
    time.sleep(0.1)
    with pytest.raises(PlatformError, match=r"SQLite in memory within config\.timeout of 100ms"):
        beside.ask("SELECT 1", seconds=0.1)
    assert 1 == beside.ask("INSERT INTO orders (id) VALUES (1)")["rows_affected"]
    thread.join()
    assert 1 == flow.value("SELECT count(*) FROM orders")
    beside.close()
