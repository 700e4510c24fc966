"""Only what is the node's own is removed."""

from pathlib import Path

import pytest

from cluster.node import claim, leftovers
from cluster.node.errors import NodeError
from cluster.node.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A node that was never started, on a machine without others."""
    monkeypatch.setattr(claim, "REGISTRY", tmp_path / "registry")
    return Settings(name="unit", state=tmp_path / "state" / "unit", cache=tmp_path / "cache", kube_context=None)


def test_mounts_are_found_the_deepest_first() -> None:
    """A mount can go only after those inside of it; a space in a path comes as its octal code."""
    table = "proc /proc proc rw 0 0\nt /s/n/a tmpfs rw 0 0\nt /s/n/a/b\\040c tmpfs rw 0 0\nt /s/node tmpfs rw 0 0\n"
    assert leftovers.mounts_below(table, Path("/s/n")) == ["/s/n/a/b c", "/s/n/a"]


def test_where_nothing_is_nothing_is_removed(settings: Settings) -> None:
    """A first `up` and a second `down` find nothing to do."""
    assert leftovers.clean(settings) is False


def test_a_folder_of_somebody_else_is_refused(settings: Settings) -> None:
    """TESTMESH_STATE may name a wrong folder: its files stay."""
    theirs = settings.state / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("all of it")
    with pytest.raises(NodeError, match="was not made by this program"):
        leftovers.clean(settings)
    assert theirs.read_text() == "all of it"


def test_files_of_a_node_before_a_reboot_are_removed(settings: Settings) -> None:
    """The claim in /run is gone by the reboot; the folder has our mark."""
    settings.state.mkdir(parents=True)
    (settings.state / "testmesh-node").touch()
    leftovers.clean(settings)
    assert not settings.state.exists()


def test_a_node_of_the_same_name_elsewhere_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    """Its state folder is named, and the ways out."""
    registry = tmp_path / "registry"
    registry.mkdir()
    (registry / "unit.json").write_text('{"index": 3, "state": "/elsewhere/unit"}')
    with pytest.raises(NodeError, match=r"has its state in /elsewhere/unit.*\n.*TESTMESH_STATE=/elsewhere"):
        leftovers.clean(settings)
