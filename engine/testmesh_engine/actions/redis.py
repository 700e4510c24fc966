"""``redis``: one command over a connection that the flow's steps share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_message import Bounds, ExchangeError, UnreachableError
from testmesh_engine.actions.redis_command import Command, command_of, exists, fault_of_ttl, value_of
from testmesh_engine.actions.redis_faults import GarbledReplyError, RefusedError
from testmesh_engine.actions.redis_target import Target, fault_of_redis_url, target_of
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import ActionError, PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value, parse_json

if TYPE_CHECKING:
    from testmesh_engine.actions.redis_session import Session

_PRESETS = {
    "redis_get": "GET",
    "redis_set": "SET",
    "redis_del": "DEL",
    "redis_delete": "DEL",
    "redis_exists": "EXISTS",
    "redis_incr": "INCR",
    "redis_expire": "EXPIRE",
    "redis_ttl": "TTL",
    "redis_hget": "HGET",
    "redis_hset": "HSET",
    "redis_hgetall": "HGETALL",
}
PRESETS = {
    name: {"command": command}
    for word, command in _PRESETS.items()
    for name in (word, word.replace("redis_", "redis.", 1))
}

_NOT_ALLOWED = frozenset({"NOAUTH", "WRONGPASS", "NOPERM"})
_UNFIT = frozenset(
    {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "OOM", "READONLY", "MAXCLIENTS"}
)
"""Error codes of a Redis that can't do its work: no command is to blame."""


class Redis:
    """One command; its reply is the result."""

    spec = ActionSpec(
        name="redis",
        doc="Runs one command on Redis, or on what speaks its protocol (Valkey, KeyDB, Dragonfly).",
        example=(
            "- id: cached\n"
            "  action: redis_get\n"
            '  config: {url: "redis://localhost:6379/0", key: "order:7"}\n'
            "  assert: [exists, value == 'pending']\n"
        ),
        aliases=tuple(PRESETS),
        presets=PRESETS,
        early=("timeout",),
        keys=(
            Key(
                name="url",
                kind=Kind.TEXT,
                doc="redis://user:password@host:6379/0, with TLS rediss://; or host",
                variables=("REDIS_URL",),
                fault=fault_of_redis_url,
            ),
            Key(name="host", kind=Kind.TEXT, doc="the host, where there is no url"),
            Key(name="port", kind=Kind.INTEGER, doc="its port", default="6379"),
            Key(name="db", kind=Kind.INTEGER, doc="the number of the database", default="0"),
            Key(name="username", kind=Kind.TEXT, doc="whom to sign in as"),
            Key(name="password", kind=Kind.TEXT, doc="the password"),
            Key(
                name="command",
                kind=Kind.ANY,
                doc="a command of Redis, or the whole of one: INCR, LRANGE queue 0 -1, or a list of words",
                default="GET; SET where there is a value",
            ),
            Key(name="key", kind=Kind.ANY, doc="the key, or a list of them"),
            Key(name="field", kind=Kind.ANY, doc="the field of a hash"),
            Key(
                name="value",
                kind=Kind.ANY,
                doc="text as it is; a map or list as JSON; for HSET the fields, for LPUSH, RPUSH and SADD the elements",
            ),
            Key(name="ttl", kind=Kind.ANY, doc="seconds or a duration, for SET and EXPIRE", fault=fault_of_ttl),
            Key(name="args", kind=Kind.LIST, doc="further words of the command"),
            Key(name="verify_ssl", kind=Kind.BOOLEAN, doc="whether the certificate is checked", default="true"),
            Key(name="ca_cert", kind=Kind.TEXT, doc="whom alone to trust: a certificate's path, or its PEM text"),
            Key(name="client_cert", kind=Kind.TEXT, doc="our own certificate: its path, or its PEM text"),
            Key(name="client_key", kind=Kind.TEXT, doc="its private key, where client_cert does not hold it"),
            Key(name="timeout", kind=Kind.DURATION, doc="bounds connecting and the command", default="30s"),
        ),
        results={
            "value": "the reply: text, a number, a list, a map (HGETALL), nil; bytes where it is no UTF-8",
            "exists": "whether what was asked for, read or changed is, or was, there",
            "json": "value read as JSON, nil where it is none",
        },
    )

    def prepare(self, steps: list[Mapping[str, Value | None]], context: Context) -> None:  # noqa: ARG002 - of no step
        """Import redis-py before the flow's first step: it takes longer than many a step's timeout.

        Raises ``UsageError`` where it is missing.
        """
        _require_driver()

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Run the command.

        Raises ``ServiceError`` where Redis refuses it, ``PlatformError`` where Redis can't be reached, is lost, fails
        or does not answer in time. A command is sent once: it is never repeated after a loss.
        """
        settings = Config(self.spec, config)
        _require_driver()
        command = command_of(settings)
        words = command.encoded()
        target = target_of(settings, context.folder)
        context.request = command.shown()
        bounds = Bounds(context.deadline, context.interrupt)
        with _mapped(command, target, bounds):
            session = _session(target, context, bounds)
            bounds.phase = "it was sent, and may have been executed"
            value = value_of(command, session.call(words, bounds))
        return {"value": value, "exists": exists(command, value), "json": _json(value)}


def _require_driver() -> None:
    try:
        import redis  # noqa: F401, PLC0415 - only flows that use it pay
    except ImportError as error:
        raise UsageError(
            f"redis needs a library: {error}", hint="Install it with: pip install 'testmesh[redis]'"
        ) from error


def _session(target: Target, context: Context, bounds: Bounds) -> Session:
    """The flow's connection to this target; one that has broken since the last step is opened anew."""
    from testmesh_engine.actions.redis_session import Session, open_session  # noqa: PLC0415 - imports redis-py

    key = repr((target, target.password, target.tls and hash(target.tls)))
    session = context.connections.get(Session, key, lambda: open_session(target, bounds))
    if session.is_usable():
        return session
    context.connections.drop(Session, key)
    return context.connections.get(Session, key, lambda: open_session(target, bounds))


@contextmanager
def _mapped(command: Command, target: Target, bounds: Bounds) -> Iterator[None]:
    """What went wrong, as one of our errors."""
    try:
        yield
    except RefusedError as error:
        raise _refused(error, command, target) from error
    except TimeRanOutError as error:
        raise PlatformError(f"no reply from {target} within {bounds.ran_out(error)}", kind="timeout") from error
    except UnreachableError as error:
        hint = error.hint.replace("http://", "redis://")
        raise PlatformError(f"can't connect to {target}: {error}", kind="connection_error", hint=hint) from error
    except ExchangeError as error:
        told = f"; {bounds.phase}" if bounds.phase else ""
        raise PlatformError(f"{target}, {command.name}: {error}{told}", kind="connection_error") from error
    except GarbledReplyError as error:
        raise PlatformError(f"what answers as {target} is no Redis: {error}", kind="protocol_error") from error


def _refused(error: RefusedError, command: Command, target: Target) -> ActionError:
    if error.code in _NOT_ALLOWED or "AUTH" in str(error):
        return PlatformError(f"{target} does not let us in: {error}", kind="connection_error", hint=_WHO)
    if error.code in {"MOVED", "ASK"}:
        return PlatformError(f"{target} is one of a cluster: {error}", kind="protocol_error", hint=_CLUSTER)
    if error.code in _UNFIT:
        return PlatformError(f"{target} can't run {command.name} now: {error}", kind="protocol_error")
    return ServiceError(f"Redis refuses {command.name}: {error}", kind="query_error")


_WHO = "Write username and password, or a URL that holds them."
_CLUSTER = "A step asks the node that it names: name the one that the message tells."


def _json(value: Value) -> Value:
    try:
        return parse_json(value) if isinstance(value, str) else None
    except ValueError:
        return None
