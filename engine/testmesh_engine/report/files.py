"""Where reports are written: standard output, a file line by line, or a file whole or not at all."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

STDOUT = "-"


def open_text(path: str) -> TextIO:
    """The file at ``path`` for writing, or standard output for ``-``; what UTF-8 has no bytes for is escaped.

    Raises ``OSError`` where the file can't be written.
    """
    if path != STDOUT:
        return Path(path).open("w", encoding="utf-8", errors="backslashreplace")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return sys.stdout


def write_no_more() -> None:
    """Let standard output take all and keep nothing: its reader is gone, or it can't be written.

    Python writes what is left at its end once more: it must not fail there again.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Document:
    """A report that is one document, written when the run is over: readers see the whole of it, or an empty file.

    The file is emptied at once: a run that is killed must not leave the report of the run before it. Raises
    ``OSError`` where it can't be written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._out = open_text(path)

    def write(self, text: str) -> None:
        """Write all of it, and close the file. Raises ``OSError`` where that fails; then the file stays empty."""
        if self._path == STDOUT:
            self._out.write(text)
            self._out.flush()
            return
        with self._out:
            place = Path(os.path.realpath(self._path))
            if not place.is_file():  # a device, a pipe
                self._out.write(text)
                return
            _replace(place, text)


def _replace(place: Path, text: str) -> None:
    beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", errors="backslashreplace")
        try:
            beside.replace(place)
        except OSError:
            # A file that is a mount of its own (one that a container was given) can't be replaced, only written.
            place.write_text(text, encoding="utf-8", errors="backslashreplace")
    finally:
        beside.unlink(missing_ok=True)
