"""The product service: the catalog, and an inventory that can't be oversold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.shop import Shop
from support.stack import Stack

UNKNOWN = "00000000-0000-0000-0000-000000000000"


def _decrement(shop: Shop, *items: tuple[str, int]) -> httpx.Response:
    lines = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in items]
    return shop.post(f"{shop.stack.url('product')}/api/v1/inventory/decrement", {"items": lines})


def test_created_product_can_be_read_again(shop: Shop, stack: Stack) -> None:
    """Its price is a number in JSON, exactly as given."""
    product_id = shop.product_id(price=29.99, inventory=100)
    product = shop.client.get(f"{stack.url('product')}/api/v1/products/{product_id}").json()
    assert (29.99, 100) == (product["price"], product["inventory"])


def test_newest_product_heads_the_list(shop: Shop, stack: Stack) -> None:
    """The list begins with what one has just created."""
    product_id = shop.product_id()
    assert product_id == shop.client.get(f"{stack.url('product')}/api/v1/products").json()["products"][0]["id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("description", 7),
        ("price", -1),
        ("price", 1.999),
        ("price", 1e300),
        ("price", "29.99"),
        ("price", True),
        ("inventory", -1),
        ("inventory", 1.5),
        ("inventory", 2**31),
    ],
)
def test_wrong_field_is_named(shop: Shop, stack: Stack, field: str, value: object) -> None:
    """A 400 says which field is to blame."""
    good = {"name": "Widget", "description": "", "price": 1, "inventory": 1}
    answer = shop.post(f"{stack.url('product')}/api/v1/products", good | {field: value})
    assert (400, field) == (answer.status_code, answer.json()["field"])


def test_decrement_takes_from_the_inventory(shop: Shop) -> None:
    """And tells what is left."""
    product_id = shop.product_id(inventory=5)
    answer = _decrement(shop, (product_id, 2))
    assert (200, 3) == (answer.status_code, answer.json()["products"][0]["inventory"])
    assert 3 == shop.inventory(product_id)


def test_decrement_below_zero_changes_nothing(shop: Shop) -> None:
    """409, and not even the products that there are enough of are touched."""
    plenty, few = shop.product_id(inventory=100), shop.product_id(inventory=1)
    answer = _decrement(shop, (plenty, 2), (few, 2))
    assert (409, "insufficient_inventory") == (answer.status_code, answer.json()["error"])
    assert "2 wanted, 1 left" in answer.json()["message"]
    assert (100, 1) == (shop.inventory(plenty), shop.inventory(few))


def test_decrement_of_an_unknown_product_changes_nothing(shop: Shop) -> None:
    """404, all or nothing."""
    product_id = shop.product_id(inventory=5)
    answer = _decrement(shop, (product_id, 1), (UNKNOWN, 1))
    assert (404, "product_not_found") == (answer.status_code, answer.json()["error"])
    assert 5 == shop.inventory(product_id)


def test_concurrent_decrements_never_oversell(shop: Shop) -> None:
    """Of thirty at once, as many succeed as there are pieces; two products in either order don't wait crosswise."""
    first, second = shop.product_id(inventory=20), shop.product_id(inventory=20)
    orders = [((first, 1), (second, 1)), ((second, 1), (first, 1))] * 15
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda items: _decrement(shop, *items).status_code, orders))
    assert (20, 10) == (statuses.count(200), statuses.count(409))
    assert (0, 0) == (shop.inventory(first), shop.inventory(second))
