"""All actions: a sorted table of where each stands, imported at first use."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module

from testmesh_engine.actions import plugins
from testmesh_engine.actions.base import Action
from testmesh_engine.contract.catalogue import ActionSpec

_ACTIONS = {
    "assert": "testmesh_engine.actions.assert_action:Assert",
    "condition": "testmesh_engine.actions.condition:Condition",
    "database_query": "testmesh_engine.actions.database_query:DatabaseQuery",
    "db_poll": "testmesh_engine.actions.db_poll:DbPoll",
    "delay": "testmesh_engine.actions.delay:Delay",
    "for_each": "testmesh_engine.actions.for_each:ForEach",
    "grpc_call": "testmesh_engine.actions.grpc_call:GrpcCall",
    "http_request": "testmesh_engine.actions.http_request:HttpRequest",
    "kafka_consumer": "testmesh_engine.actions.kafka_consumer:KafkaConsumer",
    "kafka_producer": "testmesh_engine.actions.kafka_producer:KafkaProducer",
    "log": "testmesh_engine.actions.log:Log",
    "loki_query": "testmesh_engine.actions.loki_query:LokiQuery",
    "mock_server_configure": "testmesh_engine.actions.mock_server:MockServerConfigure",
    "mock_server_start": "testmesh_engine.actions.mock_server:MockServerStart",
    "mock_server_stop": "testmesh_engine.actions.mock_server:MockServerStop",
    "mock_server_verify": "testmesh_engine.actions.mock_server:MockServerVerify",
    "parallel": "testmesh_engine.actions.parallel:Parallel",
    "prometheus_query": "testmesh_engine.actions.prometheus_query:PrometheusQuery",
    "redis": "testmesh_engine.actions.redis:Redis",
    "run_flow": "testmesh_engine.actions.run_flow:RunFlow",
    "transform": "testmesh_engine.actions.transform:Transform",
    "wait_for": "testmesh_engine.actions.wait_for:WaitFor",
    "wait_until": "testmesh_engine.actions.wait_until:WaitUntil",
    "websocket": "testmesh_engine.actions.websocket:WebSocket",
}
_REDIS = ("get", "set", "del", "delete", "exists", "incr", "expire", "ttl", "hget", "hset", "hgetall")
_ALIASES = {
    "grpc": "grpc_call",
    "grpc_stream": "grpc_call",
    "kafka.consume": "kafka_consumer",
    "kafka_consume": "kafka_consumer",
    "kafka_produce": "kafka_producer",
    "kafka_publish": "kafka_producer",
    "mock_server_update": "mock_server_configure",
    **{f"redis{mark}{word}": "redis" for mark in "_." for word in _REDIS},
}

_TAKEN = frozenset({*_ACTIONS, *_ALIASES})


@cache
def load_action(name: str) -> Action:
    """The action of that name. Raises ``KeyError`` where there is none, ``UnusableError`` for another package's."""
    if name in _ACTIONS:
        module, _, attribute = _ACTIONS[name].partition(":")
        action: Action = getattr(import_module(module), attribute)()
        return action
    found = plugins.load(name, _TAKEN)
    if found is None:
        raise KeyError(name)
    return found


class Registry:
    """The catalogue that flows are checked against: it imports only what a flow names."""

    def find(self, name: str) -> ActionSpec | None:
        """The declaration of the action with this name or alias; other packages are asked last."""
        try:
            return load_action(_ALIASES.get(name, name)).spec
        except (KeyError, plugins.UnusableError):
            return None

    def fault(self, name: str) -> str:
        """Why an action that a package declares under this name can't be used, "" where none does, or it can."""
        try:
            plugins.load(name, _TAKEN)
        except plugins.UnusableError as error:
            return str(error)
        return ""

    def names(self) -> Iterable[str]:
        """All names, sorted: those of other packages after those that are built in."""
        return (*_ACTIONS, *(name for name in plugins.declared() if name not in _TAKEN))
