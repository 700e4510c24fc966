"""Avro and Protobuf on a real broker. The registry is a small server of ours that speaks its HTTP API (see there)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal

import fastavro
import pytest

from support.broker import brokers
from support.flows import Ran, run
from support.kafka_steps import Broker
from support.ports import free_port
from support.schema_registry import SchemaRegistry, schema_registry
from testmesh_engine.contract.result import Outcome

ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}
PROTO = """
syntax = "proto3";
package shop;
import "shop/money.proto";
message Order { int64 id = 1; Money total = 2; repeated string tags = 3; }
"""
MONEY = 'syntax = "proto3"; package shop; message Money { string currency = 1; int64 cents = 2; }'


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    """A registry for one test."""
    with schema_registry() as running:
        yield running


def flow(broker: Broker, registry: SchemaRegistry, topic: str, *steps: str, form: str = "avro") -> Ran:
    """The run of these steps, whose Kafka actions read and write ``topic`` in the format ``form``."""
    known = f'topic: {topic}, format: {form}, schema_registry: {{url: "{registry.url}"}}'
    text = f"""
        env: {{KAFKA_BROKERS: "{broker.address}"}}
        config:
          defaults:
            kafka_producer: {{{known}}}
            kafka_consumer: {{{known}, timeout: 2s}}
        steps:
    """
    return run(text.rstrip() + "".join(f"\n          - {{{step}}}" for step in steps) + "\n")


def publish(value: str) -> str:
    """A step ``publish``."""
    return f"id: publish, action: kafka_producer, config: {{{value}}}"


def seen(match: str, asserted: str = "count == 1") -> str:
    """A step ``seen``."""
    return f"id: seen, action: kafka_consumer, config: {{match: {{{match}}}}}, assert: ['{asserted}']"


def passed(ran: Ran) -> bool:
    """Whether the flow passed; what failed is shown."""
    assert Outcome.PASSED is ran.result.outcome, [step.message for step in ran.result.steps]
    return True


def test_avro_is_published_and_read_by_the_registrys_schema(broker: Broker, registry: SchemaRegistry) -> None:
    """Exact decimals, and each schema is asked for once."""
    topic = broker.topic()
    registry.register(f"{topic}-value", "AVRO", ORDER)
    value = "value: {id: 9007199254740993, total: 59.90}"
    match = "value: {id: 9007199254740993, total: 59.9}, json_path: $.note == nil"
    again = seen("where: value.total > 59").replace("id: seen", "id: again")
    assert passed(flow(broker, registry, topic, publish(value), seen(match, "messages[0].value.total == 59.90"), again))
    assert [f"/subjects/{topic}-value/versions/latest", "/schemas/ids/1"] == registry.seen


def test_avro_of_another_writer_is_read(broker: Broker, registry: SchemaRegistry) -> None:
    """A service publishes it with its own library: a zero, the schema's number, the data."""
    topic = broker.topic()
    number = registry.register(f"{topic}-value", "AVRO", ORDER)
    data = io.BytesIO()
    fastavro.schemaless_writer(data, fastavro.parse_schema(ORDER), {"id": 7, "total": Decimal(1), "note": "x"})

    def service(topic: str) -> None:
        broker.publish_bytes(topic, b"\0" + number.to_bytes(4, "big") + data.getvalue())

    begin = "id: begin, action: delay, config: {duration: 1ms}"
    service(topic)  # an old one, which does not count
    read = seen("value: {id: 7}").replace("config: {match", "config: {start: earliest, match")
    assert passed(flow(broker, registry, topic, begin, read))
    ran = flow(broker, registry, topic, seen("value: {id: 7}"))
    assert "none came" in ran.step("seen").message


def test_protobuf_is_published_and_read_by_the_registrys_text(broker: Broker, registry: SchemaRegistry) -> None:
    """Imports come from subjects of their own."""
    topic = broker.topic()
    registry.register("money", "PROTOBUF", MONEY)
    registry.register(f"{topic}-value", "PROTOBUF", PROTO, ("shop/money.proto", "money", 1))
    value = "value: {id: 9007199254740993, total: {currency: EUR, cents: 5990}, tags: [a]}"
    match = "value: {id: 9007199254740993, total: {cents: 5990}}"
    assert passed(
        flow(broker, registry, topic, publish(value), seen(match, 'messages[0].value.tags == ["a"]'), form="protobuf")
    )


def test_a_value_that_does_not_fit_its_schema_is_the_flows_fault(broker: Broker, registry: SchemaRegistry) -> None:
    """Nothing is published."""
    topic = broker.topic()
    registry.register(f"{topic}-value", "AVRO", ORDER)
    ran = flow(broker, registry, topic, publish("value: {id: seven, total: 1}"))
    assert 2 == ran.exit_code
    assert "value does not fit Avro schema 1: " in ran.step("publish").message
    assert {0: 0} == broker.ends(topic)


def test_a_message_that_is_no_avro_fails_the_step_that_means_it(broker: Broker, registry: SchemaRegistry) -> None:
    """The service answers nonsense: exit code 1. Where another is meant, it is a near miss."""
    topic = broker.topic()
    json = publish("format: json, value: {id: 1}, key: k")
    ran = flow(broker, registry, topic, json, seen("key: k"))
    assert 1 == ran.exit_code
    assert (
        f"topic {topic}: the message at partition 0 offset 0 can't be read: its value is no avro: it does not begin "
        "with a zero and the number of a schema"
    ) in ran.step("seen").message
    ran = flow(broker, registry, topic, json, seen("value: {id: 1}"))
    assert "Nearest: partition 0 offset 1 (its value is no avro: " in ran.step("seen").message


def test_a_number_that_the_registry_does_not_know_is_told(broker: Broker, registry: SchemaRegistry) -> None:
    """As part of what is wrong with the message."""
    topic = broker.topic()
    broker.publish_bytes(topic, b"\0\0\0\0\x63data")
    ran = flow(broker, registry, topic, seen("value: {id: 1}").replace("config: {", "config: {start: earliest, "))
    assert f"the registry at {registry.url} has no schema 99" in ran.step("seen").message


def test_an_unknown_subject_is_told(broker: Broker, registry: SchemaRegistry) -> None:
    """With what to do about it."""
    topic = broker.topic()
    ran = flow(broker, registry, topic, publish("value: {id: 1}"))
    assert 1 == ran.exit_code
    assert f"has no subject {topic}-value" in ran.step("publish").message


def test_a_registry_that_is_down_or_ill_is_the_platforms_fault(broker: Broker, registry: SchemaRegistry) -> None:
    """Exit code 3: nothing can be said of the service."""
    topic = broker.topic()
    registry.register(f"{topic}-value", "AVRO", ORDER)
    registry.status = 500
    ran = flow(broker, registry, topic, publish("value: {id: 1}"))
    assert (3, True) == (ran.exit_code, "it answers 500: out of order" in ran.step("publish").message)
    nobody = SchemaRegistry(url=f"http://{brokers(free_port())}")
    ran = flow(broker, nobody, topic, publish("value: {id: 1}"))
    assert (3, True) == (
        ran.exit_code,
        f"the Schema Registry at {nobody.url} can't be reached: " in ran.step("publish").message,
    )


def test_a_registry_is_told_who_asks(broker: Broker, registry: SchemaRegistry) -> None:
    """As an HTTP service is."""
    topic = broker.topic()
    registry.register(f"{topic}-value", "AVRO", ORDER)
    registry.authorization = "Basic dTpw"
    auth = f"schema_registry: {{url: '{registry.url}', auth: {{basic: {{username: u, password: p}}}}}}"
    assert passed(flow(broker, registry, topic, publish(f"value: {{id: 1, total: 1}}, {auth}")))
    ran = flow(broker, registry, topic, publish("value: {id: 1, total: 1}"))
    assert (3, True) == (ran.exit_code, "it answers 401: who are you" in ran.step("publish").message)


def test_keys_have_a_format_and_a_schema_of_their_own(broker: Broker, registry: SchemaRegistry) -> None:
    """The subject is <topic>-key."""
    topic = broker.topic()
    registry.register(
        f"{topic}-key", "AVRO", {"type": "record", "name": "K", "fields": [{"name": "id", "type": "int"}]}
    )
    keys = "key_format: avro, format: text"
    read = seen("key: {id: 7}, value: plain").replace("config: {", f"config: {{{keys}, ")
    assert passed(flow(broker, registry, topic, publish(f"{keys}, key: {{id: 7}}, value: plain"), read))
