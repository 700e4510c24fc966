"""What Prometheus sees."""

from __future__ import annotations

from testmesh_operator.metrics import Metrics
from testmesh_operator.resources.testflow import TestFlow
from unit.operator import gen

FLOW = gen.flow(
    status={
        "observedGeneration": 1,
        "consecutiveFailures": 2,
        "lastSuccessfulTime": "2026-11-22T11:00:00Z",
        "recentRuns": [
            {"name": "c", "uid": "3", "result": "Cancelled", "completionTime": gen.NOW, "durationMilliseconds": 1},
            {"name": "b", "uid": "2", "result": "Failed", "completionTime": gen.ago(9), "durationMilliseconds": 1},
        ],
    }
)


def _text(metrics: Metrics) -> list[str]:
    return [line for line in metrics.render().decode().splitlines() if not line.startswith("#")]


def _watching(*flows: TestFlow) -> Metrics:
    metrics = Metrics()
    metrics.watch(flows=lambda: flows, runs=lambda: [gen.started()], leading=lambda: True)
    return metrics


def test_gauges_come_from_the_flows_status() -> None:
    """So they are right at once after a restart; a cancelled run is no success and no failure."""
    lines = _text(_watching(FLOW))
    labels = '{flow="checkout",namespace="shop"}'
    assert f"testmesh_last_run_success{labels} 0.0" in lines
    assert f"testmesh_consecutive_failures{labels} 2.0" in lines
    assert f"testmesh_last_success_timestamp_seconds{labels} 1.7953452e+09" in lines


def test_counters_of_a_flow_start_at_zero_and_go_with_it() -> None:
    """The first failure is then a rise, and a deleted flow leaves nothing."""
    metrics = _watching()
    metrics.show(FLOW.key)
    zero = 'testmesh_runs_total{flow="checkout",namespace="shop",result="Failed",trigger="manual"} 0.0'
    assert zero in _text(metrics)
    metrics.hide(FLOW.key)
    assert not [line for line in _text(metrics) if "checkout" in line]


def test_finished_run_is_counted_with_its_duration() -> None:
    """By flow and result; a histogram for the time."""
    metrics = _watching()
    metrics.show(FLOW.key)
    metrics.count(gen.started(result="Failed", durationMilliseconds=4200))
    lines = _text(metrics)
    assert 'testmesh_runs_total{flow="checkout",namespace="shop",result="Failed",trigger="manual"} 1.0' in lines
    assert 'testmesh_run_duration_seconds_sum{flow="checkout",namespace="shop"} 4.2' in lines


def test_nothing_unbounded_is_a_label() -> None:
    """Cardinality stays flat over any number of runs."""
    metrics = _watching(FLOW)
    for number in range(50):
        flow = {"name": f"deleted-{number}"}
        metrics.count(gen.started(result="Passed", name=f"run-{number}", durationMilliseconds=1, flow=flow))
    assert 1 == len([line for line in _text(metrics) if line.startswith("testmesh_runs_total{")])


def test_run_that_ends_after_its_flow_brings_no_series_back() -> None:
    """It is counted with the inline ones: nobody would ever take a series of its own away."""
    metrics = _watching()
    metrics.show(FLOW.key)
    metrics.hide(FLOW.key)
    metrics.count(gen.started(result="Passed", durationMilliseconds=1))
    lines = _text(metrics)
    assert [] == [line for line in lines if "checkout" in line]
    assert 'testmesh_runs_total{flow="",namespace="shop",result="Passed",trigger="manual"} 1.0' in lines


def test_unfinished_runs_are_shown_by_state() -> None:
    """One that has not said anything yet waits."""
    assert 'testmesh_active_runs{state="waiting"} 1.0' in _text(_watching())
