"""The cache: made once, by one, and never half."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from support.cache import cache_folder, filled, key_of


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    monkeypatch.setenv("TESTMESH_CACHE", str(tmp_path))
    return tmp_path


def test_folder_is_filled_once(cache: Path) -> None:
    """The second time nothing is done."""
    made: list[Path] = []

    def fill(folder: Path) -> None:
        made.append(folder)
        (folder / "thing").touch()

    first, second = filled("jars", "1", fill=fill), filled("jars", "1", fill=fill)
    assert (cache / "jars-1", 1) == (first, len(made))
    assert first == second
    assert (first / "thing").exists()


def test_fill_that_fails_leaves_nothing_behind(cache: Path) -> None:
    """The next one begins anew, what a killed one left included."""
    (cache / ".jars-1.part-killed").mkdir()

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        filled("jars", "1", fill=fail)
    assert [] == [path for path in cache.iterdir() if path.is_dir()]


def test_those_who_come_at_once_wait_for_the_first() -> None:
    """Two test runs on one machine don't download the same thing twice."""
    made: list[Path] = []

    def fill(folder: Path) -> None:
        time.sleep(0.05)
        made.append(folder)

    threads = [threading.Thread(target=lambda: filled("jars", "1", fill=fill)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == len(made)


def test_cache_goes_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """TESTMESH_CACHE, else the user's cache folder."""
    assert tmp_path == cache_folder()
    monkeypatch.delenv("TESTMESH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert tmp_path / "xdg/testmesh" == cache_folder()


def test_key_tells_parts_apart() -> None:
    """Where one ends and the next begins counts."""
    assert key_of("a", "bc") != key_of("ab", "c")
    assert key_of("a", b"bc") == key_of("a", "bc")
