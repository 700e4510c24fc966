"""Asks a Schema Registry for schemas, and reads and writes messages by them.

The API is Confluent's, which Apicurio and Karapace speak too:
https://docs.confluent.io/platform/current/schema-registry/develop/api.html.
A message is a zero, the schema's number in four bytes, and the data:
https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_auth import basic_of, credentials_of
from testmesh_engine.actions.http_content import text_of
from testmesh_engine.actions.http_exchange import Exchange, Request, Session
from testmesh_engine.actions.http_files import path_of
from testmesh_engine.actions.http_message import Bounds as HttpBounds
from testmesh_engine.actions.http_message import ExchangeError
from testmesh_engine.actions.http_spec import fault_of_url
from testmesh_engine.actions.http_tls import Tls, is_pem
from testmesh_engine.actions.http_url import Url, UrlError, read_url
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_formats import REGISTRY_FIELDS, Format, UnreadableError
from testmesh_engine.actions.kafka_security import own_names
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value, parse_json, show

_HEADER_BYTES = 5
_OK, _NOT_FOUND = 200, 404
_ACCEPT = "application/vnd.schemaregistry.v1+json, application/json"


@dataclass(frozen=True, slots=True)
class Registry:
    """Where a registry is, and what every request to it carries."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    tls: Tls | None = None

    def __repr__(self) -> str:
        return f"<Registry at {self.url}>"  # the headers may hold a password

    @property
    def key(self) -> str:
        """What tells it from every other one; kept in memory only."""
        tls = self.tls and (self.tls.verify, self.tls.ca)
        return repr((self.url, self.headers, self.params, tls))


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema with all that it refers to, each after what it needs itself: names and texts."""

    id: int
    kind: str
    text: str
    references: tuple[tuple[str, str], ...] = ()


class Codec(Protocol):
    """Reads and writes by one schema."""

    def decoded(self, data: bytes) -> Value:
        """What ``data`` says. Raises :class:`UnreadableError`."""

    def encoded(self, value: Value) -> bytes:
        """``value`` in bytes. Raises ``UsageError`` for one that does not fit the schema."""


def read_registry(config: Config, folder: Path | None) -> Registry:
    """The registry that a step says. Raises ``UsageError``."""
    given = own_names(config.map("schema_registry"), REGISTRY_FIELDS, "schema_registry")
    auth = given.get("auth")
    credentials = credentials_of(auth if isinstance(auth, dict) else {}, _no_token)
    url, headers = _address(text_of(given["url"])), dict(credentials.headers)
    if url.userinfo and not headers:
        headers["Authorization"] = basic_of(url.username, url.password)
    pairs = (tuple(sorted(headers.items())), tuple(sorted(credentials.params.items())))
    return Registry(str(url.without_credentials()).rstrip("/"), *pairs, _tls(given, folder))


def _address(text: str) -> Url:
    if fault := fault_of_url(text):
        raise UsageError(f"schema_registry.url {fault}")
    try:
        return read_url(text.strip())
    except UrlError as error:
        raise UsageError(f"schema_registry.url is no URL: {error}") from error


def _no_token(_: Mapping[str, Value]) -> str:
    raise UsageError("schema_registry.auth.oauth2 is not supported", hint="Fetch a token and give auth: {bearer: …}.")


def _tls(given: Mapping[str, Value], folder: Path | None) -> Tls | None:
    ca, verify = text_of(given.get("ca_cert") or ""), given.get("verify_ssl") not in (False, "false")
    if ca and not is_pem(ca):
        ca = str(path_of(ca, folder, key="schema_registry.ca_cert"))
    return Tls(verify=verify, ca=ca) if ca or not verify else None


class Schemas:
    """The schemas that a flow has asked one registry for, each once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._session = Session()
        self._by_id: dict[int, Schema] = {}
        self._latest: dict[str, Schema] = {}
        self._codecs: dict[tuple[int, tuple[int, ...]], Codec] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def decoded(self, data: bytes, form: Format, bounds: Bounds) -> Value:
        """What a message says. Raises :class:`UnreadableError`; ``PlatformError`` without an answer."""
        number = header_of(data)
        if number not in self._by_id:
            self._by_id[number] = self._schema(number, bounds)
        schema = self._by_id[number]
        if schema.kind != form.value.upper():
            raise UnreadableError(f"schema {number} is {schema.kind}")
        body = data[_HEADER_BYTES:]
        indexes: tuple[int, ...] = (0,)
        if form is Format.PROTOBUF:
            from testmesh_engine.actions.kafka_protobuf import split_indexes  # noqa: PLC0415 - only its flows pay

            indexes, body = split_indexes(body)
        return self._codec(schema, indexes, bounds).decoded(body)

    def encoded(self, value: Value, form: Format, subject: str, bounds: Bounds) -> bytes:
        """``value`` by the latest schema of ``subject``, as a message holds it.

        Raises ``UsageError`` for a value that does not fit, ``ServiceError`` where the registry has no such subject.
        """
        schema = self._latest.get(subject) or self._latest.setdefault(subject, self._latest_of(subject, bounds))
        if schema.kind != form.value.upper():
            raise UsageError(f"the schema of {subject} is {schema.kind}, not {form.value.upper()}")
        data = self._codec(schema, (0,), bounds).encoded(value)
        # The first message of the file is written as the one byte 0.
        return b"\0" + schema.id.to_bytes(4, "big") + (b"\0" if form is Format.PROTOBUF else b"") + data

    def _codec(self, schema: Schema, indexes: tuple[int, ...], bounds: Bounds) -> Codec:
        known = self._codecs.get((schema.id, indexes))
        if known is None:
            known = self._codecs[schema.id, indexes] = _MAKERS[schema.kind](schema, indexes, bounds)
        return known

    def _schema(self, number: int, bounds: Bounds) -> Schema:
        answer = self._ask(f"/schemas/ids/{number}", bounds)
        if answer is None:
            raise UnreadableError(f"the registry at {self._registry.url} has no schema {number}")
        return self._read(answer, number, bounds)

    def _latest_of(self, subject: str, bounds: Bounds) -> Schema:
        answer = self._ask(f"/subjects/{quote(subject, safe='')}/versions/latest", bounds)
        if answer is None:
            raise ServiceError(
                f"the Schema Registry at {self._registry.url} has no subject {subject}",
                kind="protocol_error",
                hint="Register the schema first: the service that owns the topic does so when it publishes.",
            )
        number = answer.get("id")
        return self._read(answer, number if isinstance(number, int) else 0, bounds)

    def _read(self, answer: Mapping[str, Value], number: int, bounds: Bounds) -> Schema:
        found: dict[str, str] = {}
        self._collect(answer, found, bounds)
        kind, text = answer.get("schemaType") or "AVRO", answer.get("schema")
        if not isinstance(text, str) or not isinstance(kind, str):
            raise self._fault(f"its answer for schema {number} has no schema")
        return Schema(number, kind.upper(), text, tuple(found.items()))

    def _collect(self, answer: Mapping[str, Value], found: dict[str, str], bounds: Bounds) -> None:
        """What a schema refers to, and what that refers to, the deepest first."""
        references = answer.get("references")
        for reference in references if isinstance(references, list) else []:
            if not isinstance(reference, dict) or str(reference.get("name")) in found:
                continue
            subject, version = str(reference.get("subject")), show(reference.get("version"))
            below = self._ask(f"/subjects/{quote(subject, safe='')}/versions/{version}", bounds)
            if below is None:
                raise self._fault(f"it has no version {version} of {subject}, which a schema refers to")
            self._collect(below, found, bounds)
            found[str(reference.get("name"))] = str(below.get("schema"))

    def _ask(self, path: str, bounds: Bounds) -> Mapping[str, Value] | None:
        """The registry's answer, ``None`` where it has no such thing."""
        headers = {"Accept": _ACCEPT, **dict(self._registry.headers)}
        params = {name: [value] for name, value in self._registry.params}
        url = read_url(f"{self._registry.url}{path}").with_params(params)
        within = HttpBounds(bounds.deadline, bounds.interrupt)
        exchange = Exchange(self._session, self._session.pool(self._registry.tls, http2=False), within)
        try:
            answer = exchange.run(Request(method="GET", url=url, headers=headers))
        except ExchangeError as error:
            raise self._fault(str(error), unreachable=True) from error
        except TimeRanOutError as error:
            raise PlatformError(
                f"the Schema Registry at {self._registry.url} gave no answer within {error}", kind="timeout"
            ) from error
        if answer.head.status == _NOT_FOUND:
            return None
        return self._answer(answer.head.status, answer.body)

    def _answer(self, status: int, body: bytes) -> Mapping[str, Value]:
        try:
            found = parse_json(body)
        except ValueError:
            found = None
        if status == _OK and isinstance(found, dict):
            return found
        said = found.get("message") if isinstance(found, dict) else None
        raise self._fault(f"it answers {status}{f': {said}' if isinstance(said, str) else ''}")

    def _fault(self, said: str, *, unreachable: bool = False) -> PlatformError:
        where = f"the Schema Registry at {self._registry.url}"
        if unreachable:
            return PlatformError(f"{where} can't be reached: {said}", kind="connection_error")
        return PlatformError(f"{where} is no help: {said}", kind="protocol_error", hint="Check its url and auth.")


def header_of(data: bytes) -> int:
    """The number of a message's schema. Raises :class:`UnreadableError` for a message without it."""
    if len(data) < _HEADER_BYTES or data[0] != 0:
        raise UnreadableError("it does not begin with a zero and the number of a schema")
    return int.from_bytes(data[1:_HEADER_BYTES], "big")


def _avro(schema: Schema, _: tuple[int, ...], __: Bounds) -> Codec:
    from testmesh_engine.actions.kafka_avro import AvroCodec  # noqa: PLC0415 - only flows with Avro pay for it

    return AvroCodec(schema)


def _protobuf(schema: Schema, indexes: tuple[int, ...], bounds: Bounds) -> Codec:
    from testmesh_engine.actions.kafka_protobuf import ProtobufCodec  # noqa: PLC0415 - only flows with Protobuf pay

    return ProtobufCodec(schema, indexes, bounds)


_MAKERS: Mapping[str, Callable[[Schema, tuple[int, ...], Bounds], Codec]] = {"AVRO": _avro, "PROTOBUF": _protobuf}
