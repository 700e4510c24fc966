"""Whose fault a refused statement is, and what the message says."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.sql_errors import Diagnosis, error_of, excerpt
from testmesh_engine.errors import ActionError, PlatformError, ServiceError, TestMeshError, UsageError

DATABASE = "db:5432/shop as tester"


def diagnosis(sqlstate: str, **more: str | int) -> Diagnosis:
    """What the server says, here in one word."""
    return Diagnosis(**{"sqlstate": sqlstate, "message": "refused", **more})  # type: ignore[arg-type]  # by field name


@pytest.mark.parametrize(
    ("branch", "kind", "said"),
    [
        (ServiceError, "query_error", diagnosis("42P01")),
        (ServiceError, "query_error", diagnosis("42703", position=3)),
        (ServiceError, "query_error", diagnosis("23505")),
        (ServiceError, "query_error", diagnosis("42501")),
        (ServiceError, "query_error", diagnosis("40P01")),
        (ServiceError, "query_error", diagnosis("42601", context="PL/pgSQL function f() line 1")),
        (UsageError, "", diagnosis("42601", position=1)),
        (UsageError, "", diagnosis("42601")),
        (PlatformError, "timeout", diagnosis("57014")),
        (PlatformError, "query_error", diagnosis("53100")),
        (PlatformError, "query_error", diagnosis("XX000")),
        (PlatformError, "connection_error", diagnosis("57P01", severity="FATAL")),
        (PlatformError, "connection_error", diagnosis("42P01", severity="PANIC")),
    ],
)
def test_the_sqlstate_says_whose_fault_it_is(branch: type[TestMeshError], kind: str, said: Diagnosis) -> None:
    """The table of the decision of 22 November 2026."""
    error = error_of(said, "SELECT 1", database=DATABASE)
    assert (branch, kind) == (type(error), error.kind if isinstance(error, ActionError) else "")


def test_the_message_has_the_code_the_place_the_detail_and_the_hint() -> None:
    """All that the server said is in one line, with the query's line around the place."""
    said = diagnosis("42703", message='column "emial" does not exist', position=17, hint="Did you mean email?")
    error = error_of(said, "SELECT id,\n     emial\nFROM users", database=DATABASE)
    assert (
        'the database refused the query: column "emial" does not exist (SQLSTATE 42703) at line 2, column 6: >>>emial'
        == error.message
    )
    assert "Did you mean email?" == error.hint


def test_a_detail_follows_the_message() -> None:
    """A violated constraint names the values."""
    said = diagnosis("23505", message="duplicate key", detail="Key (id)=(1) already exists.")
    expected = "the database refused the query: duplicate key (SQLSTATE 23505). Key (id)=(1) already exists."
    assert expected == error_of(said, "", database=DATABASE).message


def test_several_statements_are_explained() -> None:
    """The server's own words speak of prepared statements, which the author never wrote."""
    error = error_of(diagnosis("42601"), "SELECT 1; SELECT 2", database=DATABASE)
    assert "A query is one statement: write a step for each." == error.hint


@pytest.mark.parametrize(
    ("expected", "query", "position"),
    [
        ("", "SELECT 1", 0),
        ("", "SELECT 1", 99),
        (" at line 1, column 8: SELECT >>>x", "SELECT x", 8),
        (" at line 1, column 9: SELECT x>>>", "SELECT x", 9),
        (" at line 2, column 3: >>>b", "a\n  b\nc", 5),
        (f" at line 1, column 101: …{'a' * 40}>>>{'b' * 40}…", "a" * 100 + "b" * 100, 101),
    ],
)
def test_the_excerpt_is_one_line_with_a_mark(expected: str, query: str, position: int) -> None:
    """Long lines are cut on both sides."""
    assert expected == excerpt(query, position)
