"""/health of each service: well only with its database and broker, and the truth about which one is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg
import pytest

from services.database import create_schema
from support.ports import free_port
from support.postgresql import database_url, postgresql
from support.shop import Shop
from support.stack import SERVICES, Stack, is_healthy

ANSWER_SECONDS = 20
T = TypeVar("T")


def _health(url: str) -> httpx.Response | None:
    try:
        return httpx.get(f"{url}/health", timeout=10, trust_env=False)
    except httpx.ConnectError:  # it is still starting
        return None


def _eventually(ask: Callable[[], T | None]) -> T:
    give_up = time.monotonic() + ANSWER_SECONDS
    while (answer := ask()) is None:
        assert time.monotonic() < give_up, f"no answer in {ANSWER_SECONDS} s"
        time.sleep(0.05)
    return answer


@pytest.mark.parametrize("service", SERVICES)
def test_well_service_tells_so_of_database_and_broker(stack: Stack, service: str) -> None:
    """The product service has nothing to do with the broker, and says that."""
    broker = "not used" if service == "product" else "ok"
    assert {"status": "ok", "database": "ok", "broker": broker} == httpx.get(f"{stack.url(service)}/health").json()


@pytest.mark.parametrize("service", SERVICES)
def test_service_without_its_database_is_unavailable(stack: Stack, service: str) -> None:
    """503 that names the database, from the first moment on."""
    with stack.beside(service, {"DATABASE_URL": database_url(free_port())}, wait=False) as url:
        health = _eventually(lambda: _health(url))
    assert (503, "unavailable") == (health.status_code, health.json()["status"])
    assert "waiting for it" == health.json()["database"]


def test_service_without_its_broker_is_unavailable(stack: Stack, shop: Shop) -> None:
    """503 that names the broker; a user is stored, but the answer says that nobody was told."""
    with stack.beside("user", {"KAFKA_BROKERS": f"localhost:{free_port()}"}, wait=False) as url:
        health = _eventually(lambda: _health(url))
        answer = _eventually(lambda: _once_the_database_is_there(shop, url))
    assert (503, "waiting for it") == (health.status_code, health.json()["broker"])
    assert (503, "event_not_published") == (answer.status_code, answer.json()["error"])


def _once_the_database_is_there(shop: Shop, url: str) -> httpx.Response | None:
    answer = shop.sign_up(url)
    return None if answer.json().get("error") == "database_unavailable" else answer


def test_service_gets_well_when_its_database_comes(stack: Stack, tmp_path: Path) -> None:
    """A service may be started before its database, and need not be started again when that goes and comes."""
    port = free_port()
    with stack.beside("product", {"DATABASE_URL": database_url(port)}, wait=False) as url:
        assert 503 == _eventually(lambda: _health(url)).status_code
        with postgresql(port, logs=tmp_path):
            _eventually(lambda: is_healthy(url) or None)
        gone = httpx.get(f"{url}/health", timeout=10)
        assert (503, "unreachable") == (gone.status_code, gone.json()["database"])
        assert 503 == httpx.get(f"{url}/api/v1/products", timeout=10).status_code


def test_services_that_start_at_once_do_not_disturb_each_other(stack: Stack, database: psycopg.Connection) -> None:
    """IF NOT EXISTS alone fails when two sessions create the same thing at once; the lock lets one after the other."""
    ddl = "CREATE SCHEMA IF NOT EXISTS at_once; CREATE TABLE IF NOT EXISTS at_once.things (id uuid PRIMARY KEY)"

    async def create() -> None:
        await asyncio.gather(*(create_schema(stack.database_url, ddl) for _ in range(8)))

    for _ in range(5):
        asyncio.run(create())
        database.execute("DROP SCHEMA at_once CASCADE")
