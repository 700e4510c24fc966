"""What happens while flows run, as reports hear of it.

Flows may run at once: ``flow`` of each event is the number of its flow within the call, from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import FlowResult, Phase, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of a flow's env: its value, masked, and the layer that it came from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStarted:
    """A flow begins; ``total`` is the number of its steps in all parts, ``row`` its row of ``data`` ("" without)."""

    name: str
    file: str
    total: int
    started_at: str
    row: str = ""
    variables: tuple[Variable, ...] = ()
    flow: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step begins."""

    id: str
    action: str
    phase: Phase
    so_far: Callable[[], FlowResult]
    """The flow up to this step, made when asked for: what there is to say if this step never ends."""
    flow: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """The step that is under way is tried again; ``number`` counts from 1."""

    number: int
    flow: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step has ended, or was not run."""

    step: StepResult
    flow: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TeardownStarted:
    """Setup and steps are over; ``so_far`` makes the flow as it stands then."""

    so_far: Callable[[], FlowResult]
    flow: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFinished:
    """A flow has ended, teardown included; or never started, and then nothing was told of it before."""

    result: FlowResult
    trace: str = ""
    """The traceback of an error of the engine itself, "" without one."""
    exit_code: int | None = None
    """What it asks of the command's exit code, ``None`` where its outcome alone says it."""
    flow: int = 0


Event: TypeAlias = FlowStarted | StepStarted | AttemptStarted | StepFinished | TeardownStarted | FlowFinished


class Reporter(Protocol):
    """One report."""

    def on(self, event: Event) -> None:
        """Take note of ``event``. Raises ``OSError`` where it can't be written."""

    def close(self) -> None:
        """Write what is left; the run is over."""
