"""The order service: what it asks of the others, what it stores, and what it says when they fail."""

from __future__ import annotations

import psycopg
import pytest

from support.ports import free_port
from support.shop import Shop
from support.stack import Stack
from support.topics import Topics

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def test_order_has_an_exact_total_and_is_pending(shop: Shop, stack: Stack) -> None:
    """The seed's order: two at 29.99 are 59.98, in the answer and when it is read again."""
    user_id, product_id = shop.user_id(), shop.product_id(price=29.99)
    order = shop.order(user_id, (product_id, 2))
    assert 201 == order.status_code
    assert (59.98, "pending", 1) == (order.json()["total"], order.json()["status"], len(order.json()["items"]))
    assert order.json() == shop.client.get(f"{stack.url('order')}/api/v1/orders/{order.json()['id']}").json()


def test_totals_do_not_drift(shop: Shop) -> None:
    """Three at 0.10 are 0.30: amounts are never floats."""
    assert 0.3 == shop.order(shop.user_id(), (shop.product_id(price=0.1), 3)).json()["total"]


def test_database_has_order_and_items(shop: Shop, database: psycopg.Connection) -> None:
    """What was answered was stored, with a NUMERIC total and the user's id as text."""
    user_id, product_id = shop.user_id(), shop.product_id(price=29.99)
    order_id = shop.order(user_id, (product_id, 2)).json()["id"]
    order = database.execute(
        "SELECT user_id, status, total::text FROM order_service.orders WHERE id = %s", [order_id]
    ).fetchone()
    items = database.execute(
        "SELECT product_id, quantity, unit_price::text FROM order_service.order_items WHERE order_id = %s", [order_id]
    ).fetchall()
    assert (user_id, "pending", "59.98") == order
    assert [(product_id, 2, "29.99")] == items


def test_order_takes_from_the_inventory(shop: Shop) -> None:
    """A product that stands in two lines is one line of the order."""
    product_id = shop.product_id(inventory=100)
    order = shop.order(shop.user_id(), (product_id, 2), (product_id, 3))
    assert [5] == [item["quantity"] for item in order.json()["items"]]
    assert 95 == shop.inventory(product_id)


def test_order_placed_is_in_the_topic_when_the_answer_comes(shop: Shop, topics: Topics) -> None:
    """With key, trace, and what was ordered."""
    user_id, product_id = shop.user_id(), shop.product_id(price=29.99)
    marks = topics.marks("order.placed")
    order_id = shop.order(user_id, (product_id, 2), traceparent=TRACEPARENT).json()["id"]
    (event,) = topics.since("order.placed", marks)
    assert (order_id, {"traceparent": TRACEPARENT}) == (event.key, event.headers)
    assert (order_id, user_id, 59.98) == tuple(event.value[name] for name in ("order_id", "user_id", "total"))
    assert [{"product_id": product_id, "quantity": 2}] == event.value["items"]


def test_insufficient_inventory_changes_nothing(shop: Shop, topics: Topics, database: psycopg.Connection) -> None:
    """409; no row, no event, nothing taken."""
    user_id, product_id = shop.user_id(), shop.product_id(inventory=1)
    marks = topics.marks("order.placed")
    answer = shop.order(user_id, (product_id, 2))
    assert (409, "insufficient_inventory") == (answer.status_code, answer.json()["error"])
    assert 1 == shop.inventory(product_id)
    assert [] == topics.since("order.placed", marks)
    assert (0,) == database.execute(
        "SELECT count(*) FROM order_service.orders WHERE user_id = %s", [user_id]
    ).fetchone()


def test_unknown_user_is_named_and_nothing_is_taken(shop: Shop) -> None:
    """The user is asked for before the inventory is touched."""
    product_id = shop.product_id(inventory=5)
    answer = shop.order(UNKNOWN, (product_id, 1))
    assert (404, "user_not_found", "user_id") == (
        answer.status_code,
        answer.json()["error"],
        answer.json()["field"],
    )
    assert 5 == shop.inventory(product_id)


def test_unknown_product_is_named(shop: Shop) -> None:
    """With its id."""
    answer = shop.order(shop.user_id(), (UNKNOWN, 1))
    assert (404, "product_not_found") == (answer.status_code, answer.json()["error"])
    assert UNKNOWN in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": [{"product_id": UNKNOWN, "quantity": 1}]}, "user_id"),
        ({"user_id": "john", "items": [{"product_id": UNKNOWN, "quantity": 1}]}, "user_id"),
        ({"user_id": UNKNOWN}, "items"),
        ({"user_id": UNKNOWN, "items": []}, "items"),
        ({"user_id": UNKNOWN, "items": [7]}, "items[0]"),
        ({"user_id": UNKNOWN, "items": [{"product_id": UNKNOWN, "quantity": 0}]}, "items[0].quantity"),
        ({"user_id": UNKNOWN, "items": [{"product_id": "7", "quantity": 1}]}, "items[0].product_id"),
    ],
)
def test_wrong_field_is_named(shop: Shop, stack: Stack, body: object, field: str) -> None:
    """A 400 says which field is to blame, down to the item."""
    answer = shop.post(f"{stack.url('order')}/api/v1/orders", body)
    assert (400, field) == (answer.status_code, answer.json()["field"])


@pytest.mark.parametrize("service", ["user", "product"])
def test_service_that_is_down_is_named(shop: Shop, stack: Stack, service: str) -> None:
    """503, and nothing is taken from the inventory."""
    user_id, product_id = shop.user_id(), shop.product_id(inventory=5)
    nobody = {f"{service.upper()}_SERVICE_URL": f"http://localhost:{free_port()}"}
    with stack.beside("order", nobody) as url:
        answer = shop.order(user_id, (product_id, 1), url=url)
    assert (503, f"{service}_service_unavailable") == (answer.status_code, answer.json()["error"])
    assert 5 == shop.inventory(product_id)


def test_service_that_fails_is_named(shop: Shop, stack: Stack) -> None:
    """502: the order service itself is well."""
    user_id, product_id = shop.user_id(), shop.product_id(inventory=5)
    with (
        stack.beside("user", {"MISBEHAVE": "error-500"}) as failing,
        stack.beside("order", {"USER_SERVICE_URL": failing}) as url,
    ):
        answer = shop.order(user_id, (product_id, 1), url=url)
    assert (502, "user_service_failed") == (answer.status_code, answer.json()["error"])


def test_inventory_is_given_back_when_the_order_cannot_be_stored(
    shop: Shop, stack: Stack, database: psycopg.Connection
) -> None:
    """Nothing is sold to an order that isn't there."""
    user_id, product_id = shop.user_id(), shop.product_id(inventory=5)
    database.execute("ALTER TABLE order_service.orders ADD CONSTRAINT never CHECK (false) NOT VALID")
    try:
        answer = shop.order(user_id, (product_id, 1))
    finally:
        database.execute("ALTER TABLE order_service.orders DROP CONSTRAINT never")
    assert 500 == answer.status_code
    assert 5 == shop.inventory(product_id)
