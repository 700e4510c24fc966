"""What a kafka_producer step publishes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.checked import errors, warnings
from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.actions.kafka_formats import Format, Formats
from testmesh_engine.actions.kafka_outgoing import Outgoing, outgoing
from testmesh_engine.actions.kafka_producer import KafkaProducer
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

SPEC = KafkaProducer.spec
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def no_schema(value: Value, form: Format, part: str) -> bytes:
    """What a registry would be asked for."""
    return f"{part} {form} {value}".encode()


def messages(formats: Formats = Formats(), **config: Value) -> list[Outgoing]:  # noqa: B008 - never changed
    """What this config publishes."""
    return outgoing(Config(SPEC, canonical(SPEC, config)), formats, TRACEPARENT, no_schema)


def test_one_message_has_key_value_and_headers_in_bytes() -> None:
    """Keys and headers are text, so a number is its digits; the run's trace goes along."""
    (sent,) = messages(key=7, value={"id": 7}, headers={"version": 2, "none": None}, partition=3)
    assert (b"7", b'{"id":7}', 3) == (sent.key, sent.value, sent.partition)
    assert (("version", b"2"), ("none", None), ("traceparent", TRACEPARENT.encode())) == sent.headers


def test_a_trace_that_the_step_sets_is_kept() -> None:
    """Whatever the case of its name."""
    (sent,) = messages(value=1, headers={"TraceParent": "own"})
    assert (("TraceParent", b"own"),) == sent.headers


@pytest.mark.parametrize("name", ["value", "payload", "message"])
def test_the_value_has_three_names(name: str) -> None:
    """As the original's flows write it."""
    assert [b"v"] == [sent.value for sent in messages(**{name: "v"})]


def test_a_tombstone_is_a_value_that_is_nil() -> None:
    """It deletes the key from a compacted topic."""
    assert [(b"k", None)] == [(sent.key, sent.value) for sent in messages(key="k", value=None)]


def test_several_messages_take_what_they_do_not_say_from_the_step() -> None:
    """Headers and key that all of them share stand once."""
    sent = messages(
        key="k", headers={"a": "b"}, messages=[{"value": 1}, {"payload": 2, "key": "own", "partition": "1"}]
    )
    assert [(b"k", b"1", None), (b"own", b"2", 1)] == [(one.key, one.value, one.partition) for one in sent]
    assert [("a", b"b"), ("a", b"b")] == [one.headers[0] for one in sent]


def test_a_value_of_a_schema_is_written_by_its_part() -> None:
    """Key and value have subjects of their own."""
    (sent,) = messages(Formats(key=Format.AVRO, value=Format.PROTOBUF), key=1, value=2)
    assert (b"key avro 1", b"value protobuf 2") == (sent.key, sent.value)


@pytest.mark.parametrize(
    ("said", "config"),
    [
        ("kafka_producer needs value, or messages", {"key": "k"}),
        ("kafka_producer takes value or messages, not both", {"value": 1, "messages": [{"value": 1}]}),
        ("messages is a list of {key, value, headers, partition}, and it is empty", {"messages": []}),
        ("messages[1] is a map of key, value, headers, partition, found number", {"messages": [{"value": 1}, 2]}),
        ("messages[0] has no value", {"messages": [{"key": "k"}]}),
        ('messages[0] has no key "vlaue"', {"messages": [{"value": 1, "vlaue": 2}]}),
        ("messages[0].partition is a number from 0 on, found number -1", {"messages": [{"value": 1, "partition": -1}]}),
        ("messages[0].headers is a map of names and texts, found text", {"messages": [{"value": 1, "headers": "a"}]}),
    ],
)
def test_what_cant_be_published_is_refused(said: str, config: dict[str, Value]) -> None:
    """Nothing is sent of it."""
    with pytest.raises(UsageError) as refused:
        messages(**config)
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize("action", ["kafka_producer", "kafka_publish", "kafka_produce"])
def test_a_step_that_publishes_needs_no_assertion(action: str) -> None:
    """It fails by itself where the brokers do not take the message."""
    flow = f"flow:\n  name: x\n  steps: [{{action: {action}, config: {{brokers: 'b:1', topic: t, value: 1}}}}]\n"
    assert ([], []) == (errors(flow), warnings(flow))


def test_an_unknown_compression_is_an_error_before_the_run() -> None:
    """Found by ``validate``."""
    step = "{action: kafka_producer, config: {brokers: 'b:1', topic: t, value: 1, compression: zip}}"
    (said,) = errors(f"flow:\n  name: x\n  steps: [{step}]\n")
    assert "compression is one of NONE, GZIP, SNAPPY, LZ4, ZSTD" == said


def test_the_declaration_is_read_without_any_driver() -> None:
    """``testmesh validate`` imports none."""
    program = (
        "import sys; from testmesh_engine.actions.registry import load_action; load_action('kafka_producer'); "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('confluent_kafka', 'fastavro', 'google', 'httpx', 'grpc')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()
