"""What all steps of one list share while they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from testmesh_engine.actions.base import Connections, Counters
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Phase
from testmesh_engine.expressions import Value
from testmesh_engine.language.model import Flow, Step
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.scope import Memory

if TYPE_CHECKING:
    from testmesh_engine.runtime.called import CalledEnd


def folder_of(file: str) -> Path | None:
    """Where the files lie that a flow of ``file`` names; ``None`` where there is no such file (standard input)."""
    path = Path(file)
    return path.parent.absolute() if path.is_file() else None


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What the steps of one part of a flow share, or those of a list inside of a step."""

    flow: str
    phase: Phase
    memory: Memory
    masker: Masker
    identity: Identity
    deadline: Deadline
    interrupt: Interrupt
    connections: Connections
    counters: Counters
    folder: Path | None = None
    """Where the flow's files lie; ``None`` for a flow that comes from no file."""
    trace_id: str = ""
    """What all calls of this run of the flow carry: 32 hexadecimal digits."""
    started: float = field(default_factory=time.monotonic)
    """The flow's start, on the monotonic clock."""
    failed: bool = False
    """Whether the flow has failed so far: FLOW_STATUS in teardown."""
    error: Value = None
    """What ``error`` is for all of these steps; nil where it is that of the step that failed last."""
    trying: Callable[[int], None] = lambda _: None
    """Told the number of each attempt but the first, as it starts."""
    call: Callable[[Step, Flow, Mapping[str, Value], Surroundings], CalledEnd] | None = None
    """Runs a flow that a step calls, with these inputs."""
    for_success: bool = False
    """A step around them is tried again until they succeed, and itself asserts nothing."""
    strict: bool = False
    """``--strict``: an assertion that would hold whatever the values are does not hold."""
    traces: list[str] = field(default_factory=list)
    """Tracebacks of the engine's own errors, for ``-v``."""

    def inside(self, *, error: Value) -> Surroundings:
        """The surroundings of the steps inside of one that failed with ``error``: they see all that it sees."""
        return replace(self, error=error, trying=lambda _: None, for_success=False)

    def since_start(self, moment: float) -> float:
        """Milliseconds from the flow's start to ``moment`` of the monotonic clock."""
        return round((moment - self.started) * 1000, 1)
