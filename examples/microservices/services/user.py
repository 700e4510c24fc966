"""The user service: creates and tells users, and publishes ``user.created``."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import DictRow
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.broker import USER_CREATED, Event, Publisher
from services.database import Pool
from services.dependencies import Dependencies
from services.misbehaviour import CAN, NOT_STORED
from services.settings import Settings, read_settings
from services.validation import Fields, Problem, fields_of, invalid
from services.web import answer, serve, trace_of
from services.wrong_events import publish

DDL = """
CREATE SCHEMA IF NOT EXISTS user_service;
CREATE TABLE IF NOT EXISTS user_service.users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
)"""
LIST_AT_MOST = 100


class UserService:
    """The handlers of /api/v1/users."""

    def __init__(self, settings: Settings, *, pool: Pool, publisher: Publisher) -> None:
        self._settings = settings
        self._pool = pool
        self._publisher = publisher

    def routes(self) -> Sequence[Route]:
        """What the service answers."""
        return [
            Route("/api/v1/users", self.create, methods=["POST"]),
            Route("/api/v1/users", self.list, methods=["GET"]),
            Route("/api/v1/users/{user_id:uuid}", self.get, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """``{name, email}`` -> 201 and the user, whose event is in Kafka by then; 409 when the e-mail is taken."""
        fields = await fields_of(request)
        name, email = fields.text("name"), _email(fields)
        async with self._pool.connection() as connection:
            inserted = await connection.execute(
                "INSERT INTO user_service.users (name, email) VALUES (%s, %s)"
                " ON CONFLICT (email) DO NOTHING RETURNING *",
                [name, email],
            )
            user = await inserted.fetchone()
            if NOT_STORED in self._settings.misbehave:
                await connection.rollback()
        if user is None:
            raise Problem(409, "duplicate_email", message=f"email: a user with {email} exists", field="email")
        await publish(self._publisher, _created(user), trace=trace_of(request), settings=self._settings)
        return answer(user, 201)

    async def get(self, request: Request) -> Response:
        """The user, or 404."""
        user_id: UUID = request.path_params["user_id"]
        async with self._pool.connection() as connection:
            selected = await connection.execute("SELECT * FROM user_service.users WHERE id = %s", [user_id])
            user = await selected.fetchone()
        if user is None:
            raise Problem(404, "user_not_found", message=f"no user {user_id}")
        return answer(user)

    async def list(self, _: Request) -> Response:
        """``{count, users}``: the newest 100."""
        async with self._pool.connection() as connection:
            selected = await connection.execute(
                "SELECT * FROM user_service.users ORDER BY created_at DESC, id LIMIT %s", [LIST_AT_MOST]
            )
            users = await selected.fetchall()
        return answer({"count": len(users), "users": users})


def _email(fields: Fields) -> str:
    email = fields.text("email")
    local, at, domain = email.partition("@")
    if not (local and at and domain) or any(character.isspace() for character in email):
        raise invalid("email", "an e-mail address is needed")
    return email


def _created(user: DictRow) -> Event:
    user_id = str(user["id"])
    return Event(USER_CREATED, user_id, {"user_id": user_id, "name": user["name"], "email": user["email"]})


def main() -> None:
    """Serves on port 5001, or $PORT."""
    settings = read_settings("user", port=5001, can_misbehave=CAN["user"])
    dependencies = Dependencies(settings, ddl=DDL)
    service = UserService(settings, pool=dependencies.pool, publisher=Publisher(settings.kafka_brokers))
    serve(settings, routes=service.routes(), dependencies=dependencies)


if __name__ == "__main__":
    main()
