"""Runs flows in a thread of their own, while the main thread waits for signals."""

from __future__ import annotations

import os
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
from testmesh_engine.runtime.outcome import EXIT_INTERRUPTED, EXIT_PLATFORM

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_flows(
    flows: Sequence[tuple[Flow, RunOptions]], interrupts: Interrupts, tell: Callable[[Event], None]
) -> list[FlowEnd]:
    """Run ``flows`` one after the other, each with its options. Call it from the main thread.

    After a signal no further one starts; those left end as interrupted, so that there is an end for each.
    """
    ends: list[FlowEnd] = []

    def work() -> None:
        for flow, options in flows:
            ends.append(_run_one(flow, options, interrupts, tell))

    # Daemonic: a driver that hangs in spite of all must not keep the process once its verdict is written.
    worker = threading.Thread(target=work, name="flows", daemon=True)
    worker.start()
    worker.join()
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
def signals_heard(*, grace: float | None) -> Iterator[Interrupts]:
    """Interrupts that the signals of the process set.

    The first ends the steps, a second one teardown, a third one the process. After a first one teardown has ``grace``
    seconds. From the end of the context on signals are ignored: the exit code must be what the verdict says.
    """
    interrupts = Interrupts(run=Interrupt(), teardown=Interrupt())

    def note(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if interrupts.teardown.is_set():
            os._exit(EXIT_INTERRUPTED)
        if interrupts.run.is_set():
            interrupts.teardown.set(f"a second {name}")
            return
        interrupts.run.set(name)
        if grace is not None:
            end = threading.Timer(grace, interrupts.teardown.set, [f"the end of the grace period after {name}"])
            end.daemon = True
            end.start()

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield interrupts
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
