"""The result as plain JSON: the form of the json and jsonl reports."""

from __future__ import annotations

from dataclasses import asdict

from testmesh_engine.contract.result import FlowResult, Json, StepResult

FORMAT_VERSION = 1
"""Of the JSON form: raised when a field changes its meaning or goes, never for a new one."""


def step_json(step: StepResult) -> dict[str, Json]:
    """One step, with every attempt."""
    return asdict(step)


def flow_json(flow: FlowResult) -> dict[str, Json]:
    """One flow, with its counts."""
    return {"version": FORMAT_VERSION, **asdict(flow), "counts": asdict(flow.counts)}
