"""``verdict=FILE``: the message that a runner pod leaves for the operator (contract/verdict.py).

It is rewritten in place at each step: the file is a mount of the kubelet's, which a rename would not replace. Each
rewrite is one ``pwrite`` and one ``truncate``, so that a runner killed between any two of them leaves a message that
the operator can tell from a whole one by its length and checksum.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from testmesh_engine.contract.result import FlowResult
from testmesh_engine.contract.verdict import MAX_MESSAGE_BYTES, encode, summarise
from testmesh_engine.errors import UsageError
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepFinished, StepStarted, TeardownStarted
from testmesh_engine.report.registry import ReportOptions


class VerdictReport:
    """Holds the file open for the whole run. Reads RUN_ID, TESTMESH_ATTEMPT and TESTMESH_MESSAGE_BYTES."""

    def __init__(self, path: str, options: ReportOptions) -> None:
        self._run_uid = options.environ.get("RUN_ID", "") or "local"
        self._attempt = _number(options.environ, "TESTMESH_ATTEMPT", 0)
        self._limit = min(MAX_MESSAGE_BYTES, _number(options.environ, "TESTMESH_MESSAGE_BYTES", MAX_MESSAGE_BYTES))
        self._seen = False
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)

    def on(self, event: Event) -> None:
        """Write how far the run is."""
        match event:
            case FlowStarted() if self._seen:
                raise UsageError("a verdict is about one flow")
            case StepStarted():
                self._write(event.so_far(), final=False, current=event.id)
            case TeardownStarted():
                self._write(event.so_far(), final=False, current="teardown")
            case FlowFinished():
                self._write(event.result, final=True)
            case FlowStarted() | StepFinished():
                self._seen = True

    def close(self) -> None:
        """Nothing is left to write."""
        os.close(self._fd)

    def _write(self, flow: FlowResult, *, final: bool, current: str = "") -> None:
        verdict = summarise(flow, final=final, run_uid=self._run_uid, attempt=self._attempt, current=current)
        message = encode(verdict, limit=self._limit)
        os.pwrite(self._fd, message, 0)
        os.ftruncate(self._fd, len(message))


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise UsageError(f"{name} is a whole number, found {text!r}")
    return int(text)
