"""``wait_for``: tries an HTTP URL or a TCP port again and again until it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_message import Bounds, UnreachableError
from testmesh_engine.actions.http_request import HttpRequest
from testmesh_engine.actions.http_spec import fault_of_url
from testmesh_engine.actions.http_transport import connect
from testmesh_engine.actions.waiting import Deadline, TimeRanOutError, earliest
from testmesh_engine.contract.catalogue import ActionSpec, Condition, Key, Kind, Waiting
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import Value

TRY_SECONDS = 5.0
"""What one try may take: a service that hangs while it starts is asked anew."""

_OF_HTTP = ("method", "headers", "verify_ssl", "ca_cert")


def conditions(config: Mapping[str, object]) -> Iterator[Condition]:
    """What must hold of an HTTP answer; that a port accepts a connection is all that is asked of TCP."""
    if "url" not in config and "http" not in config:
        if "status" in config:
            raise ValueError("status goes with url", "status")
        return
    if "status" not in config:
        yield Condition("", "status >= 200 && status < 400")
        return
    wanted = config["status"]
    if isinstance(wanted, list) and not all(isinstance(one, int) for one in wanted):
        raise ValueError("status takes a status code, or a list of them", "status")
    yield Condition("status", f"status in {wanted}" if isinstance(wanted, list) else f"status == {wanted}")


def fault_of_tcp(address: object) -> str:
    """What is wrong with the address of a port."""
    host, port = _split(str(address))
    return "" if host and port else "takes host:port, such as localhost:5432"


def _split(address: str) -> tuple[str, int]:
    """Host and port, "" and 0 for what is none."""
    try:
        parts = urlsplit(f"tcp://{address.strip().removeprefix('tcp://')}")
        return (parts.hostname or "", parts.port or 0) if not parts.path.strip("/") else ("", 0)
    except ValueError:
        return "", 0


class WaitFor:
    """One try; when the next one starts is the flow's business."""

    spec = ActionSpec(
        name="wait_for",
        doc="Waits until a service answers: an HTTP URL, or a TCP port.",
        example="- action: wait_for\n  config: {url: http://localhost:5003/health, timeout: 60s}\n",
        keys=(
            Key(name="url", kind=Kind.TEXT, doc="the URL to ask", aliases=("http",), fault=fault_of_url),
            Key(name="tcp", kind=Kind.TEXT, doc="host:port, in place of url", fault=fault_of_tcp),
            Key(name="host", kind=Kind.TEXT, doc="the host, in place of tcp"),
            Key(name="port", kind=Kind.INTEGER, doc="its port"),
            Key(
                name="type",
                kind=Kind.TEXT,
                doc="says what is waited for, http or tcp",
                choices=("HTTP", "TCP"),
                default="by the other keys",
            ),
            Key(
                name="status",
                kind=Kind.ANY,
                doc="the status to wait for, or a list of them",
                default="any from 200 to 399",
                aliases=("expected_status",),
            ),
            Key(name="method", kind=Kind.TEXT, doc="the method", default="GET"),
            Key(name="headers", kind=Kind.MAP, doc="headers of the request", case_blind=True),
            Key(name="verify_ssl", kind=Kind.BOOLEAN, doc="whether the certificate is checked", default="true"),
            Key(name="ca_cert", kind=Kind.TEXT, doc="whom alone to trust: a certificate's path, or its PEM text"),
            Key(
                name="interval",
                kind=Kind.DURATION,
                doc="from the end of one try to the start of the next",
                default="500ms",
                aliases=("poll_interval",),
            ),
            Key(name="max_attempts", kind=Kind.INTEGER, doc="how often it is tried at most"),
            Key(name="timeout", kind=Kind.DURATION, doc="bounds all of it", default="30s"),
        ),
        results={
            "connected": "true",
            "address": "what answered: the URL, or host:port",
            "status": "the status code, of HTTP",
            "body": "the body, of HTTP",
            "attempts": "how often it was tried",
        },
        asserts_itself=True,
        waiting=Waiting(conditions=conditions, keys=("status", "expected_status")),
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Try once. Raises ``ServiceError`` where nothing answers, ``UsageError`` where nothing is named."""
        settings = Config(self.spec, config)
        own = Deadline.after(TRY_SECONDS, "one try")
        bounded = replace(context, deadline=earliest((context.deadline, own)))
        try:
            found = self._try(settings, bounded)
        except ServiceError as error:
            if error.kind == "timeout" and not context.deadline.passed:
                # The step's time is not over: the next try may find it.
                raise ServiceError(error.message, kind="connection_error", hint=error.hint) from error
            raise
        finally:
            context.request, context.found = bounded.request, bounded.found
        return {"connected": True, "attempts": context.attempt, **found}

    def _try(self, settings: Config, context: Context) -> Result:
        url, tcp = settings.text("url").strip(), settings.text("tcp")
        host, port = _split(tcp) if tcp else (settings.text("host").strip(), settings.integer("port", 0))
        _check(settings.text("type").lower(), url=url, host=host)
        if url:
            return _http(settings, context)
        if not 0 < port < 65536:
            raise UsageError(f"wait_for needs a port from 1 to 65535, found {port}")
        return _tcp(host, port, context)


def _check(kind: str, *, url: str, host: str) -> None:
    if bool(url) is bool(host):
        hint = "Write url: http://…, or tcp: host:port."
        raise UsageError(f"wait_for takes {'one of url and tcp, not both' if url else 'url or tcp'}", hint=hint)
    if kind and (kind == "http") is not bool(url):
        raise UsageError(f"type: {kind} goes with {'url' if kind == 'http' else 'tcp, or host and port'}")


def _http(settings: Config, context: Context) -> Result:
    given = {"url": settings.text("url")} | {
        name: value for name in _OF_HTTP if (value := settings.value(name)) is not None
    }
    result = HttpRequest().run(given, context)
    return {**result, "address": settings.text("url")}


def _tcp(host: str, port: int, context: Context) -> Result:
    address = f"{host}:{port}"
    context.request = {"tcp": address}
    try:
        connect(host, port, Bounds(context.deadline, context.interrupt)).close()
    except TimeRanOutError as error:
        raise ServiceError(f"{address} does not accept a connection within {error}", kind="timeout") from error
    except UnreachableError as error:
        raise ServiceError(f"{address} does not accept a connection: {error}", kind="connection_error") from error
    return {"address": address}
