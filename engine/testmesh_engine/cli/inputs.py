"""Reads files for the command line; what can't be read is said in a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

from testmesh_engine.errors import UsageError

STDIN = "-"


def read_text(path: str) -> str:
    """The text of a file, or of standard input for ``-``. Raises ``UsageError`` where it can't be read."""
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder", hint=f"Name its files: {path.rstrip('/')}/*.yaml") from error
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text (byte {error.start})", hint="Save it as UTF-8.") from error


def read_masks(folder: str) -> tuple[str, ...]:
    """The secrets of a folder of mounted Secrets, ``<secret>/<key>`` each: what no report may hold; ``""`` is none.

    Raises ``UsageError`` where one can't be read: a run must not start with a secret that it can't recognise.
    """
    if not folder:
        return ()
    if not Path(folder).is_dir():
        raise UsageError(f"TESTMESH_MASKS names {folder}, and there is no such folder")
    # The kubelet keeps the data in a folder "..data" and links to it from beside.
    files = [file for file in Path(folder).glob("*/*") if not file.name.startswith("..") and file.is_file()]
    try:
        return tuple(file.read_bytes().decode("utf-8", "ignore") for file in files)
    except OSError as error:
        raise UsageError(f"the secrets in {folder} can't be read: {error.strerror}") from error
