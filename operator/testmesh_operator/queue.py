"""Our own queue of keys: one worker for each key, coalesced, with delays and backoff.

A key that is added while it is being worked on is worked on once more after that: nothing that was seen is missed, and
no two workers ever decide on the same object.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from testmesh_operator.errors import OperatorError
from testmesh_operator.resources.base import Key

logger = logging.getLogger(__name__)

FIRST_BACKOFF = 0.2
"""Seconds: a conflict or a short restart of the API server is over then."""

LONGEST_BACKOFF = 30.0
"""Seconds: so that a long outage ends for everybody within half a minute."""

Work = Callable[[Key], Awaitable[float | None]]
"""Works on a key; returns the seconds after which it wants to be called again, or None."""


class Queue:
    """Keys that wait for their turn. All methods belong to one event loop."""

    def __init__(self, work: Work, *, workers: int) -> None:
        self._work = work
        self._slots = asyncio.Semaphore(workers)
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._closed = False

    def add(self, key: Key) -> None:
        """Work on this key now, or again once its worker is through."""
        if self._closed:
            return
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._tasks:
            self._again.add(key)
        else:
            self._tasks[key] = asyncio.create_task(self._serve(key), name=f"worker of {key}")

    def add_after(self, key: Key, delay: float) -> None:
        """Work on this key after ``delay`` seconds; an earlier turn that is planned already stays."""
        loop = asyncio.get_running_loop()
        planned = self._timers.get(key)
        if self._closed or (planned is not None and planned.when() <= loop.time() + delay):
            return
        if planned is not None:
            planned.cancel()
        self._timers[key] = loop.call_later(delay, self.add, key)

    def depth(self) -> int:
        """Keys that are being worked on or wait for a slot."""
        return len(self._tasks)

    async def close(self, *, patience: float) -> None:
        """Take nothing new; give the workers ``patience`` seconds to finish what they have begun, then stop them."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, key: Key) -> None:
        try:
            delay: float | None = 0.0
            while delay == 0.0 or key in self._again:
                self._again.discard(key)
                async with self._slots:
                    delay = await self._attempt(key)
        finally:
            del self._tasks[key]
        if delay is not None:
            self.add_after(key, delay)

    async def _attempt(self, key: Key) -> float | None:
        try:
            delay = await self._work(key)
        except OperatorError as error:
            return self._backoff(key, str(error))
        except Exception as error:
            # Our bug: said with its traceback, and tried again, since the next event may bring another view.
            logger.exception("%s: unexpected error", key)
            return self._backoff(key, repr(error))
        self._failures.pop(key, None)
        return delay

    def _backoff(self, key: Key, why: str) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures - 1, 16))
        logger.warning("%s: tried again in %.1f s: %s", key, delay, why)
        return delay
