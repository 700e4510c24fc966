"""Kafka steps against a real broker that lets nobody in without a login, a certificate, or both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import authority
from support.flows import Ran, run
from support.secure_broker import PASSWORD, STRANGER, USER, SecureBroker, secure_broker
from testmesh_engine.contract.result import Outcome


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """The broker for the tests of this file."""
    with secure_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


def flow(topic: str, address: str, access: str) -> Ran:
    """A flow that publishes to ``topic`` and reads it again, and how long it took."""
    return run(f"""
        config:
          defaults:
            kafka_producer: {{brokers: "{address}", timeout: 5s, {access}}}
            kafka_consumer: {{brokers: "{address}", timeout: 5s, {access}}}
        steps:
          - {{id: publish, action: kafka_producer, config: {{topic: {topic}, value: {{id: 1}}}}}}
          - {{id: seen, action: kafka_consumer, config: {{topic: {topic}, match: {{value: {{id: 1}}}}}}}}
    """)


def login(user: str = USER, password: str = PASSWORD, mechanism: str = "plain") -> str:
    """The keys of a login."""
    return f"sasl: {{mechanism: {mechanism}, username: {user}, password: {password}}}"


def message(ran: Ran) -> str:
    """Why the flow did not start."""
    assert ran.result.first_failure is not None
    return ran.result.first_failure.message


@pytest.mark.parametrize("mechanism", ["plain", "scram-256", "scram-512"])
def test_a_flow_logs_in(guarded: SecureBroker, mechanism: str) -> None:
    """By each mechanism."""
    ran = flow(guarded.open.topic(), guarded.login, login(mechanism=mechanism))
    assert Outcome.PASSED is ran.result.outcome, [step.message for step in ran.result.steps]


def test_a_flow_shows_its_certificate(guarded: SecureBroker) -> None:
    """The door asks for one; here by the paths of files."""
    keys = f"ca: {guarded.authority.pair.certificate}, cert: {guarded.client.certificate}, key: {guarded.client.key}"
    ran = flow(guarded.open.topic(), guarded.tls, f"tls: {{{keys}}}")
    assert Outcome.PASSED is ran.result.outcome, [step.message for step in ran.result.steps]


def test_a_flow_logs_in_over_tls_with_the_authority_as_text(guarded: SecureBroker) -> None:
    """As it comes from a secret's variable."""
    pem = guarded.authority.pair.certificate.read_text().replace("\n", "\\n")
    ran = flow(guarded.open.topic(), guarded.login_over_tls, f'{login(mechanism="scram-512")}, tls: {{ca: "{pem}"}}')
    assert Outcome.PASSED is ran.result.outcome, [step.message for step in ran.result.steps]


@pytest.mark.parametrize("verify", [True, False])
def test_a_broker_that_an_unknown_authority_vouches_for_is_not_trusted(
    guarded: SecureBroker,
    tmp_path: Path,
    verify: bool,  # noqa: FBT001 - a table
) -> None:
    """But where the step says that any certificate will do."""
    other = authority(tmp_path, "other")
    tls = f"tls: {{ca: {other.pair.certificate}, verify: {str(verify).lower()}}}"
    started = time.monotonic()
    ran = flow(guarded.open.topic(), guarded.login_over_tls, f"{login()}, {tls}")
    assert verify is (Outcome.PASSED is not ran.result.outcome)
    if verify:
        assert 3 == ran.exit_code
        assert f"Kafka at {guarded.login_over_tls} can't be trusted: " in message(ran)
        assert "Check tls: ca, cert, key." in message(ran)
        assert time.monotonic() - started < 4


@pytest.mark.parametrize(("mechanism", "user"), [("plain", USER), ("scram-256", USER), ("scram-512", "nobody")])
def test_a_wrong_password_is_told_at_once(guarded: SecureBroker, mechanism: str, user: str) -> None:
    """The flow does not start, nothing is waited out, and the password is nowhere."""
    started = time.monotonic()
    ran = flow(guarded.open.topic(), guarded.login, login(user, "wrong-password", mechanism))
    assert 3 == ran.exit_code
    assert f"Kafka at {guarded.login} refuses the login: " in message(ran)
    assert "Check sasl: mechanism, username, password." in message(ran)
    assert "wrong-password" not in str(ran.result)
    assert time.monotonic() - started < 4


def test_a_door_that_speaks_another_way_is_told(guarded: SecureBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """No login where one is asked for: the brokers hang up, and the message says what to look at."""
    monkeypatch.setattr("testmesh_engine.actions.kafka_consumer.CONNECT_SECONDS", 1.5)
    ran = flow(guarded.open.topic(), guarded.login, "tls: false")
    assert 3 == ran.exit_code
    assert f"Kafka can't be reached at {guarded.login}" in message(ran)


def test_what_a_user_may_not_do_is_told_as_such(guarded: SecureBroker) -> None:
    """The platform's fault, not a silent service's: exit code 3, with the right that is missing."""
    topic = guarded.open.topic()
    ran = flow(topic, guarded.login, login(STRANGER))
    assert 3 == ran.exit_code
    assert f'topic "{topic}": Kafka at {guarded.login} does not allow it: ' in message(ran)
    assert "Describe and Read" in message(ran)
    only = f"brokers: '{guarded.login}', {login(STRANGER)}, topic: {topic}, value: 1"
    ran = run(f"steps: [{{id: publish, action: kafka_producer, config: {{{only}}}}}]\n")
    assert 3 == ran.exit_code
    assert "does not allow it" in ran.step("publish").message


def test_steps_with_different_logins_have_different_clients(guarded: SecureBroker) -> None:
    """One flow may play two users."""
    topic = guarded.open.topic()
    ran = run(f"""
        steps:
          - id: publish
            action: kafka_producer
            config: {{brokers: "{guarded.login}", topic: {topic}, value: 1, {login()}}}
          - id: refused
            action: kafka_producer
            on_error: continue
            config: {{brokers: "{guarded.login}", topic: {topic}, value: 1, {login(STRANGER)}}}
    """)
    assert {"publish": Outcome.PASSED, "refused": Outcome.ERRORED} == ran.outcomes()
