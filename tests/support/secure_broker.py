"""A real broker with doors that are guarded: logins by PLAIN and SCRAM, TLS with client certificates, and rights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from support.broker import brokers, kafka
from support.certificates import Authority, Pair, authority
from support.kafka_steps import SECONDS, Broker
from support.ports import free_port

USER, STRANGER, PASSWORD = "alice", "mallory", "s3cret-password"
_MODULE = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class SecureBroker:
    """The addresses of its doors. ``open`` is the plain one, by which the tests prepare what they need."""

    open: Broker
    login: str
    tls: str
    login_over_tls: str
    authority: Authority
    client: Pair
    """The certificate that the door ``tls`` asks for."""


@contextmanager
def secure_broker(folder: Path) -> Iterator[SecureBroker]:
    """A broker on loopback whose files lie in ``folder``. ``alice`` may do everything, ``mallory`` nothing."""
    port, login, tls, both = free_port(), free_port(), free_port(), free_port()
    signs = authority(folder)
    server, client = signs.issue("localhost"), signs.issue("client")
    store = folder / "server-store.pem"
    store.write_text(server.key.read_text() + server.certificate.read_text())
    settings = {**_logins("login"), **_logins("both"), **_tls("tls", store, signs), **_tls("both", store, signs)}
    settings |= {
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,TLS:SSL,BOTH:SASL_SSL"
        ),
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.name.tls.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{USER};User:CN=client",
    }
    doors = {"LOGIN": login, "TLS": tls, "BOTH": both}
    with kafka(port, folder=folder, logs=folder, settings=settings, listeners=doors) as process:
        known = Broker(brokers(port), process)
        _teach_scram(known.admin)
        yield SecureBroker(known, brokers(login), brokers(tls), brokers(both), signs, client)


def _logins(listener: str) -> dict[str, str]:
    start = f"listener.name.{listener}"
    users = "".join(f' user_{name}="{PASSWORD}"' for name in (USER, STRANGER))
    scram = f"{_MODULE}.scram.ScramLoginModule required;"
    return {
        f"{start}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        f"{start}.plain.sasl.jaas.config": f"{_MODULE}.plain.PlainLoginModule required{users};",
        f"{start}.scram-sha-256.sasl.jaas.config": scram,
        f"{start}.scram-sha-512.sasl.jaas.config": scram,
    }


def _tls(listener: str, store: Path, signs: Authority) -> dict[str, str]:
    start = f"listener.name.{listener}.ssl"
    return {
        f"{start}.keystore.type": "PEM",
        f"{start}.keystore.location": str(store),
        f"{start}.truststore.type": "PEM",
        f"{start}.truststore.location": str(signs.pair.certificate),
    }


def _teach_scram(admin: AdminClient) -> None:
    """SCRAM's users are kept by the brokers: https://kafka.apache.org/documentation/#security_sasl_scram."""
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        told = UserScramCredentialUpsertion(USER, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
        for future in admin.alter_user_scram_credentials([told]).values():
            future.result(SECONDS)
