"""An API server in memory, for what is around it: objects, versions, preconditions, and answers that fail as told."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from typing import cast

from testmesh_operator.cluster import Cluster, Page, Resource
from testmesh_operator.errors import AlreadyExists, ClusterError, Conflict, Forbidden, NotFound
from testmesh_operator.resources.base import JsonObject


class FakeCluster(Cluster):
    """``refused`` holds errors to raise in place of an answer, ``lost`` those raised after the deed was done.

    Both by request, as in ``"PATCH testruns"``; each error is used once. ``requests`` are those that came. Lists of the
    namespaces in ``forbidden`` are refused; ``listed`` is told of each list, so that something can happen then.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], JsonObject] = {}
        self.refused: defaultdict[str, list[ClusterError]] = defaultdict(list)
        self.lost: defaultdict[str, list[ClusterError]] = defaultdict(list)
        self.requests: list[str] = []
        self.forbidden: set[str] = set()
        self.listed: Callable[[str], object] = lambda _: None
        self._versions = itertools.count(100)

    def put(self, plural: str, *bodies: JsonObject) -> None:
        """Let these objects be there, as they are."""
        for body in bodies:
            self.objects[plural, _name(body)] = body

    async def get(self, resource: Resource, namespace: str, name: str) -> JsonObject:
        """The object, in whatever namespace."""
        del namespace
        self._asked("GET", resource)
        if (resource.plural, name) not in self.objects:
            raise NotFound(f"{resource.plural} {name} not found", status=404)
        return self.objects[resource.plural, name]

    async def pages(
        self, resource: Resource, namespace: str | None = None, *, bare: bool = False, **selectors: str
    ) -> AsyncIterator[Page]:
        """One page. Of selectors, only those for finished and unfinished runs are understood."""
        del bare
        self._asked("LIST", resource)
        if namespace in self.forbidden:
            raise Forbidden(f'{resource.plural} is forbidden in the namespace "{namespace}"', status=403)
        yield Page(items=list(self._selected(resource, namespace, selectors.get("fieldSelector", ""))), version="1")
        self.listed(resource.plural)

    def _selected(self, resource: Resource, namespace: str | None, selector: str) -> Iterable[JsonObject]:
        for (plural, _), body in self.objects.items():
            finished = "result" in cast("JsonObject", body.get("status") or {})
            hidden = {"status.result=": finished, "status.result!=": not finished}.get(selector, False)
            here = cast("JsonObject", body["metadata"])["namespace"]
            if plural == resource.plural and not hidden and namespace in {None, here}:
                yield body

    async def create(self, resource: Resource, namespace: str, body: JsonObject) -> JsonObject:
        """Store it; a name that is taken is refused."""
        del namespace
        self._asked("POST", resource)
        if (resource.plural, _name(body)) in self.objects:
            raise AlreadyExists(f"{resource.plural} {_name(body)} already exists", status=409)
        return self._stored("POST", resource, body)

    async def replace(self, resource: Resource, namespace: str, name: str, body: JsonObject) -> JsonObject:
        """Store it, if nobody else did since."""
        del namespace
        self._asked("PUT", resource)
        self._compare(resource, name, body)
        return self._stored("PUT", resource, body)

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: JsonObject, *, subresource: str = ""
    ) -> JsonObject:
        """Merge it, if nobody else wrote since."""
        del namespace, subresource
        self._asked("PATCH", resource)
        self._compare(resource, name, body)
        return self._stored("PATCH", resource, _merged(self.objects[resource.plural, name], body))

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str, version: str) -> None:
        """Take it away, if it is the very one, and nobody wrote since."""
        del namespace
        self._asked("DELETE", resource)
        self._compare(resource, name, {"metadata": {"resourceVersion": version}})
        if cast("JsonObject", self.objects[resource.plural, name]["metadata"])["uid"] != uid:
            raise Conflict("the uid in the precondition does not match", status=409)
        del self.objects[resource.plural, name]

    def _asked(self, method: str, resource: Resource) -> None:
        request = f"{method} {resource.plural}"
        self.requests.append(request)
        if self.refused[request]:
            raise self.refused[request].pop(0)

    def _compare(self, resource: Resource, name: str, body: JsonObject) -> None:
        if (resource.plural, name) not in self.objects:
            raise NotFound(f"{resource.plural} {name} not found", status=404)
        ours = cast("JsonObject", body["metadata"]).get("resourceVersion")
        theirs = cast("JsonObject", self.objects[resource.plural, name]["metadata"])["resourceVersion"]
        if ours not in {None, theirs}:
            raise Conflict("the object has been modified", status=409)

    def _stored(self, method: str, resource: Resource, body: JsonObject) -> JsonObject:
        stored = _merged(body, {"metadata": {"resourceVersion": str(next(self._versions))}})
        self.objects[resource.plural, _name(body)] = stored
        lost = self.lost[f"{method} {resource.plural}"]
        if lost:
            raise lost.pop(0)
        return stored


def _name(body: JsonObject) -> str:
    metadata = cast("JsonObject", body["metadata"])
    return str(metadata.get("name") or metadata.get("generateName"))


def _merged(old: JsonObject, new: JsonObject) -> JsonObject:
    """JSON merge patch (RFC 7396)."""
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        if value is None:
            result.pop(key, None)
        else:
            result[key] = (
                _merged(before if isinstance(before, dict) else {}, value) if isinstance(value, dict) else value
            )
    return result
