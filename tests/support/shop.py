"""The calls that a customer of the demo services makes, for tests to build on."""

from __future__ import annotations

import time
from uuid import uuid4

import httpx

from support.stack import Stack

NOTIFIED_SECONDS = 10
Json = dict[str, object]


class Shop:
    """The four services, each by its URL; a URL can be another instance's."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.client = httpx.Client(timeout=30, trust_env=False)

    def close(self) -> None:
        """Ends the connections."""
        self.client.close()

    def post(self, url: str, body: object, **headers: str) -> httpx.Response:
        """The answer to a POST of JSON."""
        return self.client.post(url, json=body, headers=headers)

    def sign_up(self, url: str | None = None, **headers: str) -> httpx.Response:
        """The answer to a new user with an e-mail address that nobody else has."""
        users = f"{url or self.stack.url('user')}/api/v1/users"
        return self.post(users, {"name": "Ada Lovelace", "email": f"{uuid4()}@example.com"}, **headers)

    def user_id(self) -> str:
        """Of a new user."""
        created = self.sign_up()
        assert created.status_code == httpx.codes.CREATED, created.text
        return str(created.json()["id"])

    def product_id(self, *, price: float = 29.99, inventory: int = 100) -> str:
        """Of a new product."""
        widget = {"name": "Widget", "description": "For tests", "price": price, "inventory": inventory}
        created = self.post(f"{self.stack.url('product')}/api/v1/products", widget)
        assert created.status_code == httpx.codes.CREATED, created.text
        return str(created.json()["id"])

    def inventory(self, product_id: str) -> int:
        """What is left of the product."""
        left: int = self.client.get(f"{self.stack.url('product')}/api/v1/products/{product_id}").json()["inventory"]
        return left

    def order(self, user_id: str, *items: tuple[str, int], url: str | None = None, **headers: str) -> httpx.Response:
        """The answer to an order of ``(product_id, quantity)``."""
        lines = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in items]
        orders = f"{url or self.stack.url('order')}/api/v1/orders"
        return self.post(orders, {"user_id": user_id, "items": lines}, **headers)

    def notifications(self, user_id: str) -> list[Json]:
        """The user's notifications at this moment."""
        answer = self.client.get(f"{self.stack.url('notification')}/api/v1/notifications/{user_id}").json()
        notifications: list[Json] = answer["notifications"]
        assert answer["count"] == len(notifications)
        return notifications

    def notified(self, user_id: str, *, count: int) -> list[Json]:
        """The user's notifications once there are ``count``."""
        give_up = time.monotonic() + NOTIFIED_SECONDS
        while len(found := self.notifications(user_id)) < count:
            assert time.monotonic() < give_up, f"{len(found)} of {count} notifications after {NOTIFIED_SECONDS} s"
            time.sleep(0.02)
        return found
