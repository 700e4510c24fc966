"""What a service can be told to do wrong: each word does what the table in examples/microservices/README.md says."""

from __future__ import annotations

import time

import pytest

from services.consumer import DROP_EVENT, GROUP
from services.misbehaviour import CAN_PUBLISH_WRONGLY
from services.order import WRONG_TOTAL
from services.product import NO_DECREMENT
from services.settings import EVERY_SERVICE_CAN
from support.shop import Shop
from support.stack import MICROSERVICES, Stack
from support.topics import Topics


def test_publish_nothing_answers_as_if_the_event_were_out(shop: Shop, stack: Stack, topics: Topics) -> None:
    """201, and no event: what a status code can't tell."""
    user_id, product_id = shop.user_id(), shop.product_id()
    marks = topics.marks("order.placed")
    with stack.beside("order", {"MISBEHAVE": "publish-nothing"}) as url:
        assert 201 == shop.order(user_id, (product_id, 1), url=url).status_code
    assert [] == topics.since("order.placed", marks)


def test_duplicate_event_makes_two_events_and_one_notification(shop: Shop, stack: Stack, topics: Topics) -> None:
    """Both have the same id."""
    marks = topics.marks("user.created")
    with stack.beside("user", {"MISBEHAVE": "duplicate-event"}) as url:
        user_id = shop.sign_up(url).json()["id"]
    first, second = topics.since("user.created", marks)
    assert first == second
    shop.order(user_id, (shop.product_id(), 1))
    assert ["user.created", "order.placed"] == [told["type"] for told in shop.notified(user_id, count=2)]


def test_renamed_field_makes_an_event_that_its_reader_does_not_understand(
    shop: Shop, stack: Stack, topics: Topics
) -> None:
    """``userId`` where ``user_id`` is expected: nobody is notified."""
    marks = topics.marks("order.placed")
    user_id = shop.user_id()
    with stack.beside("order", {"MISBEHAVE": "renamed-field"}) as url:
        shop.order(user_id, (shop.product_id(), 1), url=url)
    (event,) = topics.since("order.placed", marks)
    assert (user_id, False) == (event.value["userId"], "user_id" in event.value)
    shop.order(user_id, (shop.product_id(), 1))
    assert 2 == len(shop.notified(user_id, count=2))


def test_drop_event_makes_no_notification_ever(shop: Shop, stack: Stack, topics: Topics) -> None:
    """The event counts as read: it doesn't come back when the service is well again."""
    with stack.replaced("notification", {"MISBEHAVE": "drop-event"}):
        dropped = shop.user_id()
        while topics.lag(GROUP, "user.created"):
            time.sleep(0.02)
    later = shop.user_id()
    assert 1 == len(shop.notified(later, count=1))
    assert [] == shop.notifications(dropped)


def test_wrong_total_forgets_the_quantity(shop: Shop, stack: Stack) -> None:
    """Two at 29.99 are 29.99."""
    with stack.beside("order", {"MISBEHAVE": "wrong-total"}) as url:
        assert 29.99 == shop.order(shop.user_id(), (shop.product_id(price=29.99), 2), url=url).json()["total"]


def test_no_decrement_answers_as_if_it_were_done(shop: Shop, stack: Stack) -> None:
    """The order is placed, the inventory stays: only the database shows it."""
    product_id = shop.product_id(inventory=5)
    with (
        stack.beside("product", {"MISBEHAVE": "no-decrement"}) as product,
        stack.beside("order", {"PRODUCT_SERVICE_URL": product}) as url,
    ):
        assert 201 == shop.order(shop.user_id(), (product_id, 2), url=url).status_code
    assert 5 == shop.inventory(product_id)


def test_error_500_answers_nothing_else_but_stays_healthy(shop: Shop, stack: Stack) -> None:
    """Kubernetes keeps sending it requests."""
    with stack.beside("user", {"MISBEHAVE": "error-500"}) as url:
        answer = shop.sign_up(url)
        assert (500, "internal") == (answer.status_code, answer.json()["error"])
        assert 200 == shop.client.get(f"{url}/health").status_code


def test_slow_answers_after_its_delay(shop: Shop, stack: Stack) -> None:
    """MISBEHAVE_DELAY seconds, then as always."""
    with stack.beside("user", {"MISBEHAVE": "slow", "MISBEHAVE_DELAY": "0.7"}) as url:
        started = time.monotonic()
        assert 201 == shop.sign_up(url).status_code
    assert 0.7 <= time.monotonic() - started


@pytest.mark.parametrize(
    "word", sorted(EVERY_SERVICE_CAN | CAN_PUBLISH_WRONGLY | {DROP_EVENT, NO_DECREMENT, WRONG_TOTAL})
)
def test_every_word_is_in_the_table(word: str) -> None:
    """What can be told is written down."""
    assert f"| `{word}` |" in (MICROSERVICES / "README.md").read_text(encoding="utf-8")
