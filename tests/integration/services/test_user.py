"""The user service: users, and the event of each."""

from __future__ import annotations

import psycopg
import pytest

from support.shop import Shop
from support.stack import Stack
from support.topics import Topics

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_created_user_can_be_read_again(shop: Shop, stack: Stack) -> None:
    """What POST answers is what GET finds."""
    created = shop.sign_up()
    read = shop.client.get(f"{stack.url('user')}/api/v1/users/{created.json()['id']}")
    assert (201, 200) == (created.status_code, read.status_code)
    assert created.json() == read.json()


def test_newest_user_heads_the_list(shop: Shop, stack: Stack) -> None:
    """The list begins with whom one has just created."""
    user_id = shop.user_id()
    listed = shop.client.get(f"{stack.url('user')}/api/v1/users").json()
    assert user_id == listed["users"][0]["id"]
    assert listed["count"] == len(listed["users"])


def test_user_created_is_in_the_topic_when_the_answer_comes(shop: Shop, topics: Topics) -> None:
    """A 201 means that the event is there, with key, trace and who it is about."""
    marks = topics.marks("user.created")
    user = shop.sign_up(traceparent=TRACEPARENT).json()
    (event,) = topics.since("user.created", marks)
    assert user["id"] == event.key
    assert {"traceparent": TRACEPARENT} == event.headers
    assert ("user.created", user["id"], user["email"]) == tuple(event.value[n] for n in ("type", "user_id", "email"))


def test_request_without_a_trace_makes_an_event_without_one(shop: Shop, topics: Topics) -> None:
    """Nothing is made up."""
    marks = topics.marks("user.created")
    shop.sign_up()
    (event,) = topics.since("user.created", marks)
    assert {} == event.headers


def test_second_user_with_an_email_is_a_conflict_and_no_event(shop: Shop, stack: Stack, topics: Topics) -> None:
    """The field is named, and nobody is told of a user who isn't there."""
    email = shop.sign_up().json()["email"]
    marks = topics.marks("user.created")
    answer = shop.post(f"{stack.url('user')}/api/v1/users", {"name": "Other", "email": email})
    assert (409, "duplicate_email", "email") == (answer.status_code, answer.json()["error"], answer.json()["field"])
    assert [] == topics.since("user.created", marks)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "a@example.com"}, "name"),
        ({"name": " ", "email": "a@example.com"}, "name"),
        ({"name": "A\x00", "email": "a@example.com"}, "name"),
        ({"name": "A"}, "email"),
        ({"name": "A", "email": 7}, "email"),
        ({"name": "A", "email": "nobody"}, "email"),
    ],
)
def test_wrong_field_is_named(shop: Shop, stack: Stack, body: object, field: str) -> None:
    """A 400 says which field is to blame."""
    answer = shop.post(f"{stack.url('user')}/api/v1/users", body)
    assert (400, field) == (answer.status_code, answer.json()["field"])
    assert answer.json()["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"name": NaN}', b"[" * 100_000])
def test_body_that_is_no_json_object_is_refused(shop: Shop, stack: Stack, body: bytes) -> None:
    """Nothing of what a client may send ends as a 500."""
    answer = shop.client.post(f"{stack.url('user')}/api/v1/users", content=body)
    assert (400, "invalid") == (answer.status_code, answer.json()["error"])


def test_body_that_is_too_large_is_refused(shop: Shop, stack: Stack) -> None:
    """In the same form as every error."""
    answer = shop.client.post(f"{stack.url('user')}/api/v1/users", content=b" " * 2_000_000)
    assert (413, "too_large") == (answer.status_code, answer.json()["error"])


@pytest.mark.parametrize("user_id", ["00000000-0000-0000-0000-000000000000", "7", "john"])
def test_unknown_user_is_not_found(shop: Shop, stack: Stack, user_id: str) -> None:
    """Also where the id can't be one."""
    answer = shop.client.get(f"{stack.url('user')}/api/v1/users/{user_id}")
    assert 404 == answer.status_code
    assert answer.json()["message"]


def test_database_has_what_was_sent(shop: Shop, database: psycopg.Connection) -> None:
    """The row is there, its id no text: the seed's flow casts it."""
    user = shop.sign_up().json()
    row = database.execute(
        "SELECT name, email, pg_typeof(id)::text FROM user_service.users WHERE id = %s", [user["id"]]
    ).fetchone()
    assert (user["name"], user["email"], "uuid") == row
