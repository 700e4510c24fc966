"""database_query against a real PostgreSQL: several statements, transactions, and what a session is told."""

from __future__ import annotations

import threading

import psycopg
import pytest

from support.sql import SqlFlow, wait_until_idle
from testmesh_engine.errors import PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value


def test_the_rows_are_those_of_the_last_statement_that_returns_any(flow: SqlFlow, orders: str) -> None:
    """Each statement's are in results; what was changed is counted over all of them."""
    result = flow.ask(
        "INSERT INTO orders (number, zip) VALUES ($1, $2), ($3, $2); SELECT number FROM orders ORDER BY 1;"
        " UPDATE orders SET zip = $2 WHERE number = $1;",
        [1, "a;b", 2],
    )
    assert [{"number": 1}, {"number": 2}, {"number": 7}] == result["rows"]
    assert (3, 3, 3, ["number"]) == tuple(result[key] for key in ("row_count", "rows_affected", "count", "columns"))
    results = result["results"]
    assert isinstance(results, list)
    assert [2, 3, 1] == [table["rows_affected"] for table in results if isinstance(table, dict)]


def test_a_single_statement_has_no_results_of_others(flow: SqlFlow) -> None:
    """A report need not show its rows twice."""
    assert "results" not in flow.ask("SELECT 1;")


def test_several_statements_are_kept_as_a_whole_or_not_at_all(flow: SqlFlow, orders: str) -> None:
    """The refused one is named by its number, at its place in the whole query."""
    with pytest.raises(ServiceError) as caught:
        flow.ask(
            "INSERT INTO orders (number)\nVALUES ($1);\nSELECT totl FROM orders WHERE number = $2;\nSELECT 3", [8, 8]
        )
    assert (
        'the database refused statement 2 of 3: column "totl" does not exist (SQLSTATE 42703)'
        " at line 3, column 8: SELECT >>>totl FROM orders WHERE number = $1; nothing of the query was kept"
    ) == caught.value.message
    assert 1 == flow.value("SELECT count(*) FROM orders")


def test_without_a_transaction_each_statement_is_kept(flow: SqlFlow, orders: str) -> None:
    """What stands before the refused one is there."""
    with pytest.raises(ServiceError, match=r"statement 2 of 2: .* does not exist"):
        flow.ask("INSERT INTO orders (number) VALUES (8); SELECT totl FROM orders", transaction=False)
    assert 2 == flow.value("SELECT count(*) FROM orders")


def test_what_is_refused_at_the_commit_is_told(flow: SqlFlow, orders: str) -> None:
    """A deferred constraint is looked at last."""
    flow.ask("ALTER TABLE orders ADD CONSTRAINT once UNIQUE (number) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(ServiceError, match=r"refused COMMIT: duplicate key .*Key \(number\)=\(7\) already exists"):
        flow.ask("INSERT INTO orders (number) VALUES (7); SELECT 1")
    assert 1 == flow.value("SELECT count(*) FROM orders")


def test_types_are_inferred_within_a_transaction_too(flow: SqlFlow) -> None:
    """What the server can't infer would end the transaction, and is asked for once more with its own type."""
    result = flow.ask("SELECT 1; SELECT jsonb_build_object('a', $1) AS made; SELECT abs($2) AS five", ["x", -5])
    assert [{"five": 5}] == result["rows"]
    results = result["results"]
    assert isinstance(results, list)
    assert isinstance(results[1], dict)
    assert [{"made": {"a": "x"}}] == results[1]["rows"]


@pytest.mark.parametrize(
    ("expected", "transaction"),
    [
        ("serializable", "serializable"),
        ("repeatable read", "repeatable_read"),
        ("read committed", True),
        ("read committed", "true"),
    ],
)
def test_a_transaction_has_the_isolation_that_is_asked_for(flow: SqlFlow, expected: str, transaction: Value) -> None:
    """The next one has the usual again."""
    shown = "SELECT current_setting('transaction_isolation') AS level"
    assert [{"level": expected}] == flow.ask(f"{shown}; {shown}", transaction=transaction)["rows"]
    assert "read committed" == flow.value(shown)


def test_a_query_may_say_itself_where_its_transactions_end(flow: SqlFlow, orders: str) -> None:
    """As it is pasted from a script; what a refused statement leaves open is rolled back."""
    pid = flow.value("SELECT pg_backend_pid()")
    flow.ask("BEGIN; INSERT INTO orders (number) VALUES ($1); ROLLBACK; BEGIN; DELETE FROM orders; COMMIT", [8])
    assert 0 == flow.value("SELECT count(*) FROM orders")
    with pytest.raises(ServiceError, match="statement 3 of 4"):
        flow.ask("BEGIN; INSERT INTO orders (number) VALUES (8); SELECT totl FROM orders; COMMIT")
    with pytest.raises(UsageError, match="left a transaction open, and was rolled back"):
        flow.ask("BEGIN; INSERT INTO orders (number) VALUES (8)")
    assert (0, pid) == (flow.value("SELECT count(*) FROM orders"), flow.value("SELECT pg_backend_pid()"))
    with pytest.raises(UsageError, match="the query has its own BEGIN"):
        flow.ask("BEGIN; COMMIT", transaction=True)


def test_routines_and_quotes_are_statements_of_their_own(flow: SqlFlow) -> None:
    """A script that makes functions and calls them runs as psql would run it."""
    script = """
        CREATE FUNCTION pg_temp.one() RETURNS int LANGUAGE sql
        BEGIN ATOMIC SELECT 1; SELECT CASE 1 WHEN 1 THEN 11 END; END;
        CREATE FUNCTION pg_temp.two() RETURNS text AS $body$ BEGIN RETURN 'a;b'; END; $body$ LANGUAGE plpgsql;
        SELECT pg_temp.one() AS one, pg_temp.two() || $1 AS two; -- done;
    """
    assert [{"one": 11, "two": "a;bx"}] == flow.ask(script, ["x"])["rows"]


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("VACUUM; SELECT 1", "VACUUM cannot run inside a transaction block", "Write transaction: false"),
        ("LISTEN orders", "LISTEN has no use in a query", ""),
        ("SELECT 1; SET TimeZone = 'Europe/Berlin'", "SET can't change TIMEZONE", "to_char"),
        ("SET LOCAL DateStyle TO German", "SET can't change DATESTYLE", "to_char"),
        ("SET TIME ZONE 'Europe/Berlin'", "SET can't change TIMEZONE", "AT TIME ZONE"),
        ("SELECT 1; COPY pg_class TO STDOUT", "COPY between the database and its client is not possible", ""),
    ],
)
def test_what_has_no_place_in_a_query_is_told(flow: SqlFlow, query: str, message: str, hint: str) -> None:
    """And the next step finds a good connection."""
    with pytest.raises(UsageError, match=message) as caught:
        flow.ask(query)
    assert hint in caught.value.hint
    assert 1 == flow.value("SELECT 1")


def test_vacuum_runs_without_a_transaction(flow: SqlFlow, orders: str) -> None:
    """As the hint says."""
    assert [{"one": 1}] == flow.ask("VACUUM orders; SELECT 1 AS one", transaction=False)["rows"]


def test_a_setting_of_the_session_lasts_for_the_flow(flow: SqlFlow) -> None:
    """The steps share their connection."""
    flow.ask("SET search_path TO pg_catalog")
    assert "pg_catalog" == flow.value("SHOW search_path")


def test_one_of_several_statements_that_hangs_ends_on_time(
    flow: SqlFlow, orders: str, other: psycopg.Connection
) -> None:
    """Nothing of it is kept, and the server is idle."""
    with pytest.raises(PlatformError, match=r"within config\.timeout of 300ms"):
        flow.ask("DELETE FROM orders; SELECT pg_sleep(20)", seconds=0.3)
    wait_until_idle(other)
    assert 1 == flow.value("SELECT count(*) FROM orders")


def test_a_connection_lost_in_a_transaction_is_an_error(flow: SqlFlow, orders: str, other: psycopg.Connection) -> None:
    """What was not committed is gone, and the next step has a new connection."""
    pid = flow.value("SELECT pg_backend_pid()")
    timer = threading.Timer(0.2, other.execute, ["SELECT pg_terminate_backend(%s)", [pid]])
    timer.start()
    with pytest.raises(PlatformError, match="ended the connection: terminating connection"):
        flow.ask("DELETE FROM orders; SELECT pg_sleep(20); SELECT 1")
    timer.join()
    assert 1 == flow.value("SELECT count(*) FROM orders")


def test_all_rows_of_several_statements_are_bounded(flow: SqlFlow) -> None:
    """max_rows cuts each of them and says so."""
    with pytest.raises(ServiceError, match="more than 10,000 rows"):
        flow.ask("SELECT 1; SELECT generate_series(1, 10001)")
    result = flow.ask("SELECT generate_series(1, 5) AS n; SELECT generate_series(1, 20000) AS n", max_rows=2)
    assert ([{"n": 1}, {"n": 2}], 20000, True) == (result["rows"], result["row_count"], result["truncated"])
