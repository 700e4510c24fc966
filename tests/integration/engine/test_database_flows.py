"""Whole flows on databases: TLS, a connection that is lost on the way, and db_poll against a service that is late."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from support.certificates import Authority, authority
from support.command_line import Cli
from support.flows import Options, Ran, run
from support.ports import HOST, free_port
from support.postgresql import database_url, postgresql
from support.sql import SqlFlow
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import PlatformError
from testmesh_engine.runtime.layers import Layers

PASSED, FAILED, ERRORED, NOT_RUN = Outcome.PASSED, Outcome.FAILED, Outcome.ERRORED, Outcome.NOT_RUN


def run_on(url: str, text: str) -> Ran:
    """Run a flow whose steps find the database by its variable."""
    return run(text, Options(layers=Layers(var={"DB_URL": url})))


# TLS


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Authority]]:
    """A server under TLS whose certificate is for localhost, and who signed it; the files stand in one folder."""
    folder, port = tmp_path_factory.mktemp("tls"), free_port()
    signer = authority(folder)
    with postgresql(port, logs=folder, tls=signer.issue("server", alternatives="DNS:localhost")):
        yield database_url(port), signer


@pytest.mark.parametrize(
    ("encrypted", "options"),
    [
        (True, "?sslmode=verify-full&sslrootcert=authority.pem"),
        (True, "?sslmode=require"),
        (False, "?sslmode=disable"),
    ],
)
def test_tls_is_used_as_the_url_says(secured: tuple[str, Authority], options: str, *, encrypted: bool) -> None:
    """Certificates stand beside the flow."""
    url, signer = secured
    flow = SqlFlow(url + options, folder=signer.folder)
    assert encrypted == flow.value("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    flow.close()


@pytest.mark.parametrize(
    ("host", "certificate", "said"),
    [
        (HOST, "authority.pem", 'server certificate for "localhost" .*does not match host name "127.0.0.1"'),
        ("localhost", "other.pem", "certificate verify failed"),
        ("localhost", "none.pem", 'root certificate file ".*none.pem" does not exist'),
    ],
)
def test_a_server_that_is_not_the_one_is_refused(
    secured: tuple[str, Authority], host: str, certificate: str, said: str
) -> None:
    """By its name, and by who has signed; the password is not sent."""
    url, signer = secured
    authority(signer.folder, "other")
    options = f"?sslmode=verify-full&sslrootcert={certificate}"
    flow = SqlFlow(url.replace("localhost", host) + options, folder=signer.folder)
    with pytest.raises(PlatformError, match=f"can't connect to {host}:.*{said}") as caught:
        flow.ask("SELECT 1")
    flow.close()
    assert "connection_error" == caught.value.kind


# A connection that is lost

LOST = """
steps:
  - id: before
    action: database_query
    config: {query: SELECT pg_backend_pid() AS pid}
    assert: [row_count == 1]
  - id: lost
    action: database_query
    on_error: continue
    config: {query: 'SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(20)', timeout: 10s}
    assert: [row_count == 1]
  - id: after
    action: database_query
    config: {query: SELECT pg_backend_pid() <> $1 AS other, params: ["{{before.rows[0].pid}}"]}
    assert: ['rows[0].other']
"""


def test_a_connection_lost_in_a_flow_fails_its_step_alone(url: str) -> None:
    """Within its timeout, as the platform's fault; the next step has a new one."""
    started = time.monotonic()
    ran = run_on(url, LOST)
    assert {"before": PASSED, "lost": ERRORED, "after": PASSED} == ran.outcomes()
    assert "ended the connection: terminating connection due to administrator command" in ran.step("lost").message
    assert 3 == ran.exit_code
    assert 5 > time.monotonic() - started


def test_a_server_that_is_away_ends_the_flow_and_teardown_runs(url: str) -> None:
    """Exit code 3: no test has failed."""
    nowhere = url.replace(url.rpartition(":")[2], f"{free_port()}/postgres")
    ran = run_on(
        nowhere,
        """
        steps:
          - {id: ask, action: database_query, config: {query: SELECT 1}, assert: [row_count == 1]}
          - {id: next, action: database_query, config: {query: SELECT 1}, assert: [row_count == 1]}
        teardown:
          - {id: end, action: delay, config: {duration: 1ms}}
        """,
    )
    assert {"ask": ERRORED, "next": NOT_RUN, "end": PASSED} == ran.outcomes()
    assert "Connection refused" in ran.step("ask").message
    assert 3 == ran.exit_code


def test_a_refused_query_is_a_failed_test(url: str) -> None:
    """A table that is not there is the service's doing."""
    ran = run_on(
        url, "steps: [{id: ask, action: database_query, config: {query: TABLE nowhere}, assert: [count == 1]}]"
    )
    assert (FAILED, 1) == (ran.step("ask").outcome, ran.exit_code)


# db_poll

POLL = """
steps:
  - id: paid
    action: db_poll
    config:
      query: SELECT number, paid FROM orders WHERE id = $1
      params: ["{ORDER}"]
      condition: {type: equals, column: paid, value: true}
      timeout: 10s
      interval: 20ms
    output: {number: "$.rows[0].number", asked: attempts}
    assert: [number == 7, asked > 1]
"""


def test_what_a_service_writes_later_is_waited_for(url: str, orders: str, other: psycopg.Connection) -> None:
    """As soon as it is there, and the attempts are told."""
    timer = threading.Timer(0.3, other.execute, ["UPDATE orders SET paid = true"])
    timer.start()
    started = time.monotonic()
    ran = run_on(url, POLL.replace("{ORDER}", orders))
    timer.join()
    assert PASSED is ran.step("paid").outcome, ran.step("paid").message
    assert 3 < len(ran.step("paid").attempts)
    assert 3 > time.monotonic() - started


def test_what_never_comes_is_shown_as_it_last_was(url: str, orders: str) -> None:
    """With the operands of the condition, and the rows beside them."""
    ran = run_on(url, POLL.replace("{ORDER}", orders).replace("timeout: 10s", "timeout: 300ms"))
    step = ran.step("paid")
    assert (FAILED, 1) == (step.outcome, ran.exit_code)
    assert "first_row.paid == true: first_row.paid is nil (after " in step.message
    assert [{"number": 7, "paid": None}] == step.attempts[-1].response["rows"]  # type: ignore[index,call-overload]  # a map


def test_a_query_that_hangs_is_cut_at_the_end_of_the_wait(url: str) -> None:
    """Not thirty seconds later."""
    started = time.monotonic()
    ran = run_on(url, "steps: [{id: it, action: db_poll, config: {query: SELECT pg_sleep(20), timeout: 300ms}}]")
    assert ran.step("it").outcome in (FAILED, ERRORED)
    assert 3 > time.monotonic() - started


# SQLite


def test_a_file_stands_beside_the_flow(cli: Cli, tmp_path: Path) -> None:
    """Whatever folder the run is started in."""
    folder = tmp_path / "flows"
    folder.mkdir()
    text = (
        "flow:\n  name: file\n  steps:\n    - action: database_query\n      config:\n"
        "        connection: sqlite:///own.db?mode=rwc\n"
        "        query: CREATE TABLE a (b); INSERT INTO a VALUES (1); SELECT * FROM a\n"
        "      assert: ['rows[0].b == 1']\n"
    )
    (folder / "file.yaml").write_text(text)
    code, shown, _ = cli.call("run", "flows/file.yaml")
    assert 0 == code, shown
    assert (folder / "own.db").is_file()


# Examples


@pytest.mark.parametrize("name", ["database-query", "db-poll"])
def test_the_example_runs(cli: Cli, url: str, name: str) -> None:
    """As a reader would run it."""
    example = Path(__file__).parents[3] / "examples" / "actions" / f"{name}.yaml"
    code, shown, _ = cli.call("run", example, "--var", f"DB_URL={url}", "--strict")
    assert 0 == code, shown
