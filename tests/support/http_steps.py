"""Runs single HTTP steps as a flow would: the surroundings of an attempt, and one request in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from testmesh_engine.actions.base import Connections, Context, Counters, Result
from testmesh_engine.actions.config import canonical
from testmesh_engine.actions.http_request import HttpRequest
from testmesh_engine.actions.waiting import Deadline, Interrupt


@contextmanager
def http_context(folder: Path | None = None, *, seconds: float = 5) -> Iterator[Context]:
    """The surroundings of one attempt that may take ``seconds``; ``folder`` is where the flow's files lie."""
    made = Context(
        step="one",
        deadline=Deadline.after(seconds, "config.timeout"),
        interrupt=Interrupt(),
        connections=Connections(),
        counters=Counters(),
        holds=lambda _: True,
        folder=folder,
    )
    try:
        yield made
    finally:
        made.connections.close()
        made.interrupt.close()


def send(context: Context, **config: Any) -> Result:
    """The result of one request."""
    return HttpRequest().run(canonical(HttpRequest.spec, config), context)


def body_of(result: Result) -> dict[str, Any]:
    """The body of a result, which is a map."""
    body = result["body"]
    assert isinstance(body, dict), body
    return body


def header_of(echo: dict[str, Any], name: str) -> str | None:
    """A header of the request that ``/echo`` tells."""
    return next((value for key, value in echo["headers"].items() if key.lower() == name.lower()), None)
