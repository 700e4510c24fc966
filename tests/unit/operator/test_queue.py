"""The queue of keys."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from testmesh_operator import queue
from testmesh_operator.errors import Unavailable
from testmesh_operator.queue import Queue
from testmesh_operator.resources.base import Key

KEY = Key(kind="TestRun", namespace="shop", name="smoke")
OTHER = Key(kind="TestRun", namespace="shop", name="other")


def test_key_added_during_its_work_is_worked_on_once_more() -> None:
    """However often: nothing that was seen is missed, and nothing is done twice."""

    async def scenario() -> int:
        calls = 0
        going = asyncio.Event()

        async def work(_: Key) -> float | None:
            nonlocal calls
            calls += 1
            await going.wait()
            return None

        keys = Queue(work, workers=2)
        keys.add(KEY)
        await asyncio.sleep(0)
        for _ in range(5):
            keys.add(KEY)
        going.set()
        await keys.close(patience=1)
        return calls

    assert 2 == asyncio.run(scenario())


def test_one_key_is_never_worked_on_by_two() -> None:
    """Two keys are, up to the number of workers."""

    async def scenario() -> int:
        at_once: list[Key] = []
        most = 0

        async def work(key: Key) -> float | None:
            nonlocal most
            assert key not in at_once
            at_once.append(key)
            most = max(most, len(at_once))
            await asyncio.sleep(0.01)
            at_once.remove(key)
            return None

        keys = Queue(work, workers=2)
        for key in (KEY, OTHER, KEY, OTHER, KEY):
            keys.add(key)
            await asyncio.sleep(0.004)
        await keys.close(patience=1)
        return most

    assert 2 == asyncio.run(scenario())


def test_error_is_tried_again_later_and_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server gets time to come back, and a success ends the back-off."""
    monkeypatch.setattr(queue, "FIRST_BACKOFF", 0.01)

    async def scenario() -> list[float]:
        times: list[float] = []
        done = asyncio.Event()

        async def work(_: Key) -> float | None:
            times.append(asyncio.get_running_loop().time())
            if len(times) < 4:
                raise Unavailable("the API server does not answer")
            done.set()
            return None

        keys = Queue(work, workers=1)
        keys.add(KEY)
        async with asyncio.timeout(5):
            await done.wait()
        await keys.close(patience=1)
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    first, second, third = asyncio.run(scenario())
    assert 0.009 < first < second < third


def test_bug_in_the_work_does_not_end_the_queue(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said with its traceback, and the key gets another turn."""
    monkeypatch.setattr(queue, "FIRST_BACKOFF", 0.001)

    async def scenario() -> None:
        done = asyncio.Event()

        async def work(_: Key) -> float | None:
            if not done.is_set():
                done.set()
                raise ZeroDivisionError
            return None

        keys = Queue(work, workers=1)
        keys.add(KEY)
        await asyncio.sleep(0.05)
        await keys.close(patience=1)

    asyncio.run(scenario())
    assert "ZeroDivisionError" in caplog.text


def test_earlier_of_two_delays_counts() -> None:
    """A later one never pushes it away; an event makes both needless."""

    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        start, done = loop.time(), asyncio.Event()

        async def work(_: Key) -> float | None:
            done.set()
            return None

        keys = Queue(work, workers=1)
        keys.add_after(KEY, 0.02)
        keys.add_after(KEY, 5)
        await done.wait()
        took = loop.time() - start
        await keys.close(patience=1)
        return took

    assert asyncio.run(scenario()) < 1


def test_without_patience_nothing_is_done_after_the_close() -> None:
    """An operator that has lost its Lease must not write once more; a worker that waits for a slot doesn't begin."""

    async def scenario() -> list[str]:
        done: list[str] = []

        async def work(key: Key) -> float | None:
            try:
                await asyncio.sleep(30)
            finally:
                done.append(f"{key.name} stopped")
            done.append(f"{key.name} written")
            return None

        keys = Queue(work, workers=1)
        keys.add(KEY)
        keys.add(OTHER)
        await asyncio.sleep(0.01)
        await keys.close(patience=0)
        return done

    assert ["smoke stopped"] == asyncio.run(scenario())
