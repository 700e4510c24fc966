"""A service's PostgreSQL: its own schema, made at the start, and a small pool of connections."""

from __future__ import annotations

import asyncio

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

CREATE_LOCK = 0x7465_7374  # one number for all four services: they may start at once on an empty database
CONNECT_SECONDS = 3

Pool = AsyncConnectionPool[psycopg.AsyncConnection[DictRow]]
UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError)
"""What is raised when the database can't be reached or goes away (PoolTimeout is an OperationalError)."""


def new_pool(url: str) -> Pool:
    """A pool, not opened yet. A connection is tried before it is lent, so a restarted database costs no request."""
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=8,
        timeout=CONNECT_SECONDS,
        open=False,
        check=AsyncConnectionPool.check_connection,
        connection_class=psycopg.AsyncConnection[DictRow],
        kwargs={"row_factory": dict_row, "connect_timeout": CONNECT_SECONDS},
    )


async def create_schema(url: str, ddl: str) -> None:
    """Runs ``ddl`` (``CREATE … IF NOT EXISTS``), after any other service that is at it.

    ``IF NOT EXISTS`` alone fails when two do it at once: https://www.postgresql.org/message-id/CA%2BTgmoZAdYVtwBfp1FL2sMZbiHCWT4UPrzRLNnX1Nb30Ku3-gg%40mail.gmail.com
    """
    async with await psycopg.AsyncConnection.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [CREATE_LOCK])
        await connection.execute(ddl.encode())


async def is_reachable(pool: Pool) -> bool:
    """Whether the database answers, within a second."""
    try:
        async with asyncio.timeout(1), pool.connection() as connection:
            await connection.execute("SELECT 1")
    except (*UNAVAILABLE, TimeoutError):
        return False
    return True
