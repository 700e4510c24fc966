"""Flows as the validator gets them, and its answers; the validator is the real one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from testmesh_operator.errors import CheckFailed
from testmesh_operator.reconcile.flow_reader import inline_text
from testmesh_operator.reconcile.validator import FlowText, Validator
from testmesh_operator.status.flow import Verified
from unit.operator import gen

GOOD = "flow:\n  name: Wait\n  steps:\n    - {id: wait, action: delay, config: {duration: 1ms}}\n"


def _check(flow: FlowText | None, **settings: float) -> Verified:
    assert flow is not None
    return asyncio.run(Validator(replace(gen.SETTINGS, **settings)).check(flow))


def test_valid_flow_is_ready() -> None:
    """As text, and as the object that kubectl made of YAML."""
    assert _check(inline_text(GOOD, None)).valid
    assert _check(inline_text(None, yaml.safe_load(GOOD)["flow"])).valid


def test_problem_of_a_text_has_line_and_column() -> None:
    """And what to write instead."""
    answer = _check(inline_text(GOOD.replace("delay", "dely"), None))
    assert answer.valid is False
    assert "spec.source:4:" in answer.message
    assert "delay" in answer.message


def test_problem_of_an_object_has_a_path() -> None:
    """It has no lines."""
    answer = _check(inline_text(None, yaml.safe_load(GOOD.replace("delay", "dely"))["flow"]))
    assert "spec.flow.steps[0]" in answer.message


def test_flow_that_takes_the_validator_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow is a stranger's text; it must not hold the operator up. What counts is processor time."""
    busy = tmp_path / "busy"
    busy.write_text("#!/bin/sh\nwhile :; do :; done\n", encoding="utf-8")
    busy.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(busy))
    answer = _check(inline_text(GOOD, None), validate_cpu_seconds=1)
    assert answer.valid is False
    assert "spec.source: error: checking the flow took more than 1 s of processor time" in answer.message


def test_busy_node_makes_no_flow_invalid() -> None:
    """An answer that did not come in time says nothing of the flow, and is not remembered."""

    async def scenario() -> bool | None:
        validator = Validator(replace(gen.SETTINGS, validate_seconds=0.001))
        flow = inline_text(GOOD, None)
        assert flow is not None
        with pytest.raises(CheckFailed, match=r"no answer within 0\.001 s"):
            await validator.check(flow)
        validator._settings = gen.SETTINGS
        return (await validator.check(flow)).valid

    assert asyncio.run(scenario())


def test_broken_validator_leaves_the_question_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither valid nor invalid: it is asked again, and a run's own runner has the last word."""
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(CheckFailed, match="ended with 1"):
        _check(inline_text(GOOD, None))


def test_object_stays_what_it_was_when_it_becomes_yaml() -> None:
    """JSON is YAML but for a few characters, which would be folded or refused."""
    flow = {"name": "a\u2028b\u0085c\x7f\ufeffd ü 😀", "steps": [{"id": "a", "config": {"n": 1.5, "t": None}}]}
    text = inline_text(None, flow)
    assert text is not None
    assert {"flow": flow} == json.loads(text.text)
    assert {"flow": flow} == yaml.safe_load(text.text)
