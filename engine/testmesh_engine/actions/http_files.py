"""The files of ``http_request``: those that a step sends, beside the flow, and the one that it saves, in there only."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath

from testmesh_engine.errors import UsageError

MAX_FILE_BYTES = 32 * 1024 * 1024
"""Of one file that is sent; it is held in memory, as the body that it becomes."""

_NO_FOLDER = "the flow does not come from a file, so there is no folder for it"


def path_of(name: str, folder: Path | None, *, key: str) -> Path:
    """Where the file ``name`` of the config's ``key`` stands: beside the flow, or where an absolute path says."""
    path = Path(name)
    if path.is_absolute():
        return path
    if folder is None:
        raise UsageError(f"{key} can't be read: {name} is relative, and {_NO_FOLDER}", hint="Write an absolute path.")
    return folder / path


def read_file(name: str, folder: Path | None, *, key: str) -> bytes:
    """What the file holds. Raises ``UsageError`` for one that is missing, too large, or no plain file."""
    path = path_of(name, folder, key=key)
    try:
        # A pipe would be waited for, for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise UsageError(f"{key} {name} is no plain file")
            if found.st_size > MAX_FILE_BYTES:
                raise UsageError(f"{key} {name} is larger than {MAX_FILE_BYTES >> 20} MiB")
            return file.read()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{key} {name} can't be read: {getattr(error, 'strerror', None) or error}",
            hint="A relative path starts at the flow's own folder.",
        ) from error


def fault_of_saved(name: object) -> str:
    """What is wrong with the path of a file to save, as far as the path tells."""
    text = str(name)
    parts = PurePosixPath(text).parts
    if not text.strip() or text.endswith("/") or "\0" in text:
        return "takes the path of a file"
    if text.startswith("/") or ".." in parts:
        return f"takes a path inside the flow's own folder: relative, without .., found {text[:200]}"
    return ""


def save_file(name: str, data: bytes, folder: Path | None) -> None:
    """Write ``data`` to the file ``name`` below ``folder``; folders on the way are made, and no link is followed.

    Raises ``UsageError`` where the path leaves the folder, or can't be written.
    """
    if fault := fault_of_saved(name):
        raise UsageError(f"save_to_file {fault}")
    if folder is None:
        raise UsageError(f"save_to_file {name} can't be written: {_NO_FOLDER}")
    *folders, last = PurePosixPath(name).parts
    try:
        with ExitStack() as opened:
            at = _opened(folder, None, opened)
            for part in folders:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=at)
                at = _opened(part, at, opened)
            _write(at, last, data)
    except OSError as error:
        raise UsageError(f"save_to_file {name} can't be written: {_why(error)}") from error


def _opened(folder: str | Path, parent: int | None, opened: ExitStack) -> int:
    """A descriptor of ``folder``; below ``parent`` it is no link."""
    no_link = os.O_NOFOLLOW if parent is not None else 0
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | no_link, dir_fd=parent)
    opened.callback(os.close, at)
    return at


def _write(parent: int, name: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o666, dir_fd=parent), "wb") as file:
        file.write(data)


def _why(error: OSError) -> str:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return "a link or a file stands in its way; links are not followed, or it could be written anywhere"
    return error.strerror or str(error)
