"""Values: exact JSON, equality by value, and what messages show."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given

from testmesh_engine.expressions import (
    CaseBlindMap,
    Value,
    equal,
    from_python,
    kind_of,
    parse_json,
    show,
    to_json,
    to_plain,
)
from unit.engine.expressions.strategies import numbers, values


@given(values)
def test_json_that_was_written_reads_back_as_the_same_value(value: Value) -> None:
    """Writing and reading loses nothing."""
    assert equal(value, parse_json(to_json(value)))


@given(values)
def test_what_is_written_is_json_to_others_too(value: Value) -> None:
    """Python's own reader takes it."""
    json.loads(to_json(value))


@given(values)
def test_every_value_equals_itself_and_its_copy(value: Value) -> None:
    """Equality is about values, not about objects."""
    assert equal(value, value)
    assert equal(value, parse_json(to_json(value)))


@given(numbers, numbers)
def test_numbers_compare_by_value_whatever_their_digits(one: int | Decimal, other: int | Decimal) -> None:
    """An int and a Decimal of one value are the same number."""
    assert (Decimal(one) == Decimal(other)) is equal(one, other)
    assert equal(one, Decimal(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), (42, "42"), (Decimal("42.0"), "42.0"), (None, False), (None, ""), ([], {}), ("a", b"a")],
)
def test_different_kinds_are_never_equal(one: Value, other: Value) -> None:
    """A boolean is no number, and text is no number either."""
    assert not equal(one, other)
    assert not equal([one], [other])
    assert not equal({"k": one}, {"k": other})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9007199254740993", 9007199254740993),
        ("59.90", Decimal("59.90")),
        ("0.1", Decimal("0.1")),
        ("1e3", Decimal("1e3")),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\ud800!"', "\ufffd!"),
        ("-0", 0),
    ],
)
def test_json_is_read_exactly(text: str, expected: Value) -> None:
    """No digit is lost, and half a character becomes U+FFFD."""
    read = parse_json(text)
    assert (type(expected), expected) == (type(read), read)


@pytest.mark.parametrize(
    "text", ["NaN", "-Infinity", "[" * 513 + "]" * 513, "[" * 100_000, "1e6145", "1" * 4301, "{", "", b"\xff"]
)
def test_what_is_no_json_or_beyond_a_bound_is_refused(text: str | bytes) -> None:
    """Each with a ValueError, never with one of Python's own troubles."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text)


@pytest.mark.parametrize("shape", ["[{}]", '{{"a":{}}}'])
def test_512_levels_are_read_written_and_compared(shape: str) -> None:
    """The bound itself is within the bound."""
    text = "1"
    for _ in range(512):
        text = shape.format(text)
    value = parse_json(text)
    assert text == to_json(value)
    assert equal(value, parse_json(text))
    assert to_plain(value) is not None


def test_brackets_within_text_are_no_levels() -> None:
    """The depth is that of the structure."""
    text = json.dumps(["[" * 2000, '\\"' + "{" * 2000])
    assert 2 == len(from_list(parse_json(text)))


def from_list(value: Value) -> list[Value]:
    """The list that ``value`` is."""
    assert isinstance(value, list)
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("59.90"), "59.90"),
        (Decimal("1E+2"), "100"),
        (Decimal("NaN"), '"NaN"'),
        (b"\x00\x01", '"AAE="'),
        ("ü\n", '"ü\\n"'),
        ({"a": [1, None, True]}, '{"a":[1,null,true]}'),
    ],
)
def test_values_are_written_in_plain_digits_and_base64(value: Value, expected: str) -> None:
    """Numbers as received, bytes as base64, NaN as text."""
    assert expected == to_json(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("59.90"), "59.90"),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (9007199254740993, "9007199254740993"),
        (Decimal("NaN"), "NaN"),
        ([{"t": Decimal("1.10")}], "[{'t': Decimal('1.10')}]"),
    ],
)
def test_a_report_holds_each_number_with_its_digits(value: Value, expected: str) -> None:
    """None is rounded to a float, and none becomes text but what JSON has no number for."""
    assert expected == str(to_plain(value))


def test_long_values_are_cut_and_show_it() -> None:
    """A message stays readable, whatever a service answers."""
    assert '"' + "x" * 199 + "…" == show("x" * 10_000)
    assert show(list(range(10**6))).endswith("…")
    assert "nil" == show(None)


def test_a_case_blind_map_finds_keys_in_any_case_and_shows_them_as_they_came() -> None:
    """HTTP headers have no case."""
    headers = CaseBlindMap({"Content-Type": "x"})
    assert "content-TYPE" in headers
    assert "x" == headers["content-type"]
    assert ["Content-Type"] == list(headers)


def test_python_data_becomes_values() -> None:
    """Floats by their shortest digits, tuples as lists."""
    assert {"a": [Decimal("0.1"), 1]} == from_python({"a": (0.1, 1)})
    with pytest.raises(TypeError, match="object is no value"):
        from_python(object())


def test_each_value_has_a_kind() -> None:
    """In the words of messages."""
    made = [None, True, 1, Decimal(1), "", b"", [], CaseBlindMap({})]
    assert ["nil", "boolean", "number", "number", "text", "bytes", "list", "map"] == [kind_of(value) for value in made]
