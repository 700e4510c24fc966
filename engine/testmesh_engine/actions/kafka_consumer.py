"""``kafka_consumer``: waits for messages that this run caused; older ones never count.

No group is joined and nothing is committed. Before the flow's first step the end of each topic is noted (its mark),
and the step reads from there, whatever lies in the topic.
"""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_formats import FORMAT_KEYS, Decoder
from testmesh_engine.actions.kafka_goals import Wanted
from testmesh_engine.actions.kafka_matching import NAMES, fault_of_match, fault_of_part
from testmesh_engine.actions.kafka_reading import CONNECT_SECONDS, Wait
from testmesh_engine.actions.kafka_security import ACCESS_KEYS, Access, read_access
from testmesh_engine.actions.kafka_session import Session
from testmesh_engine.actions.kafka_start import FIELDS as START_FIELDS
from testmesh_engine.actions.kafka_start import fault_of_start
from testmesh_engine.actions.kafka_wanted import contradiction, fault_of_number, read_wanted
from testmesh_engine.actions.waiting import Deadline, earliest
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import ExpressionError, MapScope, Value, compile_expression

_NO_OFFSET = "A step sees what was published since the flow began, and nothing older."


_NO_MESSAGES = frozenset({
    *("len(messages)==0", "messages.length==0", "count==0", "messages==[]", "len(messages)<1", "count<1"),
    *("0==len(messages)", "0==count", "len(messages)<=0", "count<=0"),
})  # fmt: skip


def _hopeless(config: Mapping[str, object], assertion: str) -> str:
    """A step without messages fails by itself, but where the config says that none is meant: then it has none."""
    if config.get("absent") is True:
        return _without_messages(assertion)
    least = [config[name] for name in ("count", "max_messages", "exactly") if name in config]
    meant = "absent" in config or any(isinstance(value, str) or not value for value in least)
    if meant or "".join(assertion.split()) not in _NO_MESSAGES:
        return ""
    return "without a message the step fails at its timeout"


def _without_messages(assertion: str) -> str:
    """Why an assertion that asks for nothing but the messages does not hold where there are none, "" if it may."""
    try:
        expression = compile_expression(assertion)
    except ExpressionError:
        return ""  # said where it is compiled for the run
    result: dict[str, Value] = {"messages": [], "count": 0}
    if any(use.name not in result for use in expression.names):
        return ""
    holds = expression.check(MapScope(result)).holds
    return "" if holds else "with absent: true there are no messages, and count is 0"


_EARLY = ("brokers", "topic", "sasl", "tls", "start")

_MATCH_FIELDS = (
    Key(name="key", kind=Kind.ANY, doc="the message's key, as text"),
    Key(name="headers", kind=Kind.MAP, doc="headers that it must have, as text", fault=fault_of_part),
    Key(
        name="value", kind=Kind.ANY, doc="what its value must hold: a map may name some keys only", fault=fault_of_part
    ),
    Key(
        name="json_path",
        kind=Kind.CONDITIONS,
        doc="an expression in which $ is the message's value, or a list of them: $.total > 10",
        names=NAMES,
    ),
    Key(
        name="where",
        kind=Kind.CONDITIONS,
        doc="an expression on the message, or a list of them: headers.type == 'created' && value.total > 10",
        names=NAMES,
    ),
    Key(name="trace", kind=Kind.BOOLEAN, doc="true: only what calls of this run have caused", default="false"),
)


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
            *ACCESS_KEYS,
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
                fault=fault_of_number,
            ),
            Key(name="exactly", kind=Kind.INTEGER, doc="how many there must be, and no more", fault=fault_of_number),
            Key(name="settle", kind=Kind.DURATION, doc="how long exactly waits for one too many", default="1s"),
            Key(name="absent", kind=Kind.BOOLEAN, doc="true: no message may come until the timeout", default="false"),
            Key(name="collect_for", kind=Kind.DURATION, doc="takes all that comes in this time, asserts once"),
            Key(
                name="match",
                kind=Kind.MAP,
                doc="which messages are meant",
                aliases=("filter",),
                fault=fault_of_match,
                fields=_MATCH_FIELDS,
            ),
            Key(
                name="start",
                kind=Kind.ANY,
                doc="from where on messages count: mark, earliest, latest, {step: id}, {timestamp: …}, {ago: 1h}",
                default="mark, the topic's end before the flow began",
                fields=START_FIELDS,
                fault=fault_of_start,
            ),
            *FORMAT_KEYS,
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
        asserts_itself=True,
        advised={"match": "messages that others publish meanwhile count too"},
        hopeless=_hopeless,
        contradiction=contradiction,
        bounds_itself=True,
        early=_EARLY,
    )

    def prepare(self, steps: list[Mapping[str, Value | None]], context: Context) -> None:
        """Note where the topics of all steps end. Raises ``PlatformError`` where brokers do not answer."""
        topics: dict[Access, set[str | None]] = {}
        for step in steps:
            access, topic, begins = self._known(step, context)
            topics.setdefault(access, set()).add(topic)
            if begins:
                _note_at(begins, access, topic, context)
        deadline = earliest((context.deadline, Deadline.after(CONNECT_SECONDS, "the time to connect")))
        for access, names in topics.items():
            session = _session(access, context)
            with session.turn():
                session.mark(names, Bounds(deadline, context.interrupt))

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Wait for the messages.

        Raises ``ServiceError`` where they do not come (or come and must not), ``PlatformError`` where Kafka is to
        blame, ``UsageError`` for keys that contradict each other.
        """
        given = Config(self.spec, config)
        access = read_access(given, context.folder)
        wanted = read_wanted(given, context)
        context.request = _shown_request(wanted, access, config)
        return Wait(_session(access, context), wanted, _decoder(given, wanted, context), context).run()

    def _known(self, step: Mapping[str, Value | None], context: Context) -> tuple[Access, str | None, str]:
        """What a step says before the flow begins: its brokers, its topic if known, the step that it starts with."""
        for name in ("brokers", "sasl", "tls"):
            if name in step and step[name] is None:
                raise _unknown_by_now(name)
        if not step.get("brokers"):
            raise _unknown_by_now("brokers")
        config = Config(self.spec, canonical(self.spec, {key: step[key] for key in step if step[key] is not None}))
        start, topic = config.value("start"), config.text("topic", "") if step.get("topic") else ""
        begins = str(start.get("step") or "") if isinstance(start, dict) else ""
        return read_access(config, context.folder), topic.strip() or None, begins


def _unknown_by_now(name: str) -> UsageError:
    return UsageError(
        f"{name} of a kafka_consumer step is not known before the flow's first step",
        hint=f"The ends of topics are noted by then: take {name} from env, not from what a step captures.",
    )


def _session(access: Access, context: Context) -> Session:
    return context.connections.get(Session, access.key, lambda: Session(access))


def _note_at(step: str, access: Access, topic: str | None, context: Context) -> None:
    """Have it noted where the topic ends whenever ``step`` begins."""
    if topic is None:
        return  # the step itself says that it can't be known
    session = _session(access, context)

    def note() -> None:
        deadline = Deadline.after(CONNECT_SECONDS, "the time to connect")
        with session.turn():
            session.note(step, topic, Bounds(deadline, context.interrupt))

    context.connections.when_begins(step, note)


def _decoder(config: Config, wanted: Wanted, context: Context) -> Decoder:
    """What reads the messages of a step. Raises ``UsageError`` for a registry that can't be meant."""
    bounds = Bounds(context.deadline, context.interrupt)
    if not (wanted.formats.key.needs_registry or wanted.formats.value.needs_registry):
        return Decoder(wanted.formats, None, lambda: bounds)
    from testmesh_engine.actions.kafka_schemas import Schemas, read_registry  # noqa: PLC0415 - only its flows pay for it

    registry = read_registry(config, context.folder)

    def schemas() -> Schemas:
        return context.connections.get(Schemas, registry.key, lambda: Schemas(registry))

    return Decoder(wanted.formats, schemas, lambda: bounds)


def _shown_request(wanted: Wanted, access: Access, config: Mapping[str, Value]) -> dict[str, Value]:
    """What is asked for, as a report shows it."""
    asked: dict[str, Value] = {"brokers": access.brokers, "topic": wanted.topic, "reader": wanted.reader}
    asked["wanted"] = wanted.goal.wanted
    return {**asked, **{name: config[name] for name in ("match", "start", "format", "key_format") if name in config}}
