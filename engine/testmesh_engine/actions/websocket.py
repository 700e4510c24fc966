"""``websocket``: sends and receives messages over a connection that stays open for the steps after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_message import Bounds, ExchangeError, UnreachableError
from testmesh_engine.actions.http_prepare import headers_of, tls_of
from testmesh_engine.actions.waiting import Deadline, TimeRanOutError, earliest
from testmesh_engine.actions.websocket_script import WORDS, Act, fault_of_actions, fault_of_match, script_of
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import ErrorKind, ServiceError, UsageError
from testmesh_engine.expressions import Value, parse_json, show, to_json
from testmesh_engine.expressions.inclusion import differences

if TYPE_CHECKING:
    from testmesh_engine.actions.websocket_connection import Connection

_PROTOCOL_CODES = frozenset({1002, 1003, 1007, 1009, 1010})
"""Codes of a close that says that a side broke the protocol (RFC 6455, 7.4.1)."""
_MAX_PASSED_OVER = 1000


def fault_of_url(url: object) -> str:
    """What is wrong with the URL of a WebSocket; of one that is none, all but its scheme may be a password."""
    text = str(url).strip()
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if sound:
        return f"has a fragment, and WebSocket knows none: leave #{parts.fragment} out" if parts.fragment else ""
    other = {"http": "ws", "https": "wss"}.get(text.partition("://")[0])
    return f"takes a URL that starts with ws:// or wss://{f'; write {other}://' if other else ''}"


class _Kept:
    """The connection of a flow to one URL; kept also once it is closed, so that the next step can say so."""

    def __init__(self) -> None:
        self.connection: Connection | None = None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


@dataclass(slots=True)
class _Run:
    """One attempt under way: what it was told, and what it has received."""

    settings: Config
    context: Context
    kept: _Kept
    messages: list[Value]
    raw: list[Value]
    passed_over: list[Value]

    def perform(self, act: Act) -> None:
        """Do one thing of the script."""
        bounds = self.bounds(act)
        if act.word == "connect" or self.kept.connection is None:
            self.kept.close()
            self.kept.connection = self._open(bounds)
        connection = self.kept.connection
        if act.word == "send":
            connection.send(_encoded(act.message), bounds)
        elif act.word == "receive":
            self._receive(connection, act, bounds)
        elif act.word == "close":
            connection.close_politely(act.code, act.reason, bounds)

    def bounds(self, act: Act) -> Bounds:
        """The end of the attempt, or an earlier one that the action says."""
        deadline = self.context.deadline
        if act.seconds is not None:
            deadline = earliest((deadline, Deadline.after(act.seconds, f"the timeout of {act.word}")))
        return Bounds(deadline, self.context.interrupt)

    def _open(self, bounds: Bounds) -> Connection:
        from testmesh_engine.actions.websocket_connection import open_connection  # noqa: PLC0415 - only flows with it pay

        headers = headers_of(self.settings)
        trace = self.context.traceparent()
        if trace and "traceparent" not in {name.lower() for name in headers}:
            headers["traceparent"] = trace
        return open_connection(
            self.settings.text("url").strip(),
            bounds,
            headers=headers,
            subprotocols=[str(name) for name in self.settings.list("subprotocols")],
            tls=tls_of(self.settings, self.context.folder),
        )

    def _receive(self, connection: Connection, act: Act, bounds: Bounds) -> None:
        wanted = len(self.messages) + act.count
        while len(self.messages) < wanted:
            bounds.phase = f"{act.count - (wanted - len(self.messages))} of {act.count} had come"
            raw = connection.receive(bounds)
            value = _decoded(raw)
            if act.match is not None and next(differences(value, act.match, _tick), None) is not None:
                self.passed_over = [*self.passed_over, value][-_MAX_PASSED_OVER:]
                continue
            self.messages.append(value)
            self.raw.append(raw)

    def result(self) -> Result:
        """What has come of it."""
        connection = self.kept.connection
        code, reason = connection.closed_with if connection else (None, "")
        return {
            "messages": self.messages,
            "last": self.messages[-1] if self.messages else None,
            "raw": self.raw,
            "count": len(self.messages),
            "connected": bool(connection and connection.is_open),
            "subprotocol": connection.subprotocol if connection else "",
            "close_code": code,
            "close_reason": reason,
        }

    def drop(self) -> None:
        """Give up the connection; the next step opens another one."""
        self.kept.close()
        self.kept.connection = None

    def note(self) -> None:
        """What had come before something went wrong, for reports."""
        found = {"messages": self.messages, "not_matched": self.passed_over[-5:]}
        self.context.found = {name: value for name, value in found.items() if value}


class WebSocket:
    """A script of connect, send, receive and close; what was received is the result."""

    spec = ActionSpec(
        name="websocket",
        doc="Sends and receives messages over a WebSocket, which stays open for the steps below.",
        example=(
            "- id: greeted\n"
            "  action: websocket\n"
            "  config:\n"
            "    url: ws://localhost:8080/events\n"
            "    actions:\n"
            "      - {send: {type: hello}}\n"
            "      - {receive: {match: {type: welcome}, timeout: 5s}}\n"
            '  assert: [last.type == "welcome"]\n'
        ),
        keys=(
            Key(name="url", kind=Kind.TEXT, required=True, doc="the whole URL, ws or wss", fault=fault_of_url),
            Key(name="headers", kind=Kind.MAP, doc="headers of the handshake", case_blind=True),
            Key(name="subprotocols", kind=Kind.LIST, doc="names of which the server chooses one"),
            Key(
                name="actions",
                kind=Kind.LIST,
                doc="what is done, in order: connect, send, receive, close; see below",
                fault=fault_of_actions,
            ),
            Key(
                name="action",
                kind=Kind.TEXT,
                doc="the one thing that is done, in place of actions",
                choices=tuple(word.upper() for word in WORDS),
            ),
            Key(
                name="message",
                kind=Kind.ANY,
                doc="what action: send sends: text as it is, anything else as JSON",
                aliases=("data", "payload"),
            ),
            Key(name="count", kind=Kind.INTEGER, doc="how many messages action: receive waits for", default="1"),
            Key(
                name="match",
                kind=Kind.ANY,
                doc="a part that a message must hold to count; others are passed over",
                fault=fault_of_match,
            ),
            Key(name="code", kind=Kind.INTEGER, doc="the code of action: close", default="1000"),
            Key(name="reason", kind=Kind.TEXT, doc="its reason"),
            Key(
                name="connection", kind=Kind.TEXT, doc="a name for the connection, where a flow has several to one url"
            ),
            Key(name="verify_ssl", kind=Kind.BOOLEAN, doc="whether the certificate is checked", default="true"),
            Key(name="ca_cert", kind=Kind.TEXT, doc="whom alone to trust: a certificate's path, or its PEM text"),
            Key(name="client_cert", kind=Kind.TEXT, doc="our own certificate: its path, or its PEM text"),
            Key(name="client_key", kind=Kind.TEXT, doc="its private key, where client_cert does not hold it"),
            Key(name="timeout", kind=Kind.DURATION, doc="bounds the whole step", default="30s"),
        ),
        results={
            "messages": "what was received in this step, in order; JSON objects and lists as values, text as text",
            "last": "the last of them, nil where none came",
            "raw": "the same messages as they came: text or bytes",
            "count": "how many there are",
            "connected": "whether the connection is open",
            "subprotocol": 'what the server has chosen, "" for none',
            "close_code": "the code of the close, nil where it is open",
            "close_reason": "its reason",
        },
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Do what the script says; the first action opens the connection where it is not open.

        Raises ``ServiceError`` where the server can't be reached, refuses, closes before all had come, or does not
        send enough in time.
        """
        settings = Config(self.spec, config)
        script = script_of(settings)
        _require_driver()
        url = settings.text("url").strip()
        kept = context.connections.get(_Kept, settings.text("connection") or url, _Kept)
        run = _Run(settings, context, kept, [], [], [])
        context.request = {"url": url, "actions": [_shown(act) for act in script]}
        for act in script:
            with _mapped(act, url, run):
                run.perform(act)
        return run.result()


def _tick() -> None:
    """Messages are bounded; so is what is compared in them."""


def _require_driver() -> None:
    try:
        import websockets  # noqa: F401, PLC0415 - only flows that use it pay
    except ImportError as error:
        raise UsageError(
            f"websocket needs a library: {error}", hint="Install it with: pip install 'testmesh[websocket]'"
        ) from error


@contextmanager
def _mapped(act: Act, url: str, run: _Run) -> Iterator[None]:
    """What went wrong, as one of our errors; the connection is closed, and the next step opens a new one."""
    from testmesh_engine.actions.websocket_connection import ClosedError, RefusedError  # noqa: PLC0415 - only flows with it

    try:
        yield
    except TimeRanOutError as error:
        run.note()
        if act.word != "receive":
            run.drop()
        raise ServiceError(f"{url}: {_late(act, run)} within {error}{_near(act, run)}", kind="timeout") from error
    except UnreachableError as error:
        hint = error.hint.replace("http://", "ws://")
        raise ServiceError(f"can't connect to {url}: {error}", kind="connection_error", hint=hint) from error
    except RefusedError as error:
        run.context.found = (
            {"status": error.status, "body": error.body.decode("utf-8", "replace")} if error.status else {}
        )
        raise ServiceError(f"{url}: {error}", kind="protocol_error") from error
    except ClosedError as error:
        run.note()
        run.drop()
        kind: ErrorKind = "protocol_error" if error.code in _PROTOCOL_CODES else "connection_error"
        raise ServiceError(
            f"{url}: {_early(act, run)} the connection was {error}{_near(act, run)}", kind=kind
        ) from error
    except ExchangeError as error:
        run.note()
        run.drop()
        raise ServiceError(f"{url}: {_early(act, run)} {error}", kind="connection_error") from error


def _late(act: Act, run: _Run) -> str:
    if act.word == "receive":
        return f"{len(run.messages)} messages had come, and not all that {act.word} waits for ({act.count}),"
    return f"{act.word} was not finished"


def _early(act: Act, run: _Run) -> str:
    return f"after {len(run.messages)} messages" if act.word == "receive" else f"at {act.word}"


def _near(act: Act, run: _Run) -> str:
    """What the last message that did not match differs in."""
    if not run.passed_over:
        return ""
    last = run.passed_over[-1]
    found = "; ".join(f"it{one}" for one in differences(last, act.match, _tick))
    return f"; {len(run.passed_over)} did not match, the last one {show(last, 120)}: {found}"


def _encoded(message: Value) -> str | bytes:
    return message if isinstance(message, (str, bytes)) else to_json(message)


def _decoded(raw: str | bytes) -> Value:
    """JSON objects and lists as values; a text that merely spells a number stays text."""
    if isinstance(raw, str) and raw.lstrip()[:1] in {"{", "["}:
        try:
            return parse_json(raw)
        except ValueError:
            return raw
    return raw


def _shown(act: Act) -> Value:
    if act.word == "send":
        return {"send": act.message}
    if act.word == "receive":
        return {"receive": act.count} if act.match is None else {"receive": act.count, "match": act.match}
    return act.word
