"""What the notification service makes of an event, and of one that is none."""

from __future__ import annotations

import json

import pytest

from services.consumer import Notification, notification_of
from services.validation import Problem

ID = "0af76519-16cd-43dd-8448-eb211c80319c"
USER_CREATED = {"event_id": ID, "type": "user.created", "user_id": ID, "name": "Ada"}


def test_new_user_is_welcomed_by_name() -> None:
    """The event's id and the user's go into the row."""
    expected = Notification(event_id=ID, user_id=ID, type="user.created", message="Welcome, Ada!")
    assert expected == notification_of(json.dumps(USER_CREATED).encode())


def test_order_is_confirmed_with_its_id() -> None:
    """What else the event has is not needed."""
    event = USER_CREATED | {"type": "order.placed", "order_id": "42", "total": 59.98}
    assert "Your order 42 was placed" == notification_of(json.dumps(event).encode()).message


@pytest.mark.parametrize("field", ["event_id", "type", "user_id", "name"])
def test_field_that_is_missing_is_named(field: str) -> None:
    """As with a service that has renamed it: the log says what is to be looked for."""
    event = {name: value for name, value in USER_CREATED.items() if name != field}
    with pytest.raises(Problem, match=f"^{field}: text is needed"):
        notification_of(json.dumps(event).encode())


def test_id_that_could_not_be_stored_is_refused() -> None:
    """It would be tried again for ever, and hold up all behind it."""
    with pytest.raises(Problem, match=r"event_id: a UUID is needed"):
        notification_of(json.dumps(USER_CREATED | {"event_id": "x" * 5000}).encode())


@pytest.mark.parametrize("value", [b"", b"text", b"[]", b'{"type": "other"}', b"\xff"])
def test_value_that_is_no_event_is_refused(value: bytes) -> None:
    """By an error that the consumer skips."""
    with pytest.raises((ValueError, Problem)):
        notification_of(value)
