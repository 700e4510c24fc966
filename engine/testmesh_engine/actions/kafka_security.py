"""Where the brokers are and how a client gets in: ``brokers``, ``sasl``, ``tls``, as librdkafka's settings.

https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_files import path_of
from testmesh_engine.contract.catalogue import Key, Kind
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, nearest

_ADDRESS = re.compile(r"(\w+://)?(\[[^\]\s]+\]|[^:\s\[\]]+)(:\d+)?", re.ASCII)
"""librdkafka takes any port for 0 that is no number, and says that the connection was refused."""

_MECHANISMS = {
    "plain": "PLAIN",
    "scram-256": "SCRAM-SHA-256",
    "scram-sha-256": "SCRAM-SHA-256",
    "scram-512": "SCRAM-SHA-512",
    "scram-sha-512": "SCRAM-SHA-512",
}
_OTHERS = {"oauthbearer": "OAUTHBEARER", "gssapi": "GSSAPI (Kerberos)", "aws_msk_iam": "AWS_MSK_IAM"}


@dataclass(frozen=True, slots=True)
class Access:
    """The addresses of a cluster, and the settings that let a client in: equal ones share a client."""

    brokers: str
    settings: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"<Access to {self.brokers}>"  # the settings may hold a password

    @property
    def key(self) -> str:
        """What tells it from every other one; kept in memory only."""
        return repr((self.brokers, self.settings))


def _fault_of_mechanism(value: object) -> str:
    word = str(value).lower()
    if word in _MECHANISMS:
        return ""
    if word in _OTHERS:
        return f"{_OTHERS[word]} is not supported; it is one of plain, scram-256, scram-512"
    near = nearest(word, _MECHANISMS)
    return "is one of plain, scram-256, scram-512" + (f": {near}?" if near else "")


def _fault_of_tls(value: object) -> str:
    return "" if isinstance(value, (dict, bool)) else "is a map of ca, cert, key and verify, or true"


SASL_FIELDS = (
    Key(
        name="mechanism",
        kind=Kind.TEXT,
        doc="plain, scram-256 or scram-512",
        default="plain",
        fault=_fault_of_mechanism,
    ),
    Key(name="username", kind=Kind.TEXT, required=True, doc="the user", aliases=("user",)),
    Key(name="password", kind=Kind.TEXT, required=True, doc="the password"),
)
TLS_FIELDS = (
    Key(
        name="ca",
        kind=Kind.TEXT,
        doc="the authorities to trust: a file in PEM form, or the PEM itself",
        default="those of this machine",
        aliases=("ca_cert",),
    ),
    Key(name="cert", kind=Kind.TEXT, doc="the client's certificate, in the same forms", aliases=("client_cert",)),
    Key(name="key", kind=Kind.TEXT, doc="its private key, in the same forms", aliases=("client_key",)),
    Key(name="key_password", kind=Kind.TEXT, doc="the passphrase of the key"),
    Key(
        name="verify",
        kind=Kind.BOOLEAN,
        doc="false: any certificate of a broker will do",
        default="true",
        aliases=("verify_ssl",),
    ),
)
ACCESS_KEYS = (
    Key(
        name="brokers",
        kind=Kind.TEXT,
        required=True,
        doc="host:port, several with commas between",
        variables=("KAFKA_BROKERS",),
    ),
    Key(name="sasl", kind=Kind.MAP, doc="who is asking: mechanism, username, password", fields=SASL_FIELDS),
    Key(
        name="tls",
        kind=Kind.ANY,
        doc="true, or a map of ca, cert, key, key_password and verify: talk to the brokers over TLS",
        fields=TLS_FIELDS,
        fault=_fault_of_tls,
    ),
)


def read_access(config: Config, folder: Path | None) -> Access:
    """How a step reaches its brokers. Raises ``UsageError`` for what can't be meant, and files that can't be read."""
    sasl, tls = config.value("sasl"), config.value("tls")
    settings: dict[str, str] = {}
    if isinstance(sasl, dict):
        settings |= _of_sasl(own_names(sasl, SASL_FIELDS, "sasl"))
    if isinstance(tls, dict):
        settings |= _of_tls(own_names(tls, TLS_FIELDS, "tls"), folder)
    secure = isinstance(tls, dict) or tls is True
    if settings or secure:
        settings["security.protocol"] = f"{'sasl_' if isinstance(sasl, dict) else ''}{'ssl' if secure else 'plaintext'}"
    return Access(normal_brokers(config.text("brokers")), tuple(sorted(settings.items())))


def normal_brokers(text: str) -> str:
    """The addresses without spaces, each once, in order: two spellings of one list share a client.

    Raises ``UsageError`` where there is none, or one has no number for its port.
    """
    addresses = {address.strip() for address in text.split(",") if address.strip()}
    wrong = [address for address in sorted(addresses) if not _ADDRESS.fullmatch(address)]
    if wrong or not addresses:
        raise UsageError(f'brokers "{wrong[0] if wrong else text}" is no address', hint="Write host:9092,other:9092.")
    return ",".join(sorted(addresses))


def own_names(given: Mapping[str, Value], fields: tuple[Key, ...], what: str) -> dict[str, Value]:
    """A map of the config by its keys' own names: one that comes with a placeholder was not checked before the run.

    Raises ``UsageError`` for a key that there is not, or one that is missing.
    """
    names = {name: key.name for key in fields for name in (key.name, *key.aliases)}
    for name in given:
        if name not in names:
            near = nearest(name, names)
            hint = f'Did you mean "{near}"?' if near else f"It has {', '.join(key.name for key in fields)}."
            raise UsageError(f'{what} has no key "{name}"', hint=hint)
    found: dict[str, Value] = {names[name]: value for name, value in given.items() if value is not None}
    for key in fields:
        if key.required and found.get(key.name) in (None, ""):
            raise UsageError(f"{what} needs {key.name}: {key.doc}")
    return found


def _text(given: Mapping[str, Value], name: str, what: str, default: str = "") -> str:
    value = given.get(name, default)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise UsageError(f"{what}.{name} is text, found {kind_of(value)}")
    return value


def _of_sasl(given: Mapping[str, Value]) -> dict[str, str]:
    mechanism = _text(given, "mechanism", "sasl", "plain").lower()
    if fault := _fault_of_mechanism(mechanism):
        raise UsageError(f"sasl.mechanism {fault}")
    return {
        "sasl.mechanism": _MECHANISMS[mechanism],
        "sasl.username": _text(given, "username", "sasl"),
        "sasl.password": _text(given, "password", "sasl"),
    }


def _of_tls(given: Mapping[str, Value], folder: Path | None) -> dict[str, str]:
    settings: dict[str, str] = {}
    for name, setting in (("ca", "ssl.ca"), ("cert", "ssl.certificate"), ("key", "ssl.key")):
        if name in given:
            settings |= _pem(_text(given, name, "tls"), setting, folder, key=f"tls.{name}")
    if ("cert" in given) != ("key" in given):
        raise UsageError("tls.cert and tls.key go together: a certificate and its private key")
    if "key_password" in given:
        settings["ssl.key.password"] = _text(given, "key_password", "tls")
    if given.get("verify") in (False, "false"):
        settings |= {"enable.ssl.certificate.verification": "false", "ssl.endpoint.identification.algorithm": "none"}
    return settings


def _pem(text: str, setting: str, folder: Path | None, *, key: str) -> dict[str, str]:
    if "-----BEGIN " in text:
        return {f"{setting}.pem": text}
    path = path_of(text, folder, key=key)
    if not path.is_file():
        raise UsageError(f"{key} {text} can't be read", hint="A relative path starts at the flow's own folder.")
    return {f"{setting}.location": str(path)}


def unusable(access: Access, said: str) -> UsageError:
    """The error for settings that librdkafka refuses: a key that is no PEM, a passphrase that is wrong."""
    what = "tls" if "ssl." in said else f'brokers "{access.brokers}"'
    return UsageError(f"{what} can't be used: {_OF_THE_LIBRARY.sub('', said)}")


_OF_THE_LIBRARY = re.compile(r"^Failed to create \w+: |: error:[0-9A-F]+:.*$")
"""What librdkafka and OpenSSL say around what is wrong."""
