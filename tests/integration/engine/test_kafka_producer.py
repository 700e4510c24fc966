"""kafka_producer against a real broker, and flows that publish and read."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.action_steps import run_example
from support.broker import brokers
from support.flows import Options, Ran, run
from support.kafka_steps import SECONDS, Broker
from support.ports import free_port
from testmesh_engine.contract.result import Outcome
from testmesh_engine.report.events import Event, StepStarted
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.signals import Interrupts


def flow(broker: Broker, *steps: str) -> Ran:
    """The run of these steps, each a map in braces, on the broker."""
    return run(f'env: {{KAFKA_BROKERS: "{broker.address}"}}\nsteps:\n' + "".join(f"  - {{{step}}}\n" for step in steps))


def producer(topic: str, config: str, more: str = "") -> str:
    """A step ``publish``."""
    return f"id: publish, action: kafka_producer, config: {{topic: {topic}, {config}}}{more}"


def consumer(step: str, topic: str, config: str, asserted: str = "count >= 0", more: str = "") -> str:
    """A step that reads, with a second of patience."""
    config = f"topic: {topic}, timeout: 1s, {config}"
    return f"id: {step}, action: kafka_consumer, config: {{{config}}}, assert: ['{asserted}']{more}"


def passed(ran: Ran) -> bool:
    """Whether the flow passed; what failed is shown."""
    assert Outcome.PASSED is ran.result.outcome, [step.message for step in ran.result.steps]
    return True


# What is published


def test_a_message_is_published_with_all_its_parts_and_counts_for_the_step_below(broker: Broker) -> None:
    """It comes after the marks: the flow's own message is a new one."""
    topic = broker.topic(partitions=3)
    broker.publish(topic, {"id": 42}, key="k")
    publish = producer(topic, "key: 7, value: {id: 42, total: 59.90}, headers: {v: 2}, partition: 1")
    seen = '''offset == publish.offset && messages[0].partition == 1 && messages[0].key == "7"'''
    ran = flow(
        broker,
        f"{publish}, assert: ['partition == 1 && offset == 0 && key == 7 && value.total == 59.9 && count == 1']",
        consumer("seen", topic, "match: {value: {id: 42}}", f'messages[0].{seen} && messages[0].headers.v == "2"'),
        consumer("no_more", topic, "group_id: seen, absent: true"),
    )
    assert passed(ran)


def test_the_messages_of_a_batch_keep_their_order_in_a_partition(broker: Broker) -> None:
    """A key leads to the partition that Java's clients would take, and stays there."""
    topic = broker.topic(partitions=4)
    items = ", ".join(f"{{key: k, value: {number}}}" for number in range(50))
    ran = flow(
        broker,
        producer(topic, f"messages: [{items}], compression: gzip"),
        consumer(
            "all", topic, "count: 50", "map(messages, .value) == 0..49 && len(uniq(map(messages, .partition))) == 1"
        ),
    )
    assert passed(ran)
    # org.apache.kafka.common.utils.Utils.murmur2("k") is 1311020360: positive, modulo 4.
    assert {1311020360 % 4} == {
        message["partition"] for message in ran.step("publish").attempts[0].response["messages"]
    }


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_each_compression_is_read_again(broker: Broker, compression: str) -> None:
    """As the broker has it, and as any client reads it."""
    topic = broker.topic()
    ran = flow(
        broker, producer(topic, f"value: {{id: 1}}, compression: {compression}"), consumer("seen", topic, "count: 1")
    )
    assert passed(ran)


# What is refused, and whose fault it is


def test_an_unknown_topic_is_told_and_never_made(broker: Broker) -> None:
    """This broker would make one for whoever asks carelessly."""
    broker.topic("invoice-sent")
    ran = flow(broker, producer("invoice.sent", "value: 1"))
    assert (1, "topic invoice.sent: there is no such topic. Similar topics: invoice-sent.") == (
        ran.exit_code,
        ran.step("publish").message,
    )
    assert "invoice.sent" not in broker.topics()


def test_a_partition_that_is_not_there_is_told(broker: Broker) -> None:
    """Not after a timeout."""
    topic = broker.topic(partitions=2)
    ran = flow(broker, producer(topic, "value: 1, partition: 2"))
    assert (1, f"topic {topic} has no partition 2: it has 2, from 0 on") == (ran.exit_code, ran.step("publish").message)


def test_a_message_that_is_too_large_for_the_broker_is_a_failed_step(broker: Broker) -> None:
    """The library's own bound would be another one."""
    topic = broker.topic()
    broker.allow_messages_of(topic, 1000)
    ran = flow(broker, producer(topic, f"messages: [{{value: small}}, {{value: {'x' * 2000}}}]"))
    assert 1 == ran.exit_code
    assert "was refused: it is larger than the broker's message.max.bytes" in ran.step("publish").message


def test_a_large_message_that_the_broker_takes_is_published(broker: Broker) -> None:
    """What its size may be is the broker's to say: 2 MB here."""
    topic = broker.topic()
    broker.allow_messages_of(topic, 3_000_000)
    text = f"""
        steps:
          - {{{producer(topic, "value: '${BIG}'")}}}
          - {{{consumer("seen", topic, "count: 1", "len(messages[0].value) == 2000000")}}}
    """
    layers = Layers(var={"KAFKA_BROKERS": broker.address, "BIG": "x" * 2_000_000})
    assert passed(run(text, Options(layers=layers)))


def test_brokers_that_are_down_are_the_platforms_fault() -> None:
    """Exit code 3, and the address is named; nothing hangs beyond the step's time."""
    address = brokers(free_port())
    started = time.monotonic()
    ran = run(f"steps:\n  - {{{producer('t', f'brokers: {address!r}, value: 1, timeout: 1s')}}}\n")
    assert 3 == ran.exit_code
    assert f"Kafka can't be reached at {address}" in ran.step("publish").message
    assert time.monotonic() - started < 5


def test_a_broker_that_stops_answering_ends_the_step_at_its_timeout(broker: Broker) -> None:
    """And what was not delivered by then is not published later."""
    topic = broker.topic()

    def stop(event: Event, _: Interrupts) -> None:
        if isinstance(event, StepStarted) and event.id == "publish":
            broker.process.signal(signal.SIGSTOP)

    text = f"""
        env: {{KAFKA_BROKERS: "{broker.address}"}}
        steps:
          - {{{producer(topic, "value: 0").replace("id: publish", "id: warm")}}}
          - {{{producer(topic, "value: 1, timeout: 700ms")}}}
    """
    started = time.monotonic()
    try:
        ran = run(text, Options(on_event=stop))
    finally:
        broker.process.signal(signal.SIGCONT)
    assert (3, Outcome.ERRORED) == (ran.exit_code, ran.step("publish").outcome)
    assert time.monotonic() - started < 6
    assert passed(
        flow(broker, consumer("only", topic, "start: earliest, collect_for: 500ms", "map(messages, .value) == [0]"))
    )


# Flows beside each other


@pytest.mark.parametrize("match", ["value: {run: '${RUN}'}", "json_path: $.run == RUN", "trace: true"])
def test_ten_flows_at_once_on_one_topic_see_only_their_own(broker: Broker, match: str) -> None:
    """By a value, by an expression, and by the trace that each run sends: two each, and no third."""
    topic = broker.topic(partitions=3)
    all_have_begun = threading.Barrier(10)

    def one(number: int) -> Ran:
        text = f"""
            env: {{KAFKA_BROKERS: "{broker.address}", RUN: run-{number}}}
            steps:
              - {{id: together, action: delay, config: {{duration: 1ms}}}}
              - {{{producer(topic, "messages: [{value: {run: '${RUN}'}}, {value: {run: '${RUN}'}}]")}}}
              - id: own
                action: kafka_consumer
                config: {{topic: {topic}, exactly: 2, settle: 300ms, timeout: 10s, match: {{{match}}}}}
                assert: ['map(messages, .value.run) == [RUN, RUN]']
        """

        def wait(event: Event, _: Interrupts) -> None:
            if isinstance(event, StepStarted) and event.id == "together":
                all_have_begun.wait(SECONDS)

        return run(text, Options(on_event=wait, seed=f"seed-{number}"))

    with ThreadPoolExecutor(10) as pool:
        assert all(passed(ran) for ran in list(pool.map(one, range(10))))


def test_a_loops_second_round_needs_a_message_of_its_own(broker: Broker) -> None:
    """One reader: what the first round got is not handed out again."""
    topic = broker.topic()
    inner = consumer("seen", topic, "match: {trace: true}")
    loop = f"id: loop, action: for_each, config: {{items: [1, 2], item_name: n, steps: [{{{inner}}}]}}"
    ran = flow(broker, producer(topic, "value: 1"), loop)
    assert Outcome.FAILED is ran.result.outcome
    assert "had been handed out to loop/seen before" in ran.step("loop").message
    assert passed(flow(broker, producer(topic, "messages: [{value: 1}, {value: 2}]"), loop))


def test_steps_that_wait_at_once_share_a_client_and_hold_each_other_up_no_longer_than_a_moment(broker: Broker) -> None:
    """Two waits of a second take a second, and each branch gets its own."""
    topics = [broker.topic(), broker.topic()]
    reads = [consumer(f"read{number}", topic, "absent: true") for number, topic in enumerate(topics)]
    both = ", ".join(f"{{name: b{number}, steps: [{{{step}}}]}}" for number, step in enumerate(reads))
    started = time.monotonic()
    assert passed(flow(broker, f"id: both, action: parallel, config: {{branches: [{both}]}}"))
    assert time.monotonic() - started < 1.9


# From where messages count


def test_a_step_may_count_from_where_another_began(broker: Broker) -> None:
    """What came before it does not count, though the flow caused it."""
    topic = broker.topic()
    first = producer(topic, "value: first").replace("id: publish", "id: first")
    second = producer(topic, "value: second").replace("id: publish", "id: second")
    since = "start: {step: second}, match: {trace: true}"
    ran = flow(
        broker,
        first,
        second,
        consumer("seen", topic, since, 'messages[0].value == "second"'),
        consumer("none", topic, "start: latest", more=", on_error: ignore"),
        consumer("of_first", topic, "start: {step: first}, count: 2", 'messages[0].value == "first"'),
    )
    assert passed(ran)
    assert "Of these, 2 had been published before this step began." in ran.step("none").message


def test_a_step_may_reach_back_behind_the_flows_beginning(broker: Broker) -> None:
    """Only where it says so; to a time, or to all that the topic holds."""
    topic = broker.topic(partitions=2)
    hour = 3_600_000
    now = int(time.time() * 1000)
    broker.publish(topic, "old", timestamp=now - 3 * hour)
    broker.publish(topic, "newer", timestamp=now - hour // 2, partition=1)
    broker.publish(topic, "late", timestamp=now - 2 * hour, partition=1)
    ran = flow(
        broker,
        consumer("hour", topic, "start: {ago: 1h}, collect_for: 300ms", 'map(messages, .value) == ["newer"]'),
        consumer("since", topic, f"start: {{timestamp: {now - hour}}}", 'messages[0].value == "newer"'),
        consumer("all", topic, "start: earliest, count: 3", 'map(messages, .value) == ["old", "late", "newer"]'),
        consumer("none", topic, "start: mark", more=", on_error: ignore"),
    )
    assert passed(ran)
    assert "none came" in ran.step("none").message


def test_a_failure_that_reaches_back_says_from_where(broker: Broker) -> None:
    """And shows what is nearest there."""
    topic = broker.topic()
    broker.publish(topic, {"id": 1})
    ran = flow(broker, consumer("none", topic, "start: earliest, match: {where: value.id > 1}"))
    said = ran.step("none").message
    assert "Read 1 message that the topic holds: partition 0 from 0 to 1." in said
    assert "Nearest: partition 0 offset 0 (where: value.id > 1: " in said


# Speed


def test_twenty_steps_in_a_row_take_a_moment(broker: Broker) -> None:
    """One client, no group: each costs what its two questions to the broker cost."""
    topic = broker.topic(partitions=3)
    items = ", ".join(f"{{value: {{n: {number}}}}}" for number in range(20))
    steps = [consumer(f"s{number}", topic, f"match: {{value: {{n: {number}}}}}") for number in range(20)]
    ran = flow(broker, producer(topic, f"messages: [{items}]"), *steps)
    assert passed(ran)
    assert sum(step.duration_ms for step in ran.result.steps if step.id != "publish") < 1000


# The examples


@pytest.mark.parametrize("name", ["kafka-producer", "kafka-consumer"])
def test_the_example_passes(broker: Broker, name: str) -> None:
    """examples/actions/<name>.yaml, with its variable set and its topic there."""
    if "orders" not in broker.topics():
        broker.topic("orders", partitions=2)
    ran = run_example(name, KAFKA_BROKERS=broker.address)
    assert Outcome.PASSED is ran.result.outcome, [step.message for step in ran.result.steps]


def test_variables_of_the_layers_reach_the_match(broker: Broker) -> None:
    """A variable of the call is text or number as it spells."""
    topic = broker.topic()
    text = f"""
        steps:
          - {{{producer(topic, "value: {id: 42}")}}}
          - {{{consumer("seen", topic, "match: {json_path: $.id == WANTED}")}}}
    """
    layers = Layers(var={"KAFKA_BROKERS": broker.address, "WANTED": "42"})
    ran = run(text, Options(layers=layers))
    assert Outcome.FAILED is ran.result.outcome
    assert "number 42" in ran.step("seen").message
