"""The notification service: one notification for each event, whatever comes twice, in pieces, or while it is down."""

from __future__ import annotations

import signal
from uuid import uuid4

import psycopg

from support.shop import Shop
from support.stack import Stack
from support.topics import Topics


def _event(user_id: str, event_id: str) -> dict[str, str]:
    return {"event_id": event_id, "type": "user.created", "user_id": user_id, "name": "Ada"}


def test_user_and_order_each_make_a_notification(shop: Shop) -> None:
    """What the seed's flow waits for."""
    user_id = shop.user_id()
    order_id = shop.order(user_id, (shop.product_id(), 1)).json()["id"]
    found = {
        str(notification["type"]): str(notification["message"]) for notification in shop.notified(user_id, count=2)
    }
    assert {"user.created", "order.placed"} == set(found)
    assert "Ada Lovelace" in found["user.created"]
    assert order_id in found["order.placed"]


def test_user_of_whom_nothing_is_known_has_none(shop: Shop) -> None:
    """An empty list, no error."""
    assert [] == shop.notifications(str(uuid4()))


def test_event_delivered_twice_makes_one_notification(shop: Shop, topics: Topics) -> None:
    """The event's id decides; one with another id behind them shows that both were read."""
    user_id, event_id = str(uuid4()), str(uuid4())
    for delivered in (event_id, event_id, str(uuid4())):
        topics.write("user.created", key=user_id, value=_event(user_id, delivered))
    assert 2 == len({notification["event_id"] for notification in shop.notified(user_id, count=2)})
    assert 2 == len(shop.notifications(user_id))


def test_event_that_makes_no_sense_holds_nothing_up(shop: Shop, topics: Topics) -> None:
    """It is skipped, with a line in the log, and what lies behind it is read."""
    user_id = str(uuid4())
    broken_ones: tuple[object, ...] = (
        "text",
        [],
        {"type": "user.created"},
        {"type": "other", "event_id": "1", "user_id": user_id},
    )
    for broken in broken_ones:
        topics.write("user.created", key=user_id, value=broken)
    topics.write("user.created", key=user_id, value=_event(user_id, str(uuid4())))
    assert 1 == len(shop.notified(user_id, count=1))


def test_event_published_while_the_service_is_down_is_not_lost(shop: Shop, stack: Stack) -> None:
    """It is read when the service comes back."""
    with stack.replaced("notification"):
        stack.end("notification")
        user_id = shop.user_id()
    assert 1 == len(shop.notified(user_id, count=1))


def test_kill_between_reading_and_storing_loses_no_event(
    shop: Shop, stack: Stack, database: psycopg.Connection
) -> None:
    """The offset is committed after the row is written: what was read and not stored is delivered again, once."""
    with stack.replaced("notification"), database.transaction():
        database.execute("LOCK notification_service.notifications IN ACCESS EXCLUSIVE MODE")
        user_id = shop.user_id()
        _wait_until_someone_waits_for_the_table(stack)
        stack.end("notification", by=signal.SIGKILL)
    assert 1 == len(shop.notified(user_id, count=1))


def _wait_until_someone_waits_for_the_table(stack: Stack) -> None:
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'notification_service.notifications'::regclass"
    with psycopg.connect(stack.database_url, autocommit=True) as observer:
        while not observer.execute(waiting).fetchall():
            observer.execute("SELECT pg_sleep(0.01)")
