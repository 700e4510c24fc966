"""Temporary folders for servers' data; those of a run that was killed go when the next one starts."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

OWNER = "owner.pid"
"""Stands in a folder as long as someone uses it: the process that will delete it."""


def new_folder(kind: str) -> Path:
    """An empty folder, but for its owner's mark, that only this user can enter; its maker deletes it."""
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"testmesh-{kind}-"))
    (folder / OWNER).write_text(str(os.getpid()), encoding="ascii")
    return folder


def _remove_leftovers() -> None:
    for mark in Path(tempfile.gettempdir()).glob(f"testmesh-*/{OWNER}"):
        if not _lives(mark):
            shutil.rmtree(mark.parent, ignore_errors=True)


def _lives(mark: Path) -> bool:
    """Whether the owner still runs. One that can't be told does: a folder too many harms nobody."""
    try:
        return Path("/proc", str(int(mark.read_text(encoding="ascii")))).exists()
    except (OSError, ValueError):
        return True
