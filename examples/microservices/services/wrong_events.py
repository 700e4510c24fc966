"""Publishing, and the ways of doing so wrongly that a service can be told to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from services.broker import Event, Publisher
from services.misbehaviour import DUPLICATE_EVENT, LOST_TRACE, PUBLISH_NOTHING, RENAMED_FIELD, WRONG_USER
from services.settings import Settings


async def publish(publisher: Publisher, event: Event, *, trace: Mapping[str, str], settings: Settings) -> None:
    """Publishes ``event`` with the headers ``trace``, once and as it is, unless the service is to misbehave.

    Raises:
        Unpublished: the broker did not confirm it.
    """
    if PUBLISH_NOTHING in settings.misbehave:
        return
    headers = {} if LOST_TRACE in settings.misbehave else trace
    times = 2 if DUPLICATE_EVENT in settings.misbehave else 1
    await publisher.publish(_as_told(event, settings), headers=headers, times=times)


def _as_told(event: Event, settings: Settings) -> Event:
    content = dict(event.content)
    if WRONG_USER in settings.misbehave:
        content["user_id"] = str(uuid4())
    if RENAMED_FIELD in settings.misbehave:
        content["userId"] = content.pop("user_id")
    return replace(event, content=content)
