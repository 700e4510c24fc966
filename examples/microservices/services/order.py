"""The order service: asks the user and the product service, stores the order, and publishes ``order.placed``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from psycopg.rows import DictRow
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.broker import ORDER_PLACED, Event, Publisher
from services.database import Pool
from services.dependencies import Dependencies
from services.misbehaviour import CAN, NO_USER_CHECK, NOT_STORED, STORED_TOTAL, TOTAL_AS_TEXT, WRONG_TOTAL
from services.settings import Settings, read_settings
from services.upstream import Reply, Upstream
from services.validation import Problem, fields_of
from services.web import answer, serve, trace_of
from services.wrong_events import publish

DDL = """
CREATE SCHEMA IF NOT EXISTS order_service;
CREATE TABLE IF NOT EXISTS order_service.orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id text NOT NULL,
  status text NOT NULL,
  total numeric(15, 2) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS order_service.order_items (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  order_id uuid NOT NULL REFERENCES order_service.orders,
  product_id text NOT NULL,
  name text NOT NULL,
  quantity integer NOT NULL,
  unit_price numeric(10, 2) NOT NULL
);
CREATE INDEX IF NOT EXISTS order_items_of_order ON order_service.order_items (order_id)"""
MAX_ITEMS = 100
MAX_QUANTITY = 1000


@dataclass(frozen=True)
class Item:
    """A line of an order; the name and price are what the product service said when the inventory was taken."""

    product_id: str
    quantity: int
    name: str
    unit_price: Decimal


class OrderService:
    """The handlers of /api/v1/orders."""

    def __init__(self, settings: Settings, *, pool: Pool, publisher: Publisher) -> None:
        self._settings = settings
        self._pool = pool
        self._publisher = publisher
        self._users = Upstream("user", settings.user_service_url)
        self._products = Upstream("product", settings.product_service_url)

    def routes(self) -> Sequence[Route]:
        """What the service answers."""
        return [
            Route("/api/v1/orders", self.create, methods=["POST"]),
            Route("/api/v1/orders/{order_id:uuid}", self.get, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """``{user_id, items: [{product_id, quantity}]}`` -> 201 and the order, whose event is in Kafka by then.

        404 when there is no such user or product, 409 when too few are left, 502 and 503 when a service that it asks
        fails or is away.
        """
        user_id, wanted = await _wanted(request)
        trace = trace_of(request)
        await self._check_user(user_id, trace)
        items = await self._take(wanted, trace)
        try:
            order = await self._store(user_id, items)
        except Exception:
            await self._products.call("POST", "/api/v1/inventory/restore", headers=trace, json=_as_items(wanted))
            raise
        await publish(self._publisher, _placed(order), trace=trace, settings=self._settings)
        if TOTAL_AS_TEXT in self._settings.misbehave:
            order["total"] = str(order["total"])
        return answer(order, 201)

    async def get(self, request: Request) -> Response:
        """The order with its items, or 404."""
        order_id: UUID = request.path_params["order_id"]
        async with self._pool.connection() as connection:
            selected = await connection.execute("SELECT * FROM order_service.orders WHERE id = %s", [order_id])
            order = await selected.fetchone()
            if order is None:
                raise Problem(404, "order_not_found", message=f"no order {order_id}")
            items = await connection.execute(
                "SELECT product_id, name, quantity, unit_price FROM order_service.order_items"
                " WHERE order_id = %s ORDER BY id",
                [order_id],
            )
            return answer(order | {"items": await items.fetchall()})

    async def _check_user(self, user_id: str, trace: Mapping[str, str]) -> None:
        if NO_USER_CHECK in self._settings.misbehave:
            return
        reply = await self._users.call("GET", f"/api/v1/users/{user_id}", headers=trace)
        if reply.status == 404:
            raise Problem(404, "user_not_found", message=f"user_id: no user {user_id}", field="user_id")
        if reply.status != 200:
            raise self._users.nonsense(f"answered {reply.status}")

    async def _take(self, wanted: Mapping[str, int], trace: Mapping[str, str]) -> Sequence[Item]:
        """Takes what is wanted out of the inventory."""
        reply = await self._products.call("POST", "/api/v1/inventory/decrement", headers=trace, json=_as_items(wanted))
        if reply.status in {404, 409}:
            error, message = str(reply.body.get("error")), str(reply.body.get("message"))
            raise Problem(reply.status, error, message=message, field="items")
        items = _items(reply, wanted)
        if reply.status != 200 or items is None:
            raise self._products.nonsense(f"answered {reply.status} without the products asked for")
        return items

    async def _store(self, user_id: str, items: Sequence[Item]) -> DictRow:
        """The order as it is answered: its row, and its items."""
        total = self._total(items)
        async with self._pool.connection() as connection:
            inserted = await connection.execute(
                "INSERT INTO order_service.orders (user_id, status, total) VALUES (%s, 'pending', %s) RETURNING *",
                [user_id, total + 1 if STORED_TOTAL in self._settings.misbehave else total],
            )
            (order,) = await inserted.fetchall()
            await connection.cursor().executemany(
                "INSERT INTO order_service.order_items (order_id, product_id, name, quantity, unit_price)"
                " VALUES (%s, %s, %s, %s, %s)",
                [(order["id"], item.product_id, item.name, item.quantity, item.unit_price) for item in items],
            )
            if NOT_STORED in self._settings.misbehave:
                await connection.rollback()
        return order | {"total": total, "items": [vars(item) for item in items]}

    def _total(self, items: Sequence[Item]) -> Decimal:
        if WRONG_TOTAL in self._settings.misbehave:  # someone has forgotten the quantities
            return sum((item.unit_price for item in items), start=Decimal(0))
        return sum((item.unit_price * item.quantity for item in items), start=Decimal(0))


async def _wanted(request: Request) -> tuple[str, Mapping[str, int]]:
    """The user's id, and how many of each product; a product that stands in several lines is one line of the order."""
    fields = await fields_of(request)
    user_id = str(fields.uuid("user_id"))
    wanted: dict[str, int] = {}
    for item in fields.objects("items", at_most=MAX_ITEMS):
        product_id, quantity = str(item.uuid("product_id")), item.integer("quantity", at_least=1, at_most=MAX_QUANTITY)
        wanted[product_id] = wanted.get(product_id, 0) + quantity
    return user_id, wanted


def _as_items(wanted: Mapping[str, int]) -> Mapping[str, object]:
    return {"items": [{"product_id": product_id, "quantity": quantity} for product_id, quantity in wanted.items()]}


def _items(reply: Reply, wanted: Mapping[str, int]) -> Sequence[Item] | None:
    """The order's lines, in the order asked for; None when the product service's answer isn't about them."""
    products = reply.body.get("products")
    if not isinstance(products, list):
        return None
    try:
        known = {product["id"]: (str(product["name"]), Decimal(product["price"])) for product in products}
        return [Item(product_id, quantity, *known[product_id]) for product_id, quantity in wanted.items()]
    except (KeyError, TypeError, ArithmeticError):
        return None


def _placed(order: DictRow) -> Event:
    order_id = str(order["id"])
    items = [{"product_id": item["product_id"], "quantity": item["quantity"]} for item in order["items"]]
    about = {"user_id": order["user_id"], "total": float(order["total"]), "items": items}
    return Event(ORDER_PLACED, order_id, {"order_id": order_id} | about)


def main() -> None:
    """Serves on port 5003, or $PORT."""
    settings = read_settings("order", port=5003, can_misbehave=CAN["order"])
    dependencies = Dependencies(settings, ddl=DDL)
    service = OrderService(settings, pool=dependencies.pool, publisher=Publisher(settings.kafka_brokers))
    serve(settings, routes=service.routes(), dependencies=dependencies)


if __name__ == "__main__":
    main()
