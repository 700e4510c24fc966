"""The command line, a PostgreSQL server with a table on it, and a broker, for the tests of this folder."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from support.broker import brokers, kafka
from support.command_line import Cli
from support.kafka_steps import Begin, Broker, Flow
from support.ports import free_port
from support.postgresql import database_url, postgresql
from support.sql import SqlFlow


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The command line, in a folder of its own, started by somebody who lets it die with the terminal."""
    # Under nohup the tests' own process ignores SIGHUP, and so would all that it starts.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield Cli(tmp_path)
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="package")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for the tests of this folder."""
    port = free_port()
    with postgresql(port, logs=tmp_path_factory.mktemp("logs")):
        yield database_url(port)


@pytest.fixture
def flow(url: str) -> Iterator[SqlFlow]:
    """A flow on it."""
    flow = SqlFlow(url)
    yield flow
    flow.close()


@pytest.fixture
def other(url: str) -> Iterator[psycopg.Connection]:
    """Somebody else's connection."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def orders(flow: SqlFlow, other: psycopg.Connection) -> Iterator[str]:
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


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker for the tests of this folder; it makes a topic for whoever asks for it carelessly."""
    folder, port = tmp_path_factory.mktemp("kafka"), free_port()
    with kafka(port, folder=folder, logs=folder, settings={"auto.create.topics.enable": "true"}) as process:
        yield Broker(brokers(port), process)


@pytest.fixture
def begin(broker: Broker) -> Iterator[Begin]:
    """Begins flows, which end with the test."""
    flows: list[Flow] = []

    def begin_flow(*topics: str | None) -> Flow:
        flows.append(Flow(broker.address, *topics))
        return flows[-1]

    yield begin_flow
    for flow in flows:
        flow.close()
