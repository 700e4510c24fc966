"""What happens while flows run, as reports hear of it.

Flows may run at once: ``flow`` of each event is the number of its flow within the call, from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from testmesh_engine.contract.result import FlowResult, Phase, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStarted:
    """A flow begins; ``total`` is the number of its steps in all parts."""

    name: str
    file: str
    total: int
    started_at: str
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
    """A flow has ended, teardown included."""

    result: FlowResult
    trace: str = ""
    """The traceback of an error of the engine itself, "" without one."""
    flow: int = 0


Event: TypeAlias = FlowStarted | StepStarted | StepFinished | TeardownStarted | FlowFinished


class Reporter(Protocol):
    """One report."""

    def on(self, event: Event) -> None:
        """Take note of ``event``. Raises ``OSError`` where it can't be written."""

    def close(self) -> None:
        """Write what is left; the run is over."""
