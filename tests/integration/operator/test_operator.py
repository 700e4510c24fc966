"""The operator against a real API server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from integration.operator.control_plane import ControlPlane, control_plane
from testmesh_operator.cache import Cache
from testmesh_operator.cluster import Cluster
from testmesh_operator.handlers.events import intake
from testmesh_operator.handlers.resync import Resync
from testmesh_operator.manifests.names import object_name
from testmesh_operator.resources.base import Key
from testmesh_operator.settings import Settings

# With the cluster's tests: the same programs, built once, and Debian's etcd.
pytestmark = pytest.mark.cluster

SOURCE = "flow:\n  name: Wait\n  steps:\n    - {id: wait, action: delay, config: {duration: 1ms}}\n"
FLOW = {
    "apiVersion": "testmesh.io/v1alpha1",
    "kind": "TestFlow",
    "metadata": {"name": "wait"},
    "spec": {"source": SOURCE},
}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The servers, and no operator yet."""
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture
def operator(plane: ControlPlane) -> Iterator[ControlPlane]:
    """The servers with a running operator, and nothing left of it afterwards."""
    plane.start_operator()
    yield plane
    plane.kill_operator()
    plane.kubectl("delete", "testruns.testmesh.io,testflows.testmesh.io", "--all", "--wait=false")


def _run(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "testmesh.io/v1alpha1",
        "kind": "TestRun",
        "metadata": {"name": name},
        "spec": spec or {"flowRef": {"name": "wait"}},
    }


def _eventually(is_so: Callable[[], bool], *, seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up, "it did not come to be in time"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"source": SOURCE, "flowRef": {"name": "wait"}}, "give exactly one of flowRef, source and flow"),
        ({"suspend": True}, "give exactly one of flowRef, source and flow"),
        ({"source": SOURCE, "env": [{"name": "TESTMESH_ATTEMPT", "value": "7"}]}, "are set by the operator"),
        ({"source": SOURCE, "env": [{"name": "A"}, {"name": "A"}]}, "Duplicate value"),
        ({"source": SOURCE, "tags": ["a"]}, "unknown field"),
        ({"source": SOURCE, "backoffLimit": 11}, "less than or equal to 10"),
    ],
)
def test_api_server_refuses_what_makes_no_sense(plane: ControlPlane, spec: dict[str, Any], complaint: str) -> None:
    """At once, and in words, before anything runs."""
    assert complaint in plane.apply(_run("nonsense", **spec))


def test_finished_run_is_frozen(operator: ControlPlane) -> None:
    """An edit after the end would make kubectl wait, Flux and Argo CD wait for ever."""
    operator.apply(_run("frozen", flowRef={"name": "none"}, startTimeoutSeconds=1))
    operator.kubectl("wait", "--for=condition=Finished", "testruns.testmesh.io/frozen", "--timeout=30s")
    for subresource in ([], ["--subresource=status"]):
        patch = '{"spec": {"cancel": true}, "status": {"result": "Passed"}}'
        arguments = ["patch", "testruns.testmesh.io", "frozen", *subresource, "--type=merge", "-p", patch]
        assert "has finished and can't be changed" in operator.kubectl(*arguments, check=False)


def test_foreign_snapshot_is_never_run(plane: ControlPlane) -> None:
    """Whoever puts a ConfigMap of the run's name there first doesn't choose its flow."""
    plane.apply(FLOW, _run("forged"))
    (run,) = [item for item in plane.list("testruns.testmesh.io") if item["metadata"]["name"] == "forged"]
    name = object_name("forged", run["metadata"]["uid"])
    plane.kubectl("create", "configmap", name, "--from-literal=flow.yaml=forged")
    plane.start_operator()
    plane.kubectl("wait", "--for=condition=Finished", "testruns.testmesh.io/forged", "--timeout=30s")
    plane.kill_operator()
    told = plane.kubectl("get", "testruns.testmesh.io", "forged", "-o", "wide")
    assert "ConfigError" in told
    assert "belongs to somebody else" in told


def test_operator_killed_at_any_moment_loses_no_run_and_starts_none_twice(plane: ControlPlane) -> None:
    """Every run ends once, from one Job and one pod, and its flow is told of each."""
    plane.apply(FLOW)
    names = [f"killed-{number}" for number in range(12)]
    for number, name in enumerate(names):
        plane.start_operator()
        plane.apply(_run(name))
        # Each kill hits another moment of the run before and of this one.
        time.sleep(0.15 * number)
        plane.play_kubelet()
        plane.kill_operator()
    plane.start_operator()

    def all_ended() -> bool:
        plane.play_kubelet()
        runs = [run for run in plane.list("testruns.testmesh.io") if run["metadata"]["name"] in names]
        return all(run["status"].get("result") for run in runs)

    _eventually(all_ended)
    _eventually(lambda: set(names) <= _remembered(plane))
    plane.kill_operator()
    runs = {run["metadata"]["name"]: run for run in plane.list("testruns.testmesh.io")}
    assert {"Passed"} == {runs[name]["status"]["result"] for name in names}
    for kind in ("jobs", "pods"):
        owners = [item["metadata"]["labels"]["testmesh.io/run"] for item in plane.list(kind)]
        assert names == sorted((name for name in owners if name in names), key=names.index)


def _remembered(plane: ControlPlane) -> set[str]:
    (flow,) = plane.list("testflows.testmesh.io")
    return {run["name"] for run in flow["status"].get("recentRuns", [])}


def test_namespace_without_rights_stops_no_other(plane: ControlPlane) -> None:
    """A namespace that is deleted takes the operator's Role there along; lists and watches leave it out."""
    rbac = "rbac.authorization.k8s.io"
    named = {"metadata": {"name": "limited", "namespace": "default"}}
    rules = {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    bound = {
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "limited"},
        "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": "default"}],
    }
    plane.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", **named},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", **named, **rules},
        {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", **named, **bound},
    )
    config = plane.kubeconfig_of("limited")
    plane.start_operator(KUBECONFIG=str(config), TESTMESH_NAMESPACES="default,gone")
    for name in ("first", "second"):
        # The first one may be seen by the list, the second one only by the watch.
        plane.apply(_run(name, flowRef={"name": "none"}, startTimeoutSeconds=1))
        plane.kubectl("wait", "--for=condition=Finished", f"testruns.testmesh.io/{name}", "--timeout=30s")
    plane.kill_operator()
    assert "the namespace gone is not served" in (plane.folder / "operator.log").read_text()


def test_lists_find_what_no_watch_has_told(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of bare lists agree with the full one, page by page; a flow that has gone since is missed."""
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(plane.kubeconfig))
    names = ["listed-1", "listed-2", "listed-3"]
    plane.apply(*({**FLOW, "metadata": {"name": name}} for name in names), _run("listed", source=SOURCE, suspend=True))
    woken, known = asyncio.run(_rounds(plane))
    assert {Key(kind="TestFlow", namespace="default", name="listed-2")} == set(woken)
    assert {"listed-1", "listed-3"} <= known
    plane.kubectl("delete", "testruns.testmesh.io,testflows.testmesh.io", "--all", "--wait=false")


async def _rounds(plane: ControlPlane) -> tuple[list[Key], set[str]]:
    settings = Settings(resync_seconds=0.3, lag_seconds=0.1, page_size=2, text_page_size=2)
    cluster = await Cluster.connect(settings, lambda *_: None)
    cache, woken = Cache(lambda: datetime.now(UTC)), list[Key]()
    take = intake(cache, lambda _: None)
    resync = Resync(cluster, cache, settings, take=take, wake=woken.append, finished=lambda _: None)
    try:
        await resync.fill()
        plane.kubectl("delete", "testflow", "listed-2")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resync.run(lambda: None), 1.5)
    finally:
        await cluster.close()
    return woken, {flow.metadata.name for flow in cache.flows()}
