"""The flows of a call for reports that are written when it is over: in the call's order, however they ended."""

from __future__ import annotations

from testmesh_engine.contract.result import FlowResult
from testmesh_engine.report.events import FlowFinished


class FlowsInOrder:
    """Collects the results of flows; those that ran at once ended in any order."""

    def __init__(self) -> None:
        self._results: list[tuple[int, FlowResult]] = []

    def add(self, event: FlowFinished) -> None:
        """Keep the result."""
        self._results.append((event.flow, event.result))

    def results(self) -> list[FlowResult]:
        """All of them, by the number that the call gave them."""
        return [result for _, result in sorted(self._results, key=lambda numbered: numbered[0])]
