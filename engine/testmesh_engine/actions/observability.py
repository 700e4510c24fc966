"""What ``prometheus_query`` and ``loki_query`` share: asking the server's HTTP API, and reading samples."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from testmesh_engine.actions.base import Context
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_auth import fault_of_auth
from testmesh_engine.actions.http_request import HttpRequest
from testmesh_engine.actions.http_spec import fault_of_url
from testmesh_engine.contract.catalogue import Key, Kind
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import PlatformError, ServiceError, UsageError
from testmesh_engine.expressions import Value, parse_json, show

CONNECTION_KEYS = (
    Key(name="headers", kind=Kind.MAP, doc="headers of the request", case_blind=True),
    Key(name="auth", kind=Kind.MAP, doc="basic or bearer, as for http_request", fault=fault_of_auth),
    Key(name="verify_ssl", kind=Kind.BOOLEAN, doc="whether the certificate is checked", default="true"),
    Key(name="ca_cert", kind=Kind.TEXT, doc="whom alone to trust: a certificate's path, or its PEM text"),
    Key(name="timeout", kind=Kind.DURATION, doc="bounds the request and the whole response", default="30s"),
)
RANGE_KEYS = (
    Key(name="start", kind=Kind.ANY, doc="from when on: RFC 3339, or seconds since 1970"),
    Key(name="end", kind=Kind.ANY, doc="until when", default="now"),
)
_PASSED_ON = ("auth", "verify_ssl", "ca_cert")


def url_key(variable: str, doc: str) -> Key:
    """The server's URL, which ``variable`` may give."""
    return Key(name="url", kind=Kind.TEXT, required=True, doc=doc, variables=(variable,), fault=fault_of_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to an API: ``server`` is what it is called in messages."""

    server: str
    path: str
    params: Mapping[str, Value]
    headers: Mapping[str, Value]


def ask(asked: Asked, settings: Config, context: Context) -> dict[str, Value]:
    """``data`` of the answer: ``resultType`` and ``result``.

    Raises ``ServiceError`` for a query that the server refuses; ``PlatformError`` for all else that goes wrong: it is
    not the server that is under test.
    """
    url = settings.text("url").strip().rstrip("/") + asked.path
    given: dict[str, Value] = {"url": url, "params": dict(asked.params)}
    headers = {**settings.map("headers"), **asked.headers}
    passed_on = {name: value for name in _PASSED_ON if (value := settings.value(name)) is not None}
    inner = replace(context)
    try:
        result = HttpRequest().run({**given, **passed_on, **({"headers": headers} if headers else {})}, inner)
    except ServiceError as error:
        raise PlatformError(f"{asked.server}: {error.message}", kind=error.kind, hint=error.hint) from error
    finally:
        context.request, context.found = inner.request, inner.found
    return _data(asked.server, url, result["status"], result["body"], context)


def _data(server: str, url: str, status: Value, body: Value, context: Context) -> dict[str, Value]:
    answer = body if isinstance(body, dict) else {}
    data = answer.get("data")
    if status == 200 and answer.get("status") == "success" and isinstance(data, dict):
        return data
    context.found = {"status": status, "body": body}
    said = answer.get("error") or body
    told = said if isinstance(said, str) else show(said)
    if status in {400, 422}:
        raise ServiceError(f"{server} refuses the query: {told.strip()}", kind="query_error")
    hint = "Write auth, or the headers that it asks for." if status in {401, 403} else f"Is {url} the API of {server}?"
    raise PlatformError(f"{server} answered {show(status)}: {told.strip()[:200]}", kind="protocol_error", hint=hint)


def window(settings: Config, length: str) -> dict[str, Value]:
    """``start`` and ``end`` as the APIs take them; ``length`` is the key for how long until now. "" for none."""
    span, start = settings.value(length), settings.value("start")
    if span is not None and start is not None:
        raise UsageError(f"{length} and start say the same; write one of them")
    found: dict[str, Value] = {
        name: show_time(settings.value(name)) for name in ("start", "end") if settings.value(name)
    }
    if span is not None:
        end = settings.value("end")
        if end is not None:
            raise UsageError(f"{length} ends now; with end, write start")
        now = time.time()
        found = {"start": f"{now - parse_duration(str(span)):.3f}", "end": f"{now:.3f}"}
    elif start is not None and "end" not in found:
        found["end"] = f"{time.time():.3f}"
    elif start is None and "end" in found:
        raise UsageError(f"end needs start, or write {length}")
    return found


def show_time(moment: Value) -> Value:
    """A moment as the APIs take it."""
    return moment if isinstance(moment, str) else show(moment)


def number_of(text: Value) -> Value:
    """A sample's value: the exact number that its text spells; NaN and infinities are text."""
    try:
        return parse_json(text) if isinstance(text, str) else text
    except ValueError:
        return text


def series_of(data: Mapping[str, Value]) -> list[Value]:
    """The series of a result: labels, and the values with their times, the last of them as value."""
    kind, result = data.get("resultType"), data.get("result")
    items = result if isinstance(result, list) else []
    if kind in {"scalar", "string"}:
        return [_series({}, [items])]
    found: list[Value] = []
    for item in items:
        if isinstance(item, dict):
            labels, values = item.get("metric"), item.get("values") if kind == "matrix" else [item.get("value")]
            found.append(
                _series(labels if isinstance(labels, dict) else {}, values if isinstance(values, list) else [])
            )
    return found


def _series(labels: dict[str, Value], samples: list[Value]) -> dict[str, Value]:
    pairs = [sample for sample in samples if isinstance(sample, list) and len(sample) == 2]
    values = [number_of(value) for _, value in pairs]
    return {
        "labels": labels,
        "value": values[-1] if values else None,
        "values": [*values],
        "times": [moment for moment, _ in pairs],
    }


def only_value(series: list[Value]) -> Value:
    """The value where there is one series; of several nobody can say which one is meant."""
    only = series[0] if len(series) == 1 else None
    return only["value"] if isinstance(only, dict) else None


def why_unsuccessful(result: Mapping[str, object]) -> str:
    """Metrics and logs come late: who waits for a query without an assertion waits for it to find something."""
    return "" if result["count"] else "count is 0"
