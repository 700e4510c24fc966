"""What ``testmesh watch`` takes for a change."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from testmesh_engine.actions.waiting import Interrupt
from testmesh_engine.cli.files import CheckedFile
from testmesh_engine.cli.run import RunArguments
from testmesh_engine.cli.watch import stamps_of, wait_for_change, watched
from testmesh_engine.errors import Interrupted


def test_a_run_depends_on_its_flows_their_variables_and_what_they_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file once, whether it is there or not."""
    monkeypatch.chdir(tmp_path)
    Path("flows").mkdir()
    for name in ("flows/a.yaml", "flows/b.yaml"):
        Path(name).touch()
    files = [CheckedFile(path="flows/a.yaml", named=False, flows=(), reads={"flows/rows.csv": None})]
    arguments = RunArguments(paths=("flows",), env_files=("x.env",))
    expected = ["flows/a.yaml", "flows/b.yaml", "flows/.env", "flows/rows.csv", "x.env"]
    assert expected == watched(arguments, files)


def test_files_that_are_gone_are_still_watched(tmp_path: Path) -> None:
    """They may come back: an editor may write a new file in place of the old one."""
    path = str(tmp_path / "a.yaml")
    files = [CheckedFile(path=path, named=True, flows=())]
    assert [path, str(tmp_path / ".env")] == watched(RunArguments(paths=(path,)), files)


@pytest.mark.parametrize(("change", "expected"), [("write", "changed"), ("remove", "is gone"), ("make", "is new")])
def test_a_change_is_said_in_words(change: str, expected: str, tmp_path: Path) -> None:
    """Also one that was made before the waiting began."""
    path = tmp_path / "a.yaml"
    if change != "make":
        path.write_text("1")
    before = stamps_of([str(path)])
    if change == "remove":
        path.unlink()
    else:
        path.write_text("22")
    assert f"{path} {expected}" == wait_for_change(before, lambda: [str(path)], Interrupt())


def test_a_change_of_the_same_size_is_one(tmp_path: Path) -> None:
    """By its time, in nanoseconds."""
    path = tmp_path / "a.yaml"
    path.write_text("1")
    before = stamps_of([str(path)])
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    assert f"{path} changed" == wait_for_change(before, lambda: [str(path)], Interrupt())


def test_a_signal_ends_the_waiting(tmp_path: Path) -> None:
    """At once, whatever the pause between two looks."""
    interrupt = Interrupt()
    threading.Timer(0.05, interrupt.set, ["SIGINT"]).start()
    with pytest.raises(Interrupted, match="SIGINT"):
        wait_for_change(stamps_of([str(tmp_path)]), lambda: [str(tmp_path)], interrupt)
