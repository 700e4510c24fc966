"""What a kafka_consumer step may ask for, and what importing its module costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.checked import errors
from testmesh_engine.actions.base import Connections, Context, Counters
from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.actions.kafka_consumer import KafkaConsumer
from testmesh_engine.actions.kafka_goals import Goal, Wanted
from testmesh_engine.actions.kafka_wanted import read_wanted
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import MapScope, Missing, NoValueError, Value

SPEC = KafkaConsumer.spec
INTERRUPT = Interrupt()


def wanted(**config: Value) -> Wanted:
    """What this config asks for, in a step called ``check``."""
    given = canonical(SPEC, {"brokers": "b:9092", "topic": "t", **config})
    return read_wanted(Config(SPEC, given), context())


def context(**changes: object) -> Context:
    """What an attempt of the step ``check`` works with."""
    given: dict[str, object] = {
        "step": "check", "deadline": Deadline.after(1, "the test"), "interrupt": INTERRUPT,
        "connections": Connections(), "counters": Counters(), "holds": lambda _: True,
    }  # fmt: skip
    return Context(**(given | changes))  # type: ignore[arg-type]  # by name


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
        ("count is 1 or more, found 0; for no message write absent: true", {"count": 0}),
        ("exactly is 1 or more, found 0; for no message write absent: true", {"exactly": 0}),
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


@pytest.mark.parametrize("key", ["brokers", "sasl", "tls"])
def test_access_that_is_not_known_before_the_first_step_is_refused(key: str) -> None:
    """Nothing could be marked by then, so old messages could not be told from new ones."""
    step: dict[str, Value | None] = {"brokers": "b:9092", "topic": "t", key: None}
    with pytest.raises(UsageError, match=f"{key} of a kafka_consumer step is not known before the flow's first step"):
        KafkaConsumer().prepare([step], context())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("match: {where: vale.id == 1}", "unknown variable vale"),
        ("match: {json_path: '$.id =='}", "an operand is missing, but the text ends"),
        ("match: {json_path: $.id}, start: {step: nobody}", "no step above has the id nobody"),
        ("start: earlier", "start is one of mark, earliest, latest, {step: id}, {timestamp: …} or {ago: 1h}"),
        ("start: {step: s, ago: 1h}", "start is one of mark"),
        ("start: {since: 1h}", 'start has no key "since"'),
        ("start: {ago: soon}", "ago takes a duration"),
        ("count: 0", "count is 1 or more, found 0; for no message write absent: true"),
        ("max_messages: 0", "count is 1 or more, found 0"),
        ("exactly: -1", "exactly is 1 or more, found -1"),
        ("exactly: 1, max_messages: 2", "kafka_consumer takes count or exactly, not both"),
        ("absent: true, count: 1", "kafka_consumer takes count or absent, not both"),
        ("absent: true, collect_for: 1s", "kafka_consumer takes collect_for or absent, not both"),
        ("settle: 1s", "settle belongs to exactly"),
        ("match: {}", "match is empty: give key, headers, value, json_path, where or trace, or leave it out"),
        ("match: {value: {}}", "value is an empty map, which any other fits"),
        ("filter: {headers: {}}", "headers is an empty map, which any other fits"),
        ("format: xml", "format is one of JSON, TEXT, BYTES, AVRO, PROTOBUF"),
        ("sasl: {mechanism: oauthbearer, username: u, password: p}", "mechanism OAUTHBEARER is not supported"),
        ("sasl: {username: u}", 'sasl needs "password"'),
        ("tls: 1", "tls is a map of ca, cert, key and verify, or true"),
        ("tls: {cert_file: x}", 'tls has no key "cert_file"'),
        ("schema_registry: {uri: x}", 'schema_registry has no key "uri"'),
    ],
)
def test_what_cant_be_meant_is_an_error_before_the_run(config: str, said: str) -> None:
    """Found by ``validate``, without a broker."""
    step = f"{{action: kafka_consumer, config: {{brokers: 'b:9092', topic: t, {config}}}}}"
    assert any(said in message for message in errors(f"flow:\n  name: x\n  steps: [{step}]\n")), config


@pytest.mark.parametrize(
    ("hopeless", "assertion"),
    [
        (True, "count == 1"), (True, "messages[0].value.id == 1"), (True, "len(messages) > 0"),
        (False, "count == 0"), (False, "messages == []"), (False, "duration_ms > 5"), (False, "count == env.N"),
    ],
)  # fmt: skip
def test_what_no_message_can_never_meet_is_told_before_the_run(hopeless: bool, assertion: str) -> None:  # noqa: FBT001 - a table
    """With ``absent: true`` the result is known."""
    config = "{brokers: 'b:9092', topic: t, absent: true, match: {key: k}}"
    step = f"{{action: kafka_consumer, config: {config}, assert: ['{assertion}']}}"
    found = errors(f"flow:\n  name: x\n  env: {{N: 0}}\n  steps: [{step}]\n")
    said = f"{assertion} can never hold: with absent: true there are no messages, and count is 0"
    assert ([said] if hopeless else []) == found


def test_what_may_be_false_is_no_contradiction_before_the_run() -> None:
    """A placeholder is looked at when it has a value."""
    step = "{action: kafka_consumer, config: {brokers: 'b:1', topic: t, absent: '${A}', count: 2, match: {key: k}}}"
    assert [] == errors(f"flow:\n  name: x\n  env: {{A: false}}\n  steps: [{step}]\n")


def test_several_steps_in_one_loop_share_the_reader_of_their_text() -> None:
    """The second round needs a new message."""
    assert (
        "check"
        == read_wanted(
            Config(SPEC, {"brokers": "b:1", "topic": "t"}), context(step="l/2/check", written="check")
        ).reader
    )


def test_a_variable_without_value_in_a_condition_is_an_error_whatever_comes() -> None:
    """Where no message is wanted, nothing might ever be compared with it."""

    class Skipped(MapScope):
        def lookup(self, name: str) -> Value | Missing:
            raise NoValueError(f"{name} has no value: step {name} was not run")

    given = {"brokers": "b:1", "topic": "t", "absent": True}
    asked = context(scope=Skipped)
    for where in ("value.id == t.x", ["value.id == 1", "key == t.x"]):
        with pytest.raises(NoValueError, match="t has no value: step t was not run"):
            read_wanted(Config(SPEC, {**given, "match": {"where": where}}), asked)
    read_wanted(Config(SPEC, {**given, "match": {"where": "value.id == (t.x ?? 1)"}}), asked)


def test_the_declaration_is_read_without_kafkas_library() -> None:
    """``testmesh validate`` imports no driver."""
    program = (
        "import sys; from testmesh_engine.actions.registry import load_action; load_action('kafka_consumer'); "
        "print([name for name in sys.modules if name.startswith('confluent_kafka')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()
