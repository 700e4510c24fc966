"""Builders of what the operator sees: each gives a plausible object, and takes what the test is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from testmesh_engine.contract.result import Failure, FlowResult, Outcome, Phase, StepResult
from testmesh_engine.contract.summary import summarise
from testmesh_engine.contract.verdict import Result, encode
from testmesh_operator.manifests.plan import Plan
from testmesh_operator.reconcile.facts import RunFacts
from testmesh_operator.resources.base import Meta
from testmesh_operator.resources.observed import JobFacts, PodFacts, RunnerFacts
from testmesh_operator.resources.testflow import TestFlow
from testmesh_operator.resources.testrun import RunFlow, TestRun
from testmesh_operator.settings import Settings

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UID = "6f1d0c1e-0000-4000-8000-000000000001"
JOB_UID = "6f1d0c1e-0000-4000-8000-00000000000a"
JOB = "smoke-ab12cd34ef"
SETTINGS = Settings(runner_image="testmesh/engine:1.2.3", identity="me")


def ago(seconds: float) -> datetime:
    """That many seconds before NOW."""
    return NOW - timedelta(seconds=seconds)


def meta(name: str = "smoke", **given: Any) -> Meta:
    """Metadata of a run or flow in the namespace ``shop``."""
    fields = {"uid": UID, "resource_version": "7", "generation": 1, "creation_timestamp": ago(60)}
    return Meta(name=name, namespace="shop", **{**fields, **given})


def run(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> TestRun:
    """A run of the flow ``checkout``; spec and status as in YAML."""
    return TestRun.model_validate(
        {
            "metadata": meta(**metadata),
            "spec": spec or {"flowRef": {"name": "checkout"}},
            "status": status or {"observedGeneration": -1},
        }
    )


def started(spec: dict[str, Any] | None = None, *, seconds: float = 10, **status: Any) -> TestRun:
    """A run whose Job was created some seconds ago and is known."""
    before = {
        "observedGeneration": 1,
        "startTime": ago(seconds),
        "jobRef": {"name": JOB, "uid": JOB_UID},
        "flow": {"name": "checkout", "generation": 3, "hash": "0123456789abcdef"},
    }
    return run(spec, before | status)


def flow(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> TestFlow:
    """A TestFlow ``checkout``."""
    return TestFlow.model_validate(
        {
            "metadata": meta(**{"name": "checkout", **metadata}),
            "spec": spec or {"source": "flow: {name: Checkout, steps: []}"},
            "status": status or {"observedGeneration": -1},
        }
    )


def plan(**given: Any) -> Plan:
    """The plan of a run with nothing but defaults."""
    fields = {
        "flow": RunFlow(name="checkout", generation=3, hash="0123456789abcdef"),
        "active_deadline_seconds": 1800,
        "start_timeout_seconds": 300,
        "backoff_limit": 0,
        "grace_seconds": 30,
    }
    return Plan(**{**fields, **given})


def job(**given: Any) -> JobFacts:
    """The Job of the run."""
    fields = {
        "namespace": "shop",
        "name": JOB,
        "uid": JOB_UID,
        "resource_version": "8",
        "owner_uid": UID,
        "run": "smoke",
        "run_uid": UID,
        "deadline": 1800,
        "grace": 30,
        "start_timeout": 300,
    }
    return JobFacts(**{**fields, **given})


def pod(**given: Any) -> PodFacts:
    """The pod of the run's first attempt, not started yet."""
    fields = {
        "namespace": "shop",
        "name": f"{JOB}-0-x7k2p",
        "uid": "6f1d0c1e-0000-4000-8000-0000000000aa",
        "resource_version": "9",
        "owner_uid": JOB_UID,
        "run": "smoke",
        "run_uid": UID,
        "attempt": 0,
        "created": ago(9),
        "phase": "Pending",
        "deadline": 1800,
    }
    return PodFacts(**{**fields, **given})


def running(**given: Any) -> PodFacts:
    """A pod whose runner is at work."""
    return pod(**{"phase": "Running", "node_start": ago(8), "runner": RunnerFacts(started=True), **given})


def ended(exit_code: int, message: str = "", *, reason: str = "Error", **given: Any) -> PodFacts:
    """A pod whose runner has terminated."""
    runner = RunnerFacts(
        started=True,
        exit_code=exit_code,
        ended_reason=reason,
        ended_at=ago(1),
        message=message,
        image="docker.io/testmesh/engine@sha256:abc",
    )
    return pod(**{"phase": "Failed" if exit_code else "Succeeded", "node_start": ago(8), "runner": runner, **given})


def step(name: str, outcome: Outcome = Outcome.PASSED, *, phase: Phase = Phase.STEPS, message: str = "") -> StepResult:
    """One step of a flow's result."""
    return StepResult(id=name, action="http_request", phase=phase, outcome=outcome, duration_ms=120, message=message)


def message(  # noqa: PLR0913 - a message has that many parts, and each test gives one or two
    result: Result,
    *steps: StepResult,
    first: Failure | None = None,
    final: bool = True,
    run_uid: str = UID,
    attempt: int = 0,
    current: str = "",
) -> str:
    """A termination message as the engine writes it."""
    outcome = Outcome.PASSED if result is Result.PASSED else Outcome.FAILED
    told = FlowResult(
        name="Checkout", file="flow.yaml", outcome=outcome, duration_ms=950, steps=steps, first_failure=first
    )
    verdict = summarise(told, final=final, run_uid=run_uid, attempt=attempt, current=current)
    return encode(replace(verdict, result=result) if final else verdict).decode("ascii")


def facts(of: TestRun | None = None, **given: Any) -> RunFacts:
    """Facts about a run at NOW."""
    about, known = of or started(), given.get("job")
    reference = about.status.job_ref
    uid = known.uid if known else reference.uid if reference else None
    return RunFacts(**{"run": about, "now": NOW, "settings": SETTINGS, "job_uid": uid, **given})
