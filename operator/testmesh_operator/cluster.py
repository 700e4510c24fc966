"""The only place that calls the Kubernetes API: plain JSON in and out, foreign errors mapped once.

The typed methods of the client build some hundred classes for each answer; its connection, credentials and retries are
what is used here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from testmesh_operator import errors
from testmesh_operator.resources.base import GROUP, VERSION, JsonObject
from testmesh_operator.settings import VERSION as RELEASE
from testmesh_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind is in the API: its group's path and its plural."""

    root: str
    plural: str

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The path of one object, or of all in a namespace, or of all there are."""
        inner = f"/namespaces/{namespace}" if namespace else ""
        return "/".join(part for part in (f"{self.root}{inner}", self.plural, name, subresource) if part)


TESTFLOWS = Resource(f"/apis/{GROUP}/{VERSION}", "testflows")
TESTRUNS = Resource(f"/apis/{GROUP}/{VERSION}", "testruns")
JOBS = Resource("/apis/batch/v1", "jobs")
PODS = Resource("/api/v1", "pods")
CONFIG_MAPS = Resource("/api/v1", "configmaps")
EVENTS = Resource("/api/v1", "events")
LEASES = Resource("/apis/coordination.k8s.io/v1", "leases")

_WITH_TEXT = {TESTFLOWS, TESTRUNS}
"""Each of these may hold a flow: a page of them gets fewer."""

_JSON = "application/json"
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; ``version`` is the list's, the same on all pages."""

    items: list[JsonObject]
    version: str


Observer = Callable[[str, str, int], None]
"""Told of each request: method, plural, HTTP status (0 without an answer)."""


class Cluster:
    """The API server. Every method raises one of the ClusterErrors of errors.py, and nothing else."""

    def __init__(self, api: ApiClient, settings: Settings, observe: Observer) -> None:
        self._api = api
        self._settings = settings
        self._observe = observe
        self._timeout = aiohttp.ClientTimeout(total=settings.request_seconds)

    @classmethod
    async def connect(cls, settings: Settings, observe: Observer) -> Self:
        """Take the pod's service account, or, outside a cluster, the kubeconfig. Raises ``SettingsError``."""
        configuration = Configuration()
        try:
            config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # the client has no types
        except config.ConfigException:
            await _from_kubeconfig(configuration)
        # As kopf does: a proxy from the environment is for the outer world, not for the API server.
        configuration.client_session_kwargs = {"trust_env": False}
        api = ApiClient(configuration)
        api.user_agent = f"testmesh-operator/{RELEASE}"
        return cls(api, settings, observe)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()  # type: ignore[no-untyped-call]  # the client has no types

    async def get(self, resource: Resource, namespace: str, name: str) -> JsonObject:
        """Read one object, from etcd."""
        return await self._request("GET", resource, resource.path(namespace, name))

    async def pages(
        self, resource: Resource, namespace: str | None = None, *, bare: bool = False, **selectors: str
    ) -> AsyncIterator[Page]:
        """List page by page; ``selectors`` are labelSelector and fieldSelector, ``bare`` brings nothing but metadata.

        Where a list expires between two pages (410), ``Unavailable`` is raised: who asked starts anew.
        """
        limit = self._settings.text_page_size if resource in _WITH_TEXT and not bare else self._settings.page_size
        query = {key: value for key, value in selectors.items() if value} | {"limit": str(limit)}
        accept = _METADATA_ONLY if bare else _JSON
        token = ""
        while True:
            page = query | ({"continue": token} if token else {})
            answer = await self._request("GET", resource, resource.path(namespace), query=page, accept=accept)
            meta = cast("JsonObject", answer.get("metadata") or {})
            yield Page(items=cast("list[JsonObject]", answer.get("items") or []), version=str(meta["resourceVersion"]))
            token = str(meta.get("continue") or "")
            if not token:
                return

    async def create(self, resource: Resource, namespace: str, body: JsonObject) -> JsonObject:
        """Create an object, and return it as it was stored."""
        return await self._request("POST", resource, resource.path(namespace), body=body)

    async def replace(self, resource: Resource, namespace: str, name: str, body: JsonObject) -> JsonObject:
        """Replace an object; its resourceVersion is the precondition."""
        return await self._request("PUT", resource, resource.path(namespace, name), body=body)

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: JsonObject, *, subresource: str = ""
    ) -> JsonObject:
        """JSON merge patch (RFC 7396); a resourceVersion in ``body`` is a precondition."""
        return await self._request("PATCH", resource, resource.path(namespace, name, subresource), body=body)

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str, version: str) -> None:
        """Delete an object and, in the background, what it owns. Raises ``Conflict`` if it isn't as it was read."""
        body: JsonObject = {
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid, "resourceVersion": version},
        }
        await self._request("DELETE", resource, resource.path(namespace, name), body=body)

    async def _request(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        resource: Resource,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        accept: str = _JSON,
    ) -> JsonObject:
        status = 0
        try:
            status, data = await self._exchange(method, path, query, body, accept=accept)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise errors.Unavailable(f"The API server does not answer ({method} {path}): {error!r}") from error
        finally:
            self._observe(method, resource.plural, status)
        if status >= 300:
            raise _mapped(status, data, f"{method} {path}")
        return cast("JsonObject", json.loads(data)) if data else {}

    async def _exchange(
        self, method: str, path: str, query: Mapping[str, str] | None, body: JsonObject | None, *, accept: str
    ) -> tuple[int, bytes]:
        content = "application/merge-patch+json" if method == "PATCH" else "application/json"
        serialized = await self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Content-Type": content, "Accept": accept},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._api.call_api(*serialized, _request_timeout=self._timeout)
        data = await answer.read()  # type: ignore[no-untyped-call]  # the client has no types
        return int(answer.status), cast("bytes", data)


async def _from_kubeconfig(configuration: Any) -> None:
    try:
        load = config.load_kube_config
        await load(client_configuration=configuration)  # type: ignore[no-untyped-call]  # the client has no types
    except config.ConfigException as error:
        raise errors.SettingsError(
            f"no cluster to work on: there is no service account, and no kubeconfig ({error}); set KUBECONFIG"
        ) from error


def _mapped(status: int, data: bytes, what: str) -> errors.ClusterError:
    """The error for an answer; the API server's own message says which object and which field."""
    answer = _status_object(data)
    message = str(answer.get("message") or data[:500].decode(errors="replace") or what)
    if status == 404:
        return errors.NotFound(message, status=status)
    if status == 409:
        exists = answer.get("reason") == "AlreadyExists"
        return (errors.AlreadyExists if exists else errors.Conflict)(message, status=status)
    if status in {400, 413, 422}:
        return errors.Rejected(message, status=status)
    if status == 403:
        return errors.Forbidden(message, status=status)
    # 401 too: a token that has just been renewed is read again for the next request.
    return errors.Unavailable(f"{what}: {message}", status=status)


def _status_object(data: bytes) -> JsonObject:
    try:
        answer = json.loads(data)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
