"""What Prometheus sees. Counters live here; gauges are made from the flows' status at each scrape.

Gauges need no rebuilding after a restart, and go with their flow, because nothing of them is kept. Never a label: a
run, a pod, a uid, a message or a URL.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from testmesh_operator.resources.base import Key
from testmesh_operator.resources.testflow import TestFlow
from testmesh_operator.resources.testrun import RunResult, TestRun
from testmesh_operator.settings import VERSION

# A second series for each counter, which no query of ours asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the client has no type for it

BY_HAND = "manual"
"""Label ``trigger`` of a run that nothing but a person or a pipeline started."""

_SECONDS = (0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_RECONCILE_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """All series of the operator, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._runs = Counter(
            "testmesh_runs",
            "Finished runs, by how they ended.",
            ["namespace", "flow", "result", "trigger"],
            registry=self._registry,
        )
        self._duration = Histogram(
            "testmesh_run_duration_seconds",
            "Time of a run from its claim to its end.",
            ["namespace", "flow"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._reconciles = Histogram(
            "testmesh_reconcile_duration_seconds",
            "Time of one decision and what it did.",
            ["kind", "outcome"],
            buckets=_RECONCILE_SECONDS,
            registry=self._registry,
        )
        self._requests = Counter(
            "testmesh_api_requests",
            "Requests to the API server; status 0 means no answer.",
            ["method", "resource", "status"],
            registry=self._registry,
        )
        Info("testmesh_build", "The operator's release.", registry=self._registry).info({"version": VERSION})
        self._known: set[Key] = set()

    def watch(
        self,
        *,
        flows: Callable[[], Iterable[TestFlow]],
        runs: Callable[[], Iterable[TestRun]],
        leading: Callable[[], bool],
    ) -> None:
        """Make the gauges from these at each scrape."""
        self._registry.register(_Gauges(flows, runs, leading))

    def show(self, flow: Key) -> None:
        """Start the flow's counters at 0, so that the first failure is a rise and not a new series."""
        if flow not in self._known:
            self._known.add(flow)
            for result in RunResult:
                self._runs.labels(flow.namespace, flow.name, result.value, BY_HAND)

    def hide(self, flow: Key) -> None:
        """Take the series of a deleted flow away."""
        if flow in self._known:
            self._known.discard(flow)
            self._runs.remove_by_labels({"namespace": flow.namespace, "flow": flow.name})
            self._duration.remove_by_labels({"namespace": flow.namespace, "flow": flow.name})

    def count(self, run: TestRun) -> None:
        """Count a finished run, once: by whoever wrote its final status."""
        namespace, flow = run.metadata.namespace, run.status.flow.name if run.status.flow else ""
        if Key(kind="TestFlow", namespace=namespace, name=flow) not in self._known:
            # A flow that is not there, or not any more: nobody would take its series away.
            flow = ""
        result = (run.status.result or RunResult.ERRORED).value
        self._runs.labels(namespace, flow, result, BY_HAND).inc()
        self._duration.labels(namespace, flow).observe((run.status.duration_milliseconds or 0) / 1000)

    def reconciled(self, kind: str, outcome: str, seconds: float) -> None:
        """Count one turn of a key."""
        self._reconciles.labels(kind, outcome).observe(seconds)

    def requested(self, method: str, resource: str, status: int) -> None:
        """Count one request to the API server."""
        self._requests.labels(method, resource, str(status)).inc()

    def render(self) -> bytes:
        """The text format of Prometheus, version 0.0.4."""
        return generate_latest(self._registry)


class _Gauges(Collector):
    """Gauges of flows and unfinished runs, as they are at the moment of the scrape."""

    def __init__(
        self,
        flows: Callable[[], Iterable[TestFlow]],
        runs: Callable[[], Iterable[TestRun]],
        leading: Callable[[], bool],
    ) -> None:
        self._flows, self._runs, self._leading = flows, runs, leading

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        yield from _of_flows(list(self._flows()))
        active = GaugeMetricFamily("testmesh_active_runs", "Unfinished runs.", labels=["state"])
        states = Tally(_state(run) for run in self._runs())
        for state in ("suspended", "waiting", "starting", "running"):
            active.add_metric([state], states[state])
        yield active
        yield GaugeMetricFamily("testmesh_leader", "1 while this operator is at work.", value=float(self._leading()))


def _of_flows(flows: list[TestFlow]) -> Iterator[Metric]:
    def family(name: str, text: str, value: Callable[[TestFlow], float | None]) -> Metric:
        gauge = GaugeMetricFamily(name, text, labels=["namespace", "flow"])
        for flow in flows:
            number = value(flow)
            if number is not None:
                gauge.add_metric([flow.metadata.namespace, flow.metadata.name], number)
        return gauge

    yield family("testmesh_last_run_success", "1 where the flow's last run passed, else 0.", _last_success)
    yield family("testmesh_last_run_timestamp_seconds", "When the flow's last run ended.", _last_end)
    yield family("testmesh_last_success_timestamp_seconds", "When the flow's last passed run ended.", _last_pass)
    yield family(
        "testmesh_consecutive_failures",
        "Failed and errored runs since the flow last passed.",
        lambda flow: flow.status.consecutive_failures or 0,
    )


def _last_success(flow: TestFlow) -> float | None:
    # A cancelled run says nothing of the services.
    ends = [run.result for run in flow.status.recent_runs or () if run.result is not RunResult.CANCELLED]
    return float(ends[0] is RunResult.PASSED) if ends else None


def _last_end(flow: TestFlow) -> float | None:
    recent = flow.status.recent_runs
    return recent[0].completion_time.timestamp() if recent else None


def _last_pass(flow: TestFlow) -> float | None:
    passed = flow.status.last_successful_time
    return passed.timestamp() if passed else None


def _state(run: TestRun) -> str:
    ready = run.status.condition("Ready")
    reason = ready.reason if ready else ""
    if reason in {"Running", "Cancelling"}:
        return "running"
    return {"Suspended": "suspended", "Starting": "starting"}.get(reason, "waiting")
