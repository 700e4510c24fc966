"""Starts the operator: settings, connection, Lease, cache, queue, then kopf's watch, in one event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import kopf

from testmesh_operator import endpoints
from testmesh_operator.cache import Cache
from testmesh_operator.cluster import Cluster
from testmesh_operator.errors import LeaseLost, OperatorError, SettingsError
from testmesh_operator.handlers.events import intake, registry, watching
from testmesh_operator.handlers.resync import Resync
from testmesh_operator.lease import Lease
from testmesh_operator.metrics import Metrics
from testmesh_operator.queue import Queue
from testmesh_operator.reconcile.context import Context
from testmesh_operator.reconcile.flow_reader import FlowReader
from testmesh_operator.reconcile.flows import FlowReconciler
from testmesh_operator.reconcile.runs import RunReconciler
from testmesh_operator.reconcile.validator import Validator
from testmesh_operator.resources.base import Key
from testmesh_operator.settings import Settings, from_environment

logger = logging.getLogger(__name__)

_PATIENCE = 10.0
"""Seconds that begun decisions have after SIGTERM; the pod's grace period is 30."""


def main() -> None:
    """Run until SIGTERM (exit 0), or until something is beyond repair by anything but a restart (exit 1)."""
    try:
        settings = from_environment(os.environ)
        _log(settings)
        asyncio.run(Operator(settings).run())
    except SettingsError as error:
        sys.exit(f"testmesh-operator: {error}")
    except OperatorError as error:
        logger.error("the operator ends: %s", error)  # noqa: TRY400 - the message says all; there is no bug to trace
        sys.exit(1)


class Operator:
    """All parts, put together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._cache = Cache(_now)
        self._queue = Queue(self._work, workers=settings.workers)
        self._reconcilers: dict[str, Callable[[Key], Awaitable[float | None]]] = {}
        self._missing = "the Lease"

    async def run(self) -> None:
        """Start everything, stop when the first part ends, and put everything away again."""
        async with AsyncExitStack() as stack:
            server = await endpoints.serve(self._settings, self._metrics, lambda: self._missing)
            stack.push_async_callback(server.cleanup)
            cluster = await Cluster.connect(self._settings, self._metrics.requested)
            stack.push_async_callback(cluster.close)
            lease = Lease(cluster, self._settings)
            await _until_signal(self._serve(cluster, lease, stack))

    async def _serve(self, cluster: Cluster, lease: Lease, stack: AsyncExitStack) -> None:
        await lease.acquire()
        stack.push_async_callback(lease.release)
        stack.push_async_callback(self._queue.close, patience=_PATIENCE)
        await _first_end(self._hold(lease), self._follow(cluster, lease))

    async def _hold(self, lease: Lease) -> None:
        """Keep the Lease, from before the first list; without it nothing is decided any more."""
        try:
            await lease.keep()
        except LeaseLost:
            await self._queue.close(patience=0)
            raise

    async def _follow(self, cluster: Cluster, lease: Lease) -> None:
        """List everything, then watch, and list again from time to time."""
        flows = self._connect(cluster, lease)
        take = intake(self._cache, self._queue.add)
        self._missing = "the first list"
        resync = Resync(cluster, self._cache, self._settings, take=take, wake=self._queue.add, finished=flows.record)
        await resync.fill()
        flows.forget_unknown()
        self._wake_all(flows)
        self._missing = ""
        logger.info("at work: %d flows, %d unfinished runs", *self._cache.sizes())
        watch = kopf.operator(
            registry=registry(take),
            settings=watching(self._settings),
            # Else kopf asks for the user's name, which a container's number has not.
            identity=self._settings.identity,  # type: ignore[arg-type]  # a NewType of str that kopf keeps to itself
            standalone=True,
            clusterwide=not self._settings.namespaces,
            namespaces=list(resync.served),
        )
        await _first_end(watch, resync.run(lambda: self._wake_all(flows)))

    def _connect(self, cluster: Cluster, lease: Lease) -> FlowReconciler:
        context = Context(
            cluster=cluster,
            cache=self._cache,
            metrics=self._metrics,
            settings=self._settings,
            now=_now,
            wake=self._queue.add,
        )
        reader = FlowReader(context, Validator(self._settings), changed=lambda key: self._recheck(flows, key))
        flows = FlowReconciler(context, reader)
        self._reconcilers = {
            "TestFlow": flows.reconcile,
            "TestRun": RunReconciler(context, reader, flows).reconcile,
        }
        self._metrics.watch(flows=self._cache.flows, runs=self._cache.runs, leading=lambda: lease.held)
        return flows

    async def _work(self, key: Key) -> float | None:
        started, outcome = time.perf_counter(), "error"
        try:
            delay = await self._reconcilers[key.kind](key)
            outcome = "ok"
        finally:
            self._metrics.reconciled(key.kind, outcome, time.perf_counter() - started)
        return delay

    def _recheck(self, flows: FlowReconciler, key: Key) -> None:
        flows.recheck(key)
        self._queue.add(key)

    def _wake_all(self, flows: FlowReconciler) -> None:
        for flow in self._cache.flows():
            if flow.spec.flow_from is not None:
                flows.recheck(flow.key)
            self._queue.add(flow.key)
        for run in self._cache.runs():
            self._queue.add(run.key)


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run until the work ends or a signal comes. kopf takes the signals over as soon as it runs, and ends by them."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        logger.info("stopped by a signal")


async def _first_end(*parts: Coroutine[Any, Any, None]) -> None:
    """Run the parts together until one ends; the others are cancelled, an error is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _now() -> datetime:
    """Now in UTC, to the millisecond: what status can hold."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _log(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # kopf tells of each handler that succeeded, for each event.
    logging.getLogger("kopf").setLevel(logging.WARNING)
