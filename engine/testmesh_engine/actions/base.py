"""What an action is: a declaration, and one function from its rendered config to its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import field
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.contract.catalogue import ActionSpec
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import (
    Check,
    Expression,
    ExpressionError,
    MapScope,
    Scope,
    Value,
    compile_expression,
)

Result = dict[str, Value]
"""An action's result: the names that its spec declares."""


class Closable(Protocol):
    """A connection or client that steps share."""

    def close(self) -> None:
        """Give it back; never waits long, never raises."""


_Shared = TypeVar("_Shared", bound=Closable)


@dataclass(slots=True)
class Counters:
    """What the run did, for the result's metrics."""

    http_requests: int = 0
    sql_statements: int = 0
    kafka_messages: int = 0
    retries: int = 0


class Connections:
    """What the steps of one flow share, by a key of its action's choosing; closed at the flow's end."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Closable] = {}

    def get(self, kind: type[_Shared], key: str, make: Callable[[], _Shared]) -> _Shared:
        """The one that is there, else a new one."""
        found = self._open.get((kind.__name__, key))
        if isinstance(found, kind):
            return found
        made = make()
        self._open[kind.__name__, key] = made
        return made

    def drop(self, kind: type[Closable], key: str) -> None:
        """Close one that broke; the next step gets a new one."""
        found = self._open.pop((kind.__name__, key), None)
        if found is not None:
            found.close()

    def close(self) -> None:
        """Close them all."""
        while self._open:
            # The flow's result stands: a driver that can't say farewell must not turn it into another one.
            with suppress(Exception):
                self._open.popitem()[1].close()


@dataclass(slots=True, kw_only=True)
class Context:
    """What one attempt of an action works with.

    ``deadline`` is the earliest of all that bound this attempt. ``holds`` tells an action that waits whether the
    step's assertions hold on a result. ``request`` is what the action sent, noted before it waits for the answer.
    ``attempt`` counts from 1 each time that the step runs. ``folder`` is where the flow's files lie, ``None`` for a
    flow that comes from no file. ``trace_id``: 32 hexadecimal digits that all calls of a flow's run share, or "".
    """

    step: str
    deadline: Deadline
    interrupt: Interrupt
    connections: Connections
    counters: Counters
    holds: Callable[[Result], bool]
    request: dict[str, Value] = field(default_factory=dict)
    attempt: int = 1
    found: dict[str, Value] = field(default_factory=dict)
    """What an action that failed saw instead of a result."""
    folder: Path | None = None
    trace_id: str = ""
    expressions: Mapping[str, Expression] = field(default_factory=dict)
    """Those of the config, by their text."""
    scope: Callable[[Mapping[str, Value]], Scope] = MapScope
    """All that the step sees, with names that the action gives where a result key would stand."""

    def evaluate(self, text: str, names: Mapping[str, Value]) -> Value:
        """The value of an expression of the config. Raises ``EvaluationError``; ``UsageError`` where it is none."""
        return self._compiled(text).evaluate(self.scope(names))

    def check(self, text: str, names: Mapping[str, Value]) -> Check:
        """An expression of the config as a condition. Raises ``UsageError`` for text that is no expression."""
        return self._compiled(text).check(self.scope(names))

    def _compiled(self, text: str) -> Expression:
        """Text that came as a part of a placeholder's value is compiled here: the flow's reader has not seen it."""
        if text in self.expressions:
            return self.expressions[text]
        try:
            return compile_expression(text)
        except ExpressionError as error:
            raise UsageError(f"{text} is no expression: {error.message}", hint=error.hint) from error

    def traceparent(self) -> str:
        """The header of W3C's Trace Context, which every call that this attempt makes carries; "" without a trace.

        https://www.w3.org/TR/trace-context/#traceparent-header
        """
        if not self.trace_id:
            return ""
        span = sha256(f"{self.trace_id}/{self.step}/{self.attempt}".encode()).hexdigest()[:16]
        return f"00-{self.trace_id}-{span}-01"


class Action(Protocol):
    """One kind of step."""

    spec: ActionSpec

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Do it once.

        ``config`` is rendered and holds the spec's own key names only, of the kinds it declares. Raises
        ``ServiceError``, ``PlatformError``, ``Interrupted``, or ``UsageError`` for a config that can't be meant.
        """


@runtime_checkable
class Preparing(Protocol):
    """An action that must note something before the flow's first step (Kafka: where each topic ends)."""

    def prepare(self, steps: list[Mapping[str, Value | None]], context: Context) -> None:
        """``steps`` are the configs of all steps of this action; a key that is not known yet is ``None``."""
