"""How results are put into words for people, the same in every report that people read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from shlex import quote
from unicodedata import category

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import AssertionResult, AttemptResult, FlowResult, Json, Outcome, StepResult
from testmesh_engine.report.json_text import indented

OUTCOME_WORDS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERRORED: "errored",
    Outcome.SKIPPED: "skipped",
    Outcome.NOT_RUN: "not run",
}
BAD = frozenset({Outcome.FAILED, Outcome.ERRORED})
"""The outcomes of steps that went wrong, whether they count or not."""


def milliseconds(value: float) -> str:
    """``12 ms``, ``1.23 s`` or ``2 min 5 s``."""
    if value < 1000:
        return f"{value:.0f} ms"
    if value < 60_000:
        return f"{value / 1000:.2f} s"
    minutes, seconds = divmod(round(value / 1000), 60)
    return f"{minutes} min {seconds} s"


def counted(number: int, word: str) -> str:
    """``1 flow``, ``2 flows``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def without_controls(text: str) -> str:
    """What a service sent must not steer the terminal: no control, no mark that turns the direction of text."""
    return "".join(char if char in "\n\t" else _harmless(char) for char in text)


def on_one_line(text: str) -> str:
    """The same, and without line ends."""
    return "".join(map(_harmless, text))


def _harmless(char: str) -> str:
    return char if char.isprintable() or category(char) == "Zs" else "\ufffd"


def cut(text: str, length: int) -> str:
    """At most ``length`` characters; that there were more is said."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters, cut)"


def pretty(value: Json) -> str:
    """Text as it is, anything else as indented JSON."""
    return value if isinstance(value, str) else indented(value)


def titled(name: str, row: str) -> str:
    """The name, with the row where there is one."""
    return f"{name}, {row}" if row else name


def title_of(flow: FlowResult) -> str:
    """The flow's name, with its row; its file where it has no name."""
    return titled(flow.name or flow.file, flow.row)


def place_of(flow: FlowResult, step: StepResult | None = None) -> str:
    """``file:line`` of the step, or the flow's file."""
    return f"{step.file or flow.file}:{step.line}" if step is not None and step.line else flow.file


def outcome_word(flow: FlowResult) -> str:
    """How the flow ended."""
    return "interrupted" if flow.interrupted else OUTCOME_WORDS[flow.outcome]


def step_counts(flow: FlowResult) -> str:
    """``2 passed, 1 failed``: its steps by outcome."""
    counts = flow.counts
    named = (
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.errored, "errored"),
        (counts.skipped, "skipped or not run"),
    )
    return ", ".join(f"{count} {word}" for count, word in named if count) or "nothing run"


def flow_counts(flows: Sequence[FlowResult]) -> str:
    """``1 failed, 2 passed``: flows by how they ended, the worst first."""
    words = [outcome_word(flow) for flow in flows]
    order = ("interrupted", "failed", "errored", "not run", "skipped", "passed")
    return ", ".join(f"{words.count(word)} {word}" for word in order if word in words) or "no flow"


def failed_step(flow: FlowResult) -> StepResult | None:
    """The step that the flow's first failure names, also within another one."""
    first = flow.first_failure
    return _named(flow.steps, first.step) if first is not None and first.step else None


def _named(steps: Iterable[StepResult], name: str) -> StepResult | None:
    for step in steps:
        if step.id == name:
            return step
        if name.startswith(f"{step.id}/") and (found := _named(step.steps, name)):
            return found
    return None


def last_attempt(step: StepResult) -> AttemptResult | None:
    """The attempt that counts."""
    return step.attempts[-1] if step.attempts else None


def warnings_of(attempt: AttemptResult) -> list[str]:
    """What is told of assertions that hold and may not say what their author thinks."""
    return [assertion.warning for assertion in attempt.assertions if assertion.warning]


def seed_hint(flow: FlowResult) -> str:
    """What to write after the command to get the same random values, as a shell takes it; "" without a seed."""
    return f"--seed {quote(flow.seed)}" if flow.seed else ""


def why(assertion: AssertionResult) -> str:
    """Why it does not hold, without the expression that stands beside it."""
    return assertion.message.removeprefix(f"{assertion.expression}: ")


def reason_of(attempt: AttemptResult) -> str:
    """Why the attempt did not succeed, in one line; "" where it did."""
    failed = [assertion.message for assertion in attempt.assertions if not assertion.passed]
    if attempt.error or not failed:
        return attempt.error
    return f"{failed[0]} (and {len(failed) - 1} more)" if len(failed) > 1 else failed[0]


@dataclass(frozen=True, slots=True)
class Tries:
    """Attempts in a row that ended alike: the numbers of the first and the last, the time of all, and why."""

    first: int
    last: int
    duration_ms: float
    reason: str

    @property
    def numbers(self) -> str:
        """``3`` or ``1-3``."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def history(attempts: Sequence[AttemptResult]) -> Iterator[Tries]:
    """What became of each attempt; those that ended alike are told once."""
    for reason, group in groupby(attempts, key=reason_of):
        alike = list(group)
        total = sum(attempt.duration_ms for attempt in alike)
        yield Tries(alike[0].number, alike[-1].number, total, reason or "succeeded")


def flattened(steps: Sequence[StepResult], depth: int = 0) -> Iterator[tuple[int, StepResult]]:
    """All steps with those that ran inside of them, each with its depth, in the order of the flow."""
    for step in steps:
        yield depth, step
        # What happened within a step whose failure does not count does not count either.
        inner = [replace(each, ignored=True) for each in step.steps] if step.ignored else step.steps
        yield from flattened(inner, depth + 1)
