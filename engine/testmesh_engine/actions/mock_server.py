"""``mock_server_start``, ``_configure``, ``_verify`` and ``_stop``: an HTTP stub that the flow itself owns."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.mock_http import MockServer, Render
from testmesh_engine.actions.mock_routes import Received, Wanted, fault_of_routes, route_of, wanted_of
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import MISSING, Missing, Scope, Value, compile_template, show

_SHOWN = 5
LOOPBACK = "127.0.0.1"

_NAME = Key(name="server", kind=Kind.TEXT, doc="the mock's name", default="mock", aliases=("name",))
_ROUTES = Key(
    name="routes",
    kind=Kind.LIST,
    doc="what it answers to which request; the first that fits; see below",
    aliases=("stubs",),
    fault=fault_of_routes,
    later=("response", "responses"),
    names=("request", "random"),
)
_REQUESTS = "what it was asked: list of {method, path, query, headers, body, matched}"


class _Running:
    """The mocks of a flow by name."""

    for_all = True

    def __init__(self) -> None:
        self.servers: dict[str, MockServer] = {}

    def close(self) -> None:
        while self.servers:
            self.servers.popitem()[1].close()


def _running(context: Context) -> dict[str, MockServer]:
    return context.connections.get(_Running, "", _Running).servers


def _named(settings: Config, context: Context) -> MockServer:
    name, servers = settings.text("server", "mock"), _running(context)
    if name not in servers:
        known = ", ".join(sorted(servers)) or "none"
        raise UsageError(f'no mock server is called "{name}"; running: {known}', hint="mock_server_start starts one.")
    return servers[name]


@dataclass(frozen=True, slots=True)
class _RequestScope:
    """``request`` and ``random`` before all that the step sees."""

    names_given: Mapping[str, Value]
    outer: Scope

    def lookup(self, name: str) -> Value | Missing:
        found = self.names_given.get(name, MISSING)
        return self.outer.lookup(name) if isinstance(found, Missing) else found

    def names(self) -> list[str]:
        return [*self.names_given, *self.outer.names()]


def _renderer(context: Context) -> Render:
    outer = context.scope({})
    return lambda written, names: compile_template(written).render(_RequestScope(names, outer))


def _shown(server: MockServer) -> Result:
    return {
        "base_url": server.base_url,
        "port": server.port,
        "requests": [request.value() for request in server.requests],
    }


class MockServerStart:
    """Starts a mock that answers until it is stopped, or the flow ends."""

    spec = ActionSpec(
        name="mock_server_start",
        doc="Starts an HTTP server that answers as it is told, for a dependency that can't be had.",
        example=(
            "- id: payments\n"
            "  action: mock_server_start\n"
            "  config:\n"
            "    routes:\n"
            "      - path: /charges\n"
            "        response: {status: 201, body: {amount: '{{request.body.amount}}'}}\n"
        ),
        keys=(
            _NAME,
            Key(name="port", kind=Kind.INTEGER, doc="the port to listen on", default="a free one"),
            Key(
                name="host",
                kind=Kind.TEXT,
                doc="the address to listen on; 0.0.0.0 for all of this machine's",
                default="127.0.0.1; in a pod 0.0.0.0",
            ),
            _ROUTES,
        ),
        results={
            "base_url": "where it answers: of a pod, its address within the cluster",
            "port": "its port",
            "requests": _REQUESTS,
        },
        asserts_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Start it. Raises ``UsageError`` for a name or port that is taken."""
        settings = Config(self.spec, config)
        name, servers = settings.text("server", "mock"), _running(context)
        if name in servers:
            raise UsageError(f'a mock server called "{name}" is running', hint="Give this one another name: server: …")
        routes = [route_of(one) for one in settings.list("routes")]
        host = settings.text("host") or ("0.0.0.0" if _is_pod() else LOOPBACK)  # noqa: S104 - the cluster is to reach it
        port = settings.integer("port", 0)
        try:
            server = MockServer(host, port, shown_host=_reachable(host), render=_renderer(context))
        except (OSError, OverflowError) as error:
            said = getattr(error, "strerror", None) or error
            raise UsageError(f"the mock server can't listen on {host}:{port}: {said}") from error
        server.routes = routes
        servers[name] = server
        return _shown(server)


def _is_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ


def _reachable(host: str) -> str:
    """An address that others reach: of a wildcard, the one that this machine itself would send from."""
    try:
        if not ipaddress.ip_address(host).is_unspecified:
            return host
    except ValueError:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # of a datagram socket, this sends nothing (RFC 5737's address for examples)
        except OSError:
            return LOOPBACK
        return str(probe.getsockname()[0])


class MockServerConfigure:
    """Changes what a running mock answers."""

    spec = ActionSpec(
        name="mock_server_configure",
        doc="Changes what a running mock answers: new routes come before the old ones.",
        example=("- action: mock_server_configure\n  config: {routes: [{path: /charges, response: {fault: reset}}]}\n"),
        aliases=("mock_server_update",),
        keys=(
            _NAME,
            _ROUTES,
            Key(name="replace", kind=Kind.BOOLEAN, doc="whether the old routes go", default="false"),
            Key(name="reset", kind=Kind.BOOLEAN, doc="whether it forgets what it was asked", default="false"),
        ),
        results={"base_url": "where it answers", "port": "its port", "requests": _REQUESTS},
        asserts_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Change it. Raises ``UsageError`` where there is none of that name."""
        settings = Config(self.spec, config)
        server = _named(settings, context)
        routes = [route_of(one) for one in settings.list("routes")]
        kept = [] if settings.boolean("replace", default=False) else server.routes
        server.routes = [*routes, *kept]
        if settings.boolean("reset", default=False):
            server.forget()
        return _shown(server)


class MockServerVerify:
    """Fails unless a mock was asked what it should have been."""

    spec = ActionSpec(
        name="mock_server_verify",
        doc="Checks what a mock was asked: at least once, or as often as it says.",
        example="- action: mock_server_verify\n  config: {method: POST, path: /charges, body: {amount: 5}, count: 1}\n",
        keys=(
            _NAME,
            Key(name="path", kind=Kind.TEXT, doc="the path, as in a route"),
            Key(name="method", kind=Kind.TEXT, doc="the method"),
            Key(name="query", kind=Kind.MAP, doc="query parameters that it must have"),
            Key(name="headers", kind=Kind.MAP, doc="headers that it must have"),
            Key(name="body", kind=Kind.ANY, doc="a part that its body must hold"),
            Key(name="count", kind=Kind.INTEGER, doc="how often, exactly; 0 for never", aliases=("times",)),
            Key(name="at_least", kind=Kind.INTEGER, doc="how often at least", default="1"),
            Key(name="at_most", kind=Kind.INTEGER, doc="how often at most"),
        ),
        results={"count": "how many requests fit", "requests": "those that fit"},
        asserts_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Count what fits. Raises ``ServiceError`` where it is too much or too little, with what else was asked."""
        settings = Config(self.spec, config)
        server = _named(settings, context)
        wanted = wanted_of(config)
        requests = list(server.requests)
        fitting = [request for request in requests if next(wanted.faults(request), None) is None]
        context.request = {key: value for key, value in config.items() if key != "server"}
        least, most = _bounds(settings)
        if len(fitting) < least or (most is not None and len(fitting) > most):
            context.found = {"requests": [request.value() for request in (fitting or requests)[-_SHOWN:]]}
            raise ServiceError(_message(wanted, len(fitting), _words(least, most), requests), kind="assertion")
        return {"count": len(fitting), "requests": [request.value() for request in fitting]}


def _bounds(settings: Config) -> tuple[int, int | None]:
    if settings.value("count") is not None:
        if settings.value("at_least") is not None or settings.value("at_most") is not None:
            raise UsageError("mock_server_verify takes count, or at_least and at_most, not both")
        count = settings.integer("count", 0)
        return count, count
    if settings.value("at_most") is None:
        return settings.integer("at_least", 1), None
    return settings.integer("at_least", 0), settings.integer("at_most", 0)


def _words(least: int, most: int | None) -> str:
    if most is None:
        return f"{least} or more"
    return f"exactly {least}" if least == most else f"{least} to {most}"


def _message(wanted: Wanted, count: int, words: str, requests: list[Received]) -> str:
    said = f"{count} requests are {wanted}, and it should be {words}"
    if count or not requests:
        return said if requests else f"{said}; nothing was asked of it"
    nearest = min(requests, key=lambda request: len(list(wanted.faults(request))))
    differs = "; ".join(list(wanted.faults(nearest))[:_SHOWN])
    return f"{said}; of {len(requests)} the nearest is {nearest.method} {show(nearest.path)[1:-1]}: {differs}"


class MockServerStop:
    """Stops a mock before the flow ends."""

    spec = ActionSpec(
        name="mock_server_stop",
        doc="Stops a mock; without it, the end of the flow does.",
        example="- action: mock_server_stop\n  config: {server: mock}\n",
        keys=(_NAME,),
        results={"requests": _REQUESTS},
        asserts_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Stop it. Raises ``UsageError`` where there is none of that name."""
        settings = Config(self.spec, config)
        server = _named(settings, context)
        del _running(context)[settings.text("server", "mock")]
        server.close()
        return {"requests": [request.value() for request in server.requests]}
