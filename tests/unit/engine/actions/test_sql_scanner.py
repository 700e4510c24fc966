"""Splitting a query into its statements: which semicolon ends one, in each dialect."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.sql_parameters import bind
from testmesh_engine.actions.sql_scanner import MYSQL, POSTGRESQL, SQLITE, Dialect, scan
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

ALL = (POSTGRESQL, MYSQL, SQLITE)


def parts(query: str, dialect: Dialect = POSTGRESQL, params: Value = None) -> list[tuple[str, tuple[Value, ...]]]:
    """Each statement's text and values."""
    return [(statement.text.strip(), statement.values) for statement in bind(query, params, dialect)]


def texts(query: str, dialect: Dialect = POSTGRESQL) -> list[str]:
    """Each statement's text."""
    return [text for text, _ in parts(query, dialect)]


@pytest.mark.parametrize("dialect", ALL)
def test_statements_stand_between_semicolons(dialect: Dialect) -> None:
    """Empty ones, and those that are only a comment, are none."""
    query = "SELECT 1;; -- nothing; here\n;/* nor; here */;\n SELECT 2 ; \n"
    assert ["SELECT 1", "SELECT 2"] == texts(query, dialect)


@pytest.mark.parametrize(
    ("dialect", "quoted"),
    [
        *((dialect, quoted) for dialect in ALL for quoted in ("'a;b'", "'it''s;'", '"a;b"', "/* ; */ 1", "(1;2)")),
        (POSTGRESQL, "$$a;b$$"),
        (POSTGRESQL, "$x$a;$$;b$x$"),
        (POSTGRESQL, r"E'a\';b'"),
        (POSTGRESQL, "/* /* ; */ ; */ 1"),
        (MYSQL, r"'a\';b'"),
        (MYSQL, r'"a\";b"'),
        (MYSQL, "`a;b`"),
        (MYSQL, "1 # ;\n"),
        (MYSQL, "1 -- ;\n"),
        (SQLITE, "[a;b]"),
        (SQLITE, "`a;b`"),
    ],
)
def test_a_semicolon_within_quotes_comments_and_parentheses_ends_nothing(dialect: Dialect, quoted: str) -> None:
    """As the database's own scanner sees it."""
    assert 2 == len(texts(f"SELECT {quoted}; SELECT 2", dialect))


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        (POSTGRESQL, "SELECT 'a\\'; SELECT 'b'"),  # a backslash means nothing here
        (SQLITE, "SELECT 'a\\'; SELECT 'b'"),
        (MYSQL, "SELECT 5--1; SELECT 2"),  # minus minus one
        (MYSQL, "SELECT /* /* */ 1; SELECT 2 /* */"),  # comments do not nest
        (SQLITE, "SELECT /* /* */ 1; SELECT 2 /* */"),
    ],
)
def test_what_quotes_in_one_database_does_not_in_another(dialect: Dialect, text: str) -> None:
    """A wrong dialect would swallow the second statement."""
    assert 2 == len(texts(text, dialect))


@pytest.mark.parametrize(
    ("dialect", "routine"),
    [
        (POSTGRESQL, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END"),
        (POSTGRESQL, "CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ BEGIN RETURN 1; END; $$ LANGUAGE plpgsql"),
        (SQLITE, "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE b WHEN 1 THEN 2 END; SELECT 1; END"),
        (SQLITE, "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END"),
        (MYSQL, "CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; WHILE x DO SELECT 2; END WHILE; END"),
        (
            MYSQL,
            "CREATE DEFINER = 'a'@'b' PROCEDURE p() BEGIN SELECT 1; CASE x WHEN 1 THEN SELECT 2; END CASE; END",
        ),
    ],
)
def test_the_body_of_a_routine_is_one_statement(dialect: Dialect, routine: str) -> None:
    """Its semicolons are its own."""
    assert [routine, "SELECT 9"] == texts(f"{routine};\nSELECT 9", dialect)


@pytest.mark.parametrize(
    "query", ["BEGIN; SELECT 1; END; SELECT 2", "CREATE TABLE event (b int); SELECT 1; SELECT 2; SELECT 3"]
)
def test_words_of_routines_elsewhere_hold_nothing_together(query: str) -> None:
    """A transaction's BEGIN, and a table that is called like a kind of routine."""
    assert 4 == len(texts(query))


def test_each_statement_has_the_parameters_that_it_uses() -> None:
    """Numbered anew from 1, as a statement by itself must be; a value may go to several."""
    assert [("INSERT INTO a VALUES ($1, $2)", (1, "x")), ("SELECT $1 + $2, $1", (1, 5)), ("SELECT 3", ())] == parts(
        "INSERT INTO a VALUES ($1, $2); SELECT $1 + $3, $1; SELECT 3", params=[1, "x", 5]
    )
    assert [("SELECT $1", (1,)), ("SELECT $1, $2", (2, 3))] == parts("SELECT ?; SELECT ?, ?", params=[1, 2, 3])
    assert [("SELECT $1", ("x",)), ("SELECT $1, $2", ("x", "y"))] == parts(
        "SELECT :a; SELECT :a, :b", params={"a": "x", "b": "y"}
    )


@pytest.mark.parametrize("query", ["", " ; -- nothing\n", "/* nothing */"])
def test_a_query_without_a_statement_is_refused(query: str) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match="the query is empty: it holds no statement"):
        bind(query, None, POSTGRESQL)


@pytest.mark.parametrize("dialect", ALL)
@pytest.mark.parametrize("query", ["SELECT 'a; b", "SELECT $x$ ;", "/* ;", "SELECT (1;", "é;\x01[", 'SELECT "a\\'])
def test_what_is_never_closed_is_all_there(dialect: Dialect, query: str) -> None:
    """Whatever stands in it, the tokens are the query: the server says what is wrong."""
    assert query == "".join(token.text for token in scan(query, dialect))


def test_places_of_other_drivers_are_the_same_in_all_dialects() -> None:
    """Whoever moves a flow from one database to another need not write its parameters anew."""
    for dialect in ALL:
        for query, params in (("SELECT $1", [5]), ("SELECT ?", [5]), ("SELECT :a", {"a": 5})):
            assert [("SELECT $1", (5,))] == parts(query, dialect, params)
