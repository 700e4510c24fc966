"""What PATH… means: files, folders and patterns become a list of files, in one order, each once."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from testmesh_engine.cli.inputs import STDIN
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError

_ENDINGS = (".yaml", ".yml")
_NOT_OURS = frozenset({"node_modules", "__pycache__"})
_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Found:
    """One file of a call. ``named`` is set where the caller wrote its name; else it was found in a folder."""

    path: str
    named: bool


def find_files(paths: Sequence[str]) -> list[Found]:
    """The files of a call in the order of its arguments, those of a folder sorted by name; each file once.

    Raises ``UsageError`` for a path that leads to no file, with what was looked for.
    """
    found: dict[str, Found] = {}
    for path in paths:
        for file in _files_of(path):
            place = file.path if file.path == STDIN else os.path.abspath(file.path)  # noqa: PTH100 - links stay links
            before = found.setdefault(place, file)
            if file.named and not before.named:
                found[place] = Found(before.path, named=True)
    return list(found.values())


def _files_of(path: str) -> list[Found]:
    if path == STDIN or os.path.lexists(path):
        if path == STDIN or not Path(path).is_dir():
            return [Found(path, named=True)]
        return _found_in(path, _walk(path), f"there is no {_words()} in the folder {path}")
    if _WILD.isdisjoint(path):
        raise UsageError(f"{path} can't be read: No such file or directory")
    return _found_in(path, _matching(path), f"no {_words()} matches {path}")


def _found_in(path: str, files: Iterable[str], complaint: str) -> list[Found]:
    found = [Found(file, named=False) for file in sorted(files, key=lambda file: Path(file).parts)]
    if not found:
        hint = "Hidden folders, node_modules and Python environments are passed over." if Path(path).is_dir() else ""
        raise UsageError(complaint, hint=hint)
    return found


def _words() -> str:
    return " or ".join(f"*{ending}" for ending in _ENDINGS)


def _walk(folder: str) -> Iterator[str]:
    """The YAML files below ``folder``; links to folders are not followed, for they may lead in a circle."""
    for parent, folders, files in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if _is_ours(Path(parent, name))]
        yield from (str(Path(parent, name)) for name in files if name.endswith(_ENDINGS) and _is_ours(Path(name)))


def _unreadable(error: OSError) -> None:
    raise UsageError(f"the folder {error.filename} can't be read: {error.strerror}") from error


def _is_ours(path: Path) -> bool:
    return not path.name.startswith(".") and path.name not in _NOT_OURS and not (path / "pyvenv.cfg").exists()


def _matching(pattern: str) -> Iterator[str]:
    """The YAML files that ``pattern`` matches, and those in the folders that it matches."""
    fixed = len(Path(pattern.partition("*")[0]).parts)
    for match in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = [Path(match), *Path(match).parents]
        # What the caller wrote out is meant, whatever it is called.
        if not all(_is_ours(path) for path in found if len(path.parts) > fixed):
            continue
        if Path(match).is_dir():
            yield from _walk(match)
        elif match.endswith(_ENDINGS):
            yield match
