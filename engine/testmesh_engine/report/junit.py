"""``junit=FILE``: JUnit's XML, of the elements that both Jenkins and GitLab show: a suite each flow, a case each step.

There is no standard: this is what Jenkins' `junit` step and GitLab read. A case's ``file`` is GitLab's
(https://docs.gitlab.com/ci/testing/unit_test_reports/) and, with ``line``, more than the schema of Jenkins' other
reader, the xUnit plugin, has (junit-10.xsd there); all else is of that schema.
A file that says less than the exit code would be a false pass: a flow that did not pass has a case that did not, also
where it never started. A step whose failure does not count is a skipped case with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from testmesh_engine.contract.result import AttemptResult, FlowResult, Json, Outcome, StepResult
from testmesh_engine.contract.summary import wall_ms
from testmesh_engine.report.console_step import details
from testmesh_engine.report.events import Event, FlowFinished
from testmesh_engine.report.files import Document
from testmesh_engine.report.flows import FlowsInOrder
from testmesh_engine.report.registry import ReportOptions
from testmesh_engine.report.wording import (
    BAD,
    cut,
    flattened,
    last_attempt,
    outcome_word,
    pretty,
    title_of,
    warnings_of,
)

_MAX_OUT = 20_000
"""Characters of one case's request and response: Jenkins loads the whole file at once."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no room for, not even as a reference: https://www.w3.org/TR/xml/#charsets"""

_COUNTED = ("tests", "failures", "errors", "skipped")


class JunitReport:
    """Collects the flows."""

    def __init__(self, path: str, options: ReportOptions) -> None:
        self._document = Document(path)
        self._run_id = options.environ.get("RUN_ID", "")
        self._flows = FlowsInOrder()

    def on(self, event: Event) -> None:
        """Keep each flow that has ended."""
        if isinstance(event, FlowFinished):
            self._flows.add(event)

    def close(self) -> None:
        """Write the document."""
        root = _suites(self._flows.results(), self._run_id)
        ET.indent(root)
        self._document.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n')


def _suites(flows: Sequence[FlowResult], run_id: str) -> ET.Element:
    suites = [_suite(flow, run_id) for flow in flows]
    totals = {name: str(sum(int(suite.get(name, "0")) for suite in suites)) for name in _COUNTED}
    root = _element("testsuites", name="testmesh", **totals, time=_seconds(wall_ms(flows)))
    root.extend(suites)
    return root


def _suite(flow: FlowResult, run_id: str) -> ET.Element:
    cases = list(_cases(flow))
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    suite = _element("testsuite", name=title_of(flow), **{name: str(count) for name, count in counts.items()})
    suite.set("time", _seconds(flow.duration_ms))
    if flow.started_at:
        # Ant's form, that all readers know, has neither fractions nor a zone.
        suite.set("timestamp", flow.started_at[:19])
    suite.set("file", _clean(flow.file))
    suite.extend(_properties(flow, run_id))
    suite.extend(cases)
    return suite


def _properties(flow: FlowResult, run_id: str) -> Iterator[ET.Element]:
    values = {
        "suite": flow.suite,
        "tags": ", ".join(flow.tags),
        "row": flow.row,
        "seed": flow.seed,
        "run_id": run_id,
        "description": flow.description,
    }
    given = {name: value for name, value in values.items() if value}
    if given:
        properties = _element("properties")
        properties.extend(_element("property", name=name, value=value) for name, value in given.items())
        yield properties


def _cases(flow: FlowResult) -> Iterator[ET.Element]:
    cases = [_case(flow, step, nested=depth > 0) for depth, step in flattened(flow.steps)]
    if _says_less(flow, cases):
        yield _flow_case(flow)
    yield from cases


def _says_less(flow: FlowResult, cases: Sequence[ET.Element]) -> bool:
    """Whether the steps alone would look better than the flow is."""
    if not cases:
        return True
    told = any(case.find("failure") is not None or case.find("error") is not None for case in cases)
    return not told and (flow.interrupted or flow.outcome not in (Outcome.PASSED, Outcome.SKIPPED))


def _flow_case(flow: FlowResult) -> ET.Element:
    """A case for the flow itself: it never started, was interrupted, or ran out of time before any step failed."""
    message = flow.first_failure.message if flow.first_failure else f"the flow is {outcome_word(flow)}"
    case = _element("testcase", classname=title_of(flow), name="flow", file=flow.file, time=_seconds(0.0))
    if flow.outcome is Outcome.SKIPPED and not flow.interrupted:
        case.append(_element("skipped", message=message))
    elif flow.outcome is Outcome.FAILED:
        case.append(_element("failure", message, message=message, type="flow"))
    elif flow.outcome is not Outcome.PASSED or flow.interrupted:
        case.append(_element("error", message, message=message, type=outcome_word(flow)))
    return case


def _case(flow: FlowResult, step: StepResult, *, nested: bool) -> ET.Element:
    case = _element("testcase", classname=title_of(flow), name=_name(step), file=step.file or flow.file)
    if step.line:
        case.set("line", str(step.line))
    case.set("time", _seconds(step.duration_ms))
    case.extend(_ending(step, nested=nested))
    attempt = last_attempt(step)
    if attempt is not None:
        case.extend(_output(attempt))
    return case


def _name(step: StepResult) -> str:
    return f"{step.id}: {step.name}" if step.name else step.id


def _ending(step: StepResult, *, nested: bool) -> Iterator[ET.Element]:
    if step.outcome in (Outcome.SKIPPED, Outcome.NOT_RUN):
        yield _element("skipped", message=step.message)
    elif step.outcome in BAD and (step.ignored or nested):
        # A step within another is told by the outer one's own ending: counted once more it would make two of one.
        lead = "does not count" if step.ignored else "counts with the step around it"
        yield _element("skipped", message=f"{lead}: {step.message}")
    elif step.outcome in BAD:
        text = "\n".join(details(step, verbose=False))
        tag = "failure" if step.outcome is Outcome.FAILED else "error"
        yield _element(tag, text or step.message, message=step.message, type=_kind(step))


def _kind(step: StepResult) -> str:
    """What the step failed at: an assertion, or its action."""
    last = last_attempt(step)
    asserted = last is not None and not last.error and any(not each.passed for each in last.assertions)
    return "assertion" if asserted else step.action


def _output(attempt: AttemptResult) -> Iterator[ET.Element]:
    exchange: tuple[tuple[str, Json], ...] = (("request", attempt.request), ("response", attempt.response))
    said = [f"warning: {warning}" for warning in warnings_of(attempt)]
    said += [f"{name}:\n{pretty(value)}" for name, value in exchange if value]
    if said:
        yield _element("system-out", cut("\n".join(said), _MAX_OUT))


def _element(tag: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.Element(tag, {name: _clean(value) for name, value in attributes.items()})
    if text:
        element.text = _clean(text)
    return element


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _seconds(value: float) -> str:
    return f"{value / 1000:.3f}"
