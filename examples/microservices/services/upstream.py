"""Calls to other services: what they answer, or 502 and 503 that name the service that is to blame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from services.validation import Problem, parse_json

CALL_SECONDS = 10


@dataclass(frozen=True)
class Reply:
    """A service's answer: below 500, and a JSON object."""

    status: int
    body: Mapping[str, object]


class Upstream:
    """One other service."""

    def __init__(self, name: str, base_url: str) -> None:
        self._name = name
        # No proxy from the environment: the services are beside each other.
        self._client = httpx.AsyncClient(base_url=base_url, timeout=CALL_SECONDS, trust_env=False)

    async def call(
        self, method: str, path: str, *, headers: Mapping[str, str], json: Mapping[str, object] | None = None
    ) -> Reply:
        """The service's answer.

        Raises:
            Problem: 503, the service can't be reached or doesn't answer in 10 s; 502, its answer makes no sense.
        """
        try:
            response = await self._client.request(method, path, headers=dict(headers), json=json)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise self._problem(503, "unavailable", f"can't be reached: {reason}") from error
        return self._reply(response)

    def _reply(self, response: httpx.Response) -> Reply:
        if response.status_code >= 500:
            raise self.nonsense(f"answered {response.status_code}")
        try:
            body = parse_json(response.content)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self.nonsense(f"answered {response.status_code} without a JSON object")
        return Reply(response.status_code, body)

    def nonsense(self, message: str) -> Problem:
        """The 502 for an answer that can't be right; ``message`` says what the service did."""
        return self._problem(502, "failed", message)

    def _problem(self, status: int, what: str, message: str) -> Problem:
        return Problem(status, f"{self._name}_service_{what}", message=f"the {self._name} service {message}")
