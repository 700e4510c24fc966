"""The ways of answering wrongly that a service can be told to take. They concern its API, and never /health."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.misbehaviour import STALE_READ
from services.settings import ALWAYS_200, CUT_OFF, ERROR_500, SLOW, WRONG_TYPE, Settings

OK = 200


class WrongAnswers:
    """Stands around the whole API. With nothing to do wrong it hands every answer on as it is."""

    def __init__(self, app: ASGIApp, *, settings: Settings, error: Response) -> None:
        """``error`` is what ``error-500`` answers."""
        self._app = app
        self._told = settings.misbehave
        self._delay = settings.misbehave_delay
        self._error = error
        self._first: dict[str, Sequence[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if not self._told or scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        if SLOW in self._told:
            await asyncio.sleep(self._delay)
        for message in self._wrongly(await self._answer(scope, receive)):
            await send(message)

    async def _answer(self, scope: Scope, receive: Receive) -> Sequence[Message]:
        """What the service answers, or has answered to the same question the first time."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await (self._error if ERROR_500 in self._told else self._app)(scope, receive, keep)
        if STALE_READ not in self._told or scope["method"] != "GET" or messages[0]["status"] != OK:
            return messages
        return self._first.setdefault(scope["path"], messages)

    def _wrongly(self, messages: Sequence[Message]) -> Sequence[Message]:
        start, *bodies = messages
        if ALWAYS_200 in self._told:
            start["status"] = OK
        if WRONG_TYPE in self._told:
            MutableHeaders(scope=start)["content-type"] = "text/html; charset=utf-8"
        return [start, _half(bodies)] if CUT_OFF in self._told else messages


def _half(bodies: Sequence[Message]) -> Message:
    """The first half, with more to come that never does: the server then closes the connection."""
    body = b"".join(message["body"] for message in bodies)
    return {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
