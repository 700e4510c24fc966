"""What a kafka_consumer step may ask for, and what importing its module costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from testmesh_engine.actions.base import Connections, Context, Counters
from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.actions.kafka_consumer import KafkaConsumer, normal_brokers, read_wanted
from testmesh_engine.actions.kafka_goals import Goal, Wanted
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

SPEC = KafkaConsumer.spec


def wanted(**config: Value) -> Wanted:
    """What this config asks for, in a step called ``check``."""
    given = canonical(SPEC, {"brokers": "b:9092", "topic": "t", **config})
    return read_wanted(Config(SPEC, given), reader="check")


@pytest.mark.parametrize(
    ("expected", "config"),
    [
        (Goal(least=1, prompt=True), {}),
        (Goal(least=3, prompt=True), {"count": 3}),
        (Goal(least=3, prompt=True), {"max_messages": "3"}),
        (Goal(least=2, most=2, settle=1.0), {"exactly": 2}),
        (Goal(least=2, most=2, settle=0.2), {"exactly": 2, "settle": "200ms"}),
        (Goal(least=0, most=0), {"absent": True}),
        (Goal(least=1, prompt=True), {"absent": False}),
        (Goal(least=1), {"collect_for": "5s"}),
        (Goal(least=4), {"collect_for": "5s", "count": 4}),
    ],
)
def test_each_way_to_ask_has_its_goal(expected: Goal, config: dict[str, Value]) -> None:
    """One message is what a step wants that says nothing."""
    assert expected == wanted(**config).goal


@pytest.mark.parametrize(
    ("expected", "config"),
    [
        ("count is 1 or more, found 0", {"count": 0}),
        ("exactly is 1 or more, found 0", {"exactly": 0}),
        ("kafka_consumer takes count or exactly, not both", {"count": 1, "exactly": 1}),
        ("kafka_consumer takes count or absent, not both", {"count": 1, "absent": True}),
        ("kafka_consumer takes collect_for or absent, not both", {"collect_for": "1s", "absent": True}),
        ("kafka_consumer takes collect_for or exactly, not both", {"collect_for": "1s", "exactly": 1}),
        ("settle belongs to exactly: it is how long to wait for one message too many", {"settle": "1s"}),
        ('kafka_consumer needs "topic", and it is empty', {"topic": " "}),
    ],
)
def test_keys_that_contradict_each_other_are_refused(expected: str, config: dict[str, Value]) -> None:
    """One of them would be ignored, and the author would not know which."""
    with pytest.raises(UsageError) as refused:
        wanted(**config)
    assert expected == refused.value.message


def test_the_reader_is_the_group_else_the_step() -> None:
    """No group is joined: its name tells the readers of a run apart."""
    assert ("check", "testers") == (wanted().reader, wanted(group_id="testers").reader)


def test_the_wait_is_30_seconds_or_what_the_step_says() -> None:
    """``collect_for`` is the wait itself."""
    seconds = [wanted(**config).timeout for config in ({}, {"timeout": "15s"}, {"collect_for": "2s"})]  # type: ignore[arg-type]  # texts
    assert [30.0, 15.0, 2.0] == seconds


def test_two_spellings_of_the_brokers_share_a_client() -> None:
    """Order and spaces make no other cluster."""
    assert normal_brokers("a:1,b:2") == normal_brokers(" b:2 , a:1,")
    assert "PLAINTEXT://c:1,[::1],[::2]:9092,d" == normal_brokers("d,PLAINTEXT://c:1,[::2]:9092,[::1]")


@pytest.mark.parametrize("brokers", ["localhost:notaport", "a:1,b:", ","])
def test_brokers_that_are_no_addresses_are_refused(brokers: str) -> None:
    """The library would try port 0 and say that the connection was refused."""
    with pytest.raises(UsageError, match="is no address"):
        normal_brokers(brokers)


def test_brokers_that_are_not_known_before_the_first_step_are_refused() -> None:
    """Nothing could be marked by then, so old messages could not be told from new ones."""
    interrupt = Interrupt()
    context = Context(
        step="kafka_consumer",
        deadline=Deadline.after(1, "the test"),
        interrupt=interrupt,
        connections=Connections(),
        counters=Counters(),
        holds=lambda _: True,
    )
    with pytest.raises(UsageError, match="not known before the flow's first step"):
        KafkaConsumer().prepare([{"brokers": None, "topic": "t"}], context)
    interrupt.close()


def test_the_declaration_is_read_without_kafkas_library() -> None:
    """``testmesh validate`` imports no driver."""
    program = (
        "import sys; from testmesh_engine.actions.registry import load_action; load_action('kafka_consumer'); "
        "print([name for name in sys.modules if name.startswith('confluent_kafka')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()
