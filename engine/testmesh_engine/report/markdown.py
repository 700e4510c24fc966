"""``markdown=FILE``: a job summary, for example GitHub's (``--report markdown=$GITHUB_STEP_SUMMARY``).

GitHub takes 1 MiB of a step and drops all of what is longer; so what has no room is left out, and that is said.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from testmesh_engine.contract.result import FlowResult, Outcome, StepResult
from testmesh_engine.contract.summary import wall_ms
from testmesh_engine.report.console_step import details
from testmesh_engine.report.events import Event, FlowFinished
from testmesh_engine.report.files import Document
from testmesh_engine.report.flows import FlowsInOrder
from testmesh_engine.report.registry import ReportOptions
from testmesh_engine.report.wording import (
    BAD,
    counted,
    cut,
    failed_step,
    flattened,
    flow_counts,
    last_attempt,
    milliseconds,
    on_one_line,
    outcome_word,
    place_of,
    seed_hint,
    step_counts,
    title_of,
    warnings_of,
    without_controls,
)

MAX_BYTES = 1024 * 1024 - 4096
"""What is written at most: GitHub's limit, and some room for what else a job says in its step."""

_MAX_DETAIL = 20_000
_MARKS = {
    Outcome.PASSED: "✅",
    Outcome.FAILED: "❌",
    Outcome.ERRORED: "💥",
    Outcome.SKIPPED: "⏭️",
    Outcome.NOT_RUN: "⏹️",
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+.!|~:@-])")


class MarkdownReport:
    """Collects the flows."""

    def __init__(self, path: str, _options: ReportOptions) -> None:
        self._document = Document(path)
        self._flows = FlowsInOrder()

    def on(self, event: Event) -> None:
        """Keep each flow that has ended."""
        if isinstance(event, FlowFinished):
            self._flows.add(event)

    def close(self) -> None:
        """Write the summary."""
        self._document.write(summary(self._flows.results()))


def summary(flows: Sequence[FlowResult], *, limit: int = MAX_BYTES) -> str:
    """The summary, of at most ``limit`` bytes in UTF-8: the table first, then what went wrong."""
    bad = [flow for flow in flows if flow.outcome not in (Outcome.PASSED, Outcome.SKIPPED)]
    good = [flow for flow in flows if flow not in bad]
    head = f"## {_headline(flows, bad)}\n\n| | flow | steps | time | |\n|---|---|---|---|---|\n"
    parts = [*map(_row, (*bad, *good)), "\n", *(part for flow in bad for part in _failures(flow))]
    parts += _warnings(flows)
    return _within(head, parts, limit)


def _within(head: str, parts: Sequence[str], limit: int) -> str:
    """As many whole parts as have room, and how many have not."""
    written, size = [head], len(head.encode("utf-8", "replace"))
    for number, part in enumerate(parts):
        size += len(part.encode("utf-8", "replace"))
        if size > limit - 200:  # room for the sentence below
            left = len(parts) - number
            said = f"\n_{counted(left, 'part')} left out, a job summary takes no more: the other reports have all._\n"
            return "".join([*written, said])
        written.append(part)
    return "".join(written)


def _headline(flows: Sequence[FlowResult], bad: Sequence[FlowResult]) -> str:
    mark = _MARKS[bad[0].outcome if bad else Outcome.PASSED if flows else Outcome.SKIPPED]
    return f"{mark} {counted(len(flows), 'flow')}: {flow_counts(flows)} in {milliseconds(wall_ms(flows))}"


def _row(flow: FlowResult) -> str:
    why = on_one_line(cut(flow.first_failure.message, 300)) if flow.first_failure else ""
    step = flow.first_failure.step if flow.first_failure else ""
    where = f"<code>{_text(step)}</code>: " if step else ""
    cells = (
        f"{_MARKS[flow.outcome]} {outcome_word(flow)}",
        _text(title_of(flow)),
        step_counts(flow),
        milliseconds(flow.duration_ms),
        f"{where}{_text(why)}",
    )
    return f"| {' | '.join(cells)} |\n"


def _failures(flow: FlowResult) -> Iterator[str]:
    place = place_of(flow, failed_step(flow))
    seed = f", the same random values again: {_code(seed_hint(flow))}" if flow.seed else ""
    yield f"### {_MARKS[flow.outcome]} {_text(title_of(flow))}\n\n{_code(place)}{seed}\n\n"
    if flow.first_failure is not None and not flow.first_failure.step:
        yield f"{_text(without_controls(flow.first_failure.message))}\n\n"
    steps = [step for _, step in flattened(flow.steps)]
    yield from (_step(flow, step) for step in steps if step.outcome in BAD)
    left = [step for step in steps if step.outcome is Outcome.NOT_RUN]
    if left:
        yield f"{counted(len(left), 'step')} not run: {_text(left[0].message)}\n\n"


def _warnings(flows: Sequence[FlowResult]) -> Iterator[str]:
    """What is doubtful about steps that passed; that of a failed step stands with it."""
    steps = [(flow, step) for flow in flows for _, step in flattened(flow.steps) if step.outcome not in BAD]
    told = [(flow, step, said) for flow, step in steps for said in _doubts(step)]
    if told:
        yield "### ⚠️ Warnings\n\n"
    yield from (
        f"- {_code(place_of(flow, step))} {_text(step.id)}: {_text(cut(said, 500))}\n" for flow, step, said in told
    )


def _doubts(step: StepResult) -> list[str]:
    last = last_attempt(step)
    return warnings_of(last) if last else []


def _step(flow: FlowResult, step: StepResult) -> str:
    ignored = " (does not count)" if step.ignored else ""
    title = (
        f"{_MARKS[step.outcome]} <b>{_html(step.id)}</b> {_html(step.name)}{ignored}: {_html(cut(step.message, 500))}"
    )
    text = cut(without_controls("\n".join([place_of(flow, step), *details(step, verbose=False)])), _MAX_DETAIL)
    return f"<details><summary>{title}</summary>\n\n{_fenced(text)}\n\n</details>\n\n"


def _fenced(text: str) -> str:
    """A code block that its text can't end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _code(text: str) -> str:
    return f"<code>{_html(text)}</code>"


def _text(text: str) -> str:
    """Text that means nothing in Markdown, HTML, or a table."""
    return _SPECIAL.sub(r"\\\1", _html(text).replace("\n", " "))


def _html(text: str) -> str:
    return on_one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
