"""Steps that ask a database, as a flow runs them, and what its server is doing meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg

from testmesh_engine.actions.base import Connections, Context, Counters, Result
from testmesh_engine.actions.database_query import DatabaseQuery
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.expressions import Value

IDLE_SECONDS = 2.0


class SqlFlow:
    """The steps of one flow, which share a connection."""

    def __init__(self, url: str, *, folder: Path | None = None) -> None:
        self.url = url
        self.folder = folder
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
            folder=self.folder,
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
    end = time.monotonic() + IDLE_SECONDS
    while active_sleeps(connection) and time.monotonic() < end:
        time.sleep(0.01)
    assert 0 == active_sleeps(connection)
