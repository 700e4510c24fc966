"""``jsonl=FILE``: one JSON object for each event as it happens, the whole result of each flow last.

On standard output this is a runner pod's log: each line stands on its own.
"""

from __future__ import annotations

from testmesh_engine.contract.result import Json
from testmesh_engine.report.events import (
    AttemptStarted,
    Event,
    FlowFinished,
    FlowStarted,
    StepFinished,
    StepStarted,
    TeardownStarted,
)
from testmesh_engine.report.files import STDOUT, open_text
from testmesh_engine.report.json_text import dense
from testmesh_engine.report.plain import FORMAT_VERSION, flow_json, step_json
from testmesh_engine.report.registry import ReportOptions


class JsonlReport:
    """Writes a line for each event, at once."""

    def __init__(self, path: str, _options: ReportOptions) -> None:
        self._out = open_text(path)
        self._path = path

    def on(self, event: Event) -> None:
        """Write the event. That a step is tried again is not told: its attempts come with the whole result."""
        line = _line(event)
        if line:
            self._out.write(dense({**line, "flow_number": event.flow}) + "\n")
            self._out.flush()

    def close(self) -> None:
        """Nothing is left to write."""
        if self._path != STDOUT:
            self._out.close()


def _line(event: Event) -> dict[str, Json]:
    match event:
        case FlowStarted():
            head: dict[str, Json] = {"event": "flow_started", "version": FORMAT_VERSION}
            body: dict[str, Json] = {"flow": event.name, "file": event.file, "row": event.row, "steps": event.total}
            return {**head, **body, "started_at": event.started_at}
        case StepStarted():
            return {"event": "step_started", "step": event.id, "action": event.action, "phase": event.phase}
        case AttemptStarted():
            return {}
        case StepFinished():
            # What happened within it comes with the flow's whole result: the log holds it once.
            step = {name: value for name, value in step_json(event.step).items() if name not in ("attempts", "steps")}
            return {"event": "step_finished", **step}
        case TeardownStarted():
            return {"event": "teardown_started", "outcome": event.so_far().outcome}
        case FlowFinished():
            trace: dict[str, Json] = {"trace": event.trace} if event.trace else {}
            return {"event": "flow_finished", "result": flow_json(event.result), **trace}
