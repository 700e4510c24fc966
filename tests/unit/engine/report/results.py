"""Results to feed reports with: small ones to change, and one that holds everything that makes trouble."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

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
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepFinished, StepStarted, TeardownStarted
from testmesh_engine.report.registry import ReportOptions, Target, open_reports

WRONG_TOTAL = AssertionResult(
    expression="body.total == 59.98",
    passed=False,
    message="body.total == 59.98: body.total is 59.97",
    operands=(Operand(source="body.total", value=59.97),),
)
ATTEMPT = AttemptResult(
    number=1,
    duration_ms=12.5,
    assertions=(AssertionResult(expression="status == 200", passed=True), WRONG_TOTAL),
    request={"method": "GET", "url": "http://h/"},
    response={"status": 200, "body": {"total": 59.97}},
)
PASSED = StepResult(id="first", action="delay", phase=Phase.STEPS, outcome=Outcome.PASSED, duration_ms=3, line=4)
FAILED = StepResult(
    id="ask",
    action="http_request",
    phase=Phase.STEPS,
    outcome=Outcome.FAILED,
    duration_ms=12.5,
    message=WRONG_TOTAL.message,
    line=7,
    attempts=(ATTEMPT,),
)
NOT_RUN = StepResult(
    id="check", action="delay", phase=Phase.STEPS, outcome=Outcome.NOT_RUN, message="ask failed", line=12
)
FLOW = FlowResult(
    name="tested",
    file="t.yaml",
    outcome=Outcome.FAILED,
    started_at="2026-11-22T00:00:00.250Z",
    duration_ms=1234.5,
    steps=(PASSED, FAILED, NOT_RUN),
    first_failure=Failure(flow="tested", step="ask", message=FAILED.message),
    seed="8c1f",
)
GOOD = FlowResult(
    name="good",
    file="g.yaml",
    outcome=Outcome.PASSED,
    started_at="2026-11-22T00:00:01.000Z",
    duration_ms=1000.0,
    steps=(PASSED,),
    seed="8c1f",
)
SKIPPED = FlowResult(
    name="left out",
    file="s.yaml",
    outcome=Outcome.SKIPPED,
    first_failure=Failure(flow="left out", step="", message="input user has no value"),
)

EVIL = "</script><img src=x onerror=alert(1)> \x1b[31m \x00 \ud800 \u202e \x9b | `x` ``` & \" ' ]]> \n@all # 東京 😀"
"""What a service may send: markup of every report, controls, half a character."""


def wild() -> list[FlowResult]:
    """A call's results with all that reports must stand: rows, nested steps, huge and evil text, an interruption."""
    assertion = AssertionResult(
        expression=f'body == "{EVIL}"', passed=False, message=EVIL, operands=(Operand(source=EVIL, value=EVIL),)
    )
    attempts = tuple(
        replace(
            ATTEMPT,
            number=number,
            started_ms=number * 20.0,
            assertions=(assertion, WRONG_TOTAL),
            error=EVIL if number == 2 else "",
            request={"method": "POST", "url": f"http://h/{EVIL}", EVIL: [EVIL, None, True, 1e300]},
            response={"status": 500, "body": "x" * 200_000 + EVIL, "headers": {"authorization": "***"}},
        )
        for number in (1, 2, 3)
    )
    nested = replace(FAILED, id="ask/logs", name=EVIL, attempts=attempts[:1], message=EVIL)
    worst = replace(FAILED, name=EVIL, message=EVIL, attempts=attempts, steps=(nested,), tags=("a", EVIL))
    ignored = replace(FAILED, id="ignored", ignored=True)
    row = replace(
        FLOW,
        name=EVIL,
        row="row 1 of 2: grün",
        suite=EVIL,
        tags=("smoke", EVIL),
        description=EVIL,
        steps=(replace(PASSED, phase=Phase.SETUP), worst, ignored, NOT_RUN, replace(PASSED, phase=Phase.TEARDOWN)),
        first_failure=Failure(flow=EVIL, step="ask", message=EVIL),
        output={"total": 59.97, EVIL: EVIL},
    )
    cut = FlowResult(
        name="cut short",
        file="c.yaml",
        outcome=Outcome.ERRORED,
        interrupted=True,
        first_failure=Failure(flow="cut short", step="", message="not started: interrupted by SIGINT"),
    )
    return [row, replace(row, row="row 2 of 2: *", outcome=Outcome.ERRORED), GOOD, SKIPPED, cut]


def events(flow: FlowResult, number: int = 0) -> Iterator[Event]:
    """What is told of a flow while it runs."""
    yield FlowStarted(name=flow.name, file=flow.file, row=flow.row, total=len(flow.steps), started_at="", flow=number)
    for index, step in enumerate(flow.steps):
        so_far = replace(flow, steps=flow.steps[:index], outcome=Outcome.PASSED, first_failure=None)
        yield StepStarted(id=step.id, action=step.action, phase=step.phase, so_far=lambda s=so_far: s, flow=number)
        yield StepFinished(step=step, flow=number)
    yield TeardownStarted(so_far=lambda: flow, flow=number)
    yield FlowFinished(result=flow, flow=number)


def written(folder: Path, kind: str, *flows: FlowResult, verbose: bool = False, **environ: str) -> str:
    """What the report of that kind leaves of the flows, one after the other."""
    told = [event for number, flow in enumerate(flows) for event in events(flow, number)]
    options = ReportOptions(environ=environ, verbose=verbose, flows=len(flows))
    return written_of(folder, kind, told, options)


def written_of(folder: Path, kind: str, told: Iterable[Event], options: ReportOptions | None = None) -> str:
    """What the report of that kind leaves of the events."""
    path = folder / kind
    reports = open_reports([Target(kind, str(path))], options or ReportOptions(environ={}), console=False)
    for event in told:
        reports.tell(event)
    reports.close()
    assert [] == reports.faults
    return path.read_text(encoding="utf-8")
