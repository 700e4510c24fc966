"""Lists against the watch: fill the cache at start, and later find what the watch has missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from testmesh_operator.cache import Cache, Kind
from testmesh_operator.cluster import JOBS, PODS, TESTFLOWS, TESTRUNS, Cluster, Resource
from testmesh_operator.errors import ClusterError, NotFound, WatchLagging
from testmesh_operator.handlers.events import Take
from testmesh_operator.resources.base import JsonObject
from testmesh_operator.resources.observed import RUN_UID_LABEL
from testmesh_operator.resources.testrun import TestRun
from testmesh_operator.settings import Settings

logger = logging.getLogger(__name__)

# Runs before their Jobs and pods: the cache takes only what belongs to a run that it has.
_LISTED: tuple[tuple[Kind, Resource, dict[str, str]], ...] = (
    ("TestFlow", TESTFLOWS, {}),
    ("TestRun", TESTRUNS, {"fieldSelector": "status.result="}),
    ("Job", JOBS, {"labelSelector": RUN_UID_LABEL}),
    ("Pod", PODS, {"labelSelector": RUN_UID_LABEL}),
)
_RETRY_SECONDS = 2.0


class Resync:
    """Lists everything, page by page. ``finished`` is told, once at the start, of each finished run."""

    def __init__(
        self, cluster: Cluster, cache: Cache, settings: Settings, *, take: Take, finished: Callable[[TestRun], object]
    ) -> None:
        self._cluster, self._cache, self._settings, self._take = cluster, cache, settings, take
        self._finished = finished

    async def fill(self) -> None:
        """The first list, before the first decision; waits for the API server and for the definitions."""
        while True:
            try:
                for listed in _LISTED:
                    await self._list(*listed)
                await self._list_finished()
            except NotFound:
                logger.warning("the definitions of testflows and testruns are not there yet: install crds/")
            except ClusterError as error:
                logger.warning("the first list failed: %s", error)
            else:
                return
            await asyncio.sleep(_RETRY_SECONDS)

    async def run(self, wake_all: Callable[[], None]) -> None:
        """List again and again, and wake every key. Raises :class:`WatchLagging` when the watch has fallen silent."""
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            try:
                await self._compare()
            except ClusterError as error:
                logger.warning("a list failed, the next one follows: %s", error)
            wake_all()

    async def _compare(self) -> None:
        """Give the watch time to bring what the list shows before the list itself is believed."""
        for kind, resource, selectors in _LISTED:
            before = self._cache.versions(kind)
            shown = await self._shown(resource, selectors)
            await asyncio.sleep(self._settings.lag_seconds)
            after = self._cache.versions(kind)
            late = [uid for uid, version in shown.items() if uid in after and _older(after[uid], version)]
            if late:
                raise WatchLagging(f"{len(late)} {resource.plural} are older here than in a list of a while ago")
            if kind in {"TestFlow", "TestRun"} and shown.keys() - after.keys():
                # Ended in the meantime, or never seen: the list itself tells.
                await self._list(kind, resource, selectors)
            for key in self._cache.drop(kind, before.keys() & after.keys() - shown.keys()):
                logger.info("%s: its end was missed", key)

    async def _list(self, kind: Kind, resource: Resource, selectors: dict[str, str]) -> None:
        for namespace in self._settings.namespaces or (None,):
            async for page in self._cluster.pages(resource, namespace, **selectors):
                for body in page.items:
                    self._take(kind, body, gone=False)

    async def _list_finished(self) -> None:
        """Finished runs, once: one whose flow was not told of it before the last operator was killed is told now."""
        for namespace in self._settings.namespaces or (None,):
            async for page in self._cluster.pages(TESTRUNS, namespace, fieldSelector="status.result!="):
                for body in page.items:
                    self._finished(TestRun.model_validate(body))

    async def _shown(self, resource: Resource, selectors: dict[str, str]) -> dict[str, str]:
        shown: dict[str, str] = {}
        for namespace in self._settings.namespaces or (None,):
            async for page in self._cluster.pages(resource, namespace, **selectors):
                shown |= dict(_identity(body) for body in page.items)
        return shown


def _identity(body: JsonObject) -> tuple[str, str]:
    metadata = body["metadata"]
    assert isinstance(metadata, dict)  # noqa: S101 - every object of the API has it
    return str(metadata["uid"]), str(metadata["resourceVersion"])


def _older(ours: str, theirs: str) -> bool:
    return ours.isdecimal() and theirs.isdecimal() and int(ours) < int(theirs)
