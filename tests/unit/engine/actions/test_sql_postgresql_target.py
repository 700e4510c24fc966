"""Which database a connection means, and that its password is never said."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.sql_postgresql_target import target_of
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("expected", "connection"),
    [
        ("localhost:5432/postgres as root", f"postgresql://root:{SECRET}@localhost:5432/postgres"),
        ("db:5433/shop as root", f"postgres://root:{SECRET}@db:5433/shop?sslmode=disable"),
        ("localhost:5432/shop", "postgresql:///shop"),
        ("a:1,b:2/shop as root", f"postgresql://root:{SECRET}@a:1,b:2/shop"),
        ("::1:5432/shop as root", f"postgresql://root:{SECRET}%40%2F@[::1]/shop"),
        ("localhost:5432/root as root", {"user": "root", "password": SECRET}),
        ("db:6432/shop as root", {"host": "db", "port": 6432, "user": "root", "password": SECRET, "database": "shop"}),
    ],
)
def test_a_target_names_itself_without_its_password(expected: str, connection: Value) -> None:
    """Host, port, database and user are what a person needs; its repr says no more."""
    target = target_of(connection)
    assert expected == str(target)
    assert SECRET not in repr(target)


def test_libpq_gets_the_address_and_the_password() -> None:
    """The host stays beside its address: certificates are checked against it."""
    target = target_of(f"postgresql://root:{SECRET}%40x@db/shop?sslmode=verify-full")
    found = target.conninfo("db", "5432", "127.0.0.1")
    for part in (
        f"password={SECRET}@x",
        "host=db",
        "hostaddr=127.0.0.1",
        "sslmode=verify-full",
        "client_encoding=UTF8",
    ):
        assert part in found


@pytest.mark.parametrize(
    "connection",
    [
        f"mysql://root:{SECRET}@db/shop",
        f"host=db password={SECRET}",
        f"postgresql://root:{SECRET}@{SECRET}@db/shop",
        f"postgresql://root:{SECRET}/{SECRET}@db/shop",
        f"postgresql://root:{SECRET}?{SECRET}@db/shop",
        f"postgresql://root:{SECRET}",
        f"postgresql://root:%{SECRET}@db/shop",
        f"postgresql://root:{SECRET}@db/shop?schema={SECRET}",
        {"host": "db", "passwort": SECRET},
        {"host": "db", "password": [SECRET]},
        {"host": "db", "port": SECRET},
        [SECRET],
        None,
    ],
)
def test_what_is_no_connection_is_refused_without_showing_it(connection: Value) -> None:
    """Any part of a malformed URL may be its password."""
    with pytest.raises(UsageError) as caught:
        target_of(connection)
    assert SECRET not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_nearest_key_is_named() -> None:
    """A misspelt key of the object form is shown beside the right one."""
    with pytest.raises(UsageError) as caught:
        target_of({"pasword": SECRET})
    assert 'connection has no key "pasword"' == caught.value.message
    assert "Did you mean password?" == caught.value.hint
