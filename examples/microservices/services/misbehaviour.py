"""Ways of publishing wrongly that a service can be told to take; each has happened to some service somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from services.broker import Event, Publisher
from services.settings import Settings

CAN_PUBLISH_WRONGLY = frozenset({"publish-nothing", "duplicate-event", "renamed-field"})


async def publish(publisher: Publisher, event: Event, *, trace: Mapping[str, str], settings: Settings) -> None:
    """Publishes ``event`` with the headers ``trace``, once and as it is, unless the service is to misbehave.

    Raises:
        Unpublished: the broker did not confirm it.
    """
    if "publish-nothing" in settings.misbehave:
        return
    if "renamed-field" in settings.misbehave:
        event = _renamed(event)
    times = 2 if "duplicate-event" in settings.misbehave else 1
    await publisher.publish(event, headers=trace, times=times)


def _renamed(event: Event) -> Event:
    content = {"userId" if name == "user_id" else name: value for name, value in event.content.items()}
    return replace(event, content=content)
