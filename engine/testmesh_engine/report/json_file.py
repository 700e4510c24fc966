"""``json=FILE``: all flows of the run, whole, in one JSON document, written when the run is over."""

from __future__ import annotations

from testmesh_engine.report.events import Event, FlowFinished
from testmesh_engine.report.files import Document
from testmesh_engine.report.flows import FlowsInOrder
from testmesh_engine.report.json_text import indented
from testmesh_engine.report.plain import FORMAT_VERSION, flow_json
from testmesh_engine.report.registry import ReportOptions


class JsonReport:
    """Collects the flows."""

    def __init__(self, path: str, _options: ReportOptions) -> None:
        self._document = Document(path)
        self._flows = FlowsInOrder()

    def on(self, event: Event) -> None:
        """Keep each flow that has ended."""
        if isinstance(event, FlowFinished):
            self._flows.add(event)

    def close(self) -> None:
        """Write the document."""
        flows = [flow_json(flow) for flow in self._flows.results()]
        self._document.write(indented({"version": FORMAT_VERSION, "flows": flows}) + "\n")
