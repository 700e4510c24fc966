"""A service to test: orders, kept in memory. ``python orders.py`` serves http://localhost:8080 until Ctrl-C.

``--wrong-total`` adds one to each total: the bug that the flow beside this file finds.
"""

from __future__ import annotations

import argparse
import json
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import ClassVar

PRICE = Decimal("29.99")


class Orders(BaseHTTPRequestHandler):
    """``/orders`` takes POST and GET, ``/orders/ID`` GET and DELETE. Once it was looked at, an order is paid."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    orders: ClassVar[dict[int, dict[str, object]]] = {}
    ids: ClassVar[count[int]] = count(1)
    surcharge: ClassVar[Decimal] = Decimal(0)

    def do_POST(self) -> None:
        """Take an order: ``{customer, quantity}``."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        quantity = asked.get("quantity")
        if type(quantity) is not int or quantity < 1:
            self._answer(422, {"error": "quantity must be a number from 1"})
            return
        total = quantity * PRICE + self.surcharge
        order = {"id": next(self.ids), **asked, "total": float(total), "status": "pending"}
        self.orders[order["id"]] = order
        self._answer(201, order)

    def do_GET(self) -> None:
        """One order, or all."""
        if self.path == "/orders":
            self._answer(200, {"items": list(self.orders.values())})
            return
        order = self.orders.get(self._id())
        self._answer(200 if order else 404, order or {"error": "no such order"})
        if order:
            order["status"] = "paid"

    def do_DELETE(self) -> None:
        """Forget one order."""
        known = self.orders.pop(self._id(), None) is not None
        self._answer(200 if known else 404, {"deleted": known})

    def _id(self) -> int:
        text = self.path.rpartition("/")[2]
        return int(text) if text.isdecimal() else 0

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Orders, kept in memory.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--wrong-total", action="store_true", help="add one to each total")
    options = parser.parse_args()
    Orders.surcharge = Decimal(1 if options.wrong_total else 0)
    with ThreadingHTTPServer(("127.0.0.1", options.port), Orders) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
