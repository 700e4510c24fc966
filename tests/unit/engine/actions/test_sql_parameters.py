"""Binding parameters: what is a place for one, and what only looks like it."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.sql_parameters import bind as bind_all
from testmesh_engine.actions.sql_scanner import POSTGRESQL, Dialect
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

LOOKALIKES = [
    "'$1 ? :id'",
    "'it''s ? :id'",
    r"E'a\'b ? :id'",
    '"col ? :id"',
    '"say ""? :id"""',
    "$$ ? :id $1 $$",
    "$body$ ? :id $$ $1 $body$",
    "-- ? :id $1\n",
    "/* ? /* $1 */ :id */",
    "U&'? :id'",
]


Bound = tuple[str, tuple[Value, ...]]


def bound(text: str, *values: Value) -> Bound:
    """The statement that is expected."""
    return text, values


def bind(query: str, params: Value, dialect: Dialect = POSTGRESQL) -> Bound:
    """What is made of a query of one statement."""
    [statement] = bind_all(query, params, dialect)
    return statement.text, statement.values


def test_numbered_places_go_to_the_server_as_they_stand() -> None:
    """PostgreSQL's own spelling is never rewritten, whatever stands beside it."""
    query = "SELECT * FROM t WHERE tags @> $1 AND doc ? 'k' AND id = $2::uuid AND name LIKE '%a%'"
    assert bound(query, "{a}", "x") == bind(query, ["{a}", "x"])


def test_without_parameters_nothing_is_rewritten() -> None:
    """The JSON operator ? and slices stay when the step has no params."""
    query = "SELECT doc ? 'a', a[1:2] FROM t"
    assert bound(query) == bind(query, None)
    assert bound(query) == bind(query, [])


def test_questions_are_places_where_there_is_no_numbered_one() -> None:
    """Each ? is the next value, and ?? is the operator."""
    assert bound("SELECT doc ? 'a' WHERE x=$1 AND y = $2::text", 1, "b") == bind(
        "SELECT doc ?? 'a' WHERE x=? AND y = ?::text", [1, "b"]
    )


def test_names_are_places_for_the_maps_values() -> None:
    """A name that is used twice is sent once."""
    assert bound("SELECT $1::text, $2, $1", "a", 5) == bind("SELECT :name::text, :id, :name", {"id": 5, "name": "a"})


def test_casts_assignments_and_slices_are_no_names() -> None:
    """A colon that means something else is left alone, also beside a name that is a key."""
    assert bound("SELECT x::id, f(a := $1), s[1:id], s[:id], s[lo(:other):id]", 7) == bind(
        "SELECT x::id, f(a := :id), s[1:id], s[:id], s[lo(:other):id]", {"id": 7}
    )


def test_names_stand_in_array_constructors_and_calls() -> None:
    """Brackets that make an array hold parameters, and so do parentheses within a subscript."""
    assert bound("SELECT ARRAY[$1, $2], ARRAY[[$1],[$2]], s[f($1)]", 1, 2) == bind(
        "SELECT ARRAY[:a, :b], ARRAY[[:a],[:b]], s[f(:a)]", {"a": 1, "b": 2}
    )


@pytest.mark.parametrize("lookalike", LOOKALIKES)
def test_nothing_within_quotes_and_comments_is_a_place(lookalike: str) -> None:
    """All three spellings are ordinary characters there."""
    assert bound(f"SELECT {lookalike} , $1", 1) == bind(f"SELECT {lookalike} , $1", [1])
    assert bound(f"SELECT {lookalike} , $1", 1) == bind(f"SELECT {lookalike} , ?", [1])
    assert bound(f"SELECT {lookalike} , $1", 1) == bind(f"SELECT {lookalike} , :id", {"id": 1})


@pytest.mark.parametrize(
    ("query", "params", "message"),
    [
        ("SELECT $1, $3", [1, 2], "the query uses $3, and params has 2 values"),
        ("SELECT $2", [1], "the query uses $2, and params has 1 value"),
        ("SELECT $1", None, "the query uses $1, and the step has no params"),
        ("SELECT $0", [1], "the query uses $0, and params has 1 value"),
        ("SELECT $1", [1, 2], "params has 2 values, and the query never uses $2"),
        ("SELECT 1", [1], "params has 1 value, and the query has 0 places for them"),
        ("SELECT ?, ?", [1], "params has 1 value, and the query has 2 places for them"),
        ("SELECT :userid", {"user_id": 1}, "params has user_id, and the query has no :user_id"),
        ("SELECT $1, :a", {"a": 1}, "the query uses $1, and params is a map"),
        ("SELECT $1", "5", "params is a list for $1, $2 … or a map for :name, found text"),
        ("SELECT '\0'", None, "the query holds a zero character"),
    ],
)
def test_places_and_values_must_agree(query: str, params: Value, message: str) -> None:
    """A value without a place, or a place without a value, is refused before anything is sent."""
    with pytest.raises(UsageError) as caught:
        bind(query, params)
    assert message == caught.value.message


def test_a_misspelt_name_is_pointed_out() -> None:
    """The hint shows the name that the query has."""
    with pytest.raises(UsageError) as caught:
        bind("SELECT :userid", {"user_id": 1})
    assert "It has :userid." == caught.value.hint


def test_an_unterminated_quote_is_left_to_the_server() -> None:
    """The server says where it begins; binding must only come to an end."""
    assert bound("SELECT $1, 'abc", 1) == bind("SELECT $1, 'abc", [1])
