"""Whose fault it is that a message was not taken, and what ends a delivery that does not come."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError

from support.broker import brokers
from support.ports import free_port
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_faults import is_refusal
from testmesh_engine.actions.kafka_outgoing import Outgoing
from testmesh_engine.actions.kafka_publisher import Publisher, _refused
from testmesh_engine.actions.kafka_security import Access
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import Interrupted, PlatformError, ServiceError, UsageError

MESSAGE = Outgoing(key=None, value=b"x", headers=(), partition=None, written_key=None, written_value="x")


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """One for a test."""
    interrupt = Interrupt()
    yield interrupt
    interrupt.close()


@pytest.fixture
def nobody() -> Iterator[Publisher]:
    """A publisher to brokers that are not there."""
    publisher = Publisher(Access(brokers(free_port())), "none")
    yield publisher
    publisher.close()


@pytest.mark.parametrize(
    ("expected", "said", "code"),
    [
        (ServiceError, "was refused: it is larger than", KafkaError.MSG_SIZE_TOO_LARGE),
        (ServiceError, "was refused: there is no such topic", KafkaError.UNKNOWN_TOPIC_OR_PART),
        (ServiceError, "was refused: a policy of the broker", KafkaError.POLICY_VIOLATION),
        (PlatformError, "does not allow it", KafkaError.TOPIC_AUTHORIZATION_FAILED),
        (PlatformError, "does not allow it", KafkaError.CLUSTER_AUTHORIZATION_FAILED),
        (PlatformError, "was not delivered", KafkaError.NOT_ENOUGH_REPLICAS),
    ],
)
def test_a_refused_message_is_the_flows_or_the_platforms_fault(expected: type[Exception], said: str, code: int) -> None:
    """Exit code 1 for what the broker says of the message, 3 for what it says of itself."""
    error = _refused("topic t: the message", KafkaError(code), "b:1")
    assert expected is type(error)
    assert said in error.message


def test_a_delivery_that_does_not_come_ends_at_the_deadline(nobody: Publisher, interrupt: Interrupt) -> None:
    """The producer is not used again: what it gave up leaves a gap in its numbers."""
    with pytest.raises(PlatformError, match="Kafka can't be reached at localhost") as failed:
        nobody.send("t", [MESSAGE], Bounds(Deadline.after(0.5, "config.timeout"), interrupt))
    assert "connection_error" == failed.value.kind
    assert nobody.dead


def test_an_interrupt_ends_a_delivery_at_once(nobody: Publisher, interrupt: Interrupt) -> None:
    """Whoever stops a run does not wait for Kafka."""
    interrupt.set("SIGTERM")
    started = time.monotonic()
    with pytest.raises(Interrupted, match="SIGTERM"):
        nobody.send("t", [MESSAGE], Bounds(Deadline.after(30, "config.timeout"), interrupt))
    assert time.monotonic() - started < 1


def test_settings_that_the_library_refuses_are_the_flows_fault() -> None:
    """A key that is no PEM is found before anything is sent."""
    broken = Access("b:1", (("security.protocol", "ssl"), ("ssl.ca.pem", "-----BEGIN CERTIFICATE-----")))
    with pytest.raises(
        UsageError, match=r"^tls can't be used: failed to read certificate #0 from ssl\.ca\.pem: not in PEM format\?$"
    ):
        Publisher(broken, "none")


@pytest.mark.parametrize(
    ("expected", "code", "said"),
    [
        (True, KafkaError._AUTHENTICATION, "Authentication failed"),
        (True, KafkaError._SSL, "certificate verify failed"),
        (False, KafkaError._SSL, "connection reset"),
        (False, KafkaError._TRANSPORT, "Disconnected"),
    ],
)
def test_trying_on_is_of_no_use_where_the_door_stays_shut(expected: bool, code: int, said: str) -> None:  # noqa: FBT001 - a table
    """Everything else may pass."""
    assert expected is is_refusal(KafkaError(code, said))
