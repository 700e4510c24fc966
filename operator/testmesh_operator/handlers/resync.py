"""Lists against the watch: fill the cache at start, and later find what the watch has missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from testmesh_operator.cache import Cache, Kind
from testmesh_operator.cluster import JOBS, PODS, TESTFLOWS, TESTRUNS, Cluster, Page, Resource
from testmesh_operator.errors import ClusterError, Forbidden, NotFound, WatchLagging
from testmesh_operator.handlers.events import Take
from testmesh_operator.resources.base import JsonObject, Key
from testmesh_operator.resources.observed import RUN_UID_LABEL
from testmesh_operator.resources.testrun import TestRun
from testmesh_operator.settings import Settings

logger = logging.getLogger(__name__)

# Runs before their Jobs and pods: the cache takes only what belongs to a run that it has.
_Listed: TypeAlias = tuple[Kind, Resource, dict[str, str]]
_LISTED: tuple[_Listed, ...] = (
    ("TestFlow", TESTFLOWS, {}),
    ("TestRun", TESTRUNS, {"fieldSelector": "status.result="}),
    ("Job", JOBS, {"labelSelector": RUN_UID_LABEL}),
    ("Pod", PODS, {"labelSelector": RUN_UID_LABEL}),
)
_RETRY_SECONDS = 2.0


class Resync:
    """Lists everything, page by page.

    ``wake`` puts a key into the queue; ``finished`` is told, once at the start, of each finished run. ``served`` are
    the namespaces that may be listed; empty where that is all there are.
    """

    def __init__(  # noqa: PLR0913 - all that lists are compared with, and all that is told of it
        self,
        cluster: Cluster,
        cache: Cache,
        settings: Settings,
        *,
        take: Take,
        wake: Callable[[Key], None],
        finished: Callable[[TestRun], object],
    ) -> None:
        self._cluster, self._cache, self._settings = cluster, cache, settings
        self._take, self._wake, self._finished = take, wake, finished
        self.served = settings.namespaces

    async def fill(self) -> None:
        """The first list, before the first decision; waits for the API server and for the definitions."""
        while True:
            try:
                self.served = await self._allowed()
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
            await asyncio.sleep(max(0.0, self._settings.resync_seconds - self._settings.lag_seconds))
            try:
                await self._compare()
            except ClusterError as error:
                logger.warning("a list failed, the next one follows: %s", error)
            wake_all()

    # Namespaces

    async def _allowed(self) -> tuple[str, ...]:
        """The namespaces that may be listed. One that went away took its Role along: that stops no other."""
        refused: dict[str, Forbidden] = {}
        for namespace in self._settings.namespaces:
            try:
                async for _ in self._cluster.pages(TESTFLOWS, namespace, bare=True):
                    pass
            except Forbidden as error:
                refused[namespace] = error
                logger.warning("the namespace %s is not served: %s", namespace, error)
        if refused and len(refused) == len(self._settings.namespaces):
            raise next(iter(refused.values()))
        return tuple(namespace for namespace in self._settings.namespaces if namespace not in refused)

    async def _ask_again(self) -> None:
        before, self.served = self.served, await self._allowed()
        back = [namespace for namespace in self.served if namespace not in before]
        if back:
            raise WatchLagging(f"the namespace {back[0]} can be served now; only a new process watches it")

    # Lists

    async def _list(self, kind: Kind, resource: Resource, selectors: dict[str, str]) -> None:
        async for page in self._pages(resource, selectors):
            for body in page.items:
                self._take(kind, body, gone=False)

    async def _list_finished(self) -> None:
        """Finished runs, once: one whose flow was not told of it before the last operator was killed is told now."""
        async for page in self._pages(TESTRUNS, {"fieldSelector": "status.result!="}):
            for body in page.items:
                try:
                    self._finished(TestRun.model_validate(body))
                except ValueError:
                    # As in the intake: one that another release wrote must not stop everybody's.
                    logger.exception("a finished TestRun can't be read")

    async def _pages(self, resource: Resource, selectors: dict[str, str], *, bare: bool = False) -> AsyncIterator[Page]:
        for namespace in self.served or (None,):
            async for page in self._cluster.pages(resource, namespace, bare=bare, **selectors):
                yield page

    # Lists against the watch

    async def _compare(self) -> None:
        """Give the watch time to bring what the lists show before the lists themselves are believed."""
        await self._ask_again()
        before = {kind: self._cache.versions(kind).keys() for kind, _, _ in _LISTED}
        shown = {listed[0]: await self._shown(*listed) for listed in _LISTED}
        await asyncio.sleep(self._settings.lag_seconds)
        late = []
        for listed in _LISTED:
            kind = listed[0]
            self._drop(kind, before[kind] - shown[kind].keys())
            late += await self._late(listed, shown[kind])
        if late:
            raise WatchLagging("; ".join(late))

    def _drop(self, kind: Kind, gone: set[str]) -> None:
        """Take out what was here before a list that doesn't show it, and let its key have its last turn."""
        for key in self._cache.drop(kind, gone & self._cache.versions(kind).keys()):
            logger.info("%s: its end was missed", key)
            self._wake(key)

    async def _late(self, listed: _Listed, shown: dict[str, str]) -> list[str]:
        """What the watch has not brought in time, said for a person; what it never brought is taken in."""
        kind, resource, _ = listed
        known = self._cache.versions(kind)
        older = [uid for uid, version in shown.items() if uid in known and _older(known[uid], version)]
        missing = shown.keys() - known.keys()
        if missing:
            # Most have ended in the meantime. What is still there, and is ours, was never seen.
            await self._list(*listed)
            missing &= self._cache.versions(kind).keys()
        told = []
        if older:
            told.append(f"{len(older)} of the {resource.plural} are older here than in a list of a while ago")
        if missing:
            told.append(f"the watch never brought {len(missing)} of the {resource.plural}")
        return told

    async def _shown(self, kind: Kind, resource: Resource, selectors: dict[str, str]) -> dict[str, str]:
        """The version of each object by its uid; of Jobs and pods only those of unfinished runs."""
        shown: dict[str, str] = {}
        async for page in self._pages(resource, selectors, bare=True):
            unfinished = {run.metadata.uid for run in self._cache.runs()}
            for body in page.items:
                uid, version, run_uid = _identity(body)
                if kind in {"TestFlow", "TestRun"} or run_uid in unfinished:
                    shown[uid] = version
        return shown


def _identity(body: JsonObject) -> tuple[str, str, str]:
    """The uid, the resource version, and the uid of the run that the object's label names."""
    metadata = body["metadata"]
    assert isinstance(metadata, dict)  # noqa: S101 - every object of the API has it
    labels = metadata.get("labels")
    run_uid = labels.get(RUN_UID_LABEL) if isinstance(labels, dict) else None
    return str(metadata["uid"]), str(metadata["resourceVersion"]), str(run_uid or "")


def _older(ours: str, theirs: str) -> bool:
    return ours.isdecimal() and theirs.isdecimal() and int(ours) < int(theirs)
