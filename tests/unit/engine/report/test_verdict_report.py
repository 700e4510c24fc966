"""The verdict of a call: about all its flows, and final only when all have ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from testmesh_engine.contract.result import Outcome
from testmesh_engine.contract.verdict import Result, Verdict, decode
from testmesh_engine.report.events import FlowStarted
from testmesh_engine.report.registry import ReportOptions, Reports, Target, open_reports
from unit.engine.report.results import FAILED, FLOW, GOOD, PASSED, events

ROW_1 = replace(GOOD, row="row 1 of 2")
ROW_2 = replace(FLOW, row="row 2 of 2 (name: john)", steps=(PASSED, FAILED))


def opened(path: Path) -> Reports:
    """A verdict report."""
    return open_reports([Target("verdict", str(path))], ReportOptions(environ={"RUN_ID": "u"}), console=False)


def said(path: Path) -> Verdict:
    """What stands in the file."""
    return decode(path.read_text())


def test_rows_make_one_verdict(tmp_path: Path) -> None:
    """Counts added, the first failure with its row, the worst result."""
    path = tmp_path / "v"
    reports = opened(path)
    for event in (*events(ROW_1, 0), *events(ROW_2, 1)):
        reports.tell(event)
    reports.close()
    verdict = said(path)
    assert (True, Result.FAILED, 3, 2) == (verdict.final, verdict.result, verdict.counts.total, verdict.counts.passed)
    assert ["row 1 of 2/first", "row 2 of 2/first", "row 2 of 2/ask"] == [step.id for step in verdict.steps]
    assert verdict.first_failure is not None
    assert ("tested", "row 2 of 2/ask") == (verdict.first_failure.flow, verdict.first_failure.step)


def test_a_row_that_passed_is_no_final_verdict(tmp_path: Path) -> None:
    """The next one may fail, and the runner may be killed before it."""
    path = tmp_path / "v"
    reports = opened(path)
    for event in events(ROW_1, 0):
        reports.tell(event)
    assert (False, Result.RUNNING) == (said(path).final, said(path).result)
    row_2 = list(events(ROW_2, 1))
    reports.tell(row_2[0])
    reports.tell(row_2[1])
    assert "row 2 of 2/first" == said(path).current
    assert 1 == said(path).counts.passed
    reports.close()
    assert not said(path).final


def test_a_flow_that_never_ended_leaves_no_final_verdict(tmp_path: Path) -> None:
    """Nobody knows what would have become of it."""
    path = tmp_path / "v"
    reports = opened(path)
    reports.tell(FlowStarted(name="other", file="o.yaml", total=1, started_at="", flow=1))
    for event in events(GOOD, 0):
        reports.tell(event)
    reports.close()
    assert not said(path).final


def test_one_flow_has_its_steps_under_their_own_names(tmp_path: Path) -> None:
    """And its teardown is told of before it."""
    path = tmp_path / "v"
    reports = opened(path)
    told = list(events(replace(GOOD, outcome=Outcome.PASSED)))
    for event in told[:-1]:
        reports.tell(event)
    assert "teardown" == said(path).current
    reports.tell(told[-1])
    reports.close()
    assert (True, Result.PASSED, ["first"]) == (said(path).final, said(path).result, [s.id for s in said(path).steps])
