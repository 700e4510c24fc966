"""A rendered config by its action's declaration."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import UsageError

SPEC = ActionSpec(
    name="thing",
    doc="Does a thing.",
    keys=(
        Key(name="url", kind=Kind.TEXT, doc="where", required=True),
        Key(name="count", kind=Kind.INTEGER, doc="how many", aliases=("number",)),
        Key(name="fast", kind=Kind.BOOLEAN, doc="how"),
        Key(name="timeout", kind=Kind.DURATION, doc="how long"),
        Key(name="method", kind=Kind.TEXT, doc="which", choices=("GET", "PUT")),
    ),
    results={},
)


def test_an_alias_arrives_under_the_own_name() -> None:
    """Actions know one name for each key."""
    assert {"count": 3} == canonical(SPEC, {"number": 3})


@pytest.mark.parametrize(
    ("key", "text", "value"), [("count", " 3 ", 3), ("fast", "True", True), ("url", 5, "5"), ("timeout", "2m", "2m")]
)
def test_a_placeholders_text_is_read_as_what_its_key_takes(key: str, text: str | int, value: object) -> None:
    """``count: "${N}"`` gives text when N comes from the environment."""
    assert {key: value} == canonical(SPEC, {key: text})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("count", "many", 'count takes a whole number, found text "many"'),
        ("count", True, "count takes a whole number, found boolean true"),
        ("fast", "maybe", 'fast takes true or false, found text "maybe"'),
        ("timeout", "soon", "timeout takes a duration: 'soon' is none; write for example 500ms, 30s, 2m or 1h30m"),
        ("timeout", 5, "timeout takes a duration: 5 has no unit: write 5s for seconds, 5ms for milliseconds"),
        ("url", ["a"], 'url takes text, found list ["a"]'),
        ("method", "FETCH", 'method is one of GET, PUT, found "FETCH"'),
        ("nothing", 1, 'thing has no key "nothing"'),
    ],
)
def test_a_value_of_another_kind_is_refused(key: str, value: object, message: str) -> None:
    """The message says what the key takes and what was found."""
    with pytest.raises(UsageError) as raised:
        canonical(SPEC, {key: value})  # type: ignore[dict-item]  # wrong on purpose
    assert message == str(raised.value)


def test_a_required_text_that_is_empty_is_refused() -> None:
    """A variable that is empty must not send a request to nowhere."""
    with pytest.raises(UsageError, match='thing needs "url", and it is empty'):
        Config(SPEC, {"url": "  "}).text("url")


def test_durations_are_read_in_seconds() -> None:
    """And the default is in seconds too."""
    assert 90.0 == Config(SPEC, {"timeout": "1m30s"}).seconds("timeout", 30.0)
    assert 30.0 == Config(SPEC, {}).seconds("timeout", 30.0)
