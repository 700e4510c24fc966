"""JUnit's XML: read by a parser that others use, and never greener than the exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from testmesh_engine.contract.result import Failure as FirstFailure
from testmesh_engine.contract.result import FlowResult, Outcome
from unit.engine.report.results import ATTEMPT, EVIL, FAILED, FLOW, GOOD, NOT_RUN, PASSED, SKIPPED, wild, written

ALLOWED = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "property": set(),
    "testcase": {"skipped", "error", "failure", "system-out"},
    "skipped": set(),
    "error": set(),
    "failure": set(),
    "system-out": set(),
}
"""Which elements stand in which, of those that Jenkins knows."""


def read(folder: Path, *flows: FlowResult, **environ: str) -> list[TestSuite]:
    """The suites, as the public parser reads them."""
    written(folder, "junit", *flows, **environ)
    return list(JUnitXml.fromfile(str(folder / "junit")))


def endings(case: TestCase) -> list[type]:
    """What the case says of its end."""
    return [type(result) for result in case.result]


def test_a_flow_is_a_suite_and_a_step_is_a_case(tmp_path: Path) -> None:
    """With counts, times, file and line, the cause, and the exchange."""
    [suite] = read(tmp_path, replace(FLOW, suite="orders", tags=("a", "b")), RUN_ID="r1")
    assert ("tested", 3, 1, 0, 1) == (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped)
    assert ("2026-11-22T00:00:00", 1.234) == (suite.timestamp, pytest.approx(suite.time, abs=0.001))
    properties = {each.name: each.value for each in suite.properties()}
    assert {"suite": "orders", "tags": "a, b", "seed": "8c1f", "run_id": "r1"} == properties
    first, ask, check = list(suite)
    assert [[], [Failure], [Skipped]] == [endings(case) for case in (first, ask, check)]
    assert ("tested", "ask", "t.yaml", "7") == (ask.classname, ask.name, ask._elem.get("file"), ask._elem.get("line"))
    [failure] = ask.result
    assert ("assertion", FAILED.message) == (failure.type, failure.message)
    assert "assert body.total == 59.98\n  body.total is 59.97" in failure.text
    assert '"total": 59.97' in ask.system_out


def test_a_failure_names_what_it_failed_at(tmp_path: Path) -> None:
    """An assertion, or the action itself."""
    refused = replace(FAILED, attempts=(replace(ATTEMPT, assertions=(), error="connection refused"),))
    [suite] = read(tmp_path, replace(FLOW, steps=(FAILED, refused)))
    assert ["assertion", "http_request"] == [case.result[0].type for case in suite]


def test_an_error_is_none_of_the_failures(tmp_path: Path) -> None:
    """The platform's fault is told apart from the service's."""
    [suite] = read(tmp_path, replace(FLOW, steps=(replace(FAILED, outcome=Outcome.ERRORED),)))
    assert (0, 1) == (suite.failures, suite.errors)
    assert [Error] == endings(next(iter(suite)))


def test_a_failure_that_does_not_count_is_a_skipped_case(tmp_path: Path) -> None:
    """Else a CI system would fail a run that has passed."""
    step = replace(FAILED, ignored=True, steps=(replace(FAILED, id="ask/logs"),))
    [suite] = read(tmp_path, replace(GOOD, steps=(PASSED, step)))
    assert (3, 0, 0, 2) == (suite.tests, suite.failures, suite.errors, suite.skipped)
    assert f"does not count: {FAILED.message}" == list(suite)[1].result[0].message


def test_a_step_within_another_is_a_case_and_no_second_failure(tmp_path: Path) -> None:
    """The outer one's own ending counts it."""
    [suite] = read(tmp_path, replace(FLOW, steps=(replace(FAILED, steps=(replace(FAILED, id="ask/logs"),)),)))
    assert (2, 1, 1) == (suite.tests, suite.failures, suite.skipped)
    assert f"counts with the step around it: {FAILED.message}" == list(suite)[1].result[0].message


NEVER = FirstFailure(flow="tested", step="", message="not started: broker is down")


@pytest.mark.parametrize(
    ("flow", "ending"),
    [
        (replace(FLOW, steps=(), outcome=Outcome.ERRORED, first_failure=NEVER), Error),
        (replace(FLOW, steps=(NOT_RUN,), outcome=Outcome.ERRORED, first_failure=NEVER), Error),
        (replace(FLOW, steps=(PASSED, NOT_RUN), outcome=Outcome.FAILED, first_failure=NEVER), Failure),
        (replace(FLOW, steps=(PASSED,), outcome=Outcome.PASSED, interrupted=True, first_failure=None), Error),
        (replace(FLOW, steps=(replace(FAILED, ignored=True),), outcome=Outcome.ERRORED, first_failure=NEVER), Error),
        (SKIPPED, Skipped),
    ],
)
def test_a_flow_that_did_not_pass_is_never_a_green_or_empty_suite(
    flow: FlowResult, ending: type, tmp_path: Path
) -> None:
    """It never started, was interrupted, or ran out of time: a case for the flow itself says so."""
    case = next(iter(read(tmp_path, flow)[0]))
    assert ("flow", [ending]) == (case.name, endings(case))


def test_a_suite_fails_exactly_where_its_flow_does(tmp_path: Path) -> None:
    """Of all the flows that make trouble."""
    for flow in wild():
        [suite] = read(tmp_path, flow)
        bad = flow.interrupted or flow.outcome not in (Outcome.PASSED, Outcome.SKIPPED)
        assert bad is bool(suite.failures + suite.errors), flow.file


def test_the_file_is_well_formed_whatever_a_service_sent(tmp_path: Path) -> None:
    """Without controls and halves of characters; of elements and attributes that readers know."""
    root = ET.fromstring(written(tmp_path, "junit", *wild()).encode())  # noqa: S314 - our own file
    assert "testsuites" == root.tag
    for element in root.iter():
        assert {child.tag for child in element} <= ALLOWED[element.tag]
    assert str(len(root.findall(".//testcase"))) == root.get("tests")
    assert "東京 😀" in ET.tostring(root, encoding="unicode")
    assert EVIL.split("\x1b", maxsplit=1)[0] in str(root[0].get("name"))


def test_a_huge_body_is_cut(tmp_path: Path) -> None:
    """Jenkins loads the whole file at once."""
    assert len(written(tmp_path, "junit", *wild())) < 200_000
