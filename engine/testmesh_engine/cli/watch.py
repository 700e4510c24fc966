"""``testmesh watch``: runs the flows, and again whenever one of the files that they are made of changes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from testmesh_engine.actions.waiting import Deadline, Interrupt, sleep
from testmesh_engine.cli.commands import print_usage_error
from testmesh_engine.cli.files import CheckedFile
from testmesh_engine.cli.inputs import STDIN, dot_env_path
from testmesh_engine.cli.paths import find_files
from testmesh_engine.cli.run import RunArguments, run_call
from testmesh_engine.cli.settings import grace_of
from testmesh_engine.errors import Interrupted, UsageError
from testmesh_engine.runtime.signals import EXIT_INTERRUPTED, Signals

_POLL_SECONDS = 0.25
_SETTLE_SECONDS = 0.05
"""An editor writes a file in several steps: a change counts once nothing has changed for so long."""

Stamps = Mapping[str, tuple[int, int] | None]
"""Each file's time of change in nanoseconds and its size; ``None`` where it is not there."""


def watch_paths(arguments: RunArguments, signals: Signals) -> int:
    """Run again and again until a signal comes; 130. Raises ``UsageError`` where even the first run can't begin."""
    if STDIN in arguments.paths:
        raise UsageError("standard input can't be watched", hint="Name a file or a folder.")
    find_files(arguments.paths)
    signals.grace = grace_of(os.environ)
    try:
        return _watch(arguments, signals)
    except Interrupted:
        return EXIT_INTERRUPTED
    finally:
        signals.ignore()


def _watch(arguments: RunArguments, signals: Signals) -> int:
    files: list[CheckedFile] = []
    why = "started"
    while True:
        seen = stamps_of(watched(arguments, files))
        _say(f"-- {time.strftime('%H:%M:%S')}  {why}")
        files = _run(arguments, signals) or files
        signals.interrupts.run.check()
        # What changed while they ran counts as well.
        before = {**stamps_of(watched(arguments, files)), **seen}
        _say("-- waiting for a change; Ctrl-C ends")
        why = wait_for_change(before, partial(watched, arguments, files), signals.interrupts.run)


def _run(arguments: RunArguments, signals: Signals) -> list[CheckedFile]:
    """One run, whatever is wrong with it: the next edit may mend it. The files it was about, none if it never began."""
    try:
        return run_call(arguments, os.environ, signals)[1]
    except UsageError as error:
        print_usage_error(error)
        return []


def watched(arguments: RunArguments, files: Iterable[CheckedFile]) -> list[str]:
    """The files that a run depends on: the flows, what they name, and the variables."""
    try:
        flows = [found.path for found in find_files(arguments.paths)]
    except UsageError:
        flows = [file.path for file in files]
    beside = (str(dot_env_path(path)) for path in flows)
    named = (name for file in files for name in file.reads)
    return list(dict.fromkeys((*flows, *beside, *named, *arguments.env_files)))


def stamps_of(paths: Iterable[str]) -> Stamps:
    """What tells that a file has changed."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def wait_for_change(before: Stamps, paths: Callable[[], Iterable[str]], interrupt: Interrupt) -> str:
    """Wait until the files differ from ``before``; what changed, in words. Raises ``Interrupted``."""
    while True:
        changed = _difference(before, stamps_of(paths()))
        if changed:
            _wait_until_still(paths, interrupt)
            return changed
        _sleep(_POLL_SECONDS, interrupt)


def _wait_until_still(paths: Callable[[], Iterable[str]], interrupt: Interrupt) -> None:
    seen = stamps_of(paths())
    while True:
        _sleep(_SETTLE_SECONDS, interrupt)
        now = stamps_of(paths())
        if now == seen:
            return
        seen = now


def _difference(before: Stamps, now: Stamps) -> str:
    words = []
    for path in dict.fromkeys((*before, *now)):
        was, is_now = before.get(path), now.get(path)
        if was != is_now:
            what = "is new" if was is None else "is gone" if is_now is None else "changed"
            words.append(f"{path} {what}")
    return ", ".join(words)


def _sleep(seconds: float, interrupt: Interrupt) -> None:
    sleep(seconds, deadline=Deadline.after(seconds + 1, "the pause"), interrupt=interrupt)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
