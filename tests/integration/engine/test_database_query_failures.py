"""database_query against a real PostgreSQL: errors, the connection that steps share, and an end to every wait."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg
import pytest

from support.ports import free_port
from support.postgresql import database_url, postgresql
from support.process import Process
from support.sql import SqlFlow, wait_until_idle
from testmesh_engine.errors import Interrupted, PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value

SLACK_SECONDS = 2.0  # of a busy machine


class Elapsed:
    """How long a block took."""

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Process, int]]:
    """A server of the test's own, to be mistreated, and its port."""
    port = free_port()
    with postgresql(port, logs=tmp_path) as process:
        yield process, port


# Errors


def test_a_refused_query_says_code_place_and_hint(flow: SqlFlow, orders: str) -> None:
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
        ("-- nothing", "the query is empty"),
        ("BEGIN", "left a transaction open"),
        ("COPY orders TO STDOUT", "COPY"),
        ("COPY orders FROM STDIN", "COPY"),
    ],
)
def test_what_is_no_single_statement_is_the_flows_error(flow: SqlFlow, orders: str, query: str, message: str) -> None:
    """The next step finds a good connection all the same."""
    with pytest.raises(UsageError, match=message):
        flow.ask(query)
    assert 1 == flow.value("SELECT 1")


def test_notices_go_nowhere(flow: SqlFlow, capfd: pytest.CaptureFixture[str]) -> None:
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
    flow = SqlFlow(url.replace(old, new))
    with pytest.raises(PlatformError, match=f"can't connect to localhost:.* as root: .*{said}") as caught:
        flow.ask("SELECT 1")
    flow.close()
    assert "connection_error" == caught.value.kind
    assert "s3cret" not in str(caught.value)


# The connection


def test_steps_share_a_connection(flow: SqlFlow, other: psycopg.Connection) -> None:
    """It is closed at the flow's end."""
    first = flow.value("SELECT pg_backend_pid()")
    assert first == flow.value("SELECT pg_backend_pid()")
    flow.connections.close()
    assert first != flow.value("SELECT pg_backend_pid()")


def test_steps_at_the_same_time_have_a_connection_each(flow: SqlFlow, url: str) -> None:
    """One session can't be asked two things at once."""
    beside = SqlFlow(url)
    beside.connections = flow.connections.beside()
    assert flow.value("SELECT pg_backend_pid()") != beside.value("SELECT pg_backend_pid()")
    beside.close()


def test_a_connection_is_a_url_or_a_map(url: str) -> None:
    """Both reach the same database; libpq's own parameters stand after the ? of the URL."""
    flow = SqlFlow(f"{url}?options=-csearch_path%3Dpg_catalog")
    port = int(url.rpartition(":")[2].partition("/")[0])
    parts: Value = {"host": "127.0.0.1", "port": port, "user": "root", "password": "admin", "database": "postgres"}
    assert "pg_catalog" == flow.value("SHOW search_path")
    assert [{"port": port}] == flow.ask("SELECT inet_server_port() AS port;", connection=parts)["rows"]
    flow.close()


def test_each_statement_is_seen_by_others_at_once(flow: SqlFlow, orders: str, other: psycopg.Connection) -> None:
    """Nothing waits for the flow's end to be committed."""
    flow.ask("UPDATE orders SET number = 11")
    row = other.execute("SELECT number FROM orders").fetchone()
    assert (11,) == row


def test_a_connection_lost_between_steps_is_opened_anew(flow: SqlFlow, other: psycopg.Connection) -> None:
    """No step pays for what happened while nothing was asked."""
    lost = flow.value("SELECT pg_backend_pid()")
    other.execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
    assert lost != flow.value("SELECT pg_backend_pid()")


def test_a_connection_lost_during_a_query_is_an_error(flow: SqlFlow, orders: str, other: psycopg.Connection) -> None:
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


def test_a_query_longer_than_its_time_ends_on_time(flow: SqlFlow, other: psycopg.Connection) -> None:
    """The server is told to stop as well."""
    with Elapsed() as elapsed, pytest.raises(PlatformError, match=r"within config\.timeout of 300ms") as caught:
        flow.ask("SELECT pg_sleep(20)", seconds=0.3)
    assert "timeout" == caught.value.kind
    assert 0.3 <= elapsed.seconds < 0.3 + SLACK_SECONDS
    wait_until_idle(other)
    assert 1 == flow.value("SELECT 1")


def test_a_wait_for_a_lock_ends_on_time(flow: SqlFlow, orders: str, url: str, other: psycopg.Connection) -> None:
    """Also where another transaction holds the row."""
    with psycopg.connect(url) as holder:
        holder.execute("UPDATE orders SET number = 1")
        with Elapsed() as elapsed, pytest.raises(PlatformError, match=r"config\.timeout of 300ms"):
            flow.ask("DELETE FROM orders", seconds=0.3)
        assert elapsed.seconds < 0.3 + SLACK_SECONDS
        wait_until_idle(other)
    assert 1 == flow.value("SELECT count(*) FROM orders")


def test_an_interrupt_ends_a_query_at_once(flow: SqlFlow, other: psycopg.Connection) -> None:
    """SIGTERM leaves its time to teardown, and the server idle."""
    flow.value("SELECT 1")
    timer = threading.Timer(0.2, flow.interrupt.set, ["SIGTERM"])
    timer.start()
    with Elapsed() as elapsed, pytest.raises(Interrupted, match="SIGTERM"):
        flow.ask("SELECT pg_sleep(20)")
    timer.join()
    assert elapsed.seconds < 0.2 + SLACK_SECONDS
    wait_until_idle(other)


def test_the_servers_own_timeout_is_a_timeout(flow: SqlFlow) -> None:
    """A role's statement_timeout may be shorter than the step's."""
    flow.ask("SET statement_timeout = '100ms'")
    with pytest.raises(PlatformError, match="statement timeout") as caught:
        flow.ask("SELECT pg_sleep(20)")
    assert "timeout" == caught.value.kind


def test_a_server_that_stops_during_a_query_is_an_error_at_once(server: tuple[Process, int]) -> None:
    """Within the deadline, and with the connection's name."""
    process, port = server
    flow = SqlFlow(database_url(port))
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
    flow = SqlFlow(database_url(port))
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
    flow, late = SqlFlow(database_url(port)), SqlFlow(database_url(port))
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
    flow = SqlFlow(database_url(port))
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


def test_nothing_is_sent_after_the_deadline(flow: SqlFlow, orders: str) -> None:
    """A statement that can't be answered in time is not executed."""
    flow.value("SELECT 1")
    with pytest.raises(PlatformError, match="timeout"):
        flow.ask("DELETE FROM orders", seconds=0)
    assert 1 == flow.value("SELECT count(*) FROM orders")
