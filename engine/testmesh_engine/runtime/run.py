"""Runs flows in a thread of their own, while the main thread waits for signals."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence

from testmesh_engine.contract.result import Failure, FlowResult, Outcome
from testmesh_engine.language.model import Flow
from testmesh_engine.report.events import Event, FlowFinished
from testmesh_engine.runtime.flow import FlowEnd, FlowRun, RunOptions
from testmesh_engine.runtime.outcome import EXIT_PLATFORM
from testmesh_engine.runtime.signals import Interrupts


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
