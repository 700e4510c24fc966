"""One model feeds all reports: what one can hold, all can write, and all can be read back."""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import fields, replace
from decimal import Decimal
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from testmesh_engine.contract.result import AssertionResult, Failure, FlowResult, StepResult
from testmesh_engine.contract.verdict import Result, decode
from testmesh_engine.report.events import Event
from testmesh_engine.report.registry import KINDS, ReportOptions, Reports, Target, open_reports
from unit.engine.report.results import ATTEMPT, FAILED, FLOW, GOOD, PASSED, events, wild, written, written_of


@pytest.fixture
def all_written(tmp_path: Path) -> Path:
    """A folder with every kind of report on the same wild run, made in one call."""
    flows = wild()
    options = ReportOptions(environ={"RUN_ID": "u"}, flows=len(flows))
    reports = open_reports([Target(kind, str(tmp_path / kind)) for kind in KINDS], options, console=False)
    for event in chain.from_iterable(events(flow, number) for number, flow in enumerate(flows)):
        reports.tell(event)
    reports.close()
    assert [] == reports.faults
    return tmp_path


def test_every_report_can_be_read_back(all_written: Path) -> None:
    """Each by what its readers use."""
    document = json.loads((all_written / "json").read_text())
    lines = [json.loads(line) for line in (all_written / "jsonl").read_text().splitlines()]
    assert document["flows"] == [line["result"] for line in lines if line["event"] == "flow_finished"]
    assert "testsuites" == ET.parse(all_written / "junit").getroot().tag  # noqa: S314 - our own file
    assert (True, Result.INTERRUPTED) == _final(all_written / "verdict")
    assert (all_written / "html").read_text().startswith("<!DOCTYPE html>")
    assert (all_written / "markdown").read_text().startswith("## ")
    assert "5 flows: 1 interrupted" in (all_written / "console").read_text()


def _final(path: Path) -> tuple[bool, Result]:
    verdict = decode(path.read_text())
    return verdict.final, verdict.result


def test_no_report_shows_more_than_the_result_holds(all_written: Path) -> None:
    """What is masked there is masked everywhere; half a character never makes a file that is no UTF-8."""
    for kind in KINDS:
        assert (all_written / kind).read_bytes().decode("utf-8")


def test_the_json_form_holds_every_field_of_the_model(tmp_path: Path) -> None:
    """And its version."""
    flow = json.loads(written(tmp_path, "json", replace(FLOW, steps=(FAILED,))))["flows"][0]
    assert {"version", "counts", *(each.name for each in fields(FlowResult))} == set(flow)
    assert {each.name for each in fields(StepResult)} == set(flow["steps"][0])


def test_flows_that_ran_at_once_stand_in_the_order_of_the_call(tmp_path: Path) -> None:
    """However they ended."""
    told = [*events(GOOD, 1), *events(FLOW, 0)]
    document = json.loads(written_of(tmp_path, "json", told))
    assert ["tested", "good"] == [flow["name"] for flow in document["flows"]]


def test_lines_name_the_flow_that_they_are_of(tmp_path: Path) -> None:
    """Those of several flows stand between each other."""
    text = written_of(tmp_path, "jsonl", chain(*zip(events(FLOW, 0), events(FLOW, 1), strict=True)))
    assert [0, 1, 0, 1] == [json.loads(line)["flow_number"] for line in text.splitlines()][:4]


def test_threads_tell_one_at_a_time() -> None:
    """No report needs a lock of its own for its events."""
    inside, most, guard = 0, 0, threading.Lock()

    class Watching:
        def on(self, _event: Event) -> None:
            nonlocal inside, most
            with guard:
                inside += 1
                most = max(most, inside)
            threading.Event().wait(0.001)
            with guard:
                inside -= 1

        def close(self) -> None:
            pass

    reports = Reports([(Target("json", "x"), Watching())])
    threads = [threading.Thread(target=lambda: [reports.tell(e) for e in events(FLOW)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == most


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    """CI systems name folders that nothing has made yet."""
    for kind in KINDS:
        written_of(tmp_path / "build" / kind, kind, events(FLOW))
    assert len(KINDS) == len(list((tmp_path / "build").glob("*/*")))


@pytest.mark.parametrize("kind", ["html", "json", "junit", "markdown"])
def test_a_document_of_an_earlier_run_is_gone_before_this_one_ends(kind: str, tmp_path: Path) -> None:
    """A run that is killed must not leave another's report; and readers never see half of one."""
    path = tmp_path / kind
    path.write_text("of an earlier run")
    reports = open_reports([Target(kind, str(path))], ReportOptions(environ={}), console=False)
    for event in events(FLOW):
        reports.tell(event)
    assert "" == path.read_text()
    before = path.stat().st_ino
    reports.close()
    assert before != path.stat().st_ino, "it was written in place"
    assert "tested" in path.read_text()
    assert [path] == list(tmp_path.iterdir())


def test_a_document_goes_where_a_link_leads(tmp_path: Path) -> None:
    """The link stays one."""
    link = tmp_path / "json"
    link.symlink_to(tmp_path / "real")
    written_of(tmp_path, "json", events(FLOW))
    assert link.is_symlink()
    assert "tested" in (tmp_path / "real").read_text()


def test_a_file_that_can_only_be_written_in_place_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is a mount of its own can't be replaced."""

    def busy(_self: Path, _target: Path) -> Path:
        raise OSError(16, os.strerror(16))

    monkeypatch.setattr(Path, "replace", busy)
    assert "tested" in written_of(tmp_path, "json", events(FLOW))
    assert [tmp_path / "json"] == list(tmp_path.iterdir())


def test_a_document_may_go_to_a_device() -> None:
    """To throw it away, or into a pipe."""
    reports = open_reports([Target("json", "/dev/null")], ReportOptions(environ={}), console=False)
    reports.close()
    assert [] == reports.faults


def test_a_document_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Then nothing else is written there."""
    reports = open_reports([Target("json", "-")], ReportOptions(environ={}))
    for event in events(FLOW):
        reports.tell(event)
    reports.close()
    assert "tested" == json.loads(capsys.readouterr().out)["flows"][0]["name"]


@pytest.mark.parametrize("kind", ["console", "html", "json", "jsonl", "junit", "markdown"])
@pytest.mark.parametrize("number", ["59.970", "12345678901234567890.123", "1E+400"])
def test_every_report_shows_a_number_as_it_was_received(kind: str, number: str, tmp_path: Path) -> None:
    """With all its digits, and never in quotes: text and number are not the same."""
    attempt = replace(ATTEMPT, response={"status": 200, "body": {"total": Decimal(number)}})
    flow = replace(FLOW, steps=(replace(FAILED, attempts=(attempt,)),))
    text = written(tmp_path, kind, flow)
    assert number in text
    assert f'"{number}"' not in text
    assert f"&quot;{number}" not in text


@pytest.mark.parametrize("kind", ["console", "html", "json", "jsonl", "junit", "markdown"])
def test_every_report_shows_the_warning_of_an_assertion_that_holds(kind: str, tmp_path: Path) -> None:
    """The step has passed: nowhere else would anybody look."""
    assertion = AssertionResult(expression="id != 42", passed=True, warning="it holds whatever the values are")
    flow = replace(GOOD, steps=(replace(PASSED, attempts=(replace(ATTEMPT, assertions=(assertion,)),)),))
    assert "it holds whatever the values are" in written(tmp_path, kind, flow)


@pytest.mark.parametrize("kind", ["console", "markdown"])
def test_a_seed_is_told_as_a_shell_takes_it(kind: str, tmp_path: Path) -> None:
    """It may hold a blank: that of a row does."""
    assert "--seed '8c1f/row 2'" in written(tmp_path, kind, replace(FLOW, seed="8c1f/row 2"))


@pytest.mark.parametrize("kind", ["console", "html", "junit", "markdown"])
def test_a_step_of_a_called_flow_is_shown_with_its_own_file(tmp_path: Path, kind: str) -> None:
    """Its caller's with the same line stands beside it."""
    inner = replace(FAILED, id="call/ask", file="called.yaml", line=3)
    outer = replace(FAILED, id="call", action="run_flow", line=9, steps=(inner,))
    failure = Failure(flow="tested", step="call/ask", message=FAILED.message)
    found = written_of(tmp_path, kind, events(replace(FLOW, steps=(outer,), first_failure=failure), 0))
    assert re.search(r'called\.yaml(:|" line=")3', found)
    assert not re.search(r't\.yaml(:|" line=")3', found)
