"""kopf's handlers: each takes one event into the cache and puts a key into the queue. They decide nothing.

Only ``on.event``: kopf's other handlers add finalizers, keep a copy of the object in an annotation, and patch without a
precondition; its timers, daemons and indices cost a core at thousands of objects.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol, cast

import kopf

from testmesh_operator.cache import Cache, Kind
from testmesh_operator.resources.base import GROUP, VERSION, JsonObject, Key
from testmesh_operator.resources.observed import RUN_UID_LABEL
from testmesh_operator.settings import Settings

logger = logging.getLogger(__name__)

_WATCHED: tuple[tuple[Kind, tuple[str, str, str]], ...] = (
    ("TestFlow", (GROUP, VERSION, "testflows")),
    ("TestRun", (GROUP, VERSION, "testruns")),
    ("Job", ("batch", "v1", "jobs")),
    ("Pod", ("", "v1", "pods")),
)


class Take(Protocol):
    """Takes in one event."""

    def __call__(self, kind: Kind, body: JsonObject, *, gone: bool) -> None:
        """The kind, the object, and whether it is gone."""


def registry(take: Take) -> kopf.OperatorRegistry:
    """The handlers, each of which only passes its event on."""
    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers)(_login)
    for kind, resource in _WATCHED:
        _register(handlers, kind, resource, take)
    return handlers


def watching(settings: Settings) -> kopf.OperatorSettings:
    """Kopf's settings: unfinished runs only, Jobs and pods by label, nothing written."""
    chosen = kopf.OperatorSettings()
    chosen.watching.field_selectors[GROUP, VERSION, "testruns"] = "status.result="
    for group, plural in (("batch", "jobs"), ("", "pods")):
        chosen.watching.label_selectors[group, "v1", plural] = RUN_UID_LABEL
    # One size for all kinds, and a flow's text may be long.
    chosen.watching.chunk_size = settings.text_page_size
    # The definitions are there before we start, and namespaces are named or all: nothing else needs watching.
    chosen.scanning.disabled = True
    chosen.posting.enabled = False
    chosen.networking.request_timeout = settings.request_seconds
    return chosen


def intake(cache: Cache, wake: Callable[[Key], None]) -> Take:
    """Into the cache, then into the queue: the object's own key, and the runs that wait for a flow."""

    def take(kind: Kind, body: JsonObject, *, gone: bool) -> None:
        try:
            key = cache.see(kind, body, deleted=gone)
        except ValueError:
            # Only an object from before the definition's rules can look like this; it must not stop the watch.
            logger.exception("a %s can't be read", kind)
            return
        if key is not None:
            wake(key)
        if kind == "TestFlow" and key is not None:
            for waiting in cache.waiting_for(key):
                wake(waiting)

    return take


def _register(handlers: kopf.OperatorRegistry, kind: Kind, resource: tuple[str, str, str], take: Take) -> None:
    @kopf.on.event(*resource, registry=handlers, id=f"see-{kind}")
    async def see(event: Any, **_: Any) -> None:
        take(kind, cast("JsonObject", event["object"]), gone=event["type"] == "DELETED")


def _login(**given: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account, else the kubeconfig: what cluster.py takes too."""
    return kopf.login_with_service_account(**given) or kopf.login_with_kubeconfig(**given)
