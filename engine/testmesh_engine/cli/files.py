"""The files of a call, read and checked: all of them before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field

from testmesh_engine.actions.registry import Registry
from testmesh_engine.cli.inputs import FilesBeside, read_text
from testmesh_engine.cli.paths import Found, find_files
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.language.foreign import is_foreign
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_text

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """One file of the call. ``named`` is as in :class:`Found`."""

    path: str
    named: bool
    flows: tuple[Checked, ...]
    reads: Mapping[str, None] = field(default_factory=dict)
    """The files that its flows name beside themselves, also those that can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFiles:
    """All files of the call, and the YAML files of its folders that are no flows."""

    files: tuple[CheckedFile, ...]
    passed_over: tuple[str, ...] = ()

    def flows(self) -> Iterator[Checked]:
        """All flows, in the order of the call."""
        return (flow for file in self.files for flow in file.flows)

    def said_of_passed_over(self) -> str:
        """A sentence on what was passed over, "" where nothing was."""
        return f"passed over, for there is no flow: in them: {_listed(self.passed_over)}" if self.passed_over else ""


def check_files(paths: Sequence[str], outside_of: Callable[[str], Outside]) -> CheckedFiles:
    """Read and check what ``paths`` name; ``outside_of`` tells the variables from outside for the file of a path.

    Raises ``UsageError`` for a file that can't be read, and where none holds a flow.
    """
    files: list[CheckedFile] = []
    passed_over: list[str] = []
    for found in find_files(paths):
        text = read_text(found.path)
        if found.named or not is_foreign(text):
            files.append(_check(found, text, outside_of(found.path)))
        else:
            passed_over.append(found.path)
    if not files:
        raise UsageError(
            f"there is no flow in {', '.join(paths)}",
            hint=f"A flow file has the root key flow:, which is in none of: {_listed(passed_over)}",
        )
    return CheckedFiles(files=tuple(files), passed_over=tuple(passed_over))


def _check(found: Found, text: str, outside: Outside) -> CheckedFile:
    beside = FilesBeside(found.path)
    flows = check_text(text, name=found.path, catalogue=Registry(), outside=outside, files=beside)
    return CheckedFile(path=found.path, named=found.named, flows=tuple(flows), reads=beside.read_so_far)


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"{', '.join(paths[:_SHOWN])}{more}"
