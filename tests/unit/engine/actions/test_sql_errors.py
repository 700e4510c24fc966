"""Whose fault a refused statement is, and what the message says."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.sql_errors import Asked, Diagnosis, Fault, error_of, excerpt
from testmesh_engine.actions.sql_parameters import bind
from testmesh_engine.actions.sql_postgresql_errors import fault_of
from testmesh_engine.actions.sql_scanner import POSTGRESQL
from testmesh_engine.errors import ActionError, PlatformError, ServiceError, TestMeshError, UsageError

DATABASE = "db:5432/shop as tester"


def diagnosis(fault: Fault = Fault.SERVICE, **more: str | int) -> Diagnosis:
    """What the server says, here in one word."""
    return Diagnosis(**{"code": "SQLSTATE 42703", "message": "refused", "fault": fault, **more})  # type: ignore[arg-type]  # by field name


def asked(query: str = "SELECT 1", **more: str) -> Asked:
    """What was refused."""
    [*_, statement] = bind(query, None, POSTGRESQL)
    return Asked(database=DATABASE, statement=statement, **more)


@pytest.mark.parametrize(
    ("fault", "sqlstate", "more"),
    [
        (Fault.SERVICE, "42P01", {}),
        (Fault.SERVICE, "23505", {}),
        (Fault.SERVICE, "42501", {}),
        (Fault.SERVICE, "40P01", {}),
        (Fault.SERVICE, "42601", {"context": "PL/pgSQL function f() line 1"}),
        (Fault.FLOW, "42601", {}),
        (Fault.FLOW, "25001", {}),
        (Fault.TIMEOUT, "57014", {}),
        (Fault.PLATFORM, "53100", {}),
        (Fault.PLATFORM, "XX000", {}),
        (Fault.ENDED, "57P01", {"severity": "FATAL"}),
        (Fault.ENDED, "42P01", {"severity": "PANIC"}),
    ],
)
def test_the_sqlstate_says_whose_fault_it_is(fault: Fault, sqlstate: str, more: dict[str, str]) -> None:
    """The table of the decision of 22 November 2026."""
    assert fault is fault_of(sqlstate, **more)


@pytest.mark.parametrize(
    ("branch", "kind", "fault"),
    [
        (ServiceError, "query_error", Fault.SERVICE),
        (UsageError, "", Fault.FLOW),
        (PlatformError, "timeout", Fault.TIMEOUT),
        (PlatformError, "query_error", Fault.PLATFORM),
        (PlatformError, "connection_error", Fault.ENDED),
    ],
)
def test_the_fault_says_how_the_run_ends(branch: type[TestMeshError], kind: str, fault: Fault) -> None:
    """Exit 1 for a failed test, 2 for a wrong flow, 3 for the platform."""
    error = error_of(diagnosis(fault), asked())
    assert (branch, kind) == (type(error), error.kind if isinstance(error, ActionError) else "")


def test_the_message_has_the_code_the_place_the_detail_and_the_hint() -> None:
    """All that the server said is in one line, with the query's line around the place."""
    said = diagnosis(message='column "emial" does not exist', position=17, hint="Did you mean email?")
    error = error_of(said, asked("SELECT id,\n     emial\nFROM users"))
    assert (
        'the database refused the query: column "emial" does not exist (SQLSTATE 42703) at line 2, column 6: >>>emial'
        == error.message
    )
    assert "Did you mean email?" == error.hint


def test_a_place_counts_from_the_start_of_the_whole_query() -> None:
    """A statement is sent by itself, and its author wrote several."""
    error = error_of(diagnosis(position=9), asked("SELECT 1;\nSELECT x", what="statement 2 of 2", undone="; undone"))
    expected = (
        "the database refused statement 2 of 2: refused (SQLSTATE 42703) at line 2, column 8: SELECT >>>x; undone"
    )
    assert expected == error.message


def test_a_detail_follows_the_message() -> None:
    """A violated constraint names the values."""
    said = diagnosis(message="duplicate key", detail="Key (id)=(1) already exists.")
    expected = "the database refused the query: duplicate key (SQLSTATE 42703). Key (id)=(1) already exists."
    assert expected == error_of(said, asked()).message


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
