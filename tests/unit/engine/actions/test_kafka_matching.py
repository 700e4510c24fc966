"""Which messages a kafka_consumer step means, and how the others are said to differ."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_formats import Decoder, Format, Formats
from testmesh_engine.actions.kafka_matching import Match, differences, doubts, near_misses, read_match
from testmesh_engine.actions.kafka_record import Message, Record, ordered
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Check, MapScope, Value, compile_expression


def record(value: bytes | None = b"{}", **changes: object) -> Record:
    """A message of topic ``t``."""
    given: dict[str, object] = {"partition": 0, "offset": 0, "timestamp": 1, "key": b"k", "headers": ()}
    return Record(topic="t", topic_id="id", value=value, **(given | changes))  # type: ignore[arg-type]  # by name


def message(value: bytes | None = b"{}", **changes: object) -> Message:
    """The same as a step without formats sees it."""
    return seen(record(value, **changes))


def seen(given: Record) -> Message:
    """The record as a step without formats sees it."""
    return Decoder(Formats(), None, _no_bounds).message(given)


def _no_bounds() -> Bounds:
    raise AssertionError("nothing is asked")


def asked(text: str, names: Mapping[str, Value]) -> Check:
    """An expression in a step that captured 42 as ``wanted``."""
    return compile_expression(text).check(MapScope({"wanted": 42, **names}))


@pytest.mark.parametrize(
    ("expected", "match", "value"),
    [
        ((), {"value": {"id": 42}}, b'{"id": 42, "more": true}'),
        ((), {"value": {"total": Decimal("59.980")}}, b'{"total": 59.98}'),
        ((), {"value": {"a": {"b": [1, {"c": 2}]}}}, b'{"a": {"b": [1, {"c": 2, "d": 3}], "e": 4}}'),
        ((), {"value": None}, None),
        ((), {"value": "plain words"}, b"plain words"),
        (('user_id: text "42" against number 42',), {"value": {"user_id": 42}}, b'{"user_id": "42"}'),
        (("a.b: 1 against 2", "a.c: not there"), {"value": {"a": {"b": 2, "c": 3}}}, b'{"a": {"b": 1}}'),
        (("user_id: not there, but userId is",), {"value": {"user_id": 1}}, b'{"userId": 1}'),
        (("items[1].id: 2 against 3",), {"value": {"items": [{}, {"id": 3}]}}, b'{"items": [{}, {"id": 2}]}'),
        (("items: 1 items against 2",), {"value": {"items": [1, 2]}}, b'{"items": [1]}'),
        (('value: text "no map" against map {"id":1}',), {"value": {"id": 1}}, b"no map"),
        (("id: boolean true against number 1",), {"value": {"id": 1}}, b'{"id": true}'),
        (("id: nil against number 1",), {"value": {"id": 1}}, b'{"id": null}'),
        (('value: nil against map {"a":1}',), {"value": {"a": 1}}, None),
    ],
)
def test_a_value_is_matched_by_the_part_that_is_named(
    expected: tuple[str, ...], match: dict[str, Value], value: bytes | None
) -> None:
    """Keys that the step doesn't name are free; all that it names must be there and equal, of the same kind."""
    assert expected == differences(message(value), read_match(match))


@pytest.mark.parametrize(
    ("expected", "match"),
    [
        ((), {"key": "42"}),
        ((), {"key": 42}),
        (('key: "42" against nil',), {"key": None}),
        (('key: "42" against "43"',), {"key": "43"}),
        ((), {"headers": {"type": "order", "version": 2}}),
        (("header kind: not there",), {"headers": {"kind": "order"}}),
        (('header version: "2" against 3',), {"headers": {"version": 3}}),
    ],
)
def test_keys_and_headers_are_compared_as_text(expected: tuple[str, ...], match: dict[str, Value]) -> None:
    """On the wire they are text, so a number means its digits."""
    sent = message(key=b"42", headers=(("type", b"old"), ("type", b"order"), ("version", b"2")))
    assert expected == differences(sent, read_match(match))


@pytest.mark.parametrize(
    ("said", "hint", "match"),
    [
        ('match has no key "vlaue"', 'Did you mean "value"?', {"vlaue": 1}),
        ("match is empty: give key, headers, value, json_path, where or trace, or leave it out", "", {}),
        (
            "value of match is an empty map, which any other fits: name what it must hold, or leave it out",
            "",
            {"value": {}},
        ),
        (
            "headers of match is an empty map, which any other fits: name what it must hold, or leave it out",
            "",
            {"headers": {}},
        ),
        ("where of match is an expression or a list of them, found number", "", {"where": [1]}),
        ('trace of match is true or false, found text "yes"', "", {"trace": "yes"}),
        ("trace of match: this run has no trace", "", {"trace": True}),
        ("headers of match is a map of names and texts, found text", "", {"headers": "a"}),
    ],
)
def test_a_match_that_cant_be_meant_is_refused(said: str, hint: str, match: dict[str, Value]) -> None:
    """A key that nobody reads would make every message match."""
    with pytest.raises(UsageError) as refused:
        read_match(match)
    assert said == refused.value.message
    assert hint in refused.value.hint


def test_without_match_every_message_is_meant() -> None:
    """No match is no condition."""
    assert () == differences(message(b"anything"), read_match(None))


def test_near_misses_show_the_least_different_first() -> None:
    """Among equally different ones the newest is the one that the author just caused."""
    match = read_match({"value": {"a": 1, "b": 2}})
    values = (b'{"a": 9, "b": 9}', b'{"a": 1, "b": 8}', b'{"a": 1, "b": 7}', b'{"a": 1, "b": 2}')
    records = [message(value, offset=offset) for offset, value in enumerate(values)]
    assert [2, 1] == [miss.message.record.offset for miss in near_misses(records, match, most=2)]


def test_messages_are_ordered_by_time_then_partition_then_offset() -> None:
    """The order doesn't depend on which partition answered first."""
    places = [(5, 0, 1), (5, 0, 0), (4, 7, 9), (5, 1, 0)]
    records = [record(timestamp=time, partition=partition, offset=offset) for time, partition, offset in places]
    assert [(4, 7, 9), (5, 0, 0), (5, 0, 1), (5, 1, 0)] == [
        (each.timestamp, each.partition, each.offset) for each in ordered(records)
    ]


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (None, None),
        ("", b""),
        (42, b"42"),
        ("02134", b"02134"),
        (9007199254740993, b"9007199254740993"),
        ("NaN", b"NaN"),
        (b"\xff\x00", b"\xff\x00"),
        ("{broken", b"{broken"),
    ],
)
def test_a_value_is_json_where_it_is_json_else_text_else_bytes(expected: Value, value: bytes | None) -> None:
    """Numbers stay exact, and nothing is guessed."""
    content = message(value).value
    assert (type(expected), expected) == (type(content), content)


def test_a_message_shows_everything_that_kafka_has_of_it() -> None:
    """An assertion can be about each part."""
    whole = message(b'{"id": 1}', partition=3, offset=7, timestamp=1700000000000, headers=(("h", None), ("b", b"\xff")))
    expected = {
        "topic": "t", "partition": 3, "offset": 7, "key": "k", "value": {"id": 1}, "raw": '{"id": 1}',
        "headers": {"h": None, "b": b"\xff"}, "timestamp": 1700000000000,
    }  # fmt: skip
    assert expected == whole.entry


def test_a_match_of_nothing_given_differs_from_one_that_asks_for_nil() -> None:
    """``value: null`` means a tombstone, not anything."""
    assert () == differences(message(None), Match(given=frozenset({"value"}), value=None))
    assert differences(message(b"1"), Match(given=frozenset({"value"}), value=None))


@pytest.mark.parametrize(
    ("expected", "match"),
    [
        ((), {"json_path": "$.id == wanted"}),
        ((), {"json_path": ["$.id == 42", "$.total > 10"], "where": "headers.type == 'order' && key == 'k'"}),
        ((), {"where": "message.value.id == value.id and partition == 3 and offset == 7"}),
        (("json_path: $.id == 43: 42 == 43",), {"json_path": "$.id == 43"}),
        (
            ("where: value.total > 100: 59.98 > 100", 'where: key == \'x\': "k" == "x"'),
            {"where": ["value.total > 100", "key == 'x'"]},
        ),
    ],
)
def test_expressions_are_asked_of_the_value_or_the_whole_message(
    expected: tuple[str, ...], match: dict[str, Value]
) -> None:
    """A difference shows what the operands were; an expression sees what the step captured too."""
    sent = message(b'{"id": 42, "total": 59.98}', partition=3, offset=7, headers=(("type", b"order"),))
    assert [said.partition(": ")[0] for said in expected] == [
        said.partition(": ")[0] for said in differences(sent, read_match(match, ask=asked))
    ]
    assert len(expected) == len(differences(sent, read_match(match, ask=asked)))


def test_an_expression_that_has_no_value_is_no_match_and_says_why() -> None:
    """Another event on the same topic has other fields."""
    (said,) = differences(message(b'{"kind": "x"}'), read_match({"json_path": "$.total > 10"}, ask=asked))
    assert said.startswith("json_path: $.total > 10: ")
    assert "total" in said


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("matches", "headers"),
    [
        (True, (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()),)),
        (True, (("traceparent", f"00-{TRACE.upper()}-00f067aa0ba902b7-00".encode()),)),
        (False, (("traceparent", b"00-aaaa2f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),)),
        (False, (("traceparent", TRACE.encode()),)),
        (False, (("traceparent", b"\xff"),)),
        (False, ()),
    ],
)
def test_trace_is_that_of_the_messages_traceparent(matches: bool, headers: tuple[tuple[str, bytes], ...]) -> None:  # noqa: FBT001 - a table
    """W3C's Trace Context: version, trace, caller, flags."""
    found = differences(message(headers=headers), read_match({"trace": True}, trace_id=TRACE))
    assert matches == (not found), found
    assert () == differences(message(headers=headers), read_match({"trace": False}, trace_id=TRACE))


def test_a_message_that_cant_be_read_is_no_match_for_what_asks_for_its_value() -> None:
    """By its headers alone it is meant, and the step then says what is wrong with it."""
    sent = Decoder(Formats(value=Format.JSON), None, _no_bounds).message(record(b"{no json", headers=(("a", b"b"),)))
    (said,) = differences(sent, read_match({"value": {"id": 1}, "where": "value.id == 1"}, ask=asked))
    assert said.startswith("its value is no json: ")
    assert () == differences(sent, read_match({"headers": {"a": "b"}}))


@pytest.mark.parametrize(
    ("expected", "where"),
    [
        ('value has no "idd"; did you mean "id"?', "value.idd == 1"),
        ("`>` takes two numbers or two texts", "value.id > '3'"),
        ("it is number 4, neither true nor false", "value.id"),
        ("", "value.id == 5"),
        ("", "value.id == 4"),
        ("", "value.type == 'paid' && value.idd == 1"),
        ("", "value.type == 'paid' || value.type == 'sent'"),
    ],
)
def test_a_condition_that_has_no_value_leaves_in_doubt_whether_a_message_is_meant(expected: str, where: str) -> None:
    """False is an answer; what could not be asked is none."""
    found = doubts(message(b'{"id": 4, "type": "made"}'), read_match({"where": where}, ask=asked))
    assert bool(expected) == bool(found)
    assert expected in "".join(found)


def test_one_certain_difference_takes_away_the_doubt() -> None:
    """A message with another key is not meant, whatever its conditions would say."""
    given: dict[str, Value] = {"where": "value.idd == 1"}
    assert doubts(message(b"{}"), read_match(given, ask=asked))
    for certain in ({"key": "other"}, {"headers": {"type": "x"}}, {"value": {"id": 1}}, {"json_path": "1 == 2"}):
        match = read_match({**given, **certain}, ask=asked)
        assert differences(message(b"{}"), match)
        assert () == doubts(message(b"{}"), match), certain


def test_a_message_that_cant_be_read_may_be_meant() -> None:
    """Nobody knows what stands in it, as long as nothing else tells."""
    sent = Decoder(Formats(value=Format.JSON), None, _no_bounds).message(record(b"{no json"))
    assert "no json" in "".join(doubts(sent, read_match({"value": {"id": 1}})))
    assert () == doubts(sent, read_match({"key": "other", "value": {"id": 1}}))
