"""The arithmetic of marks: what counts for a run, and how far it was read."""

from __future__ import annotations

from testmesh_engine.actions.kafka_marks import Description, Lost, Reader, TopicLog
from testmesh_engine.actions.kafka_record import Record


def record(partition: int, offset: int) -> Record:
    """A message of topic ``t``, as the client hands it out."""
    return Record(topic="t", topic_id="", partition=partition, offset=offset, timestamp=0, key=None, value=None)


def marked(**marks: int) -> TopicLog:
    """A topic with id ``one`` and marks ``p0=…``."""
    return TopicLog("t", marked_id="one", marks={int(name[1:]): mark for name, mark in marks.items()})


def test_reading_starts_at_the_marks() -> None:
    """Each partition at its own."""
    assert {0: 12, 1: 0} == marked(p0=12, p1=0).observe(Description("one", (0, 1)))


def test_nothing_below_a_mark_is_ever_kept() -> None:
    """Whatever a broker hands out: an old message never counts."""
    log = marked(p0=12)
    log.observe(Description("one", (0,)))
    assert not log.take(record(0, 11))
    assert log.take(record(0, 12))
    assert [12] == [each.offset for each in log.records]


def test_a_message_is_kept_once() -> None:
    """A fetch that is repeated after trouble hands nothing out twice."""
    log = marked(p0=0)
    log.observe(Description("one", (0,)))
    assert [True, False] == [log.take(record(0, 0)), log.take(record(0, 0))]


def test_a_partition_that_is_not_read_gives_nothing() -> None:
    """Leftovers of a topic that had more partitions are no messages of the new one."""
    log = marked(p0=0)
    log.observe(Description("one", (0,)))
    assert not log.take(record(1, 0))


def test_an_absent_topic_starts_at_0_once_it_is_there() -> None:
    """All of it was published since the marks were noted."""
    log = TopicLog("t")
    assert {} == log.observe(None)
    assert not log.exists
    assert {0: 0, 1: 0} == log.observe(Description("one", (0, 1)))
    assert log.exists


def test_a_new_partition_starts_at_0() -> None:
    """It was not there when the marks were noted; the others go on where they are."""
    log = marked(p0=12)
    log.observe(Description("one", (0,)))
    assert {1: 0} == log.observe(Description("one", (0, 1)))
    assert {0: 12, 1: 0} == log.positions


def test_a_topic_made_anew_starts_at_0() -> None:
    """Its marks were those of another topic of the same name; what had been read stays."""
    log = marked(p0=12)
    log.observe(Description("one", (0,)))
    log.take(record(0, 12))
    assert {0: 0} == log.observe(Description("two", (0,)))
    log.take(record(0, 12))
    assert ["one", "two"] == [each.topic_id for each in log.records]
    assert 2 == len({each.identity for each in log.records})


def test_progress_is_the_position_not_the_last_message() -> None:
    """A transaction's marker at the end of a partition is no message, and no reason to wait."""
    log = marked(p0=3, p1=0)
    log.observe(Description("one", (0, 1)))
    log.aim({0: 5, 1: 0})
    log.take(record(0, 3))
    assert not log.caught_up
    log.reached(0, 5)
    assert log.caught_up


def test_what_retention_took_is_remembered() -> None:
    """Reading goes on after it, and the loss is said."""
    log = marked(p0=3)
    log.observe(Description("one", (0,)))
    log.skip(0, earliest=8)
    assert [Lost(partition=0, start=3, end=8)] == log.lost
    assert not log.take(record(0, 7))
    assert log.take(record(0, 8))


def test_a_message_is_handed_out_once_to_a_reader() -> None:
    """The next step of the same reader needs a new one."""
    reader = Reader()
    reader.begin("first", attempt=1)
    reader.hand_out("first", [record(0, 0)])
    reader.begin("second", attempt=1)
    assert [1] == [each.offset for each in reader.unseen([record(0, 0), record(0, 1)])]


def test_attempts_of_one_step_start_over() -> None:
    """What the attempt before got is there again for the next one, and gone for the next round and the next step."""
    reader = Reader()
    for attempt in (1, 2, 3):
        reader.begin("step", attempt=attempt)
        assert [0] == [each.offset for each in reader.unseen([record(0, 0)])]
        reader.hand_out("step", [record(0, 0)])
    for step in ("step", "other"):
        reader.begin(step, attempt=1)
        assert [] == reader.unseen([record(0, 0)])


def test_steps_of_one_reader_that_run_at_once_get_different_messages() -> None:
    """What one of them holds is not the other's, also when that one tries again."""
    reader = Reader()
    reader.begin("left", attempt=1)
    reader.begin("right", attempt=1)
    reader.hand_out("left", [record(0, 0)])
    assert [1] == [each.offset for each in reader.unseen([record(0, 0), record(0, 1)])]
    reader.hand_out("right", [record(0, 1)])
    reader.begin("right", attempt=2)
    assert [1] == [each.offset for each in reader.unseen([record(0, 0), record(0, 1)])]
