"""``console``: what a person reads while the flow runs, and after it. Colours only on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from unicodedata import category

from testmesh_engine.contract.result import (
    AssertionResult,
    AttemptResult,
    FlowResult,
    Json,
    Outcome,
    Phase,
    StepResult,
)
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepFinished
from testmesh_engine.report.files import open_text
from testmesh_engine.report.registry import ReportOptions

_EXCERPT_CHARACTERS = 800
_COLOURS = {
    Outcome.PASSED: "32",
    Outcome.FAILED: "31",
    Outcome.ERRORED: "35",
    Outcome.SKIPPED: "33",
    Outcome.NOT_RUN: "2",
}
_MARKS = {
    Outcome.PASSED: ("✓", "ok  "),
    Outcome.FAILED: ("✗", "FAIL"),
    Outcome.ERRORED: ("!", "ERR "),
    Outcome.SKIPPED: ("-", "skip"),
    Outcome.NOT_RUN: ("·", "not run"),
}


class ConsoleReport:
    """Writes a line for each step as it ends; a failed one with everything that tells why."""

    def __init__(self, path: str, options: ReportOptions) -> None:
        self._out = open_text(path)
        self._path = path
        self._verbose = options.verbose
        self._colour = self._out.isatty() and "NO_COLOR" not in options.environ
        encoding = (self._out.encoding or "ascii").lower().replace("-", "")
        self._plain = not encoding.startswith("utf")
        self._phase: Phase | None = None

    def on(self, event: Event) -> None:
        """Write what there is to say of the event."""
        match event:
            case FlowStarted():
                self._phase = None
                self._say(f"{self._painted(_on_one_line(event.name), '1')}  {_on_one_line(event.file)}")
            case StepFinished():
                self._step(event.step)
            case FlowFinished():
                self._end(event.result)
                if event.trace and self._verbose:
                    self._say(_without_controls(event.trace))
        self._out.flush()

    def close(self) -> None:
        """Nothing is left to write."""
        if self._path != "-":
            self._out.close()

    def _step(self, step: StepResult) -> None:
        if step.phase is not self._phase:
            self._phase = step.phase
            self._say(f"  {step.phase.value}")
        mark = _MARKS[step.outcome][1 if self._plain else 0]
        took = f"({step.message})" if step.outcome is Outcome.NOT_RUN else _milliseconds(step.duration_ms)
        title = _on_one_line(f"{step.id}  {step.name}" if step.name else step.id)
        self._say(f"    {self._painted(mark, _COLOURS[step.outcome])} {title}  {_on_one_line(took)}{_tries(step)}")
        for line in _details(step, verbose=self._verbose):
            self._say(f"        {_without_controls(line)}")

    def _end(self, result: FlowResult) -> None:
        counts = result.counts
        parts = [
            f"{count} {word}"
            for count, word in (
                (counts.passed, "passed"),
                (counts.failed, "failed"),
                (counts.errored, "errored"),
                (counts.skipped, "skipped or not run"),
            )
            if count
        ]
        word = "interrupted" if result.interrupted else result.outcome.value
        summary = f"{', '.join(parts) or 'nothing run'} in {_milliseconds(result.duration_ms)}"
        self._say(f"{self._painted(word.upper(), _COLOURS[result.outcome])}  {summary}")
        failure = result.first_failure
        if failure is not None:
            where = f"step {failure.step}: " if failure.step else ""
            self._say(f"  {where}{_without_controls(failure.message)}")

    def _painted(self, text: str, colour: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colour else text

    def _say(self, line: str) -> None:
        self._out.write((line.encode("ascii", "replace").decode() if self._plain else line) + "\n")


def _without_controls(text: str) -> str:
    """What a service sent must not steer the terminal: no control, no mark that turns the direction of text."""
    return "".join(char if char in "\n\t" else _harmless(char) for char in text)


def _on_one_line(text: str) -> str:
    return "".join(map(_harmless, text))


def _harmless(char: str) -> str:
    return char if char.isprintable() or category(char) == "Zs" else "\ufffd"


def _milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.2f} s"


def _tries(step: StepResult) -> str:
    return f"  {len(step.attempts)} attempts" if len(step.attempts) > 1 else ""


def _details(step: StepResult, *, verbose: bool) -> Iterator[str]:
    bad = step.outcome in (Outcome.FAILED, Outcome.ERRORED)
    last = step.attempts[-1] if step.attempts else None
    if step.outcome is Outcome.SKIPPED or (bad and (last is None or last.error)):
        yield step.message
    if last is None:
        return
    for assertion in last.assertions:
        if assertion.warning:
            yield f"warning: {assertion.warning}"
        if bad:
            yield from _assertion(assertion)
    if bad or verbose:
        yield from _exchange(last)


def _assertion(assertion: AssertionResult) -> Iterator[str]:
    if assertion.passed:
        return
    yield f"assert {assertion.expression}"
    if assertion.message:
        yield f"  {assertion.message}"
    for operand in assertion.operands:
        yield f"  {operand.source} = {_json(operand.value)}"


def _exchange(attempt: AttemptResult) -> Iterator[str]:
    if attempt.request:
        yield f"request:  {_json(attempt.request)}"
    if attempt.response:
        yield f"response: {_json(attempt.response)}"


def _json(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _EXCERPT_CHARACTERS else f"{text[:_EXCERPT_CHARACTERS]}… (cut)"
