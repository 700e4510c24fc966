"""The Lease: one operator of a release at work, from before its first decision until after its last.

client-go's rules (tools/leaderelection): a Lease is taken when it has not been renewed for its duration, measured by
our own clock from when we last saw it change, and the holder stops when it could not renew it for two thirds of that.
The client's own election compares wall clocks, ends at the first lost connection, and never gives the Lease back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from datetime import UTC, datetime
from typing import cast

from testmesh_operator.cluster import LEASES, Cluster
from testmesh_operator.errors import AlreadyExists, ClusterError, Conflict, LeaseLost, NotFound
from testmesh_operator.resources.base import JsonObject
from testmesh_operator.settings import Settings

logger = logging.getLogger(__name__)


class Lease:
    """The Lease as seen by one process."""

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        self._cluster = cluster
        self._settings = settings
        self._seen: JsonObject = {}
        self._seen_at = 0.0
        self._renewed = 0.0
        self.held = False

    async def acquire(self) -> None:
        """Return once the Lease is ours, however long it takes."""
        told = ""
        while not self.held:
            try:
                self.held = await self._try()
            except ClusterError as error:
                logger.warning("the Lease can't be had yet: %s", error)
            holder = str(_spec(self._seen).get("holderIdentity") or "")
            if not self.held:
                if holder != told:
                    logger.info("waiting for the Lease %s, held by %s", self._settings.lease_name, holder)
                    told = holder
                await asyncio.sleep(self._settings.lease_renew_seconds)

    async def keep(self) -> None:
        """Renew it for ever. Raises :class:`LeaseLost` when it is another's, or could not be renewed in time."""
        patience = self._settings.lease_seconds * 2 / 3
        while True:
            await asyncio.sleep(min(self._settings.lease_renew_seconds, self._left(patience)))
            try:
                # What is left since the last renewal, however many attempts have failed since.
                async with asyncio.timeout(self._left(patience)):
                    self.held = await self._renew()
            except (ClusterError, TimeoutError) as error:
                logger.warning("the Lease could not be renewed: %s", str(error) or "no answer in time")
            if not self.held:
                raise LeaseLost(f"the Lease {self._settings.lease_name} is another's now")
            if not self._left(patience):
                self.held = False
                raise LeaseLost(f"the Lease {self._settings.lease_name} could not be renewed for {patience:.0f} s")

    def _left(self, patience: float) -> float:
        return max(0.0, self._renewed + patience - time.monotonic())

    async def release(self) -> None:
        """Give it back, so that the next operator need not wait until it runs out."""
        if not self.held:
            return
        self.held = False
        try:
            await self._write({**_spec(self._seen), "holderIdentity": "", "leaseDurationSeconds": 1})
        except ClusterError as error:
            logger.warning("the Lease could not be given back: %s", error)

    async def _renew(self) -> bool:
        """Write it on top of our own last write; who else wrote in between is seen by the conflict."""
        try:
            await self._write(self._claim(_spec(self._seen)))
        except (Conflict, NotFound):
            return await self._try()
        return True

    async def _try(self) -> bool:
        """Take or renew it once; whether it is ours now."""
        try:
            lease = await self._cluster.get(LEASES, self._settings.own_namespace, self._settings.lease_name)
        except NotFound:
            return await self._create()
        if _version(lease) != _version(self._seen):
            self._seen, self._seen_at = lease, time.monotonic()
        spec = _spec(lease)
        holder = spec.get("holderIdentity")
        duration = cast("int", spec.get("leaseDurationSeconds") or 0)
        if holder not in {None, "", self._settings.identity} and time.monotonic() - self._seen_at < duration:
            return False
        try:
            await self._write(self._claim(spec))
        except Conflict:
            return False
        return True

    async def _create(self) -> bool:
        body: JsonObject = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._settings.lease_name, "namespace": self._settings.own_namespace},
            "spec": self._claim({}),
        }
        asked = time.monotonic()
        try:
            self._seen = await self._cluster.create(LEASES, self._settings.own_namespace, body)
        except AlreadyExists:
            return False
        self._note(asked)
        return True

    async def _write(self, spec: JsonObject) -> None:
        body: JsonObject = {**self._seen, "spec": spec}
        asked = time.monotonic()
        self._seen = await self._cluster.replace(LEASES, self._settings.own_namespace, self._settings.lease_name, body)
        self._note(asked)

    def _note(self, asked: float) -> None:
        """Written at some time after ``asked``: nobody else counts from an earlier moment than we do."""
        self._renewed, self._seen_at = asked, time.monotonic()

    def _claim(self, before: JsonObject) -> JsonObject:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = before.get("holderIdentity") == self._settings.identity
        transitions = cast("int", before.get("leaseTransitions") or 0)
        return {
            "holderIdentity": self._settings.identity,
            "leaseDurationSeconds": math.ceil(self._settings.lease_seconds),
            "acquireTime": before.get("acquireTime") or now if mine else now,
            "renewTime": now,
            "leaseTransitions": transitions if mine or not before else transitions + 1,
        }


def _spec(lease: JsonObject) -> JsonObject:
    spec = lease.get("spec")
    return spec if isinstance(spec, dict) else {}


def _version(lease: JsonObject) -> str:
    metadata = lease.get("metadata")
    return str(metadata.get("resourceVersion", "")) if isinstance(metadata, dict) else ""
