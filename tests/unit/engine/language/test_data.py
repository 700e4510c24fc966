"""``data``: the rows for which a flow is run, in the flow or in a file beside it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from support.checked import check, errors, head
from testmesh_engine.language.model import Flow, rows_of

USE = "assert: ['row.name == \"a\"']"


def flow_of(written: str, *, step: str = USE, files: dict[str, str] | None = None) -> Flow:
    """The flow with ``written`` at its head, which must be right."""
    checked = check(head(written, step=step), files=files)
    assert checked.flow is not None, "\n".join(problem.render() for problem in checked.problems)
    return checked.flow


def test_each_row_is_a_run_of_its_own() -> None:
    """And a flow without data is one run."""
    runs = rows_of(flow_of("data: {rows: [{name: a}, {name: b, n: 1}]}"))
    assert [(1, 2, ("name", "a")), (2, 2, ("name", "b"))] == [
        (run.row.number, run.row.count, run.row.first) for run in runs if run.row
    ]
    assert all(run.rows == () for run in runs)
    plain = flow_of("", step="assert: [duration_ms > 0]")
    assert (plain,) == rows_of(plain)


def test_values_of_a_csv_file_are_text() -> None:
    """Also where they look like numbers; quotes, commas and line ends within them are theirs."""
    csv = 'name, zip,note\r\na,02134,"x, ""y""\nz"\r\n\r\nb,1,\r\n'
    flow = flow_of("data: {file: users.csv}", files={"users.csv": csv})
    assert [
        {"name": "a", "zip": "02134", "note": 'x, "y"\nz'},
        {"name": "b", "zip": "1", "note": ""},
    ] == [row.values for row in flow.rows]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("r.json", '[{"name": "a", "n": 10.00, "on": "on"}]'),
        ("r.yaml", "- name: a\n  n: 10.00\n  on: on\n"),
        ("R.YML", "[{name: a, n: 10.00, on: on}]"),
    ],
)
def test_values_of_json_and_yaml_keep_their_kind(file: str, text: str) -> None:
    """Numbers are exact as written; what looks like a placeholder is data."""
    (row,) = flow_of(f"data: {{file: {file}}}", files={file: text}).rows
    assert {"name": "a", "n": Decimal("10.00"), "on": "on"} == row.values
    assert "10.00" == str(row.values["n"])
    (row,) = flow_of("data: {file: a.yaml}", files={"a.yaml": "- name: '${X}'"}).rows
    assert ({"name": "${X}"}, None) == (row.values, row.template)


@pytest.mark.parametrize(
    ("written", "files", "said"),
    [
        ("data: {rows: []}", {}, "rows is empty: the flow would not run at all"),
        ("data: {rows: [a]}", {}, 'a row is a map, found text "a"'),
        ("data: {rows: 5}", {}, "rows is a list, found the number 5"),
        ("data: {}", {}, "data has rows, or a file with them"),
        ("data: {rows: [{name: a}], file: a.csv}", {}, "data has rows or file, not both"),
        ("data: {row: []}", {}, 'data has no key "row"'),
        ("data: {file: a.txt}", {}, "a.txt is no .csv, .json, .yaml, .yml"),
        ("data: {file: a.csv}", {}, "a.csv can't be read: it is not there"),
        ("data: {file: '${A}.csv'}", {}, "file is read before any variable is known"),
        ("data: {file: a.csv}", {"a.csv": "name,b\nx\n"}, "a.csv:2: 1 values for 2 columns"),
        ("data: {file: a.csv}", {"a.csv": "name,name\nx,y\n"}, "a.csv:1: two columns are called name"),
        ("data: {file: a.csv}", {"a.csv": "name,\nx,y\n"}, "a.csv:1: column 2 has no name"),
        ("data: {file: a.csv}", {"a.csv": "name\n"}, "a.csv is empty: the flow would not run at all"),
        ("data: {file: a.csv}", {"a.csv": 'name\n"x\n'}, "a.csv:2: no CSV: unexpected end of data"),
        ("data: {file: a.json}", {"a.json": "{"}, "a.json is no JSON: "),
        ("data: {file: a.json}", {"a.json": '{"rows": []}'}, "a.json is a list, found a map"),
        ("data: {file: a.yaml}", {"a.yaml": "- a\n"}, 'a row is a map, found text "a"'),
        ("data: {rows: [{name: '${STEP}'}]}", {}, "unknown variable STEP"),
        ("data: {rows: [{name: '${'}]}", {}, "`${` is never closed"),
    ],
)
def test_what_is_wrong_with_data_is_said(written: str, files: dict[str, str], said: str) -> None:
    """Before anything runs."""
    found = errors(head(written), files=files)
    assert any(message.startswith(said) for message in found), found


def test_a_problem_in_a_file_of_rows_names_the_place_in_it() -> None:
    """Where it was written."""
    problem = check(head("data: {file: a.yaml}"), files={"a.yaml": "- {name: a}\n- b\n"}).problems[0]
    assert ("a.yaml", 2, 3) == (problem.file, problem.line, problem.column)


def test_a_column_that_no_row_has_is_an_error() -> None:
    """With the nearest one."""
    checked = check(head("data: {rows: [{user: a}, {mail: b}]}", step="assert: ['row.usr == row.mail']"))
    assert [("no row of data has usr", 'Did you mean "user"?')] == [(p.message, p.hint) for p in checked.problems]


def test_without_data_there_is_no_row() -> None:
    """It is a name like any other."""
    assert ["unknown variable row"] == errors(head("", step=USE))
