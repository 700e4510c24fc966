"""``wait_for`` within a flow: services that come up, stay away, hang, or answer something else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from support.action_steps import run_example
from support.flows import Ran, read, run
from support.ports import HOST, free_port
from support.web import Web, idle, raw_server, web_server
from testmesh_engine.contract.result import Outcome


@pytest.fixture
def web() -> Iterator[Web]:
    """A server that echoes."""
    with web_server() as running:
        yield running


def wait(config: str, more: str = "") -> Ran:
    """A flow that waits for one thing."""
    return run(f"steps:\n  - id: up\n    action: wait_for\n    config: {config}\n{more}")


def message_of(ran: Ran) -> str:
    """What is said of the step."""
    return ran.step("up").message


def test_a_url_that_answers_ends_the_waiting_at_once(web: Web) -> None:
    """With what it answered."""
    ran = wait(f"{{url: {web.url}/order}}", "    assert: [status == 200, body.id == 7, attempts == 1, connected]\n")
    assert Outcome.PASSED == ran.result.outcome, message_of(ran)


def test_a_status_that_is_not_the_one_is_asked_again(web: Web) -> None:
    """503 is up, and not ready."""
    ran = wait(f"{{url: '{web.url}/turns/503,503,200', interval: 10ms}}")
    assert Outcome.PASSED == ran.result.outcome, message_of(ran)
    assert 3 == len(ran.step("up").attempts)


@pytest.mark.parametrize(("status", "outcome"), [("404", "passed"), ("[200, 404]", "passed"), ("200", "failed")])
def test_a_status_may_be_asked_for(web: Web, status: str, outcome: str) -> None:
    """One, or one of several."""
    ran = wait(f"{{http: {web.url}/status/404, status: {status}, timeout: 200ms, interval: 20ms}}")
    assert outcome == ran.result.outcome


def test_a_port_that_opens_later_is_found() -> None:
    """The waiting ends soon after."""
    port = free_port()

    def listen() -> None:
        time.sleep(0.3)
        with socket.create_server((HOST, port)) as listener:
            listener.accept()[0].close()

    listening = threading.Thread(target=listen)
    listening.start()
    started = time.monotonic()
    ran = wait(f"{{tcp: '{HOST}:{port}', interval: 20ms}}")
    listening.join()
    assert Outcome.PASSED == ran.result.outcome, message_of(ran)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "form", ["{{tcp: '{host}:{port}', {time}}}", "{{type: tcp, host: {host}, port: {port}, {time}}}"]
)
def test_a_port_that_stays_closed_fails_the_step_with_its_address(form: str) -> None:
    """Exit code 1: it is the service that does not come up."""
    port = free_port()
    ran = wait(form.format(host=HOST, port=port, time="timeout: 200ms, interval: 20ms"))
    assert (Outcome.FAILED, 1) == (ran.result.outcome, ran.exit_code)
    assert f"{HOST}:{port} does not accept a connection: Connection refused" in message_of(ran)


def test_a_service_that_hangs_ends_with_the_waiting() -> None:
    """It accepts, and says nothing."""
    with raw_server(idle) as url:
        started = time.monotonic()
        ran = wait(f"{{url: {url}, timeout: 300ms}}")
    assert Outcome.FAILED == ran.result.outcome
    assert time.monotonic() - started < 2


def test_one_try_that_hangs_is_given_up_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that hangs while it starts is asked anew, and then answers."""
    monkeypatch.setattr("testmesh_engine.actions.wait_for.TRY_SECONDS", 0.1)
    tries: list[int] = []

    def second_answers(connection: socket.socket) -> None:
        tries.append(1)
        connection.recv(65536)
        if len(tries) > 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        idle(connection)

    with raw_server(second_answers) as url:
        ran = wait(f"{{url: {url}, interval: 10ms, timeout: 5s}}")
    assert Outcome.PASSED == ran.result.outcome, message_of(ran)
    assert 2 == len(ran.step("up").attempts)


def test_a_wait_that_names_nothing_or_two_things_is_an_error() -> None:
    """The flow's fault."""
    for config, message in (
        ("{timeout: 1s}", "takes url or tcp"),
        ("{url: 'http://a', tcp: 'a:1'}", "not both"),
        ("{type: tcp, url: 'http://a'}", "type: tcp goes with tcp, or host and port"),
        ("{host: a}", "needs a port from 1 to 65535"),
    ):
        ran = wait(config)
        assert (2, True) == (ran.exit_code, message in message_of(ran)), message_of(ran)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{tcp: localhost}", "takes host:port"),
        ("{url: localhost}", "takes a URL"),
        ("{tcp: 'a:1', status: 200}", "status goes with url"),
    ],
)
def test_what_can_not_be_waited_for_is_refused_before_the_run(config: str, message: str) -> None:
    """With the form that is right."""
    with pytest.raises(AssertionError, match=message):
        read(f"steps:\n  - {{action: wait_for, config: {config}}}\n")


def test_the_example_passes(web: Web) -> None:
    """examples/actions/wait-for.yaml, with its variables set."""
    address = web.url.removeprefix("http://")
    ran = run_example("wait-for", API=web.url, BROKER=address)
    assert Outcome.PASSED == ran.result.outcome, [step.message for step in ran.result.steps]
