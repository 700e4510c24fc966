"""The job summary: a table that stays a table, the cause folded below, within GitHub's bound."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from testmesh_engine.contract.result import Failure
from testmesh_engine.report.markdown import MAX_BYTES, summary
from unit.engine.report.results import EVIL, FAILED, FLOW, GOOD, SKIPPED, wild, written


def test_failed_flows_stand_first_and_tell_why(tmp_path: Path) -> None:
    """With the step, the message, the place and the seed."""
    text = written(tmp_path, "markdown", GOOD, SKIPPED, FLOW)
    lines = text.splitlines()
    assert "## ❌ 3 flows: 1 failed, 1 skipped, 1 passed in 2.23 s" == lines[0]
    assert ["❌ failed", "✅ passed", "⏭️ skipped"] == [line.split(" | ")[0].lstrip("| ") for line in lines[4:7]]
    assert "<code>ask</code>: body\\.total" in lines[4]
    assert "<code>t.yaml:7</code>, the same random values again: <code>--seed 8c1f</code>" in text
    assert "<details><summary>❌ <b>ask</b>" in text
    assert "assert body.total == 59.98\n  body.total is 59.97" in text
    assert "1 step not run: ask failed" in text


def test_nothing_a_service_sent_is_markup() -> None:
    """No pipe makes a cell, no fence ends a block, no tag and no mention comes alive."""
    text = summary(wild())
    for row in text.splitlines()[2:9]:
        assert 6 == len(re.findall(r"(?<!\\)\|", row)), row
    assert "<img" not in re.sub(r"(`{4,})text\n.*?\n\1\n", "", text, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)@all", re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL))
    assert not {"\x1b", "\x00", "\x9b", "\u202e"} & set(text)


def test_a_block_is_fenced_by_more_than_its_text_has() -> None:
    """A body may hold three backticks, or ten."""
    flow = replace(FLOW, steps=(replace(FAILED, attempts=(), message=f"{'`' * 10} {EVIL}"),))
    assert f"{'`' * 11}text\n" in summary([flow])


def test_a_summary_keeps_within_its_bound_and_says_what_is_left_out() -> None:
    """GitHub would drop all of it."""
    message = "東" * 2000
    flow = replace(FLOW, steps=tuple(replace(FAILED, id=f"s{number}", message=message) for number in range(400)))
    text = summary([flow] * 3)
    assert len(text.encode()) <= MAX_BYTES
    assert re.search(r"_\d+ parts left out, a job summary takes no more: the other reports have all._\n\Z", text)
    assert text.count("<details>") == text.count("</details>")


def test_a_small_bound_is_kept_too() -> None:
    """Rows are left out as a whole."""
    text = summary([replace(GOOD, name=f"flow {number}") for number in range(100)], limit=2000)
    assert len(text.encode()) <= 2000
    assert "parts left out" in text


def test_a_flow_that_never_started_says_why() -> None:
    """There is no step to unfold."""
    flow = replace(FLOW, steps=(), first_failure=Failure(flow="tested", step="", message="broker is down"))
    assert "\n\nbroker is down\n\n" in summary([flow])
