"""What a kafka_producer step publishes: messages in bytes, from its config."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.kafka_formats import Format, Formats, written
from testmesh_engine.actions.kafka_security import own_names
from testmesh_engine.contract.catalogue import Key, Kind
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, show, to_json

TRACEPARENT = "traceparent"

MESSAGE_FIELDS = (
    Key(name="value", kind=Kind.ANY, doc="the value; nil publishes a tombstone", aliases=("payload", "message")),
    Key(name="key", kind=Kind.ANY, doc="the key; without one any partition may be taken"),
    Key(name="headers", kind=Kind.MAP, doc="headers by name, as text"),
    Key(name="partition", kind=Kind.INTEGER, doc="the partition, instead of the one that the key leads to"),
)
"""One message: in the config itself, or an item of ``messages``."""

Encode = Callable[[Value, Format, str], bytes]
"""A value in bytes by a schema, of which the third argument says the part: ``key`` or ``value``."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as it is sent, and as the flow has written it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    partition: int | None
    written_key: Value
    written_value: Value


def outgoing(config: Config, formats: Formats, traceparent: str, encode: Encode) -> list[Outgoing]:
    """The messages of a step, one or several. Raises ``UsageError`` for what can't be meant."""
    several = config.value("messages")
    own: dict[str, Value] = {key.name: config.value(key.name) for key in MESSAGE_FIELDS if config.has(key.name)}
    if several is None:
        if "value" not in own:
            raise UsageError("kafka_producer needs value, or messages", hint="A tombstone is written value: null.")
        return [_message(own, formats, traceparent, encode, "")]
    return list(_batch(several, own, formats, traceparent, encode))


def _batch(
    several: Value, own: Mapping[str, Value], formats: Formats, traceparent: str, encode: Encode
) -> Iterator[Outgoing]:
    if "value" in own:
        raise UsageError("kafka_producer takes value or messages, not both")
    if not isinstance(several, list) or not several:
        raise UsageError("messages is a list of {key, value, headers, partition}, and it is empty")
    for number, item in enumerate(several):
        where = f"messages[{number}]."
        if not isinstance(item, dict):
            raise UsageError(f"messages[{number}] is a map of key, value, headers, partition, found {kind_of(item)}")
        if not {"value", "payload", "message"} & item.keys():
            raise UsageError(f"messages[{number}] has no value", hint="A tombstone is written value: null.")
        yield _message({**own, **_named(item, where)}, formats, traceparent, encode, where)


def _named(item: Mapping[str, Value], where: str) -> dict[str, Value]:
    return {"value": None, **own_names(item, MESSAGE_FIELDS, where.rstrip("."))}


def _message(given: Mapping[str, Value], formats: Formats, traceparent: str, encode: Encode, where: str) -> Outgoing:
    key, value = given.get("key"), given.get("value")
    return Outgoing(
        key=_bytes(key, formats.key, f"{where}key", encode),
        value=_bytes(value, formats.value, f"{where}value", encode),
        headers=_headers(given.get("headers"), traceparent, where),
        partition=_partition(given.get("partition"), where),
        written_key=key,
        written_value=value,
    )


def _bytes(value: Value, form: Format, what: str, encode: Encode) -> bytes | None:
    if value is None or not form.needs_registry:
        return written(value, form, what)
    return encode(value, form, what.rpartition(".")[2])


def _headers(given: Value, traceparent: str, where: str) -> tuple[tuple[str, bytes | None], ...]:
    if given is not None and not isinstance(given, dict):
        raise UsageError(f"{where}headers is a map of names and texts, found {kind_of(given)}")
    pairs = tuple((name, _header(value)) for name, value in (given or {}).items())
    if not traceparent or any(name.lower() == TRACEPARENT for name, _ in pairs):
        return pairs
    return (*pairs, (TRACEPARENT, traceparent.encode()))


def _header(value: Value) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else to_json(value)).encode()


def _partition(given: Value, where: str) -> int | None:
    if isinstance(given, str) and given.strip().isdecimal():
        given = int(given)
    if given is None or (isinstance(given, int) and not isinstance(given, bool) and given >= 0):
        return given
    raise UsageError(f"{where}partition is a number from 0 on, found {kind_of(given)} {show(given, 80)}")
