"""What ``testmesh run`` does before and around the run itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from testmesh_engine.cli.run import RunArguments, run_call
from testmesh_engine.runtime.signals import Signals

GOOD = (
    "flow: {name: NAME, tags: [TAG], steps: [{id: d, action: delay, config: {duration: 1ms}, assert: [time >= 0]}]}\n"
)
BAD = "flow: {name: bad, steps: [{id: d, action: dellay}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two flows that are right and one that is not."""
    (tmp_path / "a.yaml").write_text(GOOD.replace("NAME", "good").replace("TAG", "smoke"), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(BAD, encoding="utf-8")
    (tmp_path / "c.yaml").write_text(GOOD.replace("NAME", "slow one").replace("TAG", "slow"), encoding="utf-8")
    return tmp_path


def reported(folder: Path, tags: Sequence[str] = ()) -> dict[str, str]:
    """The outcome of each flow of the folder in the report of one call, which is refused."""
    report = folder / "r.json"
    arguments = RunArguments(paths=(str(folder),), reports=(f"json={report}",), tags=tuple(tags))
    code, _ = run_call(arguments, {}, Signals())
    assert 2 == code
    return {flow["name"]: flow["outcome"] for flow in json.loads(report.read_text())["flows"]}


def test_flows_beside_an_invalid_one_are_reported_as_not_run(folder: Path) -> None:
    """They were asked for: a report without them would look as if they were not there."""
    assert {"bad": "errored", "good": "not_run", "slow one": "not_run"} == reported(folder)


def test_flows_that_were_not_picked_are_not_reported(folder: Path) -> None:
    """An invalid one is, whatever its tags are: it stops the call."""
    assert {"bad": "errored", "good": "not_run"} == reported(folder, ["smoke"])


def ended(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a command whose reader has gone before it wrote."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "testmesh_engine", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(write)
    return done.returncode, done.stderr


@pytest.mark.parametrize("report", ["console", "jsonl", "json"])
def test_a_reader_that_goes_is_no_fault(folder: Path, report: str) -> None:
    """`| head -1` has had enough; the exit code is still that of the run."""
    assert (0, "") == ended(folder, "run", "a.yaml", "--report", f"{report}=-")


def test_a_reader_of_problems_that_goes_is_no_fault(folder: Path) -> None:
    """The same for `validate`."""
    assert (0, "") == ended(folder, "validate", "a.yaml")
    assert (2, "") == ended(folder, "validate", "b.yaml")
