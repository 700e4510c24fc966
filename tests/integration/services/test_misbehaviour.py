"""What a service can be told to do wrong: each word does what the table in examples/microservices/README.md says."""

from __future__ import annotations

import time
from uuid import uuid4

import httpx
import psycopg
import pytest

from services.consumer import GROUP
from services.misbehaviour import CAN
from support.shop import Shop
from support.stack import MICROSERVICES, Stack
from support.topics import Topics

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


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


def test_wrong_user_makes_an_event_about_somebody_else(shop: Shop, stack: Stack, topics: Topics) -> None:
    """Its key is right: who only looks at that notices nothing."""
    marks = topics.marks("user.created")
    with stack.beside("user", {"MISBEHAVE": "wrong-user"}) as url:
        user_id = shop.sign_up(url).json()["id"]
    (event,) = topics.since("user.created", marks)
    assert user_id == event.key
    assert user_id != event.value["user_id"]


def test_lost_trace_makes_an_event_that_belongs_to_no_request(shop: Shop, stack: Stack, topics: Topics) -> None:
    """All else in it is right."""
    marks = topics.marks("user.created")
    with stack.beside("user", {"MISBEHAVE": "lost-trace"}) as url:
        user_id = shop.sign_up(url, traceparent=TRACEPARENT).json()["id"]
    (event,) = topics.since("user.created", marks)
    assert (user_id, {}) == (event.value["user_id"], event.headers)


def test_not_stored_answers_with_what_is_nowhere(shop: Shop, stack: Stack, database: psycopg.Connection) -> None:
    """201 with an id, of the user, the product and the order; no row has it."""
    told = {"MISBEHAVE": "not-stored"}
    with stack.beside("user", told) as users, stack.beside("product", told) as products:
        user_id = shop.sign_up(users).json()["id"]
        widget = {"name": "Widget", "description": "", "price": 1, "inventory": 1}
        product_id = shop.post(f"{products}/api/v1/products", widget).json()["id"]
    with stack.beside("order", told) as orders:
        order_id = shop.order(shop.user_id(), (shop.product_id(), 1), url=orders).json()["id"]
    rows = database.execute(
        "SELECT id FROM user_service.users UNION SELECT id FROM product_service.products"
        " UNION SELECT id FROM order_service.orders"
    ).fetchall()
    assert {user_id, product_id, order_id}.isdisjoint(str(row[0]) for row in rows)


def test_stored_total_is_another_than_the_answers(shop: Shop, stack: Stack, database: psycopg.Connection) -> None:
    """The answer is right, and so is the event."""
    with stack.beside("order", {"MISBEHAVE": "stored-total"}) as url:
        order = shop.order(shop.user_id(), (shop.product_id(price=29.99), 2), url=url).json()
    assert 59.98 == order["total"]
    stored = database.execute("SELECT total::text FROM order_service.orders WHERE id = %s", [order["id"]]).fetchone()
    assert ("60.98",) == stored


def test_total_as_text_is_the_right_one_of_the_wrong_kind(shop: Shop, stack: Stack) -> None:
    """What looks the same in a log."""
    with stack.beside("order", {"MISBEHAVE": "total-as-text"}) as url:
        order = shop.order(shop.user_id(), (shop.product_id(price=29.99), 2), url=url).json()
    assert "59.98" == order["total"]


def test_no_user_check_takes_the_order_of_nobody(shop: Shop, stack: Stack) -> None:
    """And sells to him."""
    product_id = shop.product_id(inventory=5)
    with stack.beside("order", {"MISBEHAVE": "no-user-check"}) as url:
        assert 201 == shop.order(str(uuid4()), (product_id, 2), url=url).status_code
    assert 3 == shop.inventory(product_id)


@pytest.mark.parametrize(("word", "wanted", "left"), [("take-one", 2, 4), ("oversell", 7, 0)])
def test_wrong_quantity_is_taken(shop: Shop, stack: Stack, word: str, wanted: int, left: int) -> None:
    """One whatever is wanted; or what there is, where it is too little."""
    product_id = shop.product_id(inventory=5)
    items = {"items": [{"product_id": product_id, "quantity": wanted}]}
    with stack.beside("product", {"MISBEHAVE": word}) as url:
        assert 200 == shop.post(f"{url}/api/v1/inventory/decrement", items).status_code
    assert left == shop.inventory(product_id)


def test_stale_read_answers_what_was_there_the_first_time(shop: Shop, stack: Stack) -> None:
    """As a cache does that nobody invalidates."""
    product_id = shop.product_id(inventory=5)
    items = {"items": [{"product_id": product_id, "quantity": 2}]}
    with stack.beside("product", {"MISBEHAVE": "stale-read"}) as url:
        before = shop.client.get(f"{url}/api/v1/products/{product_id}").json()
        assert 200 == shop.post(f"{url}/api/v1/inventory/decrement", items).status_code
        assert before == shop.client.get(f"{url}/api/v1/products/{product_id}").json()
    assert 3 == shop.inventory(product_id)


def test_repeat_event_makes_a_notification_each_time(shop: Shop, stack: Stack, topics: Topics) -> None:
    """Nobody has thought of an event that comes twice."""
    user_id = str(uuid4())
    event = {"event_id": str(uuid4()), "type": "user.created", "user_id": user_id, "name": "Ada"}
    with stack.replaced("notification", {"MISBEHAVE": "repeat-event"}):
        for _ in range(2):
            topics.write("user.created", key=user_id, value=event)
        assert 2 == len(shop.notified(user_id, count=2))


def test_wrong_recipient_tells_somebody_else(shop: Shop, stack: Stack, database: psycopg.Connection) -> None:
    """The user hears nothing, and a row says who did."""
    with stack.replaced("notification", {"MISBEHAVE": "wrong-recipient"}):
        user_id = shop.user_id()
        order_id = shop.order(user_id, (shop.product_id(), 1)).json()["id"]
        message = f"Your order {order_id} was placed"
        row = None
        while row is None:
            row = database.execute(
                "SELECT user_id FROM notification_service.notifications WHERE message = %s", [message]
            ).fetchone()
    assert (user_id,) != row
    assert [] == shop.notifications(user_id)


def test_always_200_is_said_of_what_was_made_and_of_what_failed(shop: Shop, stack: Stack) -> None:
    """The body tells the truth."""
    with stack.beside("user", {"MISBEHAVE": "always-200"}) as url:
        made, refused = shop.sign_up(url), shop.post(f"{url}/api/v1/users", {})
    assert (200, 200) == (made.status_code, refused.status_code)
    assert ("Ada Lovelace", "invalid") == (made.json()["name"], refused.json()["error"])


def test_wrong_type_says_that_json_is_a_page(shop: Shop, stack: Stack) -> None:
    """What a proxy before the service may do."""
    with stack.beside("user", {"MISBEHAVE": "wrong-type"}) as url:
        answer = shop.sign_up(url)
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    assert "Ada Lovelace" == answer.json()["name"]


def test_cut_off_sends_half_of_the_answer(shop: Shop, stack: Stack) -> None:
    """The whole length is announced, and the connection closed before it has come."""
    with (
        stack.beside("user", {"MISBEHAVE": "cut-off"}) as url,
        pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"),
    ):
        shop.sign_up(url)


@pytest.mark.parametrize("word", sorted(frozenset[str]().union(*CAN.values())))
def test_every_word_is_in_the_table(word: str) -> None:
    """What can be told is written down."""
    assert f"| `{word}` |" in (MICROSERVICES / "README.md").read_text(encoding="utf-8")
