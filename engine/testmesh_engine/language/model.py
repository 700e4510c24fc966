"""The flow as it will be run: names resolved to declarations, expressions and templates compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import TypeAlias

from testmesh_engine.contract.catalogue import ActionSpec, Kind
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Phase
from testmesh_engine.expressions import Expression, Output, Template, Value

DEFAULT_FLOW_TIMEOUT_SECONDS = 15 * 60.0
DEFAULT_TEARDOWN_TIMEOUT_SECONDS = 60.0


class OnError(StrEnum):
    """What a failed step means for the rest of the flow."""

    FAIL = "fail"
    CONTINUE = "continue"
    IGNORE = "ignore"


class Quantifier(StrEnum):
    """The list that an assertion stands in."""

    ALL = "assert"
    ANY = "assert_any"
    NONE = "assert_none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One assertion; ``message`` is the author's own words for its failure."""

    expression: Expression
    quantifier: Quantifier = Quantifier.ALL
    message: Template | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One line of ``output``: the variable ``name`` gets what ``output`` finds."""

    name: str
    output: Output
    line: int = 0


class FailureWord(StrEnum):
    """What ``retry_on`` may name beside expressions: the kind of a failure."""

    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    ASSERTION = "assertion"


FailureTest: TypeAlias = "FailureWord | Expression"
"""One entry of ``retry_on`` and ``retry_on_not``."""


class Backoff(StrEnum):
    """How the pause grows from one attempt to the next."""

    EXPONENTIAL = "exponential"
    LINEAR = "linear"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Attempts after a failed one; times in seconds. Without ``max_delay`` it is 30, or ``delay`` if that is more."""

    max_attempts: int = 3
    delay: float = 1.0
    backoff: Backoff = Backoff.EXPONENTIAL
    max_delay: float | None = None
    retry_on: tuple[FailureTest, ...] = ()
    """One of them must hold for another attempt, where there are any."""
    retry_on_not: tuple[FailureTest, ...] = ()
    """None of them may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eventually:
    """Attempts until one holds; times in seconds, ``interval`` from the end of one to the start of the next.

    With ``stable_for`` it must hold for that long: one that does not starts the time anew.
    """

    timeout: float = 30.0
    interval: float = 0.5
    stable_for: float = 0.0
    stop_on: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A time or count of a step that is a placeholder: it is known when the step starts, the same for all attempts.

    ``what`` is how messages name it (``retry.delay``); ``field`` is the field of :class:`Step` that it is, or of its
    ``attempts`` where ``of_attempts`` is set. ``zero`` says whether 0 may be meant.
    """

    what: str
    field: str
    template: Template
    kind: Kind
    of_attempts: bool = False
    zero: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StepList:
    """One list of steps in the config of a container: ``name`` is its key there, or that of its branch."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. ``id`` is "" where the author gave none; ``shown`` is then ``<action>_<n>``.

    A step inside of another one is shown as ``<outer>/<inner>``.
    """

    shown: str
    action: ActionSpec
    config: Mapping[str, Template]
    """Each key by the name it was written under: some are read before the run, when others have no value yet."""
    expressions: Mapping[str, Expression] = field(default_factory=dict)
    """Those that stand in the config, by their text, which the config holds as it is."""
    id: str = ""
    name: str = ""
    asserts: tuple[Assertion, ...] = ()
    outputs: tuple[Capture, ...] = ()
    when: Expression | None = None
    disabled: bool = False
    timeout: float | None = None
    on_error: OnError = OnError.FAIL
    attempts: Retry | Eventually | None = None
    late: tuple[Late, ...] = ()
    error_steps: tuple[Step, ...] = ()
    """What runs where this one has failed, after its last attempt."""
    nested: tuple[StepList, ...] = ()
    """What runs inside of it."""
    calls: Flow | None = None
    """The flow that it runs."""
    local: frozenset[str] = frozenset()
    """The names that the loops around it give."""
    written: str = ""
    """How it is shown where it stands in the text: in a loop ``shown`` has the number of the round as well."""
    tags: tuple[str, ...] = ()
    line: int = 0


def every_step(steps: Iterable[Step]) -> Iterator[Step]:
    """``steps`` with those that stand inside of them, in the order of the text."""
    for step in steps:
        yield step
        for nested in step.nested:
            yield from every_step(nested.steps)
        yield from every_step(step.error_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """One entry of ``env`` or ``inputs``: ``value`` as written, ``template`` compiled."""

    name: str
    value: Value
    template: Template
    line: int = 0

    @property
    def requires_itself(self) -> bool:
        """Whether its value names it without a default: the layers outside must have it."""
        return any(use.name == self.name and not use.optional for use in self.template.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One entry of ``inputs``; ``default`` is ``None`` for one that its caller must give."""

    name: str
    default: EnvVar | None = None
    kind: str = ""
    """What it is, as ``kind_of`` names it: as declared, or what the default is; "" for whatever is given."""
    description: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of ``data``: ``number`` of ``count``, from 1; ``first`` is its first column and value as written.

    ``values`` are those of a file; what stands in the flow itself may hold placeholders, and is the ``template``.
    """

    number: int
    count: int
    values: Mapping[str, Value]
    template: EnvVar | None = None
    first: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFile:
    """One file of ``env_file`` as it was read."""

    name: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One flow, ready to run. Times in seconds."""

    name: str
    file: str
    env: tuple[EnvVar, ...] = ()
    setup: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()
    teardown: tuple[Step, ...] = ()
    timeout: float = DEFAULT_FLOW_TIMEOUT_SECONDS
    teardown_timeout: float = DEFAULT_TEARDOWN_TIMEOUT_SECONDS
    description: str = ""
    suite: str = ""
    tags: tuple[str, ...] = ()
    exclusive: str = ""
    """Flows of one call with the same name here, if it is not "", wait for each other."""
    version: str = ""
    author: str = ""
    inputs: tuple[Input, ...] = ()
    env_files: tuple[EnvFile, ...] = ()
    """Of several that have a name the last one gives its value."""
    secrets: frozenset[str] = frozenset()
    outputs: tuple[Capture, ...] = ()
    late: tuple[Late, ...] = ()
    """Those of its times that are placeholders."""
    rows: tuple[Row, ...] = ()
    """The rows of ``data``: such a flow is run once for each of them (:func:`rows_of`), never as it stands."""
    row: Row | None = None
    """The row that this one is run for."""
    names: frozenset[str] = frozenset()
    """Every name that it declares in ``env`` or reads; ``env`` where it reads a variable whose name it computes."""

    def phase(self, phase: Phase) -> tuple[Step, ...]:
        """The steps of one part."""
        return {Phase.SETUP: self.setup, Phase.STEPS: self.steps, Phase.TEARDOWN: self.teardown}[phase]


def rows_of(flow: Flow) -> tuple[Flow, ...]:
    """The runs of ``flow``: one for each row of its data, or itself where it has none."""
    return tuple(replace(flow, rows=(), row=row) for row in flow.rows) or (flow,)
