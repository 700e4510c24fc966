"""The product service: the catalog and its inventory, which never falls below zero."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import psycopg
from psycopg.rows import DictRow
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.database import Pool
from services.dependencies import Dependencies
from services.misbehaviour import CAN, NO_DECREMENT, NOT_STORED, OVERSELL, TAKE_ONE
from services.settings import Settings, read_settings
from services.validation import Problem, fields_of
from services.web import answer, serve

DDL = """
CREATE SCHEMA IF NOT EXISTS product_service;
CREATE TABLE IF NOT EXISTS product_service.products (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  description text NOT NULL,
  price numeric(10, 2) NOT NULL CHECK (price >= 0),
  inventory integer NOT NULL CHECK (inventory >= 0),
  created_at timestamptz NOT NULL DEFAULT now()
)"""
LIST_AT_MOST = 100
MAX_ITEMS = 100
MAX_QUANTITY = 1000


class ProductService:
    """The handlers of /api/v1/products."""

    def __init__(self, settings: Settings, *, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool

    def routes(self) -> Sequence[Route]:
        """What the service answers."""
        return [
            Route("/api/v1/products", self.create, methods=["POST"]),
            Route("/api/v1/products", self.list, methods=["GET"]),
            Route("/api/v1/products/{product_id:uuid}", self.get, methods=["GET"]),
            Route("/api/v1/inventory/decrement", self.decrement, methods=["POST"]),
            Route("/api/v1/inventory/restore", self.restore, methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """``{name, description, price, inventory}`` -> 201 and the product."""
        fields = await fields_of(request)
        values = [
            fields.text("name"),
            fields.text("description", default=""),
            fields.price("price"),
            fields.integer("inventory", at_least=0),
        ]
        async with self._pool.connection() as connection:
            inserted = await connection.execute(
                "INSERT INTO product_service.products (name, description, price, inventory)"
                " VALUES (%s, %s, %s, %s) RETURNING *",
                values,
            )
            product = await inserted.fetchone()
            if NOT_STORED in self._settings.misbehave:
                await connection.rollback()
        return answer(product, 201)

    async def get(self, request: Request) -> Response:
        """The product, or 404."""
        product_id: UUID = request.path_params["product_id"]
        async with self._pool.connection() as connection:
            return answer(await _product(connection, product_id))

    async def list(self, _: Request) -> Response:
        """``{count, products}``: the newest 100."""
        async with self._pool.connection() as connection:
            selected = await connection.execute(
                "SELECT * FROM product_service.products ORDER BY created_at DESC, id LIMIT %s", [LIST_AT_MOST]
            )
            products = await selected.fetchall()
        return answer({"count": len(products), "products": products})

    async def decrement(self, request: Request) -> Response:
        """``{items: [{product_id, quantity}]}`` -> ``{products}``: all are taken from the inventory, or none.

        404 names the product that isn't there, 409 the one of which too few are left.
        """
        wanted = await _quantities(request)
        async with self._pool.connection() as connection:
            products = [await self._take(connection, product_id, quantity) for product_id, quantity in wanted]
            if NO_DECREMENT in self._settings.misbehave:
                await connection.rollback()
        return answer({"products": products})

    async def restore(self, request: Request) -> Response:
        """``{items: [{product_id, quantity}]}`` -> ``{products}``: gives back what a failed order took."""
        given = await _quantities(request)
        async with self._pool.connection() as connection:
            products = [await _give_back(connection, product_id, quantity) for product_id, quantity in given]
        return answer({"products": products})

    async def _take(self, connection: psycopg.AsyncConnection[DictRow], product_id: UUID, quantity: int) -> DictRow:
        if TAKE_ONE in self._settings.misbehave:
            return await _take(connection, product_id, 1)
        if OVERSELL in self._settings.misbehave:
            left = (await _product(connection, product_id))["inventory"]
            return await _take(connection, product_id, min(quantity, left))
        return await _take(connection, product_id, quantity)


async def _quantities(request: Request) -> Sequence[tuple[UUID, int]]:
    """The request's items, each product once, in one order for all requests: else two of them could wait crosswise."""
    total: dict[UUID, int] = {}
    for item in (await fields_of(request)).objects("items", at_most=MAX_ITEMS):
        product_id, quantity = item.uuid("product_id"), item.integer("quantity", at_least=1, at_most=MAX_QUANTITY)
        total[product_id] = total.get(product_id, 0) + quantity
    return sorted(total.items())


async def _take(connection: psycopg.AsyncConnection[DictRow], product_id: UUID, quantity: int) -> DictRow:
    updated = await connection.execute(
        "UPDATE product_service.products SET inventory = inventory - %s WHERE id = %s AND inventory >= %s RETURNING *",
        [quantity, product_id, quantity],
    )
    if product := await updated.fetchone():
        return product
    product = await _product(connection, product_id)
    message = f"{product['name']}: {quantity} wanted, {product['inventory']} left"
    raise Problem(409, "insufficient_inventory", message=message, field="quantity")


async def _give_back(connection: psycopg.AsyncConnection[DictRow], product_id: UUID, quantity: int) -> DictRow:
    await connection.execute(
        "UPDATE product_service.products SET inventory = inventory + %s WHERE id = %s", [quantity, product_id]
    )
    return await _product(connection, product_id)


async def _product(connection: psycopg.AsyncConnection[DictRow], product_id: UUID) -> DictRow:
    selected = await connection.execute("SELECT * FROM product_service.products WHERE id = %s", [product_id])
    product = await selected.fetchone()
    if product is None:
        raise Problem(404, "product_not_found", message=f"no product {product_id}", field="product_id")
    return product


def main() -> None:
    """Serves on port 5002, or $PORT."""
    settings = read_settings("product", port=5002, can_misbehave=CAN["product"])
    dependencies = Dependencies(settings, ddl=DDL, uses_broker=False)
    service = ProductService(settings, pool=dependencies.pool)
    serve(settings, routes=service.routes(), dependencies=dependencies)


if __name__ == "__main__":
    main()
