"""Requests to the API server, against a server on loopback: what is asked for, and what becomes of its refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from testmesh_operator.cluster import JOBS, PODS, TESTRUNS, Cluster
from testmesh_operator.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
    Unavailable,
)
from unit.operator import gen

Answer = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def _answering(answer: Answer) -> AsyncIterator[tuple[Cluster, list[tuple[str, str, int]]]]:
    """A client of such a server, and the requests that its observer was told of."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    told: list[tuple[str, str, int]] = []
    api = ApiClient(Configuration(host=f"http://{host}:{port}"))
    cluster = Cluster(api, gen.SETTINGS, lambda *request: told.append(request))
    try:
        yield cluster, told
    finally:
        await cluster.close()
        await runner.cleanup()


def test_list_comes_page_by_page_fewer_where_texts_are_in_it() -> None:
    """250 runs with a long flow each would not fit into the operator's memory; bare ones do."""
    seen: list[tuple[str, str | None, str | None, bool]] = []

    async def answer(request: web.Request) -> web.Response:
        query = request.query
        bare = "PartialObjectMetadataList" in request.headers["Accept"]
        seen.append((request.path, query["limit"], query.get("continue"), bare))
        token = "" if "continue" in query else "more"
        item = {"metadata": {"name": f"after {query.get('continue', 'the start')}"}}
        return web.json_response({"metadata": {"resourceVersion": "5", "continue": token}, "items": [item]})

    async def scenario() -> list[object]:
        async with _answering(answer) as (cluster, _):
            pages = [page.items async for page in cluster.pages(TESTRUNS, "shop")]
            async for _page in cluster.pages(TESTRUNS, bare=True):
                break
            async for _page in cluster.pages(PODS):
                break
        return [item for items in pages for item in items]

    names = ["after the start", "after more"]
    assert [{"metadata": {"name": name}} for name in names] == asyncio.run(scenario())
    runs = "/apis/testmesh.io/v1alpha1"
    assert [
        (f"{runs}/namespaces/shop/testruns", "25", None, False),
        (f"{runs}/namespaces/shop/testruns", "25", "more", False),
        (f"{runs}/testruns", "250", None, True),
        ("/api/v1/pods", "250", None, False),
    ] == seen


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (400, "BadRequest", Rejected),
        (401, "Unauthorized", Unavailable),
        (403, "Forbidden", Forbidden),
        (404, "NotFound", NotFound),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (410, "Expired", Unavailable),
        (413, "RequestEntityTooLarge", Rejected),
        (422, "Invalid", Rejected),
        (429, "TooManyRequests", Unavailable),
        (500, "InternalError", Unavailable),
    ],
)
def test_refusal_becomes_one_of_our_errors(status: int, reason: str, error: type[ClusterError]) -> None:
    """With the API server's own words, and counted by its status."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"kind": "Status", "reason": reason, "message": "its own words"}, status=status)

    async def scenario() -> list[tuple[str, str, int]]:
        async with _answering(answer) as (cluster, told):
            with pytest.raises(error, match="its own words") as raised:
                await cluster.create(JOBS, "shop", {})
            assert (error, status) == (type(raised.value), raised.value.status)
            return told

    assert [("POST", "jobs", status)] == asyncio.run(scenario())


def test_server_that_does_not_answer_is_unavailable() -> None:
    """And counted with status 0."""

    async def scenario() -> list[tuple[str, str, int]]:
        told: list[tuple[str, str, int]] = []
        api = ApiClient(Configuration(host="http://127.0.0.1:1"))
        cluster = Cluster(api, gen.SETTINGS, lambda *request: told.append(request))
        with pytest.raises(Unavailable, match="does not answer"):
            await cluster.get(JOBS, "shop", "smoke")
        await cluster.close()
        return told

    assert [("GET", "jobs", 0)] == asyncio.run(scenario())
