"""Temporary folders: what a killed run left goes, what someone uses or keeps stays."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from support.folders import OWNER, new_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary folders of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_folder_of_a_killed_run_goes_when_the_next_one_starts(temporary: Path) -> None:
    """Its owner is no more."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    leftover = new_folder("stack")
    (leftover / OWNER).write_text(str(ended.pid), encoding="ascii")
    assert [new_folder("stack")] == list(temporary.iterdir())


def test_folder_that_is_used_or_kept_stays(temporary: Path) -> None:
    """Another run's, and logs that someone may want to read."""
    used, kept = new_folder("stack"), new_folder("stack")
    (kept / OWNER).unlink()
    new = new_folder("postgresql")
    assert {used, kept, new} == set(temporary.iterdir())
