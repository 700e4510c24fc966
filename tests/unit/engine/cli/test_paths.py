"""What PATH… means: which files, in which order, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from testmesh_engine.cli.paths import Found, find_files
from testmesh_engine.errors import UsageError

FILES = (
    "b.yaml",
    "a.yml",
    "sub/c.yaml",
    "sub/deep/d.yaml",
    "sub-two/e.yaml",
    "notes.txt",
    ".hidden.yaml",
    ".github/workflow.yaml",
    "node_modules/x/flow.yaml",
    "env/pyvenv.cfg",
    "env/lib/flow.yaml",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of flows with what stands beside them, as the working folder."""
    for name in FILES:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _paths(*paths: str) -> list[str]:
    return [found.path for found in find_files(paths)]


@pytest.mark.usefixtures("folder")
def test_a_folder_gives_its_yaml_files_and_those_below_in_one_order() -> None:
    """Hidden ones, node_modules and Python environments are no flows of ours."""
    assert ["a.yml", "b.yaml", "sub/c.yaml", "sub/deep/d.yaml", "sub-two/e.yaml"] == _paths(".")
    assert ["sub/c.yaml", "sub/deep/d.yaml"] == _paths("sub/")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.yaml", ["b.yaml"]),
        ("**/*.yaml", ["b.yaml", "sub/c.yaml", "sub/deep/d.yaml", "sub-two/e.yaml"]),
        ("sub*", ["sub/c.yaml", "sub/deep/d.yaml", "sub-two/e.yaml"]),
        ("sub/**/[cd].yaml", ["sub/c.yaml", "sub/deep/d.yaml"]),
        ("?.yml", ["a.yml"]),
    ],
)
def test_a_pattern_gives_what_it_matches(pattern: str, expected: list[str]) -> None:
    """The shell need not know ``**``; folders that match give what is in them."""
    assert expected == _paths(pattern)


def test_an_absolute_pattern_works_below_a_hidden_folder(folder: Path) -> None:
    """What the caller names is not passed over, only what is found."""
    hidden = folder / ".cache" / "flows"
    hidden.mkdir(parents=True)
    (hidden / "f.yaml").touch()
    assert [str(hidden / "f.yaml")] == _paths(str(hidden / "*.yaml"))
    assert [str(hidden / "f.yaml")] == _paths(str(hidden))


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_named_twice_runs_once_where_it_was_named_first() -> None:
    """Whichever way it is written."""
    assert ["sub/c.yaml", "a.yml", "b.yaml", "sub/deep/d.yaml", "sub-two/e.yaml"] == _paths(
        "sub/c.yaml", ".", "./a.yml", str(Path("b.yaml").absolute())
    )


@pytest.mark.usefixtures("folder")
def test_a_file_counts_as_named_if_any_argument_names_it() -> None:
    """A folder beside it does not take that away."""
    assert [Found("sub/c.yaml", named=True), Found("sub/deep/d.yaml", named=False)] == find_files(["sub", "sub/c.yaml"])


@pytest.mark.usefixtures("folder")
def test_a_file_whose_name_is_a_pattern_is_a_file() -> None:
    """What is there is meant."""
    Path("[1].yaml").touch()
    Path("1.yaml").touch()
    assert ["[1].yaml"] == _paths("[1].yaml")


def test_a_circle_of_links_ends(folder: Path) -> None:
    """Links to folders are not followed."""
    (folder / "sub" / "up").symlink_to(folder)
    assert ["sub/c.yaml", "sub/deep/d.yaml"] == _paths("sub")


def test_a_link_to_a_file_that_is_gone_is_found(folder: Path) -> None:
    """It must be told, not left out."""
    (folder / "sub" / "a.yaml").symlink_to("gone.yaml")
    assert ["sub/a.yaml", "sub/c.yaml", "sub/deep/d.yaml"] == _paths("sub")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.yaml", r"nowhere.yaml can't be read: No such file or directory"),
        ("*.json", r"no \*.yaml or \*.yml matches \*.json"),
        ("node_modules/x/*.txt", r"no \*.yaml or \*.yml matches"),
        ("empty", r"there is no \*.yaml or \*.yml in the folder empty"),
    ],
)
def test_a_path_that_leads_to_no_file_is_an_error(path: str, message: str) -> None:
    """With what was looked for."""
    Path("empty").mkdir()
    with pytest.raises(UsageError, match=message):
        find_files(["a.yml", path])
