"""What the console says of one step: nothing more of one that passed, everything that tells why of one that didn't."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from testmesh_engine.contract.result import AssertionResult, AttemptResult, Json, Outcome, StepResult
from testmesh_engine.report.comparison import MAX_DIFFERENCES, Change, Difference, compared, differences
from testmesh_engine.report.json_text import one_line
from testmesh_engine.report.wording import BAD, history, last_attempt, milliseconds, why

_LINE_CHARACTERS = 160
"""Of one line of a value; in full it stands in the json and html reports."""

_LINES, _LINES_VERBOSE = 12, 200
_TRIES_SHOWN = 8
_QUIET_KEYS = frozenset({"headers", "cookies", "content_type", "redirects", "url", "http_version"})
"""What a response holds beside what is mostly asserted on; shown under -v."""


def details(step: StepResult, *, verbose: bool) -> Iterator[str]:
    """The lines below the step's own, the cause first."""
    bad = step.outcome in BAD
    last = last_attempt(step)
    if bad and (last is None or last.error):
        yield step.message
    if last is None:
        return
    if step.action == "log" and isinstance(last.response, Mapping):
        yield from _said(last.response)
    for assertion in last.assertions:
        if assertion.warning:
            yield f"warning: {assertion.warning}"
        if bad and not assertion.passed:
            yield from _assertion(assertion)
    if bad:
        yield from _tries(step.attempts)
    if bad or verbose:
        yield from _exchange(last, verbose=verbose)


def _said(response: Mapping[str, Json]) -> Iterator[str]:
    """What a step says to people; of one that is not just information, how much it matters."""
    level = response.get("level")
    lead = "" if level == "info" else f"{level}: "
    yield from f"{lead}{response.get('message', '')}".splitlines()


def _assertion(assertion: AssertionResult) -> Iterator[str]:
    yield f"assert {assertion.expression}"
    reason = why(assertion)
    comparison = compared(assertion)
    found = differences(comparison) if comparison else []
    # A person's own message stands before the reason; the reason alone is the first difference, and said below.
    if reason and (not found or reason == assertion.message):
        yield f"  {_short(reason)}"
    yield from _aligned(found)
    for operand in assertion.operands:
        shown = one_line(operand.value)
        if shown not in reason and not (found and comparison and operand.source == comparison.name):
            yield f"  {operand.source} = {_short(shown)}"


def _aligned(found: Sequence[Difference]) -> Iterator[str]:
    wide = min(40, max((len(difference.path) for difference in found), default=0))
    for difference in found[:MAX_DIFFERENCES]:
        yield f"  {difference.path:<{wide}}  {_short(said_of(difference))}"
    if len(found) > MAX_DIFFERENCES:
        yield "  and more"


def said_of(difference: Difference) -> str:
    """What is wrong in one place, in words."""
    actual, expected = one_line(difference.actual), one_line(difference.expected)
    match difference.change:
        case Change.UNEXPECTED:
            return f"should not be there: {actual}"
        case Change.MISSING:
            return f"is not there, should be {expected}"
        case Change.DIFFERS:
            return f"is {actual}, should be {expected}"


def _tries(attempts: Sequence[AttemptResult]) -> Iterator[str]:
    """The attempts, where they did not all end alike."""
    told = list(history(attempts))
    if len(told) < 2:
        return
    yield "attempts"
    head, tail = told[: _TRIES_SHOWN // 2], told[_TRIES_SHOWN // 2 :][-_TRIES_SHOWN // 2 :]
    if len(head) + len(tail) < len(told):
        yield f"  ({len(told) - len(head) - len(tail)} of them in between are not shown)"
    for tries in (*head, *tail):
        yield f"  {tries.numbers:<5} {milliseconds(tries.duration_ms):>8}  {_short(tries.reason)}"


def _exchange(attempt: AttemptResult, *, verbose: bool) -> Iterator[str]:
    if isinstance(attempt.request, Mapping):
        request = attempt.request
        line = " ".join(str(request[name]) for name in ("method", "url") if request.get(name))
        yield f"request   {line}".rstrip()
        # The headers of a request stand in its curl line too, ready to be sent again.
        quiet = {"headers"} if "curl" in request and not verbose else set()
        yield from _fields(request, hidden={"method", "url", *quiet}, verbose=verbose)
    elif attempt.request:
        yield f"request   {_short(one_line(attempt.request))}"
    if isinstance(attempt.response, Mapping):
        response = attempt.response
        yield f"response  {one_line(response['status']) if 'status' in response else ''}".rstrip()
        # Without headers a response is short enough to be read; -v shows all of it.
        hidden = frozenset() if verbose or "status" not in response else _QUIET_KEYS
        yield from _fields(response, hidden={"status", *hidden}, verbose=verbose)
    elif attempt.response:
        yield f"response  {_short(one_line(attempt.response))}"


def _fields(values: Mapping[str, Json], *, hidden: Iterable[str], verbose: bool) -> Iterator[str]:
    shown = {name: value for name, value in values.items() if name not in hidden and value not in (None, "", [], {})}
    wide = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        lines = list(_lines(value, _LINES_VERBOSE if verbose else _LINES))
        if len(lines) == 1:
            yield f"  {name:<{wide}}  {lines[0]}"
        else:
            yield f"  {name}"
            yield from (f"    {line}" for line in lines)


def _lines(value: Json, most: int) -> Iterator[str]:
    """A value as lines: whole if it is short, else an entry each; what is left out is counted."""
    lines = [_short(line) for line in _whole(value)]
    yield from lines[:most]
    if len(lines) > most:
        yield f"… and {len(lines) - most} more (the reports json and html have all of it)"


def _whole(value: Json) -> list[str]:
    text = value if isinstance(value, str) else one_line(value)
    if isinstance(value, str):
        return text.splitlines() or [""]
    if len(text) <= _LINE_CHARACTERS or not value:
        return [text]
    if isinstance(value, Mapping):
        return [f"{name}: {one_line(item)}" for name, item in value.items()]
    return [one_line(item) for item in value] if isinstance(value, Sequence) else [text]


def _short(text: str) -> str:
    return text if len(text) <= _LINE_CHARACTERS else f"{text[:_LINE_CHARACTERS]}…"


def heading(step: StepResult) -> str:
    """Id, name, time and number of attempts."""
    parts = [f"{step.id}  {step.name}" if step.name else step.id]
    if step.outcome in (Outcome.SKIPPED, Outcome.NOT_RUN):
        parts.append(f"({step.message})")
    else:
        parts.append(milliseconds(step.duration_ms))
    if len(step.attempts) > 1:
        parts.append(f"{len(step.attempts)} attempts")
    if step.ignored and step.outcome in BAD:
        parts.append("does not count")
    return "  ".join(parts)
