"""Runs flows in a thread of their own, while the main thread waits for signals."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from testmesh_engine.actions.waiting import Interrupt
from testmesh_engine.contract.result import Failure, FlowResult, Outcome
from testmesh_engine.language.model import Flow
from testmesh_engine.report.events import Event, FlowFinished
from testmesh_engine.runtime.flow import FlowEnd, FlowRun, Interrupts, RunOptions
from testmesh_engine.runtime.outcome import EXIT_PLATFORM

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_flows(flows: Sequence[Flow], options: RunOptions, tell: Callable[[Event], None]) -> list[FlowEnd]:
    """Run ``flows`` one after the other; after a signal no further one starts. Call it from the main thread."""
    interrupts = Interrupts(run=Interrupt(), teardown=Interrupt())
    ends: list[FlowEnd] = []

    def work() -> None:
        for flow in flows:
            if interrupts.run.is_set():
                return
            ends.append(_run_one(flow, options, interrupts, tell))

    # Daemonic: a driver that hangs in spite of all must not keep the process once its verdict is written.
    worker = threading.Thread(target=work, name="flows", daemon=True)
    try:
        with _handled(interrupts):
            worker.start()
            worker.join()
    finally:
        interrupts.run.close()
        interrupts.teardown.close()
    return ends


def _run_one(flow: Flow, options: RunOptions, interrupts: Interrupts, tell: Callable[[Event], None]) -> FlowEnd:
    try:
        return FlowRun(flow, options, interrupts, tell).run()
    except Exception as error:  # noqa: BLE001 - our own bug must end with a result that says so, never without one
        # The error's own words are not shown: no masker is left to take secrets out of them.
        failure = Failure(flow=flow.name, step="", message=f"engine error: {type(error).__name__} (-v shows where)")
        result = FlowResult(name=flow.name, file=flow.file, outcome=Outcome.ERRORED, first_failure=failure)
        tell(FlowFinished(result=result, trace="".join(traceback.format_tb(error.__traceback__))))
        return FlowEnd(result=result, exit_code=EXIT_PLATFORM)


@contextmanager
def _handled(interrupts: Interrupts) -> Iterator[None]:
    """The first signal ends the steps, a second one teardown."""

    def note(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        (interrupts.teardown if interrupts.run.is_set() else interrupts.run).set(name)

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
