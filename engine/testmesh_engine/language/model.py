"""The flow as it will be run: names resolved to declarations, expressions and templates compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from testmesh_engine.contract.catalogue import ActionSpec
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Attempts after a failed one; times in seconds."""

    max_attempts: int = 3
    delay: float = 1.0
    exponential: bool = True
    max_delay: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Eventually:
    """Attempts until one holds; times in seconds, ``interval`` from the end of one to the start of the next."""

    timeout: float = 30.0
    interval: float = 0.5
    stop_on: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. ``id`` is "" where the author gave none; ``shown`` is then ``<action>_<n>``."""

    shown: str
    action: ActionSpec
    config: Mapping[str, Template]
    """Each key by the name it was written under: some are read before the run, when others have no value yet."""
    id: str = ""
    name: str = ""
    asserts: tuple[Assertion, ...] = ()
    outputs: tuple[Capture, ...] = ()
    when: Expression | None = None
    disabled: bool = False
    timeout: float | None = None
    on_error: OnError = OnError.FAIL
    attempts: Retry | Eventually | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """One entry of ``env``: ``value`` as written, ``template`` compiled."""

    name: str
    value: Value
    template: Template
    line: int = 0


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
    tags: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    """Every name that it declares in ``env`` or reads; ``env`` where it reads a variable whose name it computes."""

    def phase(self, phase: Phase) -> tuple[Step, ...]:
        """The steps of one part."""
        return {Phase.SETUP: self.setup, Phase.STEPS: self.steps, Phase.TEARDOWN: self.teardown}[phase]
