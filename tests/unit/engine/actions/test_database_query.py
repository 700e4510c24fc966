"""The declaration of database_query, and what it refuses before it connects."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from testmesh_engine.actions.base import Connections, Context, Counters
from testmesh_engine.actions.database_query import DatabaseQuery
from testmesh_engine.actions.sql_query import distinct
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

NOWHERE = "postgresql://root:s3cret@127.0.0.1:1/postgres"


@pytest.fixture
def context() -> Iterator[Context]:
    """An attempt of a step."""
    interrupt = Interrupt()
    yield Context(
        step="ask",
        deadline=Deadline.after(5, "config.timeout"),
        interrupt=interrupt,
        connections=Connections(),
        counters=Counters(),
        holds=lambda _: True,
    )
    interrupt.close()


def test_the_declaration_imports_no_driver() -> None:
    """Validating a flow must not pay for psycopg."""
    code = (
        "import sys; from testmesh_engine.actions.database_query import DatabaseQuery; "
        "assert DatabaseQuery.spec; sys.exit('psycopg' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_a_missing_driver_says_what_to_install(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver is an extra of the distribution."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError) as caught:
        DatabaseQuery().run({"connection": NOWHERE, "query": "SELECT 1"}, context)
    assert "Install it with: pip install 'testmesh[postgresql]'" == caught.value.hint


def test_the_aliases_of_the_language_are_there() -> None:
    """connection_string is the original's name of connection."""
    spec = DatabaseQuery.spec
    assert spec.key("connection") == spec.key("connection_string")
    assert spec.key("params") == spec.key("named_params")


def test_the_request_is_noted_before_it_is_sent(context: Context) -> None:
    """A report of a failed connection shows the query, and never the connection."""
    with pytest.raises(
        Exception, match=r"can't connect to 127\.0\.0\.1:1/postgres as root: Connection refused"
    ) as caught:
        DatabaseQuery().run({"connection": NOWHERE, "query": "SELECT $1", "params": [5]}, context)
    assert {"query": "SELECT $1", "params": [5]} == context.request
    assert "s3cret" not in str(caught.getrepr(chain=True))
    assert 1 == context.counters.sql_statements


@pytest.mark.parametrize("rows", [0, -1])
def test_keeping_no_rows_is_refused(context: Context, rows: Value) -> None:
    """A bound of nothing would hide every row."""
    with pytest.raises(UsageError, match="max_rows is 1 or more"):
        DatabaseQuery().run({"connection": NOWHERE, "query": "SELECT 1", "max_rows": rows}, context)


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        (["id", "name"], ["id", "name"]),
        (["id", "id_2", "id_3"], ["id", "id", "id"]),
        (["id", "id_3", "id_2"], ["id", "id", "id_2"]),
        (["?column?", "?column?_2"], ["?column?", "?column?"]),
    ],
)
def test_a_second_column_of_one_name_has_a_number(expected: list[str], names: list[str]) -> None:
    """No column hides another, and a column that has such a name by itself keeps it."""
    assert expected == distinct(names)
