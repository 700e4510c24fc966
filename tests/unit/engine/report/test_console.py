"""What the console shows: the cause first, and nothing that a reader would have to scroll past."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from testmesh_engine.contract.result import AssertionResult, Failure, Operand, Outcome, Phase
from testmesh_engine.report import terminal
from testmesh_engine.report.console import ConsoleReport
from testmesh_engine.report.events import (
    AttemptStarted,
    Event,
    FlowFinished,
    FlowStarted,
    StepFinished,
    StepStarted,
    Variable,
)
from testmesh_engine.report.progress import Progress
from testmesh_engine.report.registry import ReportOptions
from unit.engine.report.results import (
    ATTEMPT,
    FAILED,
    FLOW,
    GOOD,
    NOT_RUN,
    PASSED,
    SKIPPED,
    events,
    written,
    written_of,
)


def test_a_failed_step_is_shown_with_all_that_tells_why(tmp_path: Path) -> None:
    """Its place, the expression, the value, the request and the response; no colours in a file."""
    expected = """\
tested  t.yaml
  steps
    ✓ first  3 ms
    ✗ ask  12 ms  t.yaml:7
        assert body.total == 59.98
          body.total is 59.97
        request   GET http://h/
        response  200
          body  {"total": 59.97}
    · check  (ask failed)
FAILED  1 passed, 1 failed, 1 skipped or not run in 1.23 s
  step ask: body.total == 59.98: body.total is 59.97
  t.yaml:7
  the same random values again: --seed 8c1f
"""
    assert expected == written(tmp_path, "console", FLOW)


def test_of_two_maps_only_what_differs_is_shown(tmp_path: Path) -> None:
    """Not two screens of JSON."""
    assertion = AssertionResult(
        expression='body == {"id": 1, "items": [{"qty": 3}], "new": 5}',
        passed=False,
        message="body.items[0].qty is 2, not 3",
        operands=(Operand(source="body", value={"id": 1, "items": [{"qty": 2}], "more": "x"}),),
    )
    step = replace(FAILED, attempts=(replace(ATTEMPT, assertions=(assertion,)),))
    text = written(tmp_path, "console", replace(FLOW, steps=(step,)))
    expected = """\
          body.items[0].qty  is 2, should be 3
          body.more          should not be there: "x"
          body.new           is not there, should be 5
"""
    assert expected in text
    assert "body = " not in text


def test_attempts_that_ended_alike_are_told_once(tmp_path: Path) -> None:
    """With their numbers, their time and their reason."""
    refused = replace(ATTEMPT, assertions=(), error="connection refused", duration_ms=2)
    attempts = (*(replace(refused, number=number) for number in (1, 2, 3)), replace(ATTEMPT, number=4))
    text = written(tmp_path, "console", replace(FLOW, steps=(replace(FAILED, attempts=attempts),)))
    assert "✗ ask  12 ms  4 attempts  t.yaml:7\n" in text
    expected = """\
        attempts
          1-3       6 ms  connection refused
          4        12 ms  body.total == 59.98: body.total is 59.97
"""
    assert expected in text


def test_steps_that_were_not_run_for_one_reason_take_one_line(tmp_path: Path) -> None:
    """The cause must not leave the screen."""
    left = tuple(replace(NOT_RUN, id=f"s{number}") for number in range(50))
    text = written(tmp_path, "console", replace(FLOW, steps=(FAILED, *left)))
    assert "    · s0, s1, s2, s3, s4, s5 and 44 more  (ask failed)\n" in text
    assert 1 == text.count("·")


def test_what_was_not_run_in_two_parts_is_told_in_each(tmp_path: Path) -> None:
    """Setup is not steps."""
    steps = (replace(NOT_RUN, id="a", phase=Phase.SETUP), replace(NOT_RUN, id="b"))
    text = written(tmp_path, "console", replace(FLOW, steps=steps))
    assert "  setup\n    · a  (ask failed)\n  steps\n    · b  (ask failed)\n" in text


def test_a_step_within_another_is_indented_below_it(tmp_path: Path) -> None:
    """With its own cause."""
    step = replace(FAILED, steps=(replace(FAILED, id="ask/logs", line=9),))
    text = written(tmp_path, "console", replace(FLOW, steps=(step,)))
    assert "        ✗ ask/logs  12 ms  t.yaml:9\n            assert body.total == 59.98\n" in text


def test_a_failure_that_does_not_count_says_so(tmp_path: Path) -> None:
    """It is no other failure of the flow."""
    flow = replace(FLOW, steps=(FAILED, replace(FAILED, id="extra", ignored=True)))
    text = written(tmp_path, "console", flow)
    assert "✗ extra  12 ms  does not count  t.yaml:7\n" in text
    assert "also:" not in text


def test_several_flows_are_summed_up_with_the_failed_ones_last(tmp_path: Path) -> None:
    """Each with its step, its message and its place; skipped ones with their reason."""
    text = written(tmp_path, "console", replace(FLOW, row="row 2 of 3 (name: john)"), SKIPPED, GOOD)
    expected = """\
- left out  s.yaml
    input user has no value
✗ tested, row 2 of 3 (name: john)  t.yaml:7
    step ask: body.total == 59.98: body.total is 59.97
  the same random values again: --seed 8c1f
3 flows: 1 failed, 1 skipped, 1 passed in 2.23 s
"""
    assert text.endswith(expected)
    assert text.startswith("tested, row 2 of 3 (name: john)  t.yaml\n")


def test_flows_that_run_at_once_keep_their_lines_together(tmp_path: Path) -> None:
    """Each is written when it ends."""
    one, two = list(events(GOOD, 0)), list(events(FLOW, 1))
    told: list[Event] = [one[0], two[0], one[1], two[1], two[2], one[2], *two[3:], *one[3:]]
    text = written_of(tmp_path, "console", told, ReportOptions(environ={}, flows=2, parallel=2))
    assert text.index("tested  t.yaml") < text.index("FAILED") < text.index("good  g.yaml") < text.index("PASSED")


def test_a_flow_that_never_started_has_its_title(tmp_path: Path) -> None:
    """Nothing else was told of it."""
    result = replace(FLOW, steps=(), outcome=Outcome.ERRORED, first_failure=Failure(flow="", step="", message="why"))
    text = written_of(tmp_path, "console", [FlowFinished(result=result)])
    assert ["tested  t.yaml", "ERRORED  nothing run in 1.23 s", "  why"] == text.splitlines()[:3]


def test_steps_of_a_flow_that_never_ended_are_shown(tmp_path: Path) -> None:
    """The run was cut off in the middle."""
    text = written_of(tmp_path, "console", [StepFinished(step=NOT_RUN)])
    assert "  steps\n    · check  (ask failed)\n" == text


def test_verbose_shows_headers_and_where_variables_came_from(tmp_path: Path) -> None:
    """Else a response is its status and its body."""
    response = {"status": 200, "body": "ok", "headers": {"x-trace": "7"}}
    step = replace(PASSED, attempts=(replace(ATTEMPT, assertions=(), response=response),))
    variables = (Variable(name="API", value="http://h", source="--var"),)
    start = FlowStarted(name="f", file="f.yaml", total=1, started_at="", variables=variables)
    text = written_of(tmp_path, "console", [start, StepFinished(step=step)], ReportOptions(environ={}, verbose=True))
    assert "    API = http://h  (--var)\n" in text
    assert '          headers  {"x-trace": "7"}\n' in text
    failed = replace(FAILED, attempts=(replace(ATTEMPT, response=response),))
    assert "x-trace" not in written_of(tmp_path, "console", [StepFinished(step=failed)])


def test_headers_of_a_request_stand_in_the_line_that_sends_it_again(tmp_path: Path) -> None:
    """Once is enough; -v shows both."""
    request = {
        "method": "GET",
        "url": "http://h/",
        "headers": {"x-a": "1"},
        "curl": "curl 'http://h/' \\\n  -H 'x-a: 1'",
    }
    step = StepFinished(step=replace(FAILED, attempts=(replace(ATTEMPT, request=request),)))
    text = written_of(tmp_path, "console", [step])
    assert "          curl\n            curl 'http://h/' \\\n              -H 'x-a: 1'\n" in text
    assert "headers" not in text
    assert '{"x-a": "1"}' in written_of(tmp_path, "console", [step], ReportOptions(environ={}, verbose=True))


def test_long_values_are_cut_and_the_cut_is_said(tmp_path: Path) -> None:
    """A first screen has room for the cause and a glance at the rest."""
    rows = [{"id": number, "name": "x" * 40} for number in range(50)]
    step = replace(FAILED, attempts=(replace(ATTEMPT, response={"rows": rows}),))
    text = written(tmp_path, "console", replace(FLOW, steps=(step,)))
    assert "… and 38 more (the reports json and html have all of it)" in text
    assert max(map(len, text.splitlines())) < 200


class Screen(io.StringIO):
    """A terminal that keeps what was written to it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """The terminal that the console writes to."""
    made = Screen()
    monkeypatch.setattr(terminal, "open_text", lambda _: made)
    return made


def shown(screen: Screen, told: list[Event], **environ: str) -> str:
    """What the screen got of the events."""
    report = ConsoleReport("-", ReportOptions(environ=environ), now=lambda: 0.0)
    for event in told:
        report.on(event)
    report.close()
    return screen.getvalue()


def test_a_terminal_has_colours_and_a_live_line_that_goes_before_lines_are_written(screen: Screen) -> None:
    """What stands in the end is what was said."""
    text = shown(screen, list(events(FLOW)))
    assert "\033[31m✗\033[0m" in text
    assert "  2 of 3  ask  0.0 s" in text
    assert "ask  0.0 s\r\033[J" in text
    left = "".join(line.rsplit("\r\033[J", 1)[-1] for line in text.split("\n"))
    assert "of 3" not in left


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_live_line_is_drawn_where_nobody_could_read_it(screen: Screen, environ: dict[str, str]) -> None:
    """Logs of CI systems, dumb terminals."""
    text = shown(screen, list(events(FLOW)), **environ)
    assert "\r" not in text
    assert ("\033[31m" in text) is ("CI" in environ)


def test_colours_can_be_asked_for_in_a_file(tmp_path: Path) -> None:
    """A CI system's log shows them; NO_COLOR is stronger."""
    assert "\033[31m✗" in written(tmp_path, "console", FLOW, FORCE_COLOR="1")
    assert "\033" not in written(tmp_path, "console", FLOW, FORCE_COLOR="1", NO_COLOR="1")


def test_the_live_line_ticks_by_itself(screen: Screen) -> None:
    """A step that takes long shows that it still runs."""
    times = iter(range(1000))
    drawn = threading.Event()

    def now() -> float:
        value = float(next(times))
        if value > 3:
            drawn.set()
        return value

    report = ConsoleReport("-", ReportOptions(environ={}), now=now)
    for event in list(events(FLOW))[:2]:
        report.on(event)
    assert drawn.wait(10)
    report.close()
    assert screen.getvalue().count("1 of 3  first") > 1


def test_the_live_line_keeps_within_the_window(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that wrapped could not be taken away; letters of two columns count twice."""
    monkeypatch.setattr(terminal.Terminal, "_columns", lambda _: 20)
    line = terminal.Terminal("-", {})
    line.draw("東" * 30)
    assert f"{'東' * 9}…" == screen.getvalue().rsplit("\033[J", 1)[1]


def test_a_window_that_was_made_narrower_loses_all_rows_of_the_old_line(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal has wrapped it."""
    line = terminal.Terminal("-", {})
    line.draw("x" * 50)
    monkeypatch.setattr(terminal.Terminal, "_columns", lambda _: 20)
    line.draw("y")
    assert screen.getvalue().endswith("\033[2A\r\033[Jy")


def test_progress_names_step_time_and_attempt() -> None:
    """Of one flow."""
    clock = iter([0.0, 1.0, 3.1])
    progress = Progress(1, lambda: next(clock))
    so_far = lambda: FLOW  # noqa: E731 - the value of a field
    progress.on(FlowStarted(name="f", file="f.yaml", total=7, started_at=""))
    progress.on(StepStarted(id="ask", action="delay", phase=Phase.STEPS, so_far=so_far))
    progress.on(AttemptStarted(number=4))
    assert "  1 of 7  ask  2.1 s  attempt 4" == progress.text()


def test_progress_of_several_flows_counts_them() -> None:
    """And names those that run."""
    progress = Progress(10, lambda: 0.0)
    for event in (*events(FLOW, 0), *events(GOOD, 1)):
        progress.on(event)
    for number in range(2, 8):
        progress.on(FlowStarted(name=f"f{number}", file="f.yaml", total=7, started_at="", flow=number))
    names = ", ".join(f"f{number} (0 of 7 0.0 s)" for number in range(2, 6))
    assert f"2 of 10 flows, 1 failed, running: {names}, 2 more" == progress.text()
