"""The stack that all integration tests share: PostgreSQL, Kafka and the four services, on free ports."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from support.shop import Shop
from support.stack import Stack, running_stack
from support.topics import Topics


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The running stack."""
    with running_stack() as running:
        yield running


@pytest.fixture
def shop(stack: Stack) -> Iterator[Shop]:
    """A customer's calls."""
    shop = Shop(stack)
    yield shop
    shop.close()


@pytest.fixture
def topics(stack: Stack) -> Iterator[Topics]:
    """What lies in the topics."""
    topics = Topics(stack.kafka_brokers)
    yield topics
    topics.close()


@pytest.fixture
def database(stack: Stack) -> Iterator[psycopg.Connection]:
    """A connection of the test's own; each statement is committed at once."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        yield connection
