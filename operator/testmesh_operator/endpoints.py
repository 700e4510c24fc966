"""/metrics, /healthz and /readyz: the event loop that answers is the one that works."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from testmesh_operator.metrics import Metrics
from testmesh_operator.settings import Settings


async def serve(settings: Settings, metrics: Metrics, ready: Callable[[], str]) -> web.AppRunner:
    """Start to answer; ``ready`` says what is still missing, "" when nothing is. Raises ``OSError``: port taken."""

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def show_health(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def show_readiness(_: web.Request) -> web.Response:
        missing = ready()
        return web.Response(status=503 if missing else 200, text=f"{missing or 'ok'}\n")

    application = web.Application()
    application.router.add_get("/metrics", show_metrics)
    application.router.add_get("/healthz", show_health)
    application.router.add_get("/readyz", show_readiness)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    return runner
