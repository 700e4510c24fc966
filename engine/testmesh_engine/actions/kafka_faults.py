"""What librdkafka's errors mean here: who is to blame, and whether it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testmesh_engine.errors import PlatformError, UsageError

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

# Of admin requests librdkafka does not say which errors pass; these are retriable by Kafka's own table
# (https://kafka.apache.org/protocol.html#protocol_error_codes), or mean a connection that is lost for now.
_PASSING = frozenset(
    {
        *("_TIMED_OUT", "_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE", "_TIMED_OUT_QUEUE", "REQUEST_TIMED_OUT"),
        *("NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "REPLICA_NOT_AVAILABLE", "OFFSET_NOT_AVAILABLE"),
        *("FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "UNKNOWN_TOPIC_ID", "INCONSISTENT_TOPIC_ID"),
        *("NETWORK_EXCEPTION", "NOT_CONTROLLER", "KAFKA_STORAGE_ERROR", "THROTTLING_QUOTA_EXCEEDED"),
    }
)
_FORBIDDEN = frozenset(
    {
        "TOPIC_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "SASL_AUTHENTICATION_FAILED",
        "_AUTHENTICATION",
    }
)


class UnreachableError(Exception):
    """The brokers gave no answer in time, or said that they can't for now; ``str()`` is what is known of it."""


class UnknownTopicError(UnreachableError):
    """The broker that was asked knows no such topic or partition: there is none, or not yet, or no more."""


def unreachable(brokers: str, said: str, *, limit: str = "") -> PlatformError:
    """The error for brokers that do not answer.

    ``said`` is the last that was heard of them, "" for nothing; ``limit`` is what ran out, "" where nothing did.
    """
    ended = f"; gave up after {limit}" if limit else ""
    return PlatformError(
        f"Kafka can't be reached at {brokers}{f': {said}' if said else ''}{ended}",
        kind="connection_error",
        hint="Check brokers, and whether the addresses that the brokers advertise can be reached from here.",
    )


def forbidden(brokers: str, what: str, fault: KafkaError) -> PlatformError:
    """The error for what this client may not do."""
    return PlatformError(
        f"{what}: Kafka at {brokers} does not allow it: {fault.str()}",
        kind="protocol_error",
        hint="The runner needs the rights Describe and Read on the topic; it needs none on a group.",
    )


def is_refusal(fault: KafkaError) -> bool:
    """Whether the brokers, or their certificate, say that trying on is of no use."""
    return fault.name() == "_AUTHENTICATION" or (fault.name() == "_SSL" and "certificate" in fault.str())


def refusal(brokers: str, fault: KafkaError) -> PlatformError:
    """The error for a client that is not let in."""
    by_login = fault.name() == "_AUTHENTICATION"
    what = "refuses the login" if by_login else "can't be trusted"
    hint = "Check sasl: mechanism, username, password." if by_login else "Check tls: ca, cert, key."
    return PlatformError(f"Kafka at {brokers} {what}: {fault.str()}", kind="connection_error", hint=hint)


def mapped(brokers: str, what: str, fault: KafkaError) -> Exception:
    """The error to raise for an answer about ``what``: one of ours, or :class:`UnreachableError` for what passes."""
    name = fault.name()
    if name == "UNKNOWN_TOPIC_OR_PART":
        return UnknownTopicError(f"{what}: {fault.str()}")
    if name in _FORBIDDEN:
        return forbidden(brokers, what, fault)
    if name == "TOPIC_EXCEPTION":
        return UsageError(f"{what} is no name that a topic can have")
    if fault.retriable() or name in _PASSING:
        return UnreachableError(fault.str())
    return PlatformError(f"{what}: Kafka at {brokers} says: {fault.str()}", kind="protocol_error")
