"""What reports make of a run: of the same events, each its own form."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from testmesh_engine.contract.result import (
    AssertionResult,
    AttemptResult,
    Failure,
    FlowResult,
    Operand,
    Outcome,
    Phase,
    StepResult,
)
from testmesh_engine.contract.verdict import Result, decode
from testmesh_engine.errors import UsageError
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepFinished, StepStarted, TeardownStarted
from testmesh_engine.report.registry import ReportOptions, Reports, Target, open_reports, parse_targets

FAILED_STEP = StepResult(
    id="ask",
    action="http_request",
    phase=Phase.STEPS,
    outcome=Outcome.FAILED,
    duration_ms=12.5,
    message="body.total == 59.98: body.total is 59.97",
    attempts=(
        AttemptResult(
            number=1,
            duration_ms=12.5,
            assertions=(
                AssertionResult(expression="status == 200", passed=True),
                AssertionResult(
                    expression="body.total == 59.98",
                    passed=False,
                    message="body.total is 59.97",
                    operands=(Operand(source="body.total", value=59.97),),
                ),
            ),
            request={"method": "GET", "url": "http://h/"},
            response={"status": 200, "body": "evil \x1b[31m \ud800"},
        ),
    ),
)
FLOW = FlowResult(
    name="tested",
    file="t.yaml",
    outcome=Outcome.FAILED,
    duration_ms=1234.5,
    steps=(FAILED_STEP,),
    first_failure=Failure(flow="tested", step="ask", message=FAILED_STEP.message),
)
EVENTS: tuple[Event, ...] = (
    FlowStarted(name="tested", file="t.yaml", total=1, started_at="2026-11-22T00:00:00Z"),
    StepStarted(id="ask", action="http_request", phase=Phase.STEPS, so_far=lambda: FLOW),
    StepFinished(step=FAILED_STEP),
    TeardownStarted(so_far=lambda: FLOW),
    FlowFinished(result=FLOW),
)


def written(folder: Path, kind: str, events: tuple[Event, ...] = EVENTS, **environ: str) -> str:
    """What the report of that kind leaves of the events."""
    path = folder / kind
    reports = open_reports([Target(kind, str(path))], ReportOptions(environ=environ), console=False)
    for event in events:
        reports.tell(event)
    reports.close()
    assert [] == reports.faults
    return path.read_text(encoding="utf-8")


def test_the_console_says_why_a_step_was_not_run(tmp_path: Path) -> None:
    """On its own line: there is nothing else to tell of it."""
    step = replace(FAILED_STEP, id="check", outcome=Outcome.NOT_RUN, message="ask failed", attempts=())
    text = written(tmp_path, "console", (StepFinished(step=step),))
    assert ["  steps", "    · check  (ask failed)"] == text.splitlines()


def test_the_console_shows_the_warning_of_an_assertion_that_holds(tmp_path: Path) -> None:
    """The step has passed all the same, and nothing else is told of it."""
    assertion = AssertionResult(expression="id != 42", passed=True, warning="id != 42 holds whatever the values are")
    attempt = AttemptResult(number=1, duration_ms=1, assertions=(assertion,), response={"status": 200})
    step = replace(FAILED_STEP, outcome=Outcome.PASSED, message="", attempts=(attempt,))
    text = written(tmp_path, "console", (StepFinished(step=step),))
    expected = ["    ✓ ask  12 ms", "        warning: id != 42 holds whatever the values are"]
    assert expected == text.splitlines()[1:]


def test_what_a_service_sends_does_not_steer_the_terminal(tmp_path: Path) -> None:
    """No escape sequence of a response reaches it."""
    assert "\x1b" not in written(tmp_path, "console")


def test_no_name_steers_the_terminal_or_breaks_its_line(tmp_path: Path) -> None:
    """A service may have sent a part of one: C1 controls, DEL, bidirectional marks and line ends are replaced."""
    evil = "a\x9b31m\x7f\u202e\nb"
    step = replace(FAILED_STEP, id="ask", name=evil, message=evil, outcome=Outcome.SKIPPED)
    path = tmp_path / "console"
    reports = open_reports([Target("console", str(path))], ReportOptions(environ={}), console=False)
    reports.tell(FlowStarted(name=evil, file="t\x9b.yaml", total=1, started_at="2026-11-22T00:00:00Z"))
    reports.tell(StepFinished(step=step))
    reports.close()
    lines = path.read_text(encoding="utf-8").splitlines()
    assert "a\ufffd31m\ufffd\ufffd\ufffdb  t\ufffd.yaml" == lines[0]
    assert "ask  a\ufffd31m\ufffd\ufffd\ufffdb" in lines[2]
    assert not set("\x9b\x7f\u202e") & set("".join(lines))


def test_text_of_any_language_is_shown_as_it_is(tmp_path: Path) -> None:
    """Only what steers is replaced."""
    text = "grün\u00a0東京 مرحبا ✓"
    path = tmp_path / "console"
    reports = open_reports([Target("console", str(path))], ReportOptions(environ={}), console=False)
    reports.tell(FlowStarted(name=text, file="t", total=1, started_at="2026-11-22T00:00:00Z"))
    reports.close()
    assert f"{text}  t" == path.read_text(encoding="utf-8").rstrip("\n")


def test_json_lines_stand_each_on_its_own_with_the_result_last(tmp_path: Path) -> None:
    """A pod's log may be read from any line on."""
    lines = [json.loads(line) for line in written(tmp_path, "jsonl").splitlines()]
    expected = ["flow_started", "step_started", "step_finished", "teardown_started", "flow_finished"]
    assert expected == [line["event"] for line in lines]
    assert 59.97 == lines[-1]["result"]["steps"][0]["attempts"][0]["assertions"][1]["operands"][0]["value"]


def test_the_json_report_is_one_document(tmp_path: Path) -> None:
    """With its version, and every flow."""
    document = json.loads(written(tmp_path, "json"))
    assert (1, ["tested"], 1) == (
        document["version"],
        [flow["name"] for flow in document["flows"]],
        document["flows"][0]["counts"]["failed"],
    )


def test_the_verdict_is_final_only_in_the_end(tmp_path: Path) -> None:
    """Before it tells how far the run is."""
    path = tmp_path / "v"
    path.write_text("left over from an earlier container " * 300)
    reports = open_reports([Target("verdict", str(path))], ReportOptions(environ={"RUN_ID": "u"}), console=False)
    reports.tell(EVENTS[0])
    reports.tell(EVENTS[1])
    assert (False, Result.RUNNING, "ask") == _said(path)
    reports.tell(EVENTS[3])
    assert (False, Result.RUNNING, "teardown") == _said(path)
    reports.tell(EVENTS[4])
    reports.close()
    assert (True, Result.FAILED, "") == _said(path)


def _said(path: Path) -> tuple[bool, Result, str]:
    verdict = decode(path.read_text())
    return verdict.final, verdict.result, verdict.current


def test_a_report_that_breaks_is_said_and_keeps_no_other_from_being_written(tmp_path: Path) -> None:
    """A full disk must not lose the verdict."""

    class Broken:
        def on(self, _event: Event) -> None:
            raise OSError(28, os.strerror(28))

        def close(self) -> None:
            raise AssertionError("it was given up")

    whole = open_reports([Target("json", str(tmp_path / "whole"))], ReportOptions(environ={}), console=False)
    reports = Reports([(Target("jsonl", "/full"), Broken()), *whole._reports])
    for event in EVENTS:
        reports.tell(event)
    reports.close()
    assert ["the report jsonl=/full can't be written: No space left on device"] == reports.faults
    assert "tested" in (tmp_path / "whole").read_text()


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["json=a", "jsonl=./a"], "--report jsonl=./a would overwrite --report json=a"),
        (["console=-", "jsonl=-"], "--report jsonl=- would overwrite --report console=-"),
        (["json=flow.yaml"], "--report json=flow.yaml would overwrite flow.yaml, which is read"),
        (["json=link.yaml"], "would overwrite flow.yaml"),
    ],
)
def test_no_report_overwrites_another_or_a_file_of_the_call(
    texts: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them in one file can't be read, and the flow is the author's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").touch()
    (tmp_path / "link.yaml").symlink_to("flow.yaml")
    with pytest.raises(UsageError, match=said):
        parse_targets(texts, inputs=["flow.yaml", "-"])


def test_reports_in_different_places_are_taken() -> None:
    """And any number of them is thrown away."""
    texts = ["json=a", "verdict=b", "jsonl=-", "console=/dev/null", "json=/dev/null"]
    assert ["a", "b", "-", "/dev/null", "/dev/null"] == [t.path for t in parse_targets(texts, inputs=["-"])]


@pytest.mark.parametrize("text", ["xunit=x", "json", "json=", "=x", "", "verdict=-"])
def test_a_report_that_does_not_exist_is_refused(text: str) -> None:
    """With those that there are."""
    with pytest.raises(UsageError):
        Target.parse(text)
