"""What an action is: a declaration, and one function from its rendered config to its result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.contract.catalogue import ActionSpec
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import ServiceError, UsageError
from testmesh_engine.expressions import (
    Check,
    EvaluationError,
    Expression,
    ExpressionError,
    MapScope,
    NoValueError,
    Scope,
    Value,
    compile_expression,
    need_value,
)

Result = dict[str, Value]
"""An action's result: the names that its spec declares."""


class Closable(Protocol):
    """A connection or client that steps share."""

    def close(self) -> None:
        """Give it back; never waits long, never raises."""


_Shared = TypeVar("_Shared", bound=Closable)


def _is_for_all(kind: type[Closable]) -> bool:
    """Whether steps that run at the same time share one of it: its class says so by ``for_all = True``."""
    return getattr(kind, "for_all", False) is True


_TURN_SECONDS = 0.05
"""How long a thread that waits for its turn does not look at its deadline."""


@dataclass(slots=True)
class Counters:
    """What the run did, for the result's metrics."""

    http_requests: int = 0
    sql_statements: int = 0
    kafka_messages: int = 0
    retries: int = 0

    def add(self, other: Counters) -> None:
        """Count what steps did that ran beside others, once they have ended."""
        self.http_requests += other.http_requests
        self.sql_statements += other.sql_statements
        self.kafka_messages += other.kafka_messages
        self.retries += other.retries


class Connections:
    """What the steps of one flow share, by a key of its action's choosing; closed at the flow's end."""

    def __init__(self, above: Connections | None = None) -> None:
        self._open: dict[tuple[str, str], Closable] = {}
        self._noting: dict[str, list[Callable[[], None]]] = {}
        self._above = above
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.RLock()

    @contextmanager
    def turn(self, name: str, deadline: Deadline, interrupt: Interrupt) -> Iterator[None]:
        """The turn of one of those who use ``name`` in threads of one flow.

        Raises ``TimeRanOutError`` at the deadline, ``Interrupted`` at the interrupt.
        """
        if self._above is not None:
            with self._above.turn(name, deadline, interrupt):
                yield
            return
        with self._lock:
            lock = self._turns.setdefault(name, threading.Lock())
        while not lock.acquire(timeout=_TURN_SECONDS):
            interrupt.check()
            deadline.check()
        try:
            yield
        finally:
            lock.release()

    def beside(self) -> Connections:
        """Those of steps that run at the same time as others: their own, but for what all may use at once."""
        return Connections(self)

    def get(self, kind: type[_Shared], key: str, make: Callable[[], _Shared]) -> _Shared:
        """The one that is there, else a new one."""
        if self._above is not None and _is_for_all(kind):
            return self._above.get(kind, key, make)
        with self._lock:
            found = self._open.get((kind.__name__, key))
            if isinstance(found, kind):
                return found
            made = make()
            self._open[kind.__name__, key] = made
            return made

    def when_begins(self, step: str, note: Callable[[], None]) -> None:
        """Have ``note`` called whenever the step of that id begins; it never raises."""
        self._noting.setdefault(step, []).append(note)

    def step_begins(self, step: str) -> None:
        """The step of that id begins."""
        if self._above is not None:
            self._above.step_begins(step)
        for note in self._noting.get(step, ()):
            note()

    def drop(self, kind: type[Closable], key: str) -> None:
        """Close one that broke; the next step gets a new one."""
        if self._above is not None and _is_for_all(kind):
            self._above.drop(kind, key)
            return
        found = self._open.pop((kind.__name__, key), None)
        if found is not None:
            found.close()

    def close(self) -> None:
        """Close them all."""
        while self._open:
            # The flow's result stands: a driver that can't say farewell must not turn it into another one.
            with suppress(Exception):
                self._open.popitem()[1].close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One run of the list ``steps`` of a container, by its key or its branch's name.

    ``names`` are what its steps see beside all that the container sees. ``label`` tells it from other rounds of the
    same list in reports (``loop/2/create``), ``told`` in messages (``items[2] "john"``).
    """

    steps: str
    label: str = ""
    told: str = ""
    names: Mapping[str, Value] = field(default_factory=dict)


class Nested(Protocol):
    """The steps inside of a container, and how they are run."""

    in_steps: bool
    """Whether the container is a part of the test: in setup and teardown there may be nothing to do."""

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists that it has, in the order of the text."""

    def run(self, rounds: Sequence[Round], *, at_once: int = 1, go_on: bool = False) -> list[Result]:
        """Run ``rounds``, up to ``at_once`` of them at the same time; the results of each one's steps by their ids.

        A round ends with the first of its steps that fails; without ``go_on`` no further round is started then. Rounds
        that run at once leave no names behind, but for those of branches, which are lists of their own.
        Raises what the first failure is, ``NothingRanError`` where no step was run, ``Interrupted``.
        """


@dataclass(slots=True, kw_only=True)
class Context:
    """What one attempt of an action works with.

    ``deadline`` is the earliest of all that bound this attempt. ``holds`` tells an action that waits whether the
    step's assertions hold on a result. ``request`` is what the action sent, noted before it waits for the answer.
    ``attempt`` counts from 1 each time that the step runs. ``written`` is the step as the text has it: in a loop
    ``step`` holds the number of the round as well. ``folder`` is where the flow's files lie, ``None`` for a
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
    written: str = ""
    call: Callable[[Mapping[str, Value]], Result] | None = None
    """Runs the flow that the step names with these inputs; ``output``, ``status`` and ``flow`` of it."""
    nested: Nested | None = None
    """Set for an action whose config has lists of steps."""
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

    def need(self, text: str, names: Collection[str]) -> None:
        """See that all that an expression of the config reads of the flow has a value; ``names`` the action gives.

        Raises ``NoValueError`` for a variable without value, ``UsageError`` for text that is no expression.
        """
        for use in self._compiled(text).names:
            if not use.soft and use.name not in names:
                need_value(use, self.scope({}))

    def value(self, given: Value, names: Mapping[str, Value] | None = None) -> Value:
        """What stands under a key of ``Kind.EXPRESSION``: the value of the expression, or the value itself.

        Raises ``ServiceError`` where what was received does not have it, ``NoValueError`` for a variable without value.
        """
        if not isinstance(given, str):
            return given
        try:
            return self.evaluate(given, names or {})
        except NoValueError:
            raise
        except EvaluationError as error:
            message = f"{given} has no value: {error.message}"
            raise ServiceError(message, kind="assertion", hint=error.hint) from error

    def inside(self) -> Nested:
        """The steps inside of this one; the reader of flows has seen that there are some."""
        if self.nested is None:
            raise UsageError(f"{self.step} has no steps inside of it")
        return self.nested

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
