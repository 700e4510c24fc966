"""How a step's brokers, sasl and tls become librdkafka's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from testmesh_engine.actions.config import Config, canonical
from testmesh_engine.actions.kafka_consumer import KafkaConsumer
from testmesh_engine.actions.kafka_security import Access, normal_brokers, read_access
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

SPEC = KafkaConsumer.spec
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def access(folder: Path | None = None, **config: Value) -> Access:
    """What this config says of the way to the brokers."""
    return read_access(Config(SPEC, canonical(SPEC, {"brokers": "b:9092", **config})), folder)


def test_two_spellings_of_the_brokers_share_a_client() -> None:
    """Order and spaces make no other cluster."""
    assert normal_brokers("a:1,b:2") == normal_brokers(" b:2 , a:1,")
    assert "PLAINTEXT://c:1,[::1],[::2]:9092,d" == normal_brokers("d,PLAINTEXT://c:1,[::2]:9092,[::1]")


@pytest.mark.parametrize("brokers", ["localhost:notaport", "a:1,b:", ","])
def test_brokers_that_are_no_addresses_are_refused(brokers: str) -> None:
    """The library would try port 0 and say that the connection was refused."""
    with pytest.raises(UsageError, match="is no address"):
        normal_brokers(brokers)


@pytest.mark.parametrize(
    ("expected", "config"),
    [
        ({}, {}),
        ({}, {"tls": False}),
        ({"security.protocol": "ssl"}, {"tls": True}),
        ({"security.protocol": "ssl"}, {"tls": {}}),
        (
            {
                "security.protocol": "sasl_plaintext",
                "sasl.mechanism": "PLAIN",
                "sasl.username": "u",
                "sasl.password": "42",
            },
            {"sasl": {"username": "u", "password": 42}},
        ),
        (
            {
                "security.protocol": "sasl_ssl",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "u",
                "sasl.password": "p",
                "ssl.ca.pem": PEM,
                "enable.ssl.certificate.verification": "false",
                "ssl.endpoint.identification.algorithm": "none",
            },
            {
                "sasl": {"mechanism": "SCRAM-SHA-512", "user": "u", "password": "p"},
                "tls": {"ca_cert": PEM, "verify": False},
            },
        ),
    ],
)
def test_each_way_in_has_its_settings(expected: dict[str, str], config: dict[str, Value]) -> None:
    """Nothing is set that the step does not say."""
    assert expected == dict(access(**config).settings)


def test_files_of_certificates_lie_beside_the_flow(tmp_path: Path) -> None:
    """A relative path starts at the flow's folder."""
    for name in ("own.pem", "own.key"):
        (tmp_path / name).write_text(PEM)
    settings = dict(access(tmp_path, tls={"cert": "own.pem", "key": "own.key", "key_password": "s"}).settings)
    assert str(tmp_path / "own.pem") == settings["ssl.certificate.location"]
    assert (str(tmp_path / "own.key"), "s") == (settings["ssl.key.location"], settings["ssl.key.password"])


@pytest.mark.parametrize(
    ("said", "config"),
    [
        ("tls.ca nowhere.pem can't be read", {"tls": {"ca": "nowhere.pem"}}),
        ("tls.cert and tls.key go together: a certificate and its private key", {"tls": {"cert": PEM}}),
        ('tls has no key "caa"', {"tls": {"caa": PEM}}),
        ("sasl needs password: the password", {"sasl": {"username": "u"}}),
        (
            "sasl.mechanism OAUTHBEARER is not supported",
            {"sasl": {"mechanism": "OAUTHBEARER", "username": "u", "password": "p"}},
        ),
        (
            "sasl.mechanism is one of plain, scram-256, scram-512: scram-256?",
            {"sasl": {"mechanism": "scram256", "username": "u", "password": "p"}},
        ),
        ("sasl.username is text, found list", {"sasl": {"username": [], "password": "p"}}),
    ],
)
def test_what_cant_be_meant_is_refused_in_the_run_too(said: str, config: dict[str, Value], tmp_path: Path) -> None:
    """A map that comes with a placeholder was not checked before."""
    with pytest.raises(UsageError) as refused:
        access(tmp_path, **config)
    assert refused.value.message.startswith(said)


def test_a_password_is_not_shown() -> None:
    """What fails prints its values."""
    assert "hunter2" not in repr(access(sasl={"username": "u", "password": "hunter2"}))
