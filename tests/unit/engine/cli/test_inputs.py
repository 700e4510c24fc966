"""What the command line reads beside the flows."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from testmesh_engine.cli.inputs import read_masks
from testmesh_engine.cli.run import RunArguments, run_paths
from testmesh_engine.errors import UsageError
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.signals import Signals


def test_mounted_secrets_are_masked_with_and_without_their_line_end(tmp_path: Path) -> None:
    """A file ends in one, the header that is made of it does not."""
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "password").write_text("hunter2pass\n", encoding="utf-8")
    assert "is ***." == Masker(read_masks(str(tmp_path))).text("is hunter2pass.")


def test_a_folder_of_secrets_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    """Nothing would be masked, and nobody would know."""
    assert () == read_masks("")
    with pytest.raises(UsageError, match=r"TESTMESH_MASKS names .*/gone, and there is no such folder"):
        read_masks(str(tmp_path / "gone"))


@pytest.fixture
def signals_kept() -> Iterator[None]:
    """A run takes SIGINT and SIGTERM over and ignores them at its end: this process must not."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals_kept")
@pytest.mark.parametrize("variable", ["my-pass=hunter2", "=hunter2"])
def test_a_variable_that_is_none_is_refused_without_its_value(variable: str, tmp_path: Path) -> None:
    """It may be a password."""
    path = tmp_path / "f.yaml"
    path.touch()
    with pytest.raises(UsageError, match="is no NAME=value") as raised:
        run_paths(RunArguments(paths=(str(path),), variables=(variable,)), Signals())
    assert "hunter2" not in raised.value.message + raised.value.hint


@pytest.mark.usefixtures("signals_kept")
@pytest.mark.parametrize("verbose", [True, False])
def test_a_run_shows_warnings_only_where_it_is_asked_to(
    *, verbose: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They stop nothing."""
    path = tmp_path / "f.yaml"
    text = "flow:\n  name: x\n  env: {A: 1}\n  steps:\n    - {action: delay, config: {duration: 1ms}}\n"
    path.write_text(text, encoding="utf-8")
    assert 0 == run_paths(RunArguments(paths=(str(path),), verbose=verbose), Signals())
    assert verbose == ("warning: A is declared and never used" in capsys.readouterr().err)
