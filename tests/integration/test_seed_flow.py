"""The seed's flow, its file unchanged, against the services: it passes when they work and fails where they don't."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.stack import SEED_FLOW, Stack

TESTMESH = Path(sys.executable).with_name("testmesh")
KAFKA_STEPS = ("verify_user_event", "verify_order_event")
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class Run:
    """One run of the flow: the exit code, what a person saw, and the report."""

    code: int
    printed: str
    flow: dict[str, Any]

    def milliseconds(self, *steps: str) -> float:
        """How long the named steps took together."""
        return sum(float(step["duration_ms"]) for step in self.flow["steps"] if step["id"] in steps)

    def outcomes(self) -> dict[str, str]:
        """How each step ended."""
        return {step["id"]: step["outcome"] for step in self.flow["steps"]}


def run_flow(stack: Stack, folder: Path, **urls: str) -> Run:
    """Runs the file; ``urls`` are variables that point elsewhere than the stack's."""
    variables = stack.variables() | urls
    report = folder / "report.json"
    command = [str(TESTMESH), "run", str(SEED_FLOW), "--report", f"json={report}"]
    command += [part for name, value in variables.items() for part in ("--var", f"{name}={value}")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    printed = done.stdout + done.stderr
    assert report.exists(), printed
    (flow,) = json.loads(report.read_text(encoding="utf-8"))["flows"]
    return Run(done.returncode, printed, flow)


@pytest.fixture(scope="module")
def passed_before(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that passed: its events lie in both topics, its rows in every table."""
    run = run_flow(stack, tmp_path_factory.mktemp("before"))
    assert PASSED == run.code, run.printed
    return run


def test_seed_flow_passes_twice_in_a_row(stack: Stack, tmp_path: Path, passed_before: Run) -> None:
    """The second run finds what the first one left, and cleans up before it begins."""
    for run in (passed_before, run_flow(stack, tmp_path)):
        assert PASSED == run.code, run.printed
        assert {"passed"} == set(run.outcomes().values()), run.printed
        both, whole = run.milliseconds(*KAFKA_STEPS), float(run.flow["duration_ms"])
        print(f"the two Kafka steps: {both:.0f} ms; the flow: {whole:.0f} ms, of which 3000 are its own delay")


def test_order_that_nobody_hears_of_fails_at_the_kafka_step(stack: Stack, tmp_path: Path, passed_before: Run) -> None:
    """Events of earlier runs, which the topic is full of, don't make it pass."""
    with stack.beside("order", {"MISBEHAVE": "publish-nothing"}) as url:
        run = run_flow(stack, tmp_path, ORDER_SERVICE_URL=url)
    assert FAILED == run.code, run.printed
    assert ["verify_order_event"] == _failed(run)
    assert "order.placed" in run.printed


def test_wrong_total_fails_at_the_order_with_both_values(stack: Stack, tmp_path: Path) -> None:
    """What was expected and what was there stand in the report."""
    with stack.beside("order", {"MISBEHAVE": "wrong-total"}) as url:
        run = run_flow(stack, tmp_path, ORDER_SERVICE_URL=url)
    assert FAILED == run.code, run.printed
    assert ["create_order"] == _failed(run)
    assert "body.total == 59.98" in run.printed
    assert "29.99" in run.printed


def test_dropped_events_fail_at_the_notifications(stack: Stack, tmp_path: Path) -> None:
    """Everything before is well: the order service can't know."""
    with stack.replaced("notification", {"MISBEHAVE": "drop-event"}):
        run = run_flow(stack, tmp_path)
    assert FAILED == run.code, run.printed
    assert ["check_notifications"] == _failed(run)


def test_inventory_that_stays_fails_at_the_look_into_the_database(stack: Stack, tmp_path: Path) -> None:
    """No answer of any service shows it."""
    with (
        stack.beside("product", {"MISBEHAVE": "no-decrement"}) as product,
        stack.beside("order", {"PRODUCT_SERVICE_URL": product}) as order,
    ):
        run = run_flow(stack, tmp_path, ORDER_SERVICE_URL=order)
    assert FAILED == run.code, run.printed
    assert ["verify_inventory_decreased"] == _failed(run)


def _failed(run: Run) -> list[str]:
    return [step for step, outcome in run.outcomes().items() if outcome not in {"passed", "not_run", "skipped"}]
