"""``html=FILE``: all flows on one page that needs no other file and no network, and reads without its script.

What a service sent is text and nothing else: all of it goes through one function that escapes, and the page's own
policy lets the browser run no script but the page's, known by its hash, and fetch nothing at all.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files

from testmesh_engine.contract.result import FlowResult, Outcome, Phase
from testmesh_engine.contract.summary import wall_ms
from testmesh_engine.report.events import Event, FlowFinished
from testmesh_engine.report.files import Document
from testmesh_engine.report.flows import FlowsInOrder
from testmesh_engine.report.html_step import Placing, step_html
from testmesh_engine.report.html_text import joined, line, mark, text
from testmesh_engine.report.registry import ReportOptions
from testmesh_engine.report.wording import (
    counted,
    flow_counts,
    milliseconds,
    outcome_word,
    step_counts,
    title_of,
)

_WORST_FIRST = (Outcome.FAILED, Outcome.ERRORED, Outcome.NOT_RUN, Outcome.PASSED, Outcome.SKIPPED)
_TOOLS = """<div class="tools" id="tools" hidden><div class="sheet">
<button type="button" id="failed-only" aria-pressed="false">Failed only</button>
<button type="button" id="open-all">Open all</button>
<button type="button" id="close-all">Close all</button>
<input type="search" id="search" placeholder="Search in steps" aria-label="Search in steps">
<span class="hint"><kbd>f</kbd> failed only <kbd>n</kbd> <kbd>p</kbd> next, previous failure <kbd>/</kbd> search</span>
</div></div>
"""


class HtmlReport:
    """Collects the flows."""

    def __init__(self, path: str, _options: ReportOptions) -> None:
        self._document = Document(path)
        self._flows = FlowsInOrder()

    def on(self, event: Event) -> None:
        """Keep each flow that has ended."""
        if isinstance(event, FlowFinished):
            self._flows.add(event)

    def close(self) -> None:
        """Write the page."""
        self._document.write(page(self._flows.results()))


def page(flows: Sequence[FlowResult]) -> str:
    """The whole page."""
    style, script = _asset("report.css"), _asset("report.js")
    worst = min((flow.outcome for flow in flows), key=_WORST_FIRST.index, default=Outcome.SKIPPED)
    title = f"{flow_counts(flows)} of {counted(len(flows), 'flow')}" if len(flows) > 1 else _single(flows)
    numbered = sorted(enumerate(flows, 1), key=lambda each: _WORST_FIRST.index(each[1].outcome))
    sections = joined(_flow(number, flow) for number, flow in numbered)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{line(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<div class="sheet"><header class="{worst.value}">{_header(flows, worst)}</header></div>\n{_TOOLS}'
        f'<main class="sheet">{_table(numbered)}{sections or _NOTHING}</main>\n'
        '<footer class="sheet">Written by TestMesh. Times are wall times. Secrets show as ***.</footer>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


_NOTHING = '<p class="card none">No flow was run.</p>'


def _single(flows: Sequence[FlowResult]) -> str:
    return f"{outcome_word(flows[0])}: {title_of(flows[0])}" if flows else "no flow"


def _asset(name: str) -> str:
    return files("testmesh_engine.report").joinpath("page", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    parts = {"style-src": style, "script-src": script}
    allowed = [f"{name} 'sha256-{_digest(held)}'" for name, held in parts.items()]
    return "; ".join(["default-src 'none'", "base-uri 'none'", "form-action 'none'", *allowed])


def _digest(held: str) -> str:
    return base64.b64encode(hashlib.sha256(held.encode()).digest()).decode("ascii")


def _header(flows: Sequence[FlowResult], worst: Outcome) -> str:
    word = outcome_word(flows[0]) if len(flows) == 1 else flow_counts(flows)
    steps = sum(flow.counts.total for flow in flows)
    started = min((flow.started_at for flow in flows if flow.started_at), default="")
    facts = [counted(len(flows), "flow"), counted(steps, "step"), milliseconds(wall_ms(flows)), started]
    facts += [f"seed {seed}" for seed in dict.fromkeys(flow.seed for flow in flows if flow.seed)][:1]
    said = joined(f"<span>{line(fact)}</span>" for fact in facts if fact)
    return (
        f'<h1>{mark(worst)}<span class="word">{line(word[:1].upper() + word[1:])}</span></h1><p class="meta">{said}</p>'
    )


def _table(numbered: Sequence[tuple[int, FlowResult]]) -> str:
    """All flows at a glance, those that did not pass first."""
    if len(numbered) < 2:
        return ""
    rows = joined(
        f'<tr class="{flow.outcome.value}{_quiet(flow)}"><td>{mark(flow.outcome)}</td>'
        f'<td><a href="#flow-{number}">{line(title_of(flow))}</a></td><td>{line(step_counts(flow))}</td>'
        f'<td class="number">{milliseconds(flow.duration_ms)}</td></tr>'
        for number, flow in numbered
    )
    head = '<thead><tr><th></th><th>flow</th><th>steps</th><th class="number">time</th></tr></thead>'
    return f'<div class="card"><table>{head}<tbody>{rows}</tbody></table></div>\n'


def _quiet(flow: FlowResult) -> str:
    return " fine" if flow.outcome in (Outcome.PASSED, Outcome.SKIPPED) and not flow.interrupted else ""


def _flow(number: int, flow: FlowResult) -> str:
    at = Placing(anchor=f"flow-{number}", file=flow.file, flow_ms=_whole_ms(flow))
    title, classes = line(title_of(flow)), f"card {flow.outcome.value}{_quiet(flow)}"
    return (
        f'<section class="{classes}" id="{at.anchor}" aria-label="{title}">'
        f'<div class="head"><div class="title">{mark(flow.outcome)}<h2>{title}</h2></div>'
        f'<p class="meta">{joined(_facts(flow))}</p>{_cause(flow)}</div>{joined(_phases(flow, at))}</section>\n'
    )


def _whole_ms(flow: FlowResult) -> float:
    return max([flow.duration_ms, *(step.started_ms + step.duration_ms for step in flow.steps)])


def _facts(flow: FlowResult) -> Iterator[str]:
    yield f'<span class="word">{outcome_word(flow)}</span>'
    yield f"<span>{line(step_counts(flow))} in {milliseconds(flow.duration_ms)}</span>"
    yield f'<span class="mono">{line(flow.file)}</span>'
    named = (("suite", flow.suite), ("seed", flow.seed))
    yield from (f"<span>{name} {line(held)}</span>" for name, held in named if held)
    yield from (f'<span class="chip">{line(tag)}</span>' for tag in flow.tags)
    if flow.description:
        yield f"<span>{text(flow.description)}</span>"


def _cause(flow: FlowResult) -> str:
    failure = flow.first_failure
    if failure is None:
        return ""
    step = f'<b class="mono">{line(failure.step)}</b>: ' if failure.step else ""
    return f'<p class="cause">{step}{text(failure.message)}</p>'


def _phases(flow: FlowResult, at: Placing) -> Iterator[str]:
    if not flow.steps:
        yield '<p class="none">No step was run.</p>'
    for phase in Phase:
        steps = [step for step in flow.steps if step.phase is phase]
        if steps:
            yield f'<h3 class="phase quiet">{phase.value}</h3>'
            # A teardown step may have the name of a step: its link is told apart by its part.
            lead = f"{at.anchor}-teardown" if phase is Phase.TEARDOWN else at.anchor
            placed = Placing(anchor=lead, file=at.file, flow_ms=at.flow_ms)
            yield from (step_html(step, placed) for step in steps)
