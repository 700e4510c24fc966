"""Reads the events of the other services and stores a notification for each, whatever is delivered twice.

The offset of an event is committed after its row is written: a crash between the two delivers the event again, and the
unique event id makes the second row impossible.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass, replace
from uuid import uuid4

import confluent_kafka
import psycopg

from services.broker import ORDER_PLACED, TOPICS, USER_CREATED, client_settings
from services.database import Pool
from services.misbehaviour import DROP_EVENT, REPEAT_EVENT, WRONG_RECIPIENT
from services.settings import Settings
from services.validation import Fields, Problem, parse_json

LOG = logging.getLogger("services")
GROUP = "notification-service"
POLL_SECONDS = 0.2
TRY_AGAIN_SECONDS = 0.5
STORE_SECONDS = 5  # what takes longer is tried again, or left to the next consumer when the service is told to end


@dataclass(frozen=True)
class Notification:
    """What is stored for an event."""

    event_id: str
    user_id: str
    type: str
    message: str


class Consumer:
    """A thread that owns one Kafka consumer: librdkafka's consumers are not to be shared by threads."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._consume, name="consumer")
        self._stopping = threading.Event()
        self._assigned = threading.Event()

    def start(self) -> None:
        """Begins to consume; called from the event loop that owns the pool."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Ends after the event at hand, and leaves the group, so that the next consumer need not wait for a timeout."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def what_is_missing(self) -> str | None:
        """Until the group has told this consumer its partitions, it would see no event."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "the consumer has ended, the log says why"
        return None if self._assigned.is_set() else "waiting for its partitions"

    def _consume(self) -> None:
        try:
            self._consume_until_stopped()
        except Exception:
            LOG.exception("the consumer has ended")
            raise

    def _consume_until_stopped(self) -> None:
        of_group = {"group.id": GROUP, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        of_group["session.timeout.ms"] = (
            6000  # the least that brokers allow: after a crash the next one need not wait 45 s
        )
        consumer = confluent_kafka.Consumer(client_settings(self._settings.kafka_brokers) | of_group)
        consumer.subscribe(list(TOPICS), on_assign=lambda *_: self._assigned.set())
        try:
            while not self._stopping.is_set():
                message = consumer.poll(POLL_SECONDS)
                if message is None:
                    continue
                if error := message.error():
                    LOG.warning("consuming: %s", error)
                elif self._handle(message):
                    _commit(consumer, message)
        finally:
            consumer.close()

    def _handle(self, message: confluent_kafka.Message) -> bool:
        """Stores the message's notification; False when the service was stopped before it could."""
        if DROP_EVENT in self._settings.misbehave:
            return True
        try:
            notification = self._as_told(notification_of(message.value() or b""))
        except (ValueError, RecursionError, Problem) as error:
            # It would be as wrong the next time, and nothing behind it would ever be read.
            LOG.warning("skipped %s[%s]@%s: %s", message.topic(), message.partition(), message.offset(), error)
            return True
        while not self._stopping.is_set():
            if self._store(notification):
                return True
            self._stopping.wait(TRY_AGAIN_SECONDS)
        return False

    def _as_told(self, notification: Notification) -> Notification:
        if REPEAT_EVENT in self._settings.misbehave:  # nobody has thought of an event that comes twice
            return replace(notification, event_id=str(uuid4()))
        if WRONG_RECIPIENT in self._settings.misbehave:
            return replace(notification, user_id=str(uuid4()))
        return notification

    def _store(self, notification: Notification) -> bool:
        if self._loop is None:
            raise RuntimeError("start() was not called")
        try:
            asyncio.run_coroutine_threadsafe(_insert(self._pool, notification), self._loop).result()
        except (psycopg.Error, TimeoutError) as error:
            LOG.warning("storing a notification, will try again: %s", str(error) or "timeout")
            return False
        return True


def notification_of(value: bytes) -> Notification:
    """The notification for an event, whose value is JSON: ``{event_id, type, user_id, …}``.

    Raises:
        ValueError, RecursionError: it isn't JSON, or of a type that nobody publishes.
        Problem: a field is missing or of the wrong kind; the message names it.
    """
    content = parse_json(value)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a wrong value from outside, not a wrong call
    fields = Fields(content)
    kind = fields.text("type")
    # Ids of another form could be too long for an index: an error that comes again with every attempt to store them.
    event_id, user_id = str(fields.uuid("event_id")), str(fields.uuid("user_id"))
    return Notification(event_id, user_id, kind, _message(kind, fields))


def _message(kind: str, fields: Fields) -> str:
    if kind == USER_CREATED:
        return f"Welcome, {fields.text('name')}!"
    if kind == ORDER_PLACED:
        return f"Your order {fields.text('order_id')} was placed"
    raise ValueError(f"unknown type of event: {kind}")


async def _insert(pool: Pool, notification: Notification) -> None:
    async with asyncio.timeout(STORE_SECONDS), pool.connection() as connection:
        await connection.execute(
            "INSERT INTO notification_service.notifications (event_id, user_id, type, message)"
            " VALUES (%(event_id)s, %(user_id)s, %(type)s, %(message)s) ON CONFLICT (event_id) DO NOTHING",
            vars(notification),
        )


def _commit(consumer: confluent_kafka.Consumer, message: confluent_kafka.Message) -> None:
    """A commit that fails is no loss: the event comes again, and changes nothing."""
    try:
        consumer.commit(message=message, asynchronous=False)
    except confluent_kafka.KafkaException as error:
        LOG.warning("committing: %s", error)
