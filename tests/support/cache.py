"""One folder for what is downloaded or made once and used by every later start: jars, template data, builds.

``$TESTMESH_CACHE``, else ``$XDG_CACHE_HOME/testmesh``, else ``~/.cache/testmesh``. It may be deleted at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """The cache, which need not exist yet."""
    if chosen := os.environ.get("TESTMESH_CACHE"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).absolute() if base else Path.home() / ".cache") / "testmesh"


def key_of(*parts: str | bytes) -> str:
    """Sixteen hexadecimal digits that change with any of the parts."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8) + content)
    return digest.hexdigest()[:16]


def filled(name: str, key: str, *, fill: Callable[[Path], None]) -> Path:
    """The cached folder ``<name>-<key>``, made by ``fill`` the first time.

    ``fill`` gets an empty folder that becomes the cached one only when it returns: a fill that failed or was killed
    leaves nothing that a later start would take for complete. Processes that want it at once wait for the first.
    """
    folder = cache_folder() / f"{name}-{key}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fill_and_rename(folder, fill)
    return folder


def _fill_and_rename(folder: Path, fill: Callable[[Path], None]) -> None:
    for leftover in folder.parent.glob(f".{folder.name}.part-*"):  # of a killed fill: we hold the lock
        shutil.rmtree(leftover)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
    try:
        part.chmod(0o755)
        fill(part)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
