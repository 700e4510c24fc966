"""How keys and values are read from bytes and written to them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_consumer import KafkaConsumer
from testmesh_engine.actions.kafka_formats import Decoder, Format, Formats, read_formats, written
from testmesh_engine.actions.kafka_record import Record
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value


def _no_bounds() -> Bounds:
    raise AssertionError("nothing is asked")


def read(data: bytes | None, form: Format) -> tuple[Value, str]:
    """The value of a message with this data, and what is wrong with it."""
    record = Record(topic="t", topic_id="", partition=0, offset=0, timestamp=0, key=None, value=data)
    message = Decoder(Formats(value=form), None, _no_bounds).message(record)
    return message.value, message.fault


@pytest.mark.parametrize(
    ("expected", "data", "form"),
    [
        ({"total": Decimal("59.90")}, b'{"total": 59.90}', Format.JSON),
        ({"id": 1}, b'\0\0\0\0\x07{"id": 1}', Format.JSON),
        ("42", b"42", Format.TEXT),
        (b"42", b"42", Format.BYTES),
        (None, None, Format.JSON),
    ],
)
def test_data_is_read_in_the_format_that_the_step_says(expected: Value, data: bytes | None, form: Format) -> None:
    """Also JSON behind the number of a schema, as JSON Schema's serializer writes it."""
    value, fault = read(data, form)
    assert ("", type(expected), expected) == (fault, type(value), value)


@pytest.mark.parametrize(
    ("said", "data", "form"),
    [
        ("its value is no json: ", b"{x", Format.JSON),
        ("its value is no text: byte 1 is not UTF-8", b"a\xff", Format.TEXT),
    ],
)
def test_data_that_is_something_else_is_said(said: str, data: bytes, form: Format) -> None:
    """What the step declares is a promise of the service."""
    assert read(data, form)[1].startswith(said)


@pytest.mark.parametrize(
    ("expected", "value", "form"),
    [
        (b'{"id":7,"total":59.90}', {"id": 7, "total": Decimal("59.90")}, Format.AUTO),
        (b"plain", "plain", Format.AUTO),
        (b"42", 42, Format.AUTO),
        (b"true", True, Format.AUTO),
        (b"\xff", b"\xff", Format.AUTO),
        (None, None, Format.JSON),
        (b'{"a": 1}', '{"a": 1}', Format.JSON),
        (b"[1]", [1], Format.TEXT),
        (b"\x00", b"\x00", Format.BYTES),
    ],
)
def test_values_are_written_as_a_service_would(expected: bytes | None, value: Value, form: Format) -> None:
    """Text as it is, anything else as JSON with the digits that it has."""
    assert expected == written(value, form, "value")


@pytest.mark.parametrize(
    ("said", "value", "form"),
    [
        ("value is no JSON", "plain", Format.JSON),
        ("value with format: bytes takes bytes, found text", "x", Format.BYTES),
    ],
)
def test_a_value_that_its_format_cant_hold_is_refused(said: str, value: Value, form: Format) -> None:
    """Before it is published."""
    with pytest.raises(UsageError) as refused:
        written(value, form, "value")
    assert refused.value.message.startswith(said)


def test_a_schemas_format_needs_a_registry() -> None:
    """The bytes say nothing without it."""
    with pytest.raises(UsageError, match="format: avro needs a Schema Registry"):
        read_formats(Config(KafkaConsumer.spec, {"format": "AVRO"}))
    given: dict[str, Value] = {"format": "avro", "key_format": "text", "schema_registry": {"url": "http://r"}}
    assert Formats(key=Format.TEXT, value=Format.AVRO) == read_formats(Config(KafkaConsumer.spec, given))
