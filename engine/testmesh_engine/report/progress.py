"""The live line of the console: how far the flows are that run now, made anew several times a second."""

from __future__ import annotations

import threading
from collections.abc import Callable

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Outcome
from testmesh_engine.report.events import AttemptStarted, Event, FlowFinished, FlowStarted, StepFinished, StepStarted
from testmesh_engine.report.wording import on_one_line, titled

TICK_SECONDS = 0.2
_NAMED = 4
"""Flows that are named at once; there is only one line."""


@dataclass(slots=True)
class _Running:
    name: str
    total: int
    done: int = 0
    step: str = ""
    since: float = 0.0
    attempt: int = 1

    def seconds(self, now: float) -> str:
        return f"{max(0.0, now - self.since):.1f} s"


class Progress:
    """What the live line says. ``now`` gives seconds of a monotonic clock."""

    def __init__(self, flows: int, now: Callable[[], float]) -> None:
        self._flows = flows
        self._now = now
        self._running: dict[int, _Running] = {}
        self._ended = 0
        self._failed = 0

    def on(self, event: Event) -> None:
        """Take note of how far a flow has come."""
        running = self._running.get(event.flow)
        match event:
            case FlowStarted():
                self._running[event.flow] = _Running(
                    on_one_line(titled(event.name, event.row)), event.total, since=self._now()
                )
            case StepStarted() if running:
                running.step, running.since, running.attempt = on_one_line(event.id), self._now(), 1
            case AttemptStarted() if running:
                running.attempt = event.number
            case StepFinished() if running:
                running.done += 1
                running.step = ""
            case FlowFinished():
                self._running.pop(event.flow, None)
                self._ended += 1
                self._failed += event.result.outcome not in (Outcome.PASSED, Outcome.SKIPPED)

    def text(self) -> str:
        """The line as it is now; "" while nothing runs."""
        if not self._running:
            return ""
        if self._flows == 1:
            return self._one(next(iter(self._running.values())))
        return self._several()

    def _one(self, flow: _Running) -> str:
        if not flow.step:
            return f"  {flow.done} of {flow.total}"
        tries = f"  attempt {flow.attempt}" if flow.attempt > 1 else ""
        return f"  {flow.done + 1} of {flow.total}  {flow.step}  {flow.seconds(self._now())}{tries}"

    def _several(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        flows = list(self._running.values())
        names = [f"{flow.name} ({self._where(flow)})" for flow in flows[:_NAMED]]
        more = [f"{len(flows) - _NAMED} more"] if len(flows) > _NAMED else []
        return f"{self._ended} of {self._flows} flows{failed}, running: {', '.join([*names, *more])}"

    def _where(self, flow: _Running) -> str:
        tries = f", attempt {flow.attempt}" if flow.attempt > 1 else ""
        return f"{flow.step or f'{flow.done} of {flow.total}'} {flow.seconds(self._now())}{tries}"


class Ticker:
    """Calls ``tick`` several times a second until it is stopped, from a thread that never keeps the process."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when no further call comes."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            try:
                self._tick()
            except (OSError, ValueError):
                # Nobody reads any more, or the file is closed: the next line that matters says so.
                return
