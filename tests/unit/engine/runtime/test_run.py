"""Several flows in one call."""

from __future__ import annotations

import pytest

from support.flows import IDENTITY, read
from testmesh_engine.contract.result import Outcome
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepStarted
from testmesh_engine.runtime.flow import RunOptions
from testmesh_engine.runtime.run import run_flows
from testmesh_engine.runtime.signals import Interrupts

FLOWS = [read(f"steps: [{{id: {name}, action: delay, config: {{duration: 10ms}}}}]") for name in ("a", "b", "c")]


@pytest.mark.parametrize(("moment", "first"), [(StepStarted, Outcome.ERRORED), (FlowFinished, Outcome.PASSED)])
def test_a_signal_ends_the_flow_under_way_and_starts_no_other(moment: type[Event], first: Outcome) -> None:
    """Each of those that were not started is told as interrupted: none is lost, and none is taken for passed."""
    interrupts = Interrupts()
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        if isinstance(event, moment):
            interrupts.run.set("SIGTERM")

    ends = run_flows([(flow, RunOptions(identity=IDENTITY)) for flow in FLOWS], interrupts, tell)
    assert [first, Outcome.ERRORED, Outcome.ERRORED] == [end.result.outcome for end in ends]
    assert [130, 130] == [end.exit_code for end in ends[1:]]
    failures = [end.result.first_failure for end in ends[1:]]
    assert ["not started: interrupted by SIGTERM"] * 2 == [failure and failure.message for failure in failures]
    assert 3 == sum(isinstance(event, FlowStarted) for event in events)
    assert [end.result for end in ends] == [event.result for event in events if isinstance(event, FlowFinished)]
