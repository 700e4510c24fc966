"""``kafka_consumer``: waits for messages that this run caused; older ones never count.

No group is joined and nothing is committed. Before the flow's first step the end of each topic is noted (its mark),
and the step reads from there, whatever lies in the topic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_goals import Goal, Wanted
from testmesh_engine.actions.kafka_matching import PLANNED, read_match
from testmesh_engine.actions.kafka_reading import Wait
from testmesh_engine.actions.kafka_session import Session
from testmesh_engine.actions.waiting import Deadline, earliest
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_SETTLE_SECONDS = 1.0
CONNECT_SECONDS = 10.0
"""Brokers that give no answer in this time are down: the flow is not started."""

_ADDRESS = re.compile(r"(\w+://)?(\[[^\]\s]+\]|[^:\s\[\]]+)(:\d+)?", re.ASCII)
"""librdkafka takes any port for 0 that is no number, and says that the connection was refused."""

_NO_OFFSET = "A step sees what was published since the flow began, and nothing older."


_NO_MESSAGES = frozenset({
    *("len(messages)==0", "messages.length==0", "count==0", "messages==[]", "len(messages)<1", "count<1"),
    *("0==len(messages)", "0==count", "len(messages)<=0", "count<=0"),
})  # fmt: skip


def _hopeless(config: Mapping[str, object], assertion: str) -> str:
    """A step without messages fails by itself, but where the config says that none is meant."""
    least = [config[name] for name in ("count", "max_messages", "exactly") if name in config]
    meant = "absent" in config or any(isinstance(value, str) or not value for value in least)
    if meant or "".join(assertion.split()) not in _NO_MESSAGES:
        return ""
    return "without a message the step fails at its timeout"


class KafkaConsumer:
    """Messages of one topic that were published since the flow began, each handed out once to a reader."""

    spec = ActionSpec(
        name="kafka_consumer",
        doc="Waits for messages published since the flow began; older ones never count.",
        example=(
            "- id: published\n"
            "  action: kafka_consumer\n"
            '  config: {brokers: "localhost:9092", topic: order.created, match: {value: {id: 7}}}\n'
            '  assert: ["messages[0].value.total == 59.98"]\n'
        ),
        keys=(
            Key(
                name="brokers",
                kind=Kind.TEXT,
                required=True,
                doc="host:port, several with commas between",
                variables=("KAFKA_BROKERS",),
            ),
            Key(name="topic", kind=Kind.TEXT, required=True, doc="the topic's name"),
            Key(
                name="group_id",
                kind=Kind.TEXT,
                doc="a name for the reader within this run; no consumer group is joined",
                default="the step's id",
            ),
            Key(name="timeout", kind=Kind.DURATION, doc="how long to wait for the messages", default="30s"),
            Key(
                name="count",
                kind=Kind.INTEGER,
                doc="how many messages are needed at least",
                default="1",
                aliases=("max_messages",),
            ),
            Key(name="exactly", kind=Kind.INTEGER, doc="how many there must be, and no more"),
            Key(name="settle", kind=Kind.DURATION, doc="how long exactly waits for one too many", default="1s"),
            Key(name="absent", kind=Kind.BOOLEAN, doc="true: no message may come until the timeout", default="false"),
            Key(name="collect_for", kind=Kind.DURATION, doc="takes all that comes in this time, asserts once"),
            Key(
                name="match",
                kind=Kind.MAP,
                doc="which messages are meant: key, headers, and value, a part of the message",
                aliases=("filter",),
                fields=(
                    Key(name="key", kind=Kind.ANY, doc="the message's key, as text"),
                    Key(name="headers", kind=Kind.MAP, doc="headers that it must have, as text"),
                    Key(name="value", kind=Kind.ANY, doc="what its value must hold: a map may name some keys only"),
                ),
                planned=PLANNED,
            ),
            Key(name="from_beginning", kind=Kind.BOOLEAN, doc=f"accepted without effect. {_NO_OFFSET}"),
            Key(
                name="auto_offset_reset",
                kind=Kind.TEXT,
                doc=f"accepted without effect. {_NO_OFFSET}",
                choices=("EARLIEST", "LATEST"),
            ),
        ),
        results={
            "messages": "list of {topic, partition, offset, key, value, raw, headers, timestamp}, by time",
            "count": "how many messages there are",
        },
        aliases=("kafka_consume", "kafka.consume"),
        planned={
            "start": _NO_OFFSET,
            "format": "JSON is recognised; any other text and bytes stay what they are.",
            "key_format": "",
            "value_format": "JSON is recognised; any other text and bytes stay what they are.",
            "sasl": "",
            "tls": "",
        },
        asserts_itself=True,
        advised={"match": "messages that others publish meanwhile count too"},
        hopeless=_hopeless,
        bounds_itself=True,
    )

    def prepare(self, steps: list[Mapping[str, Value | None]], context: Context) -> None:
        """Note where the topics of all steps end. Raises ``PlatformError`` where brokers do not answer."""
        topics: dict[str, set[str | None]] = {}
        for step in steps:
            topic = step.get("topic")
            known = topic.strip() if isinstance(topic, str) else ""
            topics.setdefault(_known_brokers(step), set()).add(known or None)
        deadline = earliest((context.deadline, Deadline.after(CONNECT_SECONDS, "the time to connect")))
        for brokers, names in topics.items():
            session = _session(brokers, context)
            session.mark(names, Bounds(deadline, context.interrupt))

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Wait for the messages.

        Raises ``ServiceError`` where they do not come (or come and must not), ``PlatformError`` where Kafka is to
        blame, ``UsageError`` for keys that contradict each other.
        """
        wanted = read_wanted(Config(self.spec, config), reader=context.step)
        context.request = _shown_request(wanted, config)
        return Wait(_session(wanted.brokers, context), wanted, context).run()


def _session(brokers: str, context: Context) -> Session:
    return context.connections.get(Session, brokers, lambda: Session(brokers))


def _known_brokers(step: Mapping[str, Value | None]) -> str:
    brokers = step.get("brokers")
    if isinstance(brokers, str) and brokers.strip():
        return normal_brokers(brokers)
    raise UsageError(
        "brokers of a kafka_consumer step is not known before the flow's first step",
        hint="The ends of topics are noted by then: take brokers from env, not from what a step captures.",
    )


def normal_brokers(text: str) -> str:
    """The addresses without spaces, each once, in order: two spellings of one list share a client.

    Raises ``UsageError`` where there is none, or one has no number for its port.
    """
    addresses = {address.strip() for address in text.split(",") if address.strip()}
    wrong = [address for address in sorted(addresses) if not _ADDRESS.fullmatch(address)]
    if wrong or not addresses:
        raise UsageError(f'brokers "{wrong[0] if wrong else text}" is no address', hint="Write host:9092,other:9092.")
    return ",".join(sorted(addresses))


def read_wanted(config: Config, *, reader: str) -> Wanted:
    """What a step asks for. Raises ``UsageError`` for keys that contradict each other or can't be meant."""
    collect = config.value("collect_for")
    timeout = config.seconds("timeout", DEFAULT_TIMEOUT_SECONDS)
    match = config.value("match")
    return Wanted(
        brokers=normal_brokers(config.text("brokers")),
        topic=config.text("topic").strip(),
        reader=config.text("group_id", reader),
        match=read_match(match if isinstance(match, dict) else None),
        goal=_goal(config),
        timeout=timeout if collect is None else config.seconds("collect_for", timeout),
        limit="timeout" if collect is None else "collect_for",
    )


def _goal(config: Config) -> Goal:
    given = [name for name in ("count", "exactly") if config.value(name) is not None]
    given += ["absent"] if config.boolean("absent", default=False) else []
    if len(given) > 1:
        raise UsageError(f"kafka_consumer takes {given[0]} or {given[1]}, not both")
    collects = config.value("collect_for") is not None
    if collects and given in (["exactly"], ["absent"]):
        raise UsageError(f"kafka_consumer takes collect_for or {given[0]}, not both")
    if config.value("settle") is not None and given != ["exactly"]:
        raise UsageError("settle belongs to exactly: it is how long to wait for one message too many")
    if given == ["absent"]:
        return Goal(least=0, most=0)
    if given == ["exactly"]:
        number = _positive(config, "exactly")
        return Goal(least=number, most=number, settle=config.seconds("settle", DEFAULT_SETTLE_SECONDS))
    return Goal(least=_positive(config, "count"), prompt=not collects)


def _positive(config: Config, name: str) -> int:
    number = config.integer(name, 1)
    if number < 1:
        raise UsageError(f"{name} is 1 or more, found {number}", hint="For no message write absent: true.")
    return number


def _shown_request(wanted: Wanted, config: Mapping[str, Value]) -> dict[str, Value]:
    """What is asked for, as a report shows it."""
    asked: dict[str, Value] = {"brokers": wanted.brokers, "topic": wanted.topic, "reader": wanted.reader}
    asked["wanted"] = wanted.goal.wanted
    if "match" in config:
        asked["match"] = config["match"]
    return asked
