"""From where on messages count for a step."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testmesh_engine.actions.kafka_record import Record
from testmesh_engine.actions.kafka_start import From, Noted, Start, read_start
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

NOW = 1_700_000_000.5


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (Start(From.MARK), None),
        (Start(From.MARK), "mark"),
        (Start(From.EARLIEST), "EARLIEST"),
        (Start(From.LATEST), "latest"),
        (Start(From.STEP, step="order"), {"step": "order"}),
        (Start(From.TIME, time=1_699_996_400_500), {"ago": "1h"}),
        (Start(From.TIME, time=1_700_000_000_000), {"timestamp": 1_700_000_000}),
        (Start(From.TIME, time=1_700_000_000_250), {"timestamp": Decimal("1700000000.25")}),
        (Start(From.TIME, time=1_700_000_000_123), {"timestamp": 1_700_000_000_123}),
        (Start(From.TIME, time=1_700_000_000_123), {"timestamp": "1700000000123"}),
        (Start(From.TIME, time=1_700_000_000_000), {"timestamp": "2023-11-14T22:13:20Z"}),
        (Start(From.TIME, time=1_700_000_000_500), {"timestamp": "2023-11-15T00:13:20.5+02:00"}),
    ],
)
def test_each_form_is_read(expected: Start, given: Value) -> None:
    """Times are what the built-in variables give: seconds, milliseconds, ISO text."""
    assert expected == read_start(given, now=NOW)


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("start is one of mark, earliest, latest", "begin"),
        ("start is one of mark, earliest, latest", {}),
        ('start has no key "offset"', {"offset": 3}),
        ("start.ago takes a duration", {"ago": "soon"}),
        ("start.timestamp is no time", {"timestamp": "noon"}),
        ("start.timestamp is no time", {"timestamp": True}),
        ("start.timestamp 2023-11-14T22:13:20 has no zone", {"timestamp": "2023-11-14T22:13:20"}),
    ],
)
def test_what_is_no_start_is_refused(said: str, given: Value) -> None:
    """A time without a zone would mean another one on each machine."""
    with pytest.raises(UsageError) as refused:
        read_start(given, now=NOW)
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize(
    ("expected", "topic_id", "partition", "offset"),
    [(True, "one", 0, 4), (False, "one", 0, 5), (False, "one", 1, 0), (False, "two", 0, 0)],
)
def test_what_was_published_before_a_moment_is_told_by_the_ends_of_then(
    expected: bool,  # noqa: FBT001 - a table
    topic_id: str,
    partition: int,
    offset: int,
) -> None:
    """A new partition and a topic made anew are later, whatever their offsets."""
    record = Record(topic="t", topic_id=topic_id, partition=partition, offset=offset, timestamp=0, key=None, value=None)
    assert expected is Noted("one", {0: 5}).is_before(record)
