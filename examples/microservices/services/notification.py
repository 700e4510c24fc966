"""The notification service: makes a notification of each event on user.created and order.placed, exactly one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.consumer import Consumer
from services.database import Pool
from services.dependencies import Dependencies
from services.misbehaviour import CAN
from services.settings import read_settings
from services.web import answer, serve

DDL = """
CREATE SCHEMA IF NOT EXISTS notification_service;
CREATE TABLE IF NOT EXISTS notification_service.notifications (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  event_id text NOT NULL UNIQUE,
  user_id text NOT NULL,
  type text NOT NULL,
  message text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS notifications_of_user ON notification_service.notifications (user_id)"""


class NotificationService:
    """The handler of /api/v1/notifications."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def routes(self) -> Sequence[Route]:
        """What the service answers."""
        return [Route("/api/v1/notifications/{user_id:uuid}", self.of_user, methods=["GET"])]

    async def of_user(self, request: Request) -> Response:
        """``{count, notifications}`` of a user, oldest first; a user of whom nothing is known has none."""
        user_id: UUID = request.path_params["user_id"]
        async with self._pool.connection() as connection:
            selected = await connection.execute(
                "SELECT * FROM notification_service.notifications WHERE user_id = %s ORDER BY created_at, id",
                [str(user_id)],
            )
            notifications = await selected.fetchall()
        return answer({"count": len(notifications), "notifications": notifications})


def main() -> None:
    """Serves on port 5004, or $PORT."""
    settings = read_settings("notification", port=5004, can_misbehave=CAN["notification"])
    dependencies = Dependencies(settings, ddl=DDL)
    dependencies.worker = Consumer(settings, dependencies.pool)
    serve(settings, routes=NotificationService(dependencies.pool).routes(), dependencies=dependencies)


if __name__ == "__main__":
    main()
