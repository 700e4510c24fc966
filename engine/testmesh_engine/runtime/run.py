"""Runs the flows of a call in threads of their own, while the main thread waits for signals."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Failure, FlowResult, Outcome, Phase
from testmesh_engine.language.model import Flow
from testmesh_engine.report.events import Event, FlowFinished
from testmesh_engine.runtime.beginning import row_label
from testmesh_engine.runtime.flow import FlowEnd, FlowRun, RunOptions
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.outcome import EXIT_PLATFORM
from testmesh_engine.runtime.schedule import Schedule
from testmesh_engine.runtime.signals import Interrupts
from testmesh_engine.runtime.step import Stop, not_run

Tell = Callable[[Event], None]

_GLANCE_SECONDS = 0.2
"""The longest that a signal may go unheard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the flows of a call are run: how many at once, and whether one that failed is the last to start.

    ``timeout`` bounds all of them together, in seconds; ``None``: each has its own bound only.
    """

    parallel: int = 1
    fail_fast: bool = False
    timeout: float | None = None


def run_flows(
    flows: Sequence[tuple[Flow, RunOptions]], interrupts: Interrupts, tell: Tell, *, plan: Plan | None = None
) -> list[FlowEnd]:
    """Run ``flows``, each with its options, and return their ends in the same order. Call it from the main thread.

    ``tell`` is called from several threads at once; the number of an event's flow is its place in ``flows``. After a
    signal no further flow starts; those left end as interrupted, so that there is an end for each.
    """
    return _Call(flows, interrupts, tell, plan or Plan()).run()


class _Call:
    def __init__(
        self, flows: Sequence[tuple[Flow, RunOptions]], interrupts: Interrupts, tell: Tell, plan: Plan
    ) -> None:
        deadline = None if plan.timeout is None else Deadline.after(plan.timeout, "--timeout")
        self._flows = [(flow, replace(options, deadline=deadline)) for flow, options in _told_apart(flows)]
        self._interrupts = interrupts
        self._tell = tell
        self._plan = plan
        self._schedule = Schedule([flow.exclusive for flow, _ in flows])
        self._ends: dict[int, FlowEnd] = {}
        self._cause: FlowEnd | None = None

    def run(self) -> list[FlowEnd]:
        # Daemonic: a driver that hangs in spite of all must not keep the process once its verdict is written.
        count = min(self._plan.parallel, len(self._flows))
        workers = [threading.Thread(target=self._work, name=f"flows-{n}", daemon=True) for n in range(count)]
        for worker in workers:
            worker.start()
        for worker in workers:
            # Python runs a signal's handler in the main thread only, and the kernel may hand the signal to another
            # one, which would not end this wait: it ends by itself now and then.
            while worker.is_alive():
                worker.join(_GLANCE_SECONDS)
        if self._cause is not None:
            self._ends |= {number: self._left_out(number, self._cause) for number in self._schedule.left()}
        return [self._ends[number] for number in range(len(self._flows))]

    def _work(self) -> None:
        while (number := self._schedule.take()) is not None:
            end = self._ends[number] = self._one(number)
            if self._plan.fail_fast and end.result.outcome in (Outcome.FAILED, Outcome.ERRORED) and not self._signalled:
                self._cause = self._cause or end
                self._schedule.stop()
            self._schedule.ended(number)

    @property
    def _signalled(self) -> bool:
        return self._interrupts.run.is_set()

    def _one(self, number: int) -> FlowEnd:
        flow, options = self._flows[number]

        def tell(event: Event) -> None:
            self._tell(replace(event, flow=number))

        try:
            return FlowRun(flow, options, self._interrupts, tell).run()
        except Exception as error:  # noqa: BLE001 - our own bug must end with a result that says so, never without one
            # The error's own words are not shown: no masker is left to take secrets out of them.
            failure = Failure(flow=flow.name, step="", message=f"engine error: {type(error).__name__} (-v shows where)")
            result = FlowResult(name=flow.name, file=flow.file, outcome=Outcome.ERRORED, first_failure=failure)
            tell(FlowFinished(result=result, trace="".join(traceback.format_tb(error.__traceback__))))
            return FlowEnd(result=result, exit_code=EXIT_PLATFORM)

    def _left_out(self, number: int, cause: FlowEnd) -> FlowEnd:
        """The end of a flow that was not started because another one had failed before."""
        flow, options = self._flows[number]
        reason = f"not run: --fail-fast, and {cause.result.name} {cause.result.outcome.value}"
        result = left_out(flow, options, reason)
        self._tell(FlowFinished(result=result, flow=number))
        return FlowEnd(result=result, exit_code=cause.exit_code)


def left_out(flow: Flow, options: RunOptions, reason: str) -> FlowResult:
    """The result of a flow that is not started, for ``reason``."""
    steps = (not_run(step, phase, Stop(reason)).result for phase in Phase for step in flow.phase(phase))
    masker = Masker(options.secrets, names=flow.secrets)
    name = masker.text(flow.name)
    return FlowResult(
        name=name,
        file=flow.file,
        outcome=Outcome.NOT_RUN,
        steps=tuple(steps),
        first_failure=Failure(flow=name, step="", message=reason),
        suite=flow.suite,
        tags=flow.tags,
        description=flow.description,
        row=row_label(flow.row, masker),
        seed=options.identity.seed,
    )


def _told_apart(flows: Iterable[tuple[Flow, RunOptions]]) -> Iterator[tuple[Flow, RunOptions]]:
    """The same, with a seed of its own for each file that gives a flow the name of another one before it.

    Random values come from the seed and the flow's name: two copies of a flow that run at once would share them. The
    seed that is reported repeats such a flow alone, too: the first of a name has the seed as it is given. It holds the
    number of the file and no path, which would be another one on another machine.
    """
    files: dict[str, list[str]] = {}
    for flow, options in flows:
        of_name = files.setdefault(flow.name, [])
        if flow.file not in of_name:
            of_name.append(flow.file)
        number, identity = of_name.index(flow.file) + 1, options.identity
        seed = identity.seed if number == 1 else f"{identity.seed}/{number}"
        yield flow, replace(options, identity=replace(identity, seed=seed))
