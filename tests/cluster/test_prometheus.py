"""A real Prometheus reads the operator's metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cluster.installation import DEMO, SYSTEM
from cluster.kubectl import Kubectl, eventually
from support.ports import free_port

pytestmark = pytest.mark.cluster


def test_prometheus_scrapes_what_the_runs_did(
    kubectl: Kubectl, passed_order_flow: dict[str, Any], tmp_path: Path
) -> None:
    """The order flow's runs can be asked for by flow and result, with their duration and the time of the last pass."""
    flow = f'namespace="{DEMO}",flow="order-flow"'
    with _metrics_port(kubectl) as target, _prometheus(target, tmp_path) as url:
        passed = eventually(lambda: _query(url, f'testmesh_runs_total{{{flow},result="Passed"}}'), what="a scrape")
        assert passed >= 1
        assert 1 == _query(url, f"testmesh_last_run_success{{{flow}}}")
        assert 0 == _query(url, f"testmesh_consecutive_failures{{{flow}}}")
        assert 3 < (_query(url, f"testmesh_run_duration_seconds_sum{{{flow}}}") or 0)
        age = _query(url, f"time() - testmesh_last_success_timestamp_seconds{{{flow}}}")
        assert age is not None
        assert 0 <= age < 3600
        assert set() == _labels(url) & {"run", "pod", "uid", "message", "url"}


@contextmanager
def _metrics_port(kubectl: Kubectl) -> Iterator[str]:
    """The operator's metrics on a loopback port of this machine."""
    command = kubectl.command("port-forward", "--namespace", SYSTEM, "service/testmesh-metrics", ":8080")
    forward = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert forward.stdout is not None
        match = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
        assert match, "kubectl port-forward named no port"
        yield match[0]
    finally:
        forward.terminate()
        forward.communicate()


@contextmanager
def _prometheus(target: str, folder: Path) -> Iterator[str]:
    binary = shutil.which("prometheus")
    assert binary, "Debian's package prometheus is not installed; `make cluster` installs it"
    job = {"job_name": "testmesh", "honor_labels": True, "static_configs": [{"targets": [target]}]}
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}))
    address = f"127.0.0.1:{free_port()}"
    flags = [f"--config.file={config}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}"]
    with (folder / "prometheus.log").open("w") as log:
        server = subprocess.Popen([binary, *flags], stdout=log, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: _answers(f"http://{address}/-/ready"), what="Prometheus to be ready")
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def _query(url: str, expression: str) -> float | None:
    data = _ask(url, "query", query=expression)
    return float(data["result"][0]["value"][1]) if data["result"] else None


def _labels(url: str) -> set[str]:
    return {str(label) for label in _ask(url, "labels")}


def _ask(url: str, path: str, **parameters: str) -> Any:
    answer = httpx.get(f"{url}/api/v1/{path}", params=parameters, timeout=10)
    return answer.raise_for_status().json()["data"]
