"""The routes of a mock server: which request is whose, and what it gets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from decimal import Decimal

from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import CaseBlindMap, Value, show
from testmesh_engine.expressions.inclusion import differences

ROUTE_KEYS = ("path", "method", "query", "headers", "body", "response", "responses", "times", "name")
RESPONSE_KEYS = ("status", "headers", "body", "delay", "fault")
FAULTS = ("reset", "drop", "hang", "truncate", "garbage")
_PARAMETER = re.compile(r"\{(\w+)\}|:(\w+)|(\*\*)|(\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request that the mock got. ``body`` is JSON as its value, else text, else bytes; nil for none."""

    method: str
    path: str
    query: Mapping[str, Value]
    headers: CaseBlindMap
    body: Value
    matched: bool = False

    def value(self) -> dict[str, Value]:
        """As flows see it."""
        return {
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": self.headers,
            "body": self.body,
            "matched": self.matched,
        }


@dataclass(slots=True, kw_only=True)
class Route:
    """What is asked of a request, and what it then gets: ``responses`` in turn, the last one for all that follow."""

    wanted: Wanted
    responses: list[Value]
    times: int | None = None
    calls: int = 0

    @property
    def is_used_up(self) -> bool:
        """Whether it has answered as often as it may."""
        return self.times is not None and self.calls >= self.times

    def next(self) -> Value:
        """The response to the call under way, as it is written."""
        response = self.responses[min(self.calls, len(self.responses) - 1)]
        self.calls += 1
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a request; ``None`` and empty maps ask nothing."""

    path: str = ""
    method: str = ""
    query: Mapping[str, Value] = field(default_factory=dict)
    headers: Mapping[str, Value] = field(default_factory=dict)
    body: Value = None

    def params(self, request: Received) -> dict[str, Value] | None:
        """The parts of the path that have a name; ``None`` for another path."""
        found = _pattern(self.path).fullmatch(request.path) if self.path else None
        if found is None:
            return {} if not self.path else None
        return dict(found.groupdict())

    def faults(self, request: Received) -> Iterator[str]:
        """How the request differs from what is asked, each in a few words."""
        if self.params(request) is None:
            yield f"path is {request.path}, not {self.path}"
        if self.method and self.method != request.method:
            yield f"method is {request.method}, not {self.method}"
        yield from (f"query{one}" for one in differences(dict(request.query), _texts(self.query), _tick))
        for name, wanted in _texts(self.headers).items():
            found = request.headers.get(name)
            if found != wanted:
                yield f"header {name} is {show(found) if isinstance(found, str) else 'not there'}, not {show(wanted)}"
        if self.body is not None:
            yield from (f"body{one}" for one in differences(request.body, self.body, _tick))

    def __str__(self) -> str:
        return f"{self.method or 'any method'} {self.path or 'any path'}"


def _tick() -> None:
    """Bodies are bounded; so is what is compared in them."""


def _texts(values: Mapping[str, Value]) -> dict[str, Value]:
    """Numbers of a query or header as they stand in one."""
    return {name: value if isinstance(value, str) else show(value) for name, value in values.items()}


def _pattern(path: str) -> re.Pattern[str]:
    """``/users/{id}``, ``/users/:id``, ``/files/*`` (one part) and ``/files/**`` (all that follows)."""
    pieces, end = [], 0
    for found in _PARAMETER.finditer(path):
        name = found[1] or found[2]
        pieces.append(re.escape(path[end : found.start()]))
        pieces.append(f"(?P<{name}>[^/]+)" if name else ".*" if found[3] else "[^/]*")
        end = found.end()
    return re.compile("".join(pieces) + re.escape(path[end:]))


def wanted_of(given: Mapping[str, Value]) -> Wanted:
    """What a map of path, method, query, headers and body asks."""
    query, headers = given.get("query"), given.get("headers")
    return Wanted(
        path=str(given.get("path") or ""),
        method=str(given.get("method") or "").upper(),
        query=query if isinstance(query, dict) else {},
        headers=headers if isinstance(headers, dict) else {},
        body=given.get("body"),
    )


def fault_of_routes(routes: object) -> str:
    """What is wrong with a list of routes, "" where nothing is."""
    if not isinstance(routes, list):
        return "takes a list of routes"
    return next((f"{fault} (number {number})" for number, one in enumerate(routes, 1) if (fault := _fault(one))), "")


def _fault(route: object) -> str:
    if not isinstance(route, dict) or not isinstance(route.get("path"), str):
        return "takes routes such as {path: /users/{id}, response: {status: 200}}; each needs a path".replace(
            "{id}", ":id"
        )
    if unknown := [key for key in route if key not in ROUTE_KEYS]:
        return f'has no key "{unknown[0]}"; a route has {", ".join(ROUTE_KEYS)}'
    if not route["path"].startswith(("/", "*", "$", "{{")):
        return f"takes paths that start with /, found {route['path'][:80]}"
    if ("response" in route) is ("responses" in route):
        return "takes response, or responses as a list, and one of the two"
    responses = route["responses"] if "responses" in route else [route["response"]]
    if not isinstance(responses, list) or not responses:
        return "takes responses as a list with at least one response"
    return next((fault for response in responses if (fault := fault_of_response(response))), "")


def fault_of_response(response: object) -> str:
    """What is wrong with a response: a status, or a map."""
    if isinstance(response, int) and not isinstance(response, bool):
        return "" if 100 <= response < 600 else f"takes a status from 100 to 599, found {response}"
    if not isinstance(response, dict):
        return "takes a response such as {status: 200, body: {id: 7}}, or a status"
    if unknown := [key for key in response if key not in RESPONSE_KEYS]:
        return f'has no key "{unknown[0]}"; a response has {", ".join(RESPONSE_KEYS)}'
    fault, delay = response.get("fault"), response.get("delay")
    if fault is not None and fault not in FAULTS and not _is_placeholder(fault):
        return f"takes a fault of {', '.join(FAULTS)}, found {fault}"
    if delay is not None and not _is_placeholder(delay):
        try:
            parse_duration(str(delay))
        except ValueError as error:
            return f"takes a delay: {error}"
    return ""


def _is_placeholder(value: object) -> bool:
    return isinstance(value, str) and ("${" in value or "{{" in value)


def route_of(given: Value) -> Route:
    """The route of a map. Raises ``UsageError``."""
    if fault := fault_of_routes([given]):
        raise UsageError(f"routes {fault}")
    route = given if isinstance(given, dict) else {}
    responses, times = route.get("responses"), route.get("times")
    if times is not None and (not isinstance(times, (int, Decimal)) or times < 1):
        raise UsageError(f"times of a route is 1 or more, found {show(times, 40)}")
    return Route(
        wanted=wanted_of(route),
        responses=responses if isinstance(responses, list) else [route.get("response")],
        times=None if times is None else int(times),
    )
