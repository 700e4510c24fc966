"""``kafka_producer``: publishes messages, and ends once the brokers have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_explaining import similar
from testmesh_engine.actions.kafka_formats import FORMAT_KEYS, Format, read_formats
from testmesh_engine.actions.kafka_outgoing import MESSAGE_FIELDS, Outgoing, outgoing
from testmesh_engine.actions.kafka_publisher import Delivered, Publisher
from testmesh_engine.actions.kafka_security import ACCESS_KEYS, read_access
from testmesh_engine.actions.kafka_session import Session
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import ServiceError
from testmesh_engine.expressions import Value

if TYPE_CHECKING:
    from testmesh_engine.actions.kafka_schemas import Registry, Schemas

_COMPRESSIONS = ("NONE", "GZIP", "SNAPPY", "LZ4", "ZSTD")


class KafkaProducer:
    """Messages to one topic; they count for the flow's later consumers, for they come after its marks."""

    spec = ActionSpec(
        name="kafka_producer",
        doc="Publishes one message, or several, and waits until the brokers have them.",
        example=(
            "- id: placed\n"
            "  action: kafka_producer\n"
            '  config: {brokers: "localhost:9092", topic: order.placed, key: "7", value: {id: 7, total: 59.98}}\n'
            '  assert: ["offset >= 0"]\n'
        ),
        keys=(
            *ACCESS_KEYS,
            Key(name="topic", kind=Kind.TEXT, required=True, doc="the topic's name; it must be there"),
            *MESSAGE_FIELDS,
            Key(
                name="messages",
                kind=Kind.LIST,
                doc="several messages instead of one, each {key, value, headers, partition}",
            ),
            Key(
                name="compression",
                kind=Kind.TEXT,
                doc="how batches are compressed: none, gzip, snappy, lz4 or zstd",
                default="none",
                choices=_COMPRESSIONS,
            ),
            *FORMAT_KEYS,
            Key(name="timeout", kind=Kind.DURATION, doc="how long the delivery may take", default="30s"),
        ),
        results={
            "topic": "the topic",
            "partition": "the partition that the message, or the first of several, stands in",
            "offset": "its offset",
            "key": "its key",
            "value": "its value",
            "messages": "list of {topic, partition, offset, key, value, headers, timestamp}, in the order of the step",
            "count": "how many messages there are",
        },
        aliases=("kafka_publish", "kafka_produce"),
        asserts_itself=True,
        early=("brokers", "sasl", "tls", "compression"),
    )

    def prepare(self, steps: list[Mapping[str, Value | None]], context: Context) -> None:
        """Let the clients connect while the flow begins: half a second may pass until one may publish."""
        for step in steps:
            if step.get("brokers") and None not in step.values():
                known = {name: value for name, value in step.items() if value is not None}
                _publisher(Config(self.spec, canonical(self.spec, known)), context)

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Publish them.

        Raises ``ServiceError`` for a topic that is not there and a message that is refused, ``PlatformError`` where
        Kafka is to blame, ``UsageError`` for what can't be published.
        """
        given = Config(self.spec, config)
        access, topic, formats = read_access(given, context.folder), given.text("topic").strip(), read_formats(given)
        bounds = Bounds(context.deadline, context.interrupt)
        encode = _Encoder(given, topic, context, bounds)
        messages = outgoing(given, formats, context.traceparent(), encode)
        context.request = {"brokers": access.brokers, "topic": topic, "messages": [_shown(one) for one in messages]}
        session = context.connections.get(Session, access.key, lambda: Session(access))
        _check_topic(session, topic, messages, bounds)
        delivered = _publisher(given, context).send(topic, messages, bounds)
        context.counters.kafka_messages += len(delivered)
        return _result(topic, messages, delivered)


def _publisher(config: Config, context: Context) -> Publisher:
    access, compression = read_access(config, context.folder), config.text("compression", "none").lower()
    key = f"{access.key} {compression}"
    found = context.connections.get(Publisher, key, lambda: Publisher(access, compression))
    if found.dead:
        context.connections.drop(Publisher, key)
        return context.connections.get(Publisher, key, lambda: Publisher(access, compression))
    return found


class _Encoder:
    """Writes keys and values by the latest schema of their subject."""

    def __init__(self, config: Config, topic: str, context: Context, bounds: Bounds) -> None:
        self._config = config
        self._topic = topic
        self._context = context
        self._bounds = bounds

    def __call__(self, value: Value, form: Format, part: str) -> bytes:
        return self._schemas().encoded(value, form, f"{self._topic}-{part}", self._bounds)

    def _schemas(self) -> Schemas:
        from testmesh_engine.actions.kafka_schemas import Schemas, read_registry  # noqa: PLC0415 - only its flows pay

        registry: Registry = read_registry(self._config, self._context.folder)
        return self._context.connections.get(Schemas, registry.key, lambda: Schemas(registry))


def _check_topic(session: Session, topic: str, messages: Sequence[Outgoing], bounds: Bounds) -> None:
    """A producer of librdkafka that only asks for a topic may make it; this asks in a way that does not."""
    with session.turn():
        seen = session.describe(topic, bounds)
        if seen is None:
            near = similar(topic, session.topics(bounds))
            hint = f"Similar topics: {', '.join(near)}." if near else "No topic's name is like it; make it first."
            raise ServiceError(f"topic {topic}: there is no such topic", kind="protocol_error", hint=hint)
    for message in messages:
        if message.partition is not None and message.partition not in seen.partitions:
            count = len(seen.partitions)
            raise ServiceError(
                f"topic {topic} has no partition {message.partition}: it has {count}, from 0 on", kind="protocol_error"
            )


def _shown(message: Outgoing) -> Value:
    shown: dict[str, Value] = {"key": message.written_key, "value": message.written_value}
    if message.headers:
        shown["headers"] = _texts(message)
    return shown


def _texts(message: Outgoing) -> dict[str, Value]:
    return {name: None if value is None else value.decode("utf-8", "replace") for name, value in message.headers}


def _result(topic: str, messages: Sequence[Outgoing], delivered: Sequence[Delivered]) -> Result:
    entries: list[dict[str, Value]] = [
        {
            "topic": topic,
            "partition": place.partition,
            "offset": place.offset,
            "key": message.written_key,
            "value": message.written_value,
            "headers": _texts(message),
            "timestamp": place.timestamp,
        }
        for message, place in zip(messages, delivered, strict=True)
    ]
    first = {name: entries[0][name] for name in ("topic", "partition", "offset", "key", "value")}
    return {**first, "messages": [*entries], "count": len(entries)}
