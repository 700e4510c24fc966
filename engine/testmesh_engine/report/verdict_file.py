"""``verdict=FILE``: the message that a runner pod leaves for the operator (contract/verdict.py).

It is rewritten in place at each step: the file is a mount of the kubelet's, which a rename would not replace. Each
rewrite is one ``pwrite`` and one ``truncate``, so that a runner killed between any two of them leaves a message that
the operator can tell from a whole one by its length and checksum. It is final only when the call is over and every
flow of it has ended: one row that passed says nothing of those to come.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from testmesh_engine.contract.result import FlowResult
from testmesh_engine.contract.summary import FlowSummary, lead_of, summarise_all
from testmesh_engine.contract.verdict import MAX_MESSAGE_BYTES, encode
from testmesh_engine.errors import UsageError
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepStarted, TeardownStarted
from testmesh_engine.report.registry import ReportOptions


class VerdictReport:
    """Holds the file open for the whole run. Reads RUN_ID, TESTMESH_ATTEMPT and TESTMESH_MESSAGE_BYTES."""

    def __init__(self, path: str, options: ReportOptions) -> None:
        self._run_uid = options.environ.get("RUN_ID", "") or "local"
        self._attempt = _number(options.environ, "TESTMESH_ATTEMPT", 0)
        self._limit = min(MAX_MESSAGE_BYTES, _number(options.environ, "TESTMESH_MESSAGE_BYTES", MAX_MESSAGE_BYTES))
        self._alone = options.flows == 1
        self._flows: dict[int, FlowSummary] = {}
        self._open: set[int] = set()
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)

    def on(self, event: Event) -> None:
        """Write how far the run is."""
        match event:
            case FlowStarted():
                self._open.add(event.flow)
            case StepStarted():
                self._so_far(event.flow, event.so_far(), event.id)
            case TeardownStarted():
                self._so_far(event.flow, event.so_far(), "teardown")
            case FlowFinished():
                self._open.discard(event.flow)
                self._flows[event.flow] = FlowSummary(result=event.result, exit_code=event.exit_code)
                self._write(final=False)

    def close(self) -> None:
        """Write the final verdict, if every flow that was started has ended."""
        try:
            if self._flows and not self._open:
                self._write(final=True)
        finally:
            os.close(self._fd)

    def _so_far(self, number: int, flow: FlowResult, current: str) -> None:
        self._flows[number] = FlowSummary(result=flow)
        self._write(final=False, current=f"{lead_of(flow, alone=self._alone)}{current}")

    def _write(self, *, final: bool, current: str = "") -> None:
        flows = [self._flows[number] for number in sorted(self._flows)]
        verdict = summarise_all(flows, final=final, run_uid=self._run_uid, attempt=self._attempt, current=current)
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
