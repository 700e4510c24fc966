"""What the README shows is what the examples hold, and those are run on a cluster by the tests there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]
FIRST = ROOT / "examples" / "01-first-flow"


def test_readme_shows_the_first_example_as_it_is() -> None:
    """Who types the README's flow gets the one that is tested."""
    shown = "---\n".join((FIRST / name).read_text() for name in ("testflow.yaml", "testrun.yaml"))
    assert f"```yaml\n{shown}```\n" in (ROOT / "README.md").read_text()


def test_every_example_stands_in_the_catalogue() -> None:
    """examples/README.md names each folder beside it."""
    catalogue = (ROOT / "examples" / "README.md").read_text()
    folders = sorted(folder.name for folder in (ROOT / "examples").iterdir() if folder.is_dir())
    assert [] == [name for name in folders if f"]({name})" not in catalogue]
