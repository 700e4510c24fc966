"""Reads files for the command line; what can't be read is said in a sentence."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from testmesh_engine.errors import UsageError
from testmesh_engine.language.env_file import parse_env_file

STDIN = "-"


def read_text(path: str) -> str:
    """The text of a file, or of standard input for ``-``. Raises ``UsageError`` where it can't be read."""
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder", hint="Name a file.") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path} can't be read: {why}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text (byte {error.start})", hint="Save it as UTF-8.") from error


class FilesBeside:
    """The files that a flow names, relative to the folder that its own file is in."""

    def __init__(self, path: str) -> None:
        self._folder = Path(path).parent
        self.read_so_far: dict[str, None] = {}
        """The paths that were asked for, also those that could not be read: ``watch`` looks at them."""

    def read(self, name: str) -> str:
        """The text of the file ``name``. Raises ``UsageError`` where it can't be read."""
        path = str(self._folder / name)
        self.read_so_far[path] = None
        return read_text(path)


def dot_env_path(path: str) -> Path:
    """``.env`` beside the file; for standard input that of the working folder."""
    return Path(path).parent / ".env"


def read_dot_env(path: str) -> dict[str, str]:
    """The variables of ``.env`` beside the file at ``path``, none where there is no such file."""
    beside = dot_env_path(path)
    return parse_env_file(read_text(str(beside)), name=str(beside)) if beside.is_file() else {}


def read_env_files(paths: Sequence[str]) -> dict[str, str]:
    """The variables of all ``--env-file``; where two files set one, the later file does."""
    read: dict[str, str] = {}
    for path in paths:
        read |= parse_env_file(read_text(path), name=path)
    return read


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


def names_in(environ: Mapping[str, str], name: str) -> list[str]:
    """The names that a variable lists, with commas between."""
    return [part.strip() for part in environ.get(name, "").split(",") if part.strip()]
