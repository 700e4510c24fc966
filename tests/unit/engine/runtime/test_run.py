"""Several flows in one call."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from support.flows import IDENTITY, read
from testmesh_engine.contract.result import Outcome
from testmesh_engine.language.model import Flow
from testmesh_engine.report.events import Event, FlowFinished, FlowStarted, StepStarted
from testmesh_engine.runtime.flow import FlowEnd, FlowRun, RunOptions
from testmesh_engine.runtime.run import Plan, run_flows
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


class Told:
    """What reports would hear, from whichever thread."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.running: set[int] = set()
        self.most = 0
        self.together: set[frozenset[int]] = set()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Note it, and which flows run at once."""
        with self._lock:
            self.events.append(event)
            if isinstance(event, FlowStarted):
                self.running.add(event.flow)
                self.most = max(self.most, len(self.running))
                self.together.add(frozenset(self.running))
            if isinstance(event, FlowFinished):
                self.running.discard(event.flow)


def _call(flows: list[Flow], plan: Plan) -> tuple[list[FlowEnd], Told]:
    told = Told()
    runs = [(flow, RunOptions(identity=IDENTITY)) for flow in flows]
    return run_flows(runs, Interrupts(), told, plan=plan), told


def _named(name: str, step: str, **changes: str) -> Flow:
    return replace(read(f"steps: [{step}]"), name=name, **changes)


LONG = "{action: delay, config: {duration: 60ms}}"
SHORT = "{action: delay, config: {duration: 1ms}}"
SECRET = "hunter2"
FAILING = "{action: delay, config: {duration: 1ms}, assert: [1 == 2]}"


@pytest.mark.parametrize("parallel", [1, 3, 50])
def test_as_many_flows_run_at_once_as_the_caller_says(parallel: int) -> None:
    """And their ends come in the order of the call, whichever was the first."""
    flows = [_named(str(number), LONG if number % 2 else SHORT) for number in range(6)]
    ends, told = _call(flows, Plan(parallel=parallel))
    assert [str(number) for number in range(6)] == [end.result.name for end in ends]
    assert 1 < told.most <= parallel if parallel > 1 else 1 == told.most


def test_each_event_tells_its_flow() -> None:
    """Reports must know what belongs together."""
    flows = [_named(name, SHORT) for name in "abcd"]
    _, told = _call(flows, Plan(parallel=4))
    names = {event.flow: event.name for event in told.events if isinstance(event, FlowStarted)}
    assert {0: "a", 1: "b", 2: "c", 3: "d"} == names
    assert dict.fromkeys(range(4), 4) == Counter(event.flow for event in told.events)


def test_flows_of_one_exclusive_name_never_run_at_once() -> None:
    """Others do beside them."""
    flows = [
        _named(name, LONG, exclusive=lock) for name, lock in zip("abcde", ["db", "db", "", "db", "mq"], strict=True)
    ]
    ends, told = _call(flows, Plan(parallel=5))
    assert [Outcome.PASSED] * 5 == [end.result.outcome for end in ends]
    assert [] == [together for together in told.together if len(together & {0, 1, 3}) > 1]
    assert told.most > 1


def test_files_that_call_their_flow_the_same_have_seeds_of_their_own_without_a_path() -> None:
    """A path would be another one on another machine; each seed repeats its flow alone, as the first of its name."""
    files = ["/tmp/x/a.yaml", "/tmp/x/b.yaml", "/tmp/x/a.yaml", "/tmp/x/c.yaml"]  # noqa: S108 - names only
    ends, _ = _call([_named("same", SHORT, file=file) for file in files] + [_named("other", SHORT)], Plan())
    assert ["seed", "seed/2", "seed", "seed/3", "seed"] == [end.result.seed for end in ends]


def test_one_flow_that_fails_touches_no_other() -> None:
    """Without --fail-fast all of them run."""
    ends, _ = _call([_named("a", FAILING), _named("b", SHORT)], Plan())
    assert [Outcome.FAILED, Outcome.PASSED] == [end.result.outcome for end in ends]


def test_fail_fast_starts_no_further_flow_and_tells_of_each() -> None:
    """Those that run already end as they would; none of the rest is lost, and none is taken for passed."""
    flows = [_named("long", LONG), _named("bad", FAILING), *(_named(name, SHORT) for name in "cd")]
    ends, told = _call(flows, Plan(parallel=2, fail_fast=True))
    expected = [Outcome.PASSED, Outcome.FAILED, Outcome.NOT_RUN, Outcome.NOT_RUN]
    assert expected == [end.result.outcome for end in ends]
    failure = ends[3].result.first_failure
    assert failure
    assert "not run: --fail-fast, and bad failed" == failure.message
    assert [0, 1, 1, 1] == [end.exit_code for end in ends]
    assert {2, 3} == {event.flow for event in told.events if isinstance(event, FlowFinished)} - {0, 1}
    assert [Outcome.NOT_RUN] == [step.outcome for step in ends[2].result.steps]


def test_the_time_of_a_call_bounds_all_of_its_flows_together() -> None:
    """One that can't start any more has failed: what it checks was not looked at."""
    flows = [_named("a", SHORT), _named("b", "{action: delay, config: {duration: 9s}}"), _named("c", SHORT)]
    started = time.monotonic()
    ends, _ = _call(flows, Plan(timeout=0.3))
    assert time.monotonic() - started < 5
    assert [0, 1, 1] == [end.exit_code for end in ends]
    failures = [end.result.first_failure for end in ends[1:]]
    assert all(failure and "--timeout of 300ms" in failure.message for failure in failures), failures


def test_a_bug_of_ours_ends_its_flow_with_a_result_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks in one thread, the rest runs, and the place of each is kept."""
    broken = _named("broken", SHORT)

    def run_or_break(self: FlowRun) -> FlowEnd:
        if self._flow is broken:
            raise RuntimeError(SECRET)
        return real(self)

    real = FlowRun.run
    monkeypatch.setattr(FlowRun, "run", run_or_break)
    ends, told = _call([_named("a", SHORT), broken, _named("c", SHORT)], Plan(parallel=2))
    assert [0, 3, 0] == [end.exit_code for end in ends]
    (event,) = (event for event in told.events if event.flow == 1)
    assert isinstance(event, FlowFinished)
    assert SECRET not in str(event)
    assert "engine error: RuntimeError" in str(event.result.first_failure)
