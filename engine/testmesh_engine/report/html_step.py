"""One step of the html report: a line with its place in time, and everything about it folded below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import ndiff

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import AssertionResult, AttemptResult, Json, Outcome, StepResult
from testmesh_engine.report.comparison import MAX_DIFFERENCES, Change, Comparison, Difference, compared, differences
from testmesh_engine.report.html_text import block, joined, line, mark, text, value
from testmesh_engine.report.json_text import one_line
from testmesh_engine.report.wording import BAD, history, last_attempt, milliseconds, why

_UNITS = 1000
"""Of a bar's width: the whole flow."""

_LINES_COMPARED = 200


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a step stands: the anchor that its own begins with, its file, and the flow's milliseconds."""

    anchor: str
    file: str
    flow_ms: float


def step_html(step: StepResult, at: Placing) -> str:
    """The step, open where it went wrong; with those that ran within it."""
    bad = step.outcome in BAD and not step.ignored
    inner = [replace(each, ignored=True) for each in step.steps] if step.ignored else step.steps
    nested_bad = any(each.outcome in BAD and not each.ignored for each in inner)
    classes = f"step {step.outcome.value}{' bad' if bad or nested_bad else ''}"
    within = joined(step_html(each, at) for each in inner)
    nested = f'<div class="nested">{within}</div>' if within else ""
    return (
        f'<details class="{classes}" id="{at.anchor}-{_anchor(step.id)}"{" open" if bad else ""}>'
        f"{_summary(step, at)}"
        f'<div class="inside">{joined(_inside(step, at))}{nested}</div></details>\n'
    )


def _anchor(step_id: str) -> str:
    return line(step_id).replace(" ", "_")


def _summary(step: StepResult, at: Placing) -> str:
    named = f"<span>{line(step.name)}</span>" if step.name else ""
    took = "" if step.outcome in (Outcome.SKIPPED, Outcome.NOT_RUN) else milliseconds(step.duration_ms)
    tries = f"<br>{len(step.attempts)} attempts" if len(step.attempts) > 1 else ""
    return (
        f"<summary>{mark(step.outcome)}"
        f'<span class="name"><b class="mono">{line(step.id)}</b>{named}</span>'
        f'{_bar(step, at.flow_ms)}<span class="time">{took}{tries}</span></summary>'
    )


def _bar(step: StepResult, flow_ms: float) -> str:
    """The step's time within the flow's, each attempt a part of its own."""
    if step.outcome in (Outcome.SKIPPED, Outcome.NOT_RUN):
        return '<span class="time"></span>'
    said = f"started after {milliseconds(step.started_ms)}, took {milliseconds(step.duration_ms)}"
    parts = [_rect("span", step.started_ms, step.duration_ms, flow_ms)]
    attempts = [(each.started_ms, each.duration_ms) for each in step.attempts]
    parts += [_rect("attempt", *each, flow_ms) for each in attempts or [(step.started_ms, step.duration_ms)]]
    return (
        f'<svg class="bar" viewBox="0 0 {_UNITS} 12" preserveAspectRatio="none" role="img" aria-label="{said}">'
        f'<title>{said}</title><rect class="track" x="0" y="5" width="{_UNITS}" height="2"/>{joined(parts)}</svg>'
    )


def _rect(kind: str, start: float, length: float, whole: float) -> str:
    x = min(_UNITS - 4.0, max(0.0, start / whole * _UNITS if whole else 0.0))
    width = min(_UNITS - x, max(4.0, length / whole * _UNITS if whole else 0.0))
    return f'<rect class="{kind}" x="{x:.1f}" y="1" width="{width:.1f}" height="10" rx="2"/>'


def _inside(step: StepResult, at: Placing) -> Iterator[str]:
    last = last_attempt(step)
    yield f'<p class="meta">{joined(_about(step, at))}</p>'
    if step.message and not (last and last.assertions and step.outcome in BAD and not last.error):
        yield f'<p class="said">{text(step.message)}</p>'
    if last is None:
        return
    if last.assertions:
        checks = joined(map(_assertion, sorted(last.assertions, key=lambda each: each.passed)))
        yield f'<h3>Assertions</h3><ul class="asserts">{checks}</ul>'
    if len(step.attempts) > 1:
        yield _attempts(step.attempts)
    exchange = [block(name, held) for name, held in _exchange(last) if held]
    if exchange:
        yield f'<div class="two">{joined(exchange)}</div>'


def _exchange(attempt: AttemptResult) -> Iterator[tuple[str, Json]]:
    """Request and response; a line that sends the request again stands by itself, to be copied."""
    request = attempt.request
    if isinstance(request, Mapping) and "curl" in request:
        yield "Request", {name: held for name, held in request.items() if name != "curl"}
        yield "Response", attempt.response
        yield "The request as a command", request["curl"]
    else:
        yield "Request", request
        yield "Response", attempt.response


def _about(step: StepResult, at: Placing) -> Iterator[str]:
    yield f'<span class="mono">{line(step.action)}</span>'
    if step.line:
        yield f'<span class="mono">{line(f"{step.file or at.file}:{step.line}")}</span>'
    if step.ignored:
        yield "<span>does not count</span>"
    yield from (f'<span class="chip">{line(tag)}</span>' for tag in step.tags)
    yield f'<a href="#{at.anchor}-{_anchor(step.id)}">link to this step</a>'


def _assertion(assertion: AssertionResult) -> str:
    state = ("passed", "✓") if assertion.passed else ("failed", "✗")
    shown = "" if assertion.passed else joined(_failure(assertion))
    warning = f'<div class="warn">warning: {text(assertion.warning)}</div>' if assertion.warning else ""
    expression = f"<code>{text(assertion.expression)}</code>"
    return f'<li class="{state[0]}" data-mark="{state[1]}">{expression}{warning}{shown}</li>'


def _failure(assertion: AssertionResult) -> Iterator[str]:
    """Why it does not hold, and the values that the reason does not say already."""
    comparison, reason = compared(assertion), why(assertion)
    found = differences(comparison) if comparison else []
    if not found or reason == assertion.message:
        yield f'<div class="why">{text(reason)}</div>'
    operands = [each for each in assertion.operands if one_line(each.value) not in reason]
    if comparison is not None and (found or operands):
        yield _comparison(comparison, found)
    elif operands:
        rows = joined(f"<tr><td><code>{text(o.source)}</code></td><td>{value(o.value)}</td></tr>" for o in operands)
        yield f'<div class="pair"><table class="values"><tbody>{rows}</tbody></table></div>'


def _comparison(comparison: Comparison, found: Sequence[Difference]) -> str:
    texts = (comparison.actual, comparison.expected)
    if isinstance(texts[0], str) and isinstance(texts[1], str) and "\n" in f"{texts[0]}{texts[1]}":
        return _lines(texts[0], texts[1])
    shown = found or [Difference(comparison.name, Change.DIFFERS, comparison.actual, comparison.expected)]
    more = '<tr><td colspan="3">and more</td></tr>' if len(shown) > MAX_DIFFERENCES else ""
    head = "<thead><tr><th>where</th><th>expected</th><th>actual</th></tr></thead>"
    rows = joined(map(_difference, shown[:MAX_DIFFERENCES]))
    return f'<div class="pair"><table class="diff">{head}<tbody>{rows}{more}</tbody></table></div>'


def _difference(difference: Difference) -> str:
    nothing = "<i>nothing</i>"
    expected = nothing if difference.change is Change.UNEXPECTED else f"<ins>{value(difference.expected)}</ins>"
    actual = nothing if difference.change is Change.MISSING else f"<del>{value(difference.actual)}</del>"
    return f"<tr><td><code>{text(difference.path)}</code></td><td>{expected}</td><td>{actual}</td></tr>"


def _lines(actual: str, expected: str) -> str:
    """Two texts line by line: ``-`` was found and ``+`` was expected."""
    signs = {"- ": "del", "+ ": "ins"}
    told = ndiff(actual.splitlines()[:_LINES_COMPARED], expected.splitlines()[:_LINES_COMPARED])
    lines = [(signs.get(each[:2], "span"), text(each)) for each in told if not each.startswith("? ")]
    inner = "\n".join(f"<{tag}>{each}</{tag}>" for tag, each in lines)
    return f'<div class="block"><pre tabindex="0">- actual, + expected\n{inner}</pre></div>'


def _attempts(attempts: Sequence[AttemptResult]) -> str:
    rows = joined(
        f'<tr><td>{tries.numbers}</td><td class="number">{milliseconds(tries.duration_ms)}</td>'
        f"<td>{text(tries.reason)}</td></tr>"
        for tries in history(attempts)
    )
    head = '<thead><tr><th>attempt</th><th class="number">time</th><th>why</th></tr></thead>'
    return f'<h3>Attempts</h3><div class="pair"><table class="tries">{head}<tbody>{rows}</tbody></table></div>'
