"""``console``: what a person reads while flows run, and after it. Colours and a live line only on a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import field

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import FlowResult, Outcome, Phase, StepResult
from testmesh_engine.contract.summary import wall_ms
from testmesh_engine.report.console_step import details, heading
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepFinished, TeardownStarted
from testmesh_engine.report.progress import Progress, Ticker
from testmesh_engine.report.registry import ReportOptions
from testmesh_engine.report.terminal import BOLD, COLOURS, DIM, YELLOW, Terminal
from testmesh_engine.report.wording import (
    BAD,
    counted,
    failed_step,
    flattened,
    flow_counts,
    milliseconds,
    on_one_line,
    outcome_word,
    place_of,
    seed_hint,
    step_counts,
    title_of,
    titled,
    without_controls,
)

_NAMES_SHOWN = 6
_LEADS = {"assert": BOLD, "warning:": YELLOW, "request": DIM, "response": DIM, "attempts": DIM}
"""First words of lines that a reader looks for."""


@dataclass(slots=True)
class _Block:
    """What is said of one flow. ``waiting`` are steps that were not run, for a reason they share."""

    file: str = ""
    headed: bool = False
    phase: Phase | None = None
    lines: list[str] = field(default_factory=list)
    waiting: list[StepResult] = field(default_factory=list)


class ConsoleReport:
    """Writes a line for each step as it ends; a failed one with everything that tells why.

    Where several flows run at once, the lines of each are kept together and written when it ends.
    """

    def __init__(self, path: str, options: ReportOptions, now: Callable[[], float] = time.monotonic) -> None:
        self._terminal = Terminal(path, options.environ)
        self._options = options
        self._streams = options.parallel == 1
        self._progress = Progress(options.flows, now)
        self._blocks: dict[int, _Block] = {}
        self._results: list[FlowResult] = []
        self._lock = threading.Lock()
        self._ticker = Ticker(self._tick)
        if self._terminal.live:
            self._ticker.start()

    def on(self, event: Event) -> None:
        """Write what there is to say of the event."""
        with self._lock:
            self._progress.on(event)
            block = self._blocks.setdefault(event.flow, _Block())
            self._note(event, block)
            if isinstance(event, FlowFinished):
                self._results.append(event.result)
                self._blocks.pop(event.flow)
            if self._streams or isinstance(event, FlowFinished):
                self._out(block)
            self._terminal.draw(self._progress.text())

    def close(self) -> None:
        """Sum up the call, where it had several flows."""
        self._ticker.stop()
        with self._lock:
            for block in self._blocks.values():  # of flows that never ended
                self._not_run(block)
                self._out(block)
            if len(self._results) > 1:
                for line in self._summary():
                    self._terminal.say(line)
            self._terminal.close()

    def _tick(self) -> None:
        with self._lock:
            self._terminal.draw(self._progress.text())

    def _out(self, block: _Block) -> None:
        for line in block.lines:
            self._terminal.say(line)
        block.lines.clear()
        self._terminal.flush()

    def _note(self, event: Event, block: _Block) -> None:
        match event:
            case FlowStarted():
                block.file = event.file
                self._title(event.name, event.row, block)
                block.lines.extend(self._variables(event))
            case StepFinished():
                self._step(event.step, block)
            case TeardownStarted():
                self._not_run(block)
            case FlowFinished():
                self._not_run(block)
                if not block.headed:  # it never started
                    block.file = event.result.file
                    self._title(event.result.name, event.result.row, block)
                block.lines.extend(self._end(event.result))
                if event.trace and self._options.verbose:
                    block.lines.append(without_controls(event.trace))

    def _title(self, name: str, row: str, block: _Block) -> None:
        title = on_one_line(titled(name, row))
        bold = f"{self._terminal.painted(title, BOLD)}  " if title else ""
        block.lines.append(f"{bold}{on_one_line(block.file)}")
        block.headed = True

    def _variables(self, event: FlowStarted) -> Iterator[str]:
        if self._options.verbose and event.variables:
            yield self._terminal.painted("  variables", DIM)
            for variable in event.variables:
                yield on_one_line(f"    {variable.name} = {variable.value}  ({variable.source})")

    def _step(self, step: StepResult, block: _Block) -> None:
        if block.waiting and (step.phase, step.message) != (block.waiting[0].phase, block.waiting[0].message):
            self._not_run(block)
        if step.outcome is Outcome.NOT_RUN:
            block.waiting.append(step)
            return
        self._not_run(block)
        self._phase(step.phase, block)
        for depth, each in flattened([step]):
            block.lines.extend(self._step_lines(each, block.file, "    " * depth))

    def _phase(self, phase: Phase, block: _Block) -> None:
        if phase is not block.phase:
            block.phase = phase
            block.lines.append(self._terminal.painted(f"  {phase.value}", DIM))

    def _step_lines(self, step: StepResult, file: str, pad: str) -> Iterator[str]:
        bad = step.outcome in BAD
        at = on_one_line(f"{step.file or file}:{step.line}")
        place = f"  {self._terminal.painted(at, DIM)}" if bad and step.line else ""
        mark = self._terminal.mark(step.outcome, ignored=step.ignored)
        yield f"{pad}    {mark} {on_one_line(heading(step))}{place}"
        for line in details(step, verbose=self._options.verbose):
            colour = _LEADS.get(line.split(" ", 1)[0])
            said = without_controls(line)
            yield f"{pad}        {self._terminal.painted(said, colour) if colour else said}"

    def _not_run(self, block: _Block) -> None:
        """One line for all steps that were not run for the same reason: the cause must not leave the screen."""
        if not block.waiting:
            return
        first = block.waiting[0]
        self._phase(first.phase, block)
        names = [step.id for step in block.waiting]
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        said = on_one_line(f"{', '.join(names[:_NAMES_SHOWN])}{more}  ({first.message})")
        block.lines.append(f"    {self._terminal.mark(Outcome.NOT_RUN)} {said}")
        block.waiting.clear()

    def _end(self, result: FlowResult) -> Iterator[str]:
        word = self._terminal.painted(outcome_word(result).upper(), BOLD, COLOURS[result.outcome])
        yield f"{word}  {step_counts(result)} in {milliseconds(result.duration_ms)}"
        yield from self._why(result)
        if self._options.flows == 1 and result.outcome is not Outcome.PASSED:
            yield from _repeat(result)
        if self._options.flows > 1:
            yield ""

    def _why(self, result: FlowResult) -> Iterator[str]:
        failure = result.first_failure
        if failure is not None:
            where = f"step {failure.step}: " if failure.step else ""
            yield f"  {without_controls(where + failure.message)}"
            step = failed_step(result)
            if step is not None and step.line:
                yield f"  {on_one_line(place_of(result, step))}"
            others = [step.id for step in result.steps if step.outcome in BAD and not step.ignored]
            others = [name for name in others if name != failure.step and not failure.step.startswith(f"{name}/")]
            if others:
                yield on_one_line(f"  also: {', '.join(others)}")

    def _summary(self) -> Iterator[str]:
        """The call at a glance: the flows that did not pass come last, where one looks first."""
        bad = [flow for flow in self._results if flow.outcome not in (Outcome.PASSED, Outcome.SKIPPED)]
        for flow in [flow for flow in self._results if flow.outcome is Outcome.SKIPPED] + bad:
            mark = self._terminal.mark(flow.outcome)
            title = self._terminal.painted(on_one_line(title_of(flow)), BOLD)
            yield f"{mark} {title}  {on_one_line(place_of(flow, failed_step(flow)))}"
            if flow.first_failure is not None:
                where = f"step {flow.first_failure.step}: " if flow.first_failure.step else ""
                yield f"    {without_controls(where + flow.first_failure.message)}"
        yield from _repeat(bad[0]) if bad else ()
        total = milliseconds(wall_ms(self._results))
        colour = COLOURS[bad[0].outcome if bad else Outcome.PASSED]
        counts = self._terminal.painted(flow_counts(self._results), BOLD, colour)
        yield f"{counted(len(self._results), 'flow')}: {counts} in {total}"


def _repeat(result: FlowResult) -> Iterator[str]:
    if seed := seed_hint(result):
        yield on_one_line(f"  the same random values again: {seed}")
