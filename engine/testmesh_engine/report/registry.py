"""All reports: a sorted table of where each stands, imported at first use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.report.events import Event, Reporter
from testmesh_engine.report.files import STDOUT, write_no_more

_REPORTS = {
    "console": "testmesh_engine.report.console:ConsoleReport",
    "html": "testmesh_engine.report.html:HtmlReport",
    "json": "testmesh_engine.report.json_file:JsonReport",
    "jsonl": "testmesh_engine.report.jsonl:JsonlReport",
    "junit": "testmesh_engine.report.junit:JunitReport",
    "markdown": "testmesh_engine.report.markdown:MarkdownReport",
    "verdict": "testmesh_engine.report.verdict_file:VerdictReport",
}
KINDS = tuple(_REPORTS)
"""The kinds of reports that there are."""

_FILES_ONLY = frozenset({"verdict"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What reports may need beside the events.

    The environment; how much to say; how many flows the call has, and how many of them may run at once.
    """

    environ: Mapping[str, str]
    verbose: bool = False
    flows: int = 1
    parallel: int = 1


@dataclass(frozen=True, slots=True)
class Target:
    """Where a report goes: a path, or ``-`` for standard output."""

    kind: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``kind=path``. Raises ``UsageError`` for a kind that there isn't."""
        kind, equals, path = text.partition("=")
        if kind not in _REPORTS:
            raise UsageError(f"unknown report {kind!r}", hint=f"There are: {', '.join(_REPORTS)}.")
        if not equals or not path:
            raise UsageError(f"--report {text} names no file", hint=f"Write --report {kind}=FILE, or {kind}=- .")
        if kind in _FILES_ONLY and path == "-":
            raise UsageError(f"--report {text}: a {kind} is rewritten again and again, which takes a file")
        return cls(kind, path)


def parse_targets(texts: Iterable[str], *, inputs: Iterable[str]) -> list[Target]:
    """The targets of ``--report``. Raises ``UsageError`` for two reports in one place, and for one on an input file."""
    taken = {os.path.realpath(path): f"{path}, which is read" for path in inputs if path != "-"}
    targets = []
    for text in texts:
        target = Target.parse(text)
        place = target.path if target.path == "-" else os.path.realpath(target.path)
        if place in taken:
            raise UsageError(f"--report {text} would overwrite {taken[place]}", hint="Name another file.")
        if not Path(place).is_char_device():  # /dev/null takes any number
            taken[place] = f"--report {text}"
        targets.append(target)
    return targets


class Reports:
    """The reports of one run. A report that can't be written is said, and never ends the run.

    Flows that run at once tell of themselves from threads of their own: each report hears of one event at a time.
    """

    def __init__(self, reports: Sequence[tuple[Target, Reporter]]) -> None:
        self._reports = list(reports)
        self._lock = threading.Lock()
        self.faults: list[str] = []

    def tell(self, event: Event) -> None:
        """Hand ``event`` to each report."""
        with self._lock:
            for target, report in tuple(self._reports):
                self._guarded(target, report, partial(report.on, event))

    def close(self) -> None:
        """Close each report."""
        with self._lock:
            for target, report in tuple(self._reports):
                self._guarded(target, report, report.close)

    def _guarded(self, target: Target, report: Reporter, write: Callable[[], None]) -> None:
        try:
            write()
        except BrokenPipeError:
            self._reports.remove((target, report))
            self._reader_gone(target)
        except Exception as error:  # noqa: BLE001 - no report may end a run, or keep the others from being written
            self._reports.remove((target, report))
            why = (
                error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
            )
            self.faults.append(f"the report {target.kind}={target.path} can't be written: {why}")

    def _reader_gone(self, target: Target) -> None:
        """Whoever reads standard output and goes (``| head -1``) has had enough; a pipe by name is to be read whole."""
        if target.path == STDOUT:
            write_no_more()
        else:
            self.faults.append(f"the report {target.kind}={target.path} can't be written: nobody reads the pipe")


def open_reports(targets: Sequence[Target], options: ReportOptions, *, console: bool = True) -> Reports:
    """Open each report; ``console`` is added where no other report takes standard output.

    A folder that is missing is made: CI systems name folders that nothing has made yet.
    Raises ``UsageError`` for a file that can't be written.
    """
    wanted = list(targets)
    if console and not any(target.path == "-" for target in wanted):
        wanted.insert(0, Target("console", "-"))
    return Reports([(target, _open(target, options)) for target in wanted])


def _open(target: Target, options: ReportOptions) -> Reporter:
    module, _, attribute = _REPORTS[target.kind].partition(":")
    make = getattr(import_module(module), attribute)
    try:
        if target.path != STDOUT and not Path(target.path).parent.exists():
            Path(target.path).parent.mkdir(parents=True, exist_ok=True)
        reporter: Reporter = make(target.path, options)
    except OSError as error:
        raise UsageError(f"the report {target.kind}={target.path} can't be written: {error.strerror}") from error
    return reporter
