"""database_query against a real MariaDB: values, parameters, transactions, errors, TLS, and an end to every wait."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pymysql
import pytest

from support.certificates import Authority, authority
from support.mariadb import DATABASE, PASSWORD, USER, database_url, mariadb
from support.ports import HOST, free_port
from support.process import Process
from support.sql import SqlFlow
from testmesh_engine.errors import Interrupted, PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value

SLACK_SECONDS = 2.0  # of a busy machine
TABLE = """
DROP TABLE IF EXISTS orders;
CREATE TABLE orders (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, total DECIMAL(10,2), zip VARCHAR(20), paid BOOLEAN, doc JSON,
  at TIMESTAMP(3) NULL, local DATETIME NULL, day DATE, hour TIME, ratio DOUBLE, bits BIT(9), raw BLOB, year YEAR,
  state ENUM('new', 'paid')
) ENGINE = InnoDB CHARACTER SET utf8mb4
"""


class Server:
    """A running server, under TLS as well, and who signed its certificate."""

    def __init__(self, process: Process, port: int, signer: Authority) -> None:
        self.process = process
        self.port = port
        self.url = database_url(port)
        self.signer = signer

    def connect(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """Somebody else's connection."""
        return pymysql.connect(
            host=HOST, port=self.port, user=USER, password=PASSWORD, database=DATABASE, autocommit=True
        )

    def asked(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of somebody else's query."""
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.execute(sql)
            rows = list(cursor.fetchall())
        connection.close()
        return rows


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the tests of this file."""
    folder, port = tmp_path_factory.mktemp("mariadb"), free_port()
    folder.chmod(0o755)
    for parent in folder.parents[:2]:
        parent.chmod(0o755)  # the server is another user
    signer = authority(folder)
    own = signer.issue("server", alternatives="DNS:localhost")
    own.key.chmod(0o644)
    settings = (f"--ssl-cert={own.certificate}", f"--ssl-key={own.key}", f"--ssl-ca={signer.pair.certificate}")
    with mariadb(port, logs=folder, settings=settings) as process:
        yield Server(process, port, signer)


@pytest.fixture
def flow(server: Server) -> Iterator[SqlFlow]:
    """A flow on it, and an empty table."""
    flow = SqlFlow(server.url)
    flow.ask(TABLE)
    yield flow
    flow.close()


# Values and parameters


def test_values_are_exact(flow: SqlFlow) -> None:
    """Numbers to their last digit, times in ISO 8601, bytes as bytes; booleans are 0 and 1, and JSON is text."""
    flow.ask(
        "INSERT INTO orders VALUES (18446744073709551615, 59.90, '02134', true, '{\"a\": 1}', '2024-01-02 01:04:05.5',"
        " '2024-01-02 01:04:05', '2024-01-02', '-10:00:00', 0.1, b'101', x'00ff', 2024, 'paid')"
    )
    expected: dict[str, Value] = {
        "id": 18446744073709551615,
        "total": Decimal("59.90"),
        "zip": "02134",
        "paid": 1,
        "doc": '{"a": 1}',
        "at": "2024-01-02T01:04:05.500Z",
        "local": "2024-01-02T01:04:05",
        "day": "2024-01-02",
        "hour": "-10:00:00",
        "ratio": Decimal("0.1"),
        "bits": 5,
        "raw": b"\x00\xff",
        "year": 2024,
        "state": "paid",
    }
    result = flow.ask("SELECT * FROM orders")
    assert expected == result["first_row"]
    assert "59.90" == str(result["first_row"]["total"])  # type: ignore[index,call-overload]  # a map, as said above


def test_a_moment_is_the_same_whatever_the_servers_zone(flow: SqlFlow, server: Server) -> None:
    """The session's zone is UTC."""
    server.asked("SET GLOBAL time_zone = '+05:00'")
    other = SqlFlow(server.url)
    other.ask("CREATE TEMPORARY TABLE moments (at TIMESTAMP)")
    other.ask("INSERT INTO moments VALUES (FROM_UNIXTIME(1))")
    assert "1970-01-01T00:00:01Z" == other.value("SELECT at FROM moments")
    other.close()
    server.asked("SET GLOBAL time_zone = 'SYSTEM'")


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("total", "59.98", Decimal("59.98")),
        ("total", Decimal("59.90"), Decimal("59.90")),
        ("id", "18446744073709551615", 18446744073709551615),
        ("zip", 12, "12"),
        ("zip", "jo'hn@\"x\\y\n%s%%{}é😀", "jo'hn@\"x\\y\n%s%%{}é😀"),
        ("paid", True, 1),
        ("doc", {"a": ["b'c", 1]}, '{"a": ["b\'c", 1]}'),
        ("raw", b"\x00'\xff", b"\x00'\xff"),
        ("local", "2024-01-02T01:04:05", "2024-01-02T01:04:05"),
        ("state", "new", "new"),
        ("day", None, None),
    ],
)
def test_a_parameter_reaches_a_column_of_any_type(flow: SqlFlow, column: str, value: Value, stored: Value) -> None:
    """Text as numbers and times, numbers as text, and whatever characters there are."""
    flow.ask(f"INSERT INTO orders ({column}) VALUES ($1)", [value])  # noqa: S608 - a column of the test's own
    found = flow.ask(f"SELECT {column} FROM orders")["first_row"]  # noqa: S608 - the same
    assert isinstance(found, dict)
    assert (
        stored == found[column]
        if column != "doc"
        else str(stored).replace(" ", "") == str(found[column]).replace(" ", "")
    )


def test_a_parameter_is_never_part_of_the_query(flow: SqlFlow) -> None:
    """Quotes and backslashes are characters, also where the server reads no backslashes."""
    nasty = "\\'; DROP TABLE orders; -- "
    assert nasty == flow.value("SELECT $1", [nasty])
    flow.ask("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
    assert nasty == flow.value("SELECT ?", [nasty])


def test_names_and_percents_are_left_alone(flow: SqlFlow) -> None:
    """The driver interprets neither."""
    assert 1 == flow.value("SELECT 'a%s:x' LIKE '%:x' AND 10 % :x = 1 AND @a := 1", {"x": 3})


# Statements


def test_several_statements_are_one_transaction(flow: SqlFlow) -> None:
    """The first refused one undoes the others; rows are those of the last that returns any."""
    result = flow.ask(
        "INSERT INTO orders (id, zip) VALUES ($1, 'a;b'), ($2, 'c'); SELECT id FROM orders ORDER BY 1", [1, 2]
    )
    assert ([{"id": 1}, {"id": 2}], 2) == (result["rows"], result["rows_affected"])
    with pytest.raises(ServiceError) as caught:
        flow.ask("DELETE FROM orders; INSERT INTO orders (id) VALUES (1), (1)")
    assert (
        "the database refused statement 2 of 2: Duplicate entry '1' for key 'PRIMARY' (error 1062)"
        "; nothing of the query was kept"
    ) == caught.value.message
    assert 2 == flow.value("SELECT count(*) FROM orders")


def test_a_transaction_has_the_isolation_that_is_asked_for(flow: SqlFlow) -> None:
    """The statement that says so stands before it."""
    result = flow.ask("SELECT zip FROM orders; SELECT 1 AS one", transaction="serializable")
    assert [{"one": 1}] == result["rows"]


def test_a_procedure_gives_the_rows_of_its_last_query(flow: SqlFlow) -> None:
    """Its body is one statement, and so is what follows it."""
    flow.ask(
        "DROP PROCEDURE IF EXISTS p; CREATE PROCEDURE p() BEGIN SELECT 1 AS a; IF 1 THEN SELECT 2 AS b; END IF; END;"
    )
    assert [{"b": 2}] == flow.ask("CALL p()")["rows"]
    assert 5 == flow.value("SELECT 5")


def test_returning_gives_rows(flow: SqlFlow) -> None:
    """MariaDB has it for INSERT and DELETE."""
    result = flow.ask("INSERT INTO orders (id) VALUES (8), (9) RETURNING id")
    assert ([{"id": 8}, {"id": 9}], 2) == (result["rows"], result["rows_affected"])


def test_a_cut_is_told_and_too_many_rows_fail(flow: SqlFlow) -> None:
    """Rows are counted as they come, and no more are kept than may be."""
    with pytest.raises(ServiceError, match="more than 10,000 rows"):
        flow.ask("SELECT seq FROM seq_1_to_2000000")
    result = flow.ask("SELECT seq FROM seq_1_to_20000", max_rows=1)
    assert ([{"seq": 1}], 20000, True) == (result["rows"], result["row_count"], result["truncated"])


# Errors


@pytest.mark.parametrize(
    ("error", "query", "message"),
    [
        (UsageError, "SELECT * FORM orders", r"error in your SQL syntax.*\(error 1064\)"),
        (UsageError, "START TRANSACTION", "left a transaction open"),
        (UsageError, "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE orders", "LOAD DATA LOCAL|error 4166"),
        (ServiceError, "SELECT * FROM nowhere", r"Table 'shop\.nowhere' doesn't exist \(error 1146\)"),
        (ServiceError, "SELECT nothing FROM orders", r"Unknown column 'nothing'.*\(error 1054\)"),
        (PlatformError, "SET STATEMENT max_statement_time = 0.1 FOR SELECT SLEEP(20)", r"max_statement_time"),
    ],
)
def test_errors_say_whose_fault_it_is(flow: SqlFlow, error: type[Exception], query: str, message: str) -> None:
    """Syntax is the flow's, tables are the service's; the next step finds a good connection."""
    with pytest.raises((error, ServiceError) if "LOCAL" in query else error, match=message):
        flow.ask(query)
    assert 0 == flow.value("SELECT count(*) FROM orders")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (f":{PASSWORD}@", ":s3cret@", "Access denied for user 'root'"),
        (f"/{DATABASE}", "/nowhere", "Unknown database 'nowhere'"),
    ],
)
def test_a_connection_that_is_refused_names_all_but_the_password(server: Server, old: str, new: str, said: str) -> None:
    """Host, port, database and user are in the message."""
    flow = SqlFlow(server.url.replace(old, new))
    with pytest.raises(PlatformError, match=f"can't connect to {HOST}:.* as root: .*{said}") as caught:
        flow.ask("SELECT 1")
    flow.close()
    assert "connection_error" == caught.value.kind
    assert "s3cret" not in str(caught.value)


# The connection


def test_steps_share_a_connection(flow: SqlFlow) -> None:
    """What a session is told lasts for the flow."""
    flow.ask("SET @remembered = 5")
    assert 5 == flow.value("SELECT @remembered")


def test_a_connection_lost_between_steps_is_opened_anew(flow: SqlFlow, server: Server) -> None:
    """No step pays for what happened while nothing was asked."""
    lost = flow.value("SELECT CONNECTION_ID()")
    server.asked(f"KILL {lost}")
    time.sleep(0.05)
    assert lost != flow.value("SELECT CONNECTION_ID()")


def test_a_connection_lost_during_a_query_is_an_error(flow: SqlFlow, server: Server) -> None:
    """It is not sent again; the next step has a new connection."""
    lost = flow.value("SELECT CONNECTION_ID()")
    timer = threading.Timer(0.2, server.asked, [f"KILL {lost}"])
    timer.start()
    started = time.monotonic()
    with pytest.raises(PlatformError, match=r"lost during the query|ended the connection") as caught:
        flow.ask("SELECT SLEEP(20)")
    timer.join()
    assert "connection_error" == caught.value.kind
    assert 5 > time.monotonic() - started
    assert lost != flow.value("SELECT CONNECTION_ID()")


def test_a_server_that_came_back_is_used_again(tmp_path: Path) -> None:
    """The flow's connection broke while the server was restarted between two steps."""
    port = free_port()
    flow = SqlFlow(database_url(port))
    with mariadb(port, logs=tmp_path):
        assert 1 == flow.value("SELECT 1")
    with pytest.raises(PlatformError, match=r"can't connect to .*: Connection refused"):
        flow.ask("SELECT 2")
    with mariadb(port, logs=tmp_path):
        assert 3 == flow.value("SELECT 3")
    flow.close()


# Time


def sleeping(server: Server) -> int:
    """How many connections are in the midst of a SLEEP."""
    rows = server.asked("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'")
    return int(str(rows[0][0]))


@pytest.mark.parametrize("tls", ["disabled", "required"])
def test_a_query_longer_than_its_time_ends_on_time(server: Server, tls: str) -> None:
    """The server is told to stop as well."""
    flow = SqlFlow(f"{server.url}?ssl-mode={tls}")
    flow.value("SELECT 1")
    started = time.monotonic()
    with pytest.raises(PlatformError, match=r"within config\.timeout of 300ms") as caught:
        flow.ask("SELECT SLEEP(20)", seconds=0.3)
    assert 0.3 + SLACK_SECONDS > time.monotonic() - started
    assert "timeout" == caught.value.kind
    time.sleep(0.1)
    assert 0 == sleeping(server)
    assert 1 == flow.value("SELECT 1")
    flow.close()


def test_an_interrupt_ends_a_query_at_once(flow: SqlFlow, server: Server) -> None:
    """SIGTERM leaves its time to teardown, and the server idle."""
    flow.value("SELECT 1")
    timer = threading.Timer(0.2, flow.interrupt.set, ["SIGTERM"])
    timer.start()
    started = time.monotonic()
    with pytest.raises(Interrupted, match="SIGTERM"):
        flow.ask("SELECT SLEEP(20)")
    timer.join()
    assert 0.2 + SLACK_SECONDS > time.monotonic() - started
    time.sleep(0.1)
    assert 0 == sleeping(server)


def test_a_wait_for_a_lock_ends_on_time(flow: SqlFlow, server: Server) -> None:
    """Also where another transaction holds the row."""
    flow.ask("INSERT INTO orders (id) VALUES (1)")
    holder = server.connect()
    holder.begin()
    with holder.cursor() as cursor:
        cursor.execute("UPDATE orders SET zip = 'held'")
        with pytest.raises(PlatformError, match=r"config\.timeout of 300ms"):
            flow.ask("DELETE FROM orders", seconds=0.3)
    holder.rollback()
    holder.close()
    assert 1 == flow.value("SELECT count(*) FROM orders")


def test_a_server_that_hangs_holds_nobody(tmp_path: Path) -> None:
    """Neither connecting to it, nor the request to stop, waits longer than its time."""
    port = free_port()
    with mariadb(port, logs=tmp_path) as process:
        flow, late = SqlFlow(database_url(port)), SqlFlow(database_url(port))
        flow.value("SELECT 1")
        process.signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(PlatformError, match=r"config\.timeout of 300ms"):
                flow.ask("SELECT SLEEP(20)", seconds=0.3)
            with pytest.raises(PlatformError, match=r"can't connect to .* within config\.timeout of 300ms"):
                late.ask("SELECT 1", seconds=0.3)
        finally:
            process.signal(signal.SIGCONT)
        assert 0.6 + 1 + SLACK_SECONDS > time.monotonic() - started
        flow.close()
        late.close()


# TLS

CIPHER = "SELECT VARIABLE_VALUE <> '' FROM information_schema.session_status WHERE VARIABLE_NAME = 'Ssl_cipher'"


@pytest.mark.parametrize(
    ("secured", "options"),
    [
        (1, ""),
        (0, "?ssl-mode=disabled"),
        (1, "?ssl-mode=required"),
        (1, "?ssl-mode=verify_identity&ssl-ca=authority.pem"),
        (1, "?sslmode=verify-full&sslrootcert=authority.pem"),
    ],
)
def test_tls_is_used_as_the_url_says(server: Server, secured: int, options: str) -> None:
    """Where the server has it; certificates stand beside the flow."""
    flow = SqlFlow(server.url.replace(HOST, "localhost") + options, folder=server.signer.folder)
    assert secured == flow.value(CIPHER)
    flow.close()


@pytest.mark.parametrize(
    ("host", "options", "said"),
    [
        (HOST, "?ssl-mode=verify_identity&ssl-ca=authority.pem", "IP address mismatch"),
        ("localhost", "?ssl-mode=verify_identity", "certificate verify failed"),
    ],
)
def test_a_server_that_is_not_the_one_is_refused(server: Server, host: str, options: str, said: str) -> None:
    """By its name, and by who has signed."""
    flow = SqlFlow(server.url.replace(HOST, host) + options, folder=server.signer.folder)
    with pytest.raises(PlatformError, match=f"can't connect to .*{said}"):
        flow.ask("SELECT 1")
    flow.close()


def test_a_server_without_tls_is_refused_where_it_is_required(tmp_path: Path) -> None:
    """Nothing is sent in the clear; preferred makes do without."""
    port = free_port()
    with mariadb(port, logs=tmp_path):
        strict, easy = SqlFlow(f"{database_url(port)}?ssl-mode=required"), SqlFlow(database_url(port))
        with pytest.raises(PlatformError, match=r"can't connect to .*(SSL|TLS)"):
            strict.ask("SELECT 1")
        assert 0 == easy.value(CIPHER)
        strict.close()
        easy.close()
