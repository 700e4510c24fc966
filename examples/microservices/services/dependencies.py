"""What a service stands on, database and broker: waited for at the start, asked by /health, closed in the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import psycopg
from confluent_kafka import KafkaException

from services.broker import Broker
from services.database import create_schema, is_reachable, new_pool
from services.settings import Settings

LOG = logging.getLogger("services")
TRY_AGAIN_SECONDS = 0.3


class Worker(Protocol):
    """Something that runs beside the requests, once database and broker are there."""

    def start(self) -> None:
        """Begins, and returns at once."""

    def stop(self) -> None:
        """Ends what it is doing, and waits for it."""

    def what_is_missing(self) -> str | None:
        """Why it isn't at work yet, for /health; None when it is."""


class Dependencies:
    """A service serves from its first moment; until its schema and topics are made, /health says what it waits for."""

    def __init__(self, settings: Settings, *, ddl: str, uses_broker: bool = True) -> None:
        self.pool = new_pool(settings.database_url)
        self.worker: Worker | None = None
        self._settings = settings
        self._ddl = ddl
        self._broker = Broker(settings.kafka_brokers) if uses_broker else None
        self._waits_for = {"database", "broker"} if uses_broker else {"database"}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Prepares in the background while inside, and closes everything in the end."""
        preparing = asyncio.create_task(self._prepare())
        preparing.add_done_callback(_log_failure)
        try:
            yield
        finally:
            preparing.cancel()
            with suppress(asyncio.CancelledError):
                await preparing
            if self.worker:
                await asyncio.to_thread(self.worker.stop)
            await self.pool.close()

    async def health(self) -> dict[str, str]:
        """``status`` "ok" or "unavailable", and the state of ``database`` and ``broker``: "ok", or what is wrong."""
        states = dict(zip(("database", "broker"), await asyncio.gather(self._database(), self._kafka()), strict=True))
        well = set(states.values()) <= {"ok", "not used"}
        return {"status": "ok" if well else "unavailable"} | states

    async def _database(self) -> str:
        if "database" in self._waits_for:
            return "waiting for it"
        return "ok" if await is_reachable(self.pool) else "unreachable"

    async def _kafka(self) -> str:
        if self._broker is None:
            return "not used"
        if "broker" in self._waits_for:
            return "waiting for it"
        if self.worker and (missing := self.worker.what_is_missing()):
            return missing
        return "ok" if await self._broker.is_reachable() else "unreachable"

    async def _prepare(self) -> None:
        await asyncio.gather(self._prepare_database(), self._prepare_broker())
        if self.worker:
            self.worker.start()

    async def _prepare_database(self) -> None:
        await _until_done("database", lambda: create_schema(self._settings.database_url, self._ddl))
        await self.pool.open()
        self._waits_for.discard("database")

    async def _prepare_broker(self) -> None:
        if self._broker is None:
            return
        create_topics = self._broker.create_topics
        await _until_done("broker", lambda: asyncio.to_thread(create_topics))
        self._waits_for.discard("broker")


async def _until_done(what: str, attempt: Callable[[], Awaitable[None]]) -> None:
    """Tries until it works, as a service does that starts before its database; each new reason is logged once."""
    reason = ""
    while True:
        try:
            await attempt()
        except (psycopg.Error, KafkaException) as error:
            if str(error) != reason:
                reason = str(error)
                LOG.warning("waiting for the %s: %s", what, reason)
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        else:
            return


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        LOG.error("the service can't get ready", exc_info=error)
