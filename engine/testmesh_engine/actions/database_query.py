"""``database_query``: SQL on PostgreSQL, MySQL, MariaDB or SQLite, over a connection that the flow's steps share."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

MAX_ROWS = 10_000
LEVELS = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


def _fault_of_transaction(value: object) -> str:
    if isinstance(value, bool) or _level(value) in LEVELS:
        return ""
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return ""  # of a placeholder
    levels = ", ".join(level.lower().replace(" ", "_") for level in LEVELS)
    return f"is true, false, or a level of isolation: {levels}"


def _level(value: object) -> str:
    return str(value).strip().upper().replace("_", " ").replace("-", " ")


QUERY_KEYS = (
    Key(
        name="connection",
        kind=Kind.ANY,
        required=True,
        doc=(
            "postgresql://user:password@host:5432/database, mysql:// or mariadb:// in the same form, "
            "sqlite:///file.db, sqlite:///:memory:; or a map of driver, host, port, user, password, database"
        ),
        aliases=("connection_string",),
        variables=("DB_URL", "DATABASE_URL"),
    ),
    Key(
        name="query",
        kind=Kind.TEXT,
        required=True,
        doc="one statement, or several with ; between them; parameters are $1, ? or :name",
    ),
    Key(
        name="params",
        kind=Kind.ANY,
        doc="a list for $1 or ?, a map for :name; beside ?, the operator ? is written ??",
        aliases=("named_params",),
    ),
    Key(
        name="transaction",
        kind=Kind.ANY,
        doc=(
            "whether the statements are one transaction, kept as a whole or not at all; true for several, false for "
            "one; or its isolation: read_committed, repeatable_read, serializable"
        ),
        fault=_fault_of_transaction,
    ),
    Key(
        name="max_rows",
        kind=Kind.INTEGER,
        doc="how many rows are kept of those that come; without it, more than 10,000 fail",
    ),
)
QUERY_RESULTS = {
    "rows": "a list of maps, one for each row, by column; a second column of one name is name_2",
    "row_count": "how many rows the statement returned, also those that max_rows cut off",
    "first_row": "the first row, nil where there is none",
    "rows_affected": "the server's number of rows inserted, updated, deleted, or selected; of several statements all "
    "that they changed",
    "columns": "the names of the columns, in order",
    "count": "row_count for a statement that returns rows, else rows_affected",
    "truncated": "whether max_rows cut off rows",
    "results": "only of several statements: rows, row_count, rows_affected and columns of each; the keys above are "
    "those of the last one that returns rows",
}


class DatabaseQuery:
    """Statements; what they return is read from the server's own text, so that numbers are exact."""

    spec = ActionSpec(
        name="database_query",
        doc="Runs SQL on PostgreSQL, MySQL, MariaDB or SQLite; several statements are one transaction.",
        example=(
            "- id: stored\n"
            "  action: database_query\n"
            "  config:\n"
            "    connection: postgresql://root:admin@localhost:5432/postgres\n"
            "    query: SELECT * FROM orders WHERE id = $1\n"
            "    params: [7]\n"
            "  assert: [row_count == 1, 'rows[0].total == 59.98']\n"
        ),
        keys=(
            *QUERY_KEYS,
            Key(name="timeout", kind=Kind.DURATION, doc="bounds connecting and the query", default="30s"),
        ),
        results=QUERY_RESULTS,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Run the query.

        Raises ``ServiceError`` where the server refuses it, ``PlatformError`` where the database can't be reached,
        is lost, fails or does not answer in time, and ``UsageError`` for what is no statement. A statement is sent
        once: it is never repeated after a loss.
        """
        return run_query(Config(self.spec, config), context)


def run_query(settings: Config, context: Context) -> Result:
    """What the config asks for, with the request noted; as :meth:`DatabaseQuery.run`."""
    from testmesh_engine.actions.sql_database import Limit  # noqa: PLC0415 - validating a flow needs none of it
    from testmesh_engine.actions.sql_query import Question, ask, shown_request  # noqa: PLC0415 - the same

    keep = _rows_to_keep(settings)
    wrapped, isolation = _transaction(settings.value("transaction"))
    query, params = settings.text("query"), settings.value("params")
    context.request = dict(shown_request(query, params))
    question = Question(
        connection=settings.value("connection"),
        query=query,
        params=params,
        transaction=wrapped,
        isolation=isolation,
        limit=Limit(kept_rows=keep) if keep else Limit(kept_rows=MAX_ROWS, most_rows=MAX_ROWS),
    )
    return ask(question, context)


def _rows_to_keep(settings: Config) -> int:
    """The author's ``max_rows``, 0 where there is none."""
    rows = settings.integer("max_rows", 0)
    if rows < 1 and settings.value("max_rows") is not None:
        raise UsageError(f"max_rows is 1 or more, found {rows}")
    return rows


def _transaction(value: Value) -> tuple[bool | None, str]:
    """Whether there is one, and its isolation in capitals."""
    if value is None or isinstance(value, bool):
        return value, ""
    word = _level(value)
    return (word != "FALSE", "") if word in ("TRUE", "FALSE") else (True, word)
