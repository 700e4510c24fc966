"""MySQL without a server: URLs, values, errors; what a server is needed for is in the integration tests."""

from __future__ import annotations

import ssl
from decimal import Decimal
from pathlib import Path

import pytest

from testmesh_engine.actions.sql_errors import Fault
from testmesh_engine.actions.sql_mysql_errors import diagnosis_of
from testmesh_engine.actions.sql_mysql_target import Target, target_of
from testmesh_engine.actions.sql_mysql_values import literal, read
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("expected", "connection"),
    [
        ("db:3306/shop as root", f"mysql://root:{SECRET}@db/shop"),
        ("db:3307/shop as root", f"mariadb://root:{SECRET}@db:3307/shop?charset=utf8mb4&parseTime=true"),
        ("localhost:3306", "mysql://"),
        ("db:3306/shop as ro", {"driver": "mysql", "host": "db", "user": "ro", "password": SECRET, "database": "shop"}),
    ],
)
def test_a_target_names_itself_without_its_password(expected: str, connection: Value) -> None:
    """Host, port, database and user are what a person needs; its repr says no more."""
    target = target_of(connection)
    assert expected == str(target)
    assert SECRET not in repr(target)


def test_the_parts_of_a_url_are_unescaped() -> None:
    """A password may hold any character."""
    expected = Target(host="::1", port=3307, user="a@b", password=":/?#%", database="x y")
    assert expected == target_of("mysql://a%40b:%3A%2F%3F%23%25@[::1]:3307/x%20y")


@pytest.mark.parametrize(
    "connection",
    [
        f"mysql://root:{SECRET}@{SECRET}@db/shop",
        f"mysql://root:{SECRET}#{SECRET}@db/shop",
        f"mysql://root:{SECRET}/{SECRET}@db/shop",
        f"mysql://root:{SECRET}",
        f"mysql://root:x@db/shop?{SECRET}=1",
        f"mysql://root:x@db/shop?ssl-mode={SECRET}",
        {"driver": "mysql", "passwort": SECRET},
        {"driver": "mysql", "password": [SECRET]},
        {"driver": "mysql", "port": SECRET},
    ],
)
def test_what_is_no_connection_is_refused_without_showing_it(connection: Value) -> None:
    """Any part of a malformed URL may be its password."""
    with pytest.raises(UsageError) as caught:
        target_of(connection)
    assert SECRET not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("mode", "verified", "named"),
    [
        ("preferred", ssl.CERT_NONE, False),
        ("REQUIRED", ssl.CERT_NONE, False),
        ("verify_ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
        ("true", ssl.CERT_REQUIRED, True),
    ],
)
def test_tls_is_as_strict_as_the_url_says(mode: str, verified: ssl.VerifyMode, *, named: bool) -> None:
    """In the words of MySQL, of libpq, and of Go."""
    context = target_of(f"mysql://db/shop?ssl-mode={mode}").context()
    assert context is not None
    assert (verified, named) == (context.verify_mode, context.check_hostname)


def test_tls_can_be_left_out() -> None:
    """Where the author says so."""
    assert target_of("mysql://db/shop?tls=false").context() is None


def test_certificates_are_found_beside_the_flow() -> None:
    """And one that is not there is named."""
    target = target_of("mysql://db/shop?ssl-ca=ca.pem", Path("/flows"))
    assert "/flows/ca.pem" == target.authority
    with pytest.raises(UsageError, match=r"can't be used: /flows/ca\.pem"):
        target.context()


@pytest.mark.parametrize(
    ("expected", "kind", "cell"),
    [
        (18446744073709551615, 8, "18446744073709551615"),
        (Decimal("59.90"), 246, "59.90"),
        (Decimal("1.5E+100"), 5, "1.5e100"),
        ("2024-01-02T01:04:05.500Z", 7, "2024-01-02 01:04:05.500"),
        ("2024-01-02T01:04:05", 12, "2024-01-02 01:04:05"),
        ("0000-00-00 00:00:00", 12, "0000-00-00 00:00:00"),
        ("0000-00-00 00:00:00", 7, "0000-00-00 00:00:00"),
        ("2024-01-02", 10, "2024-01-02"),
        ("-838:59:59", 11, "-838:59:59"),
        (261, 16, b"\x01\x05"),
        (b"\x01\x05", 252, b"\x01\x05"),
        ("02134", 253, "02134"),
        ({"a": [Decimal("1.50")]}, 245, '{"a": [1.50]}'),
        (None, 3, None),
    ],
)
def test_values_are_read_from_the_servers_text(expected: Value, kind: int, cell: str | bytes | None) -> None:
    """Numbers exact, times in ISO 8601, JSON parsed; TIMESTAMP is a moment, DATETIME is none."""
    assert expected == read(kind, cell)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("NULL", None),
        ("1", True),
        ("12345678901234567890123", 12345678901234567890123),
        ("59.90", Decimal("59.90")),
        ("x'00ff'", b"\x00\xff"),
        ("<a'b>", "a'b"),
        ('<{"a":1}>', {"a": 1}),
    ],
)
def test_parameters_stand_in_the_text(expected: str, value: Value) -> None:
    """What is text is quoted by the driver."""
    assert expected == literal(value, lambda text: f"<{text}>").replace(": ", ":")


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        (Fault.FLOW, 1064),
        (Fault.SERVICE, 1146),
        (Fault.SERVICE, 1062),
        (Fault.SERVICE, 1213),
        (Fault.TIMEOUT, 1969),
        (Fault.TIMEOUT, 3024),
        (Fault.PLATFORM, 1040),
        (Fault.PLATFORM, 1021),
        (Fault.ENDED, 1053),
        (Fault.ENDED, 1927),
    ],
)
def test_the_number_says_whose_fault_it_is(fault: Fault, number: int) -> None:
    """As the decision of 22 November 2026 has it for SQLSTATEs."""
    assert fault is diagnosis_of(number, "refused").fault
