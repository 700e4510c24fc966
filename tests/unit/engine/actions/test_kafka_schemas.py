"""Avro and Protobuf by the schemas of a registry, as values of the language and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.kafka_avro import AvroCodec
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_formats import UnreadableError
from testmesh_engine.actions.kafka_producer import KafkaProducer
from testmesh_engine.actions.kafka_protobuf import ProtobufCodec, split_indexes
from testmesh_engine.actions.kafka_schemas import Schema, header_of, read_registry
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

ORDER = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "user", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "rate", "type": "float"},
        {"name": "raw", "type": "bytes"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "counts", "type": {"type": "map", "values": "int"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "before", "type": ["null", "State"], "default": None},
    ],
}
VALUE: dict[str, Value] = {
    "id": 9007199254740993,
    "total": Decimal("59.90"),
    "at": "2023-11-14T22:13:20.500000Z",
    "day": "2024-01-02",
    "user": "a3bb189e-8bf9-3888-9912-ace4e6543002",
    "rate": Decimal("0.1"),
    "raw": b"\xff\x00",
    "tags": ["a", "b"],
    "counts": {"x": 1},
    "state": "PAID",
    "note": None,
    "before": "NEW",
}
PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "shop/money.proto";
message Line { string sku = 1; message Part { int32 n = 1; } }
message Order {
  int64 id = 1;
  Money total = 2;
  repeated Line lines = 3;
  google.protobuf.Timestamp at = 4;
  float rate = 5;
}
"""
MONEY = 'syntax = "proto3"; package shop; message Money { string currency = 1; int64 cents = 2; }'


@pytest.fixture
def bounds() -> Iterator[Bounds]:
    """Time enough."""
    interrupt = Interrupt()
    yield Bounds(Deadline.after(30, "the test"), interrupt)
    interrupt.close()


def avro(schema: object, *references: tuple[str, str]) -> AvroCodec:
    """The codec of an Avro schema."""
    return AvroCodec(Schema(7, "AVRO", json.dumps(schema), references))


def test_an_avro_record_comes_back_as_it_was_written() -> None:
    """What a flow reads it may publish: decimals exact, times and ids as text, floats by their shortest digits."""
    codec = avro(ORDER)
    assert VALUE == codec.decoded(codec.encoded(VALUE))


def test_a_field_with_a_default_may_be_left_out_and_no_other() -> None:
    """Avro's writers ask for it; a key that the schema does not have would be lost in silence."""
    codec = avro(ORDER)
    without = {name: value for name, value in VALUE.items() if name != "note"}
    assert VALUE == codec.decoded(codec.encoded(without))
    for broken in ({**VALUE, "nte": "x"}, {name: VALUE[name] for name in VALUE if name != "id"}, {**VALUE, "id": "7"}):
        with pytest.raises(UsageError, match="value does not fit Avro schema 7: "):
            codec.encoded(broken)


def test_an_avro_schema_may_refer_to_others() -> None:
    """The registry has them under subjects of their own."""
    money = {"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "long"}]}
    order = {"type": "record", "name": "Order", "fields": [{"name": "total", "type": "shop.Money"}]}
    codec = avro(order, ("shop.Money", json.dumps(money)))
    assert {"total": {"cents": 5990}} == codec.decoded(codec.encoded({"total": {"cents": 5990}}))


@pytest.mark.parametrize("data", [b"", b"\x02", avro({"type": "string"}).encoded("a") + b"more"])
def test_data_that_does_not_fit_its_avro_schema_is_said(data: bytes) -> None:
    """Cut off, or with something behind it."""
    with pytest.raises(UnreadableError, match="schema 7"):
        avro({"type": "string"}).decoded(data)


def test_a_broken_avro_schema_is_said() -> None:
    """The registry may hold anything."""
    with pytest.raises(UnreadableError, match="schema 7 can't be used"):
        avro({"type": "record", "name": "X", "fields": [{"name": "a", "type": "nothing"}]})


def test_a_protobuf_message_comes_back_as_it_was_written(bounds: Bounds) -> None:
    """Fields by their names in the text, imports resolved, 64-bit integers exact."""
    schema = Schema(7, "PROTOBUF", PROTO, (("shop/money.proto", MONEY),))
    codec = ProtobufCodec(schema, (1,), bounds)
    value: Value = {
        "id": 9007199254740993,
        "total": {"currency": "EUR", "cents": 5990},
        "lines": [{"sku": "a"}],
        "at": "2023-11-14T22:13:20Z",
        "rate": Decimal("0.1"),
    }
    assert value == codec.decoded(codec.encoded(value))
    with pytest.raises(UsageError, match="value of Protobuf schema 7: "):
        codec.encoded({"idd": 1})


def test_a_protobuf_message_inside_of_another_is_found(bounds: Bounds) -> None:
    """Its numbers lead to it; others lead nowhere."""
    schema = Schema(7, "PROTOBUF", PROTO, (("shop/money.proto", MONEY),))
    codec = ProtobufCodec(schema, (0, 0), bounds)
    assert {"n": 3} == codec.decoded(codec.encoded({"n": 3}))
    with pytest.raises(UnreadableError, match=r"schema 7 has no message \[5\]"):
        ProtobufCodec(schema, (5,), bounds)


def test_an_import_never_leads_out_of_the_schemas_own_folder(bounds: Bounds) -> None:
    """A registry's names become paths."""
    schema = Schema(7, "PROTOBUF", 'syntax = "proto3"; message A {}', (("../../evil.proto", "x"),))
    with pytest.raises(UnreadableError, match="a path that leads elsewhere"):
        ProtobufCodec(schema, (0,), bounds)


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        (((0,), b"rest"), b"\x00rest"),
        (((1, 0), b"rest"), b"\x04\x02\x00rest"),
        (((100,), b""), b"\x02\xc8\x01"),
    ],
)
def test_the_numbers_of_a_protobuf_message_are_zigzag_varints(
    expected: tuple[tuple[int, ...], bytes], data: bytes
) -> None:
    """https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format."""
    assert expected == split_indexes(data)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x02", b"\x02" + b"\x80" * 9])
def test_numbers_without_an_end_are_said(data: bytes) -> None:
    """It is something else than Protobuf with a schema."""
    with pytest.raises(UnreadableError, match="have no end"):
        split_indexes(data)


def test_the_number_of_the_schema_stands_behind_a_zero() -> None:
    """JSON, for one, begins with something else."""
    assert 258 == header_of(b"\0\0\0\1\2data")
    for data in (b'{"id": 1}', b"\0\0\0"):
        with pytest.raises(UnreadableError, match="does not begin with a zero"):
            header_of(data)


@pytest.mark.parametrize(
    ("headers", "given"),
    [
        ((), {"url": "http://r:8081/"}),
        (
            (("Authorization", "Basic dTpw"),),
            {"url": "http://r:8081", "auth": {"basic": {"username": "u", "password": "p"}}},
        ),
        ((("Authorization", "Basic dTpw"),), {"url": "http://u:p@r:8081"}),
        ((("Authorization", "Bearer t"),), {"url": "http://r:8081", "auth": {"bearer": "t"}}),
    ],
)
def test_who_asks_a_registry_is_said_as_in_http(headers: tuple[tuple[str, str], ...], given: dict[str, Value]) -> None:
    """A password never stays in the address that messages show."""
    registry = read_registry(Config(KafkaProducer.spec, {"schema_registry": given}), None)
    assert ("http://r:8081", headers) == (registry.url, registry.headers)


def test_a_registry_without_a_url_is_refused() -> None:
    """And one that is no URL."""
    for given, said in (({}, "schema_registry needs url"), ({"url": "r:8081"}, "schema_registry.url ")):
        with pytest.raises(UsageError) as refused:
            read_registry(Config(KafkaProducer.spec, {"schema_registry": given}), None)
        assert refused.value.message.startswith(said)
