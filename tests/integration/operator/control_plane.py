"""A real API server with the Job controller, and no node: the test plays the kubelet, and can kill the operator."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.node import programs, settings
from cluster.node.programs import Programs
from cluster.node.progress import Progress
from support.ports import HOST, free_port
from support.process import Process, Program, clean_environment
from testmesh_engine.contract.result import FlowResult, Outcome, Phase, StepResult
from testmesh_engine.contract.summary import summarise
from testmesh_engine.contract.verdict import encode

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "integration-test"


@dataclass
class ControlPlane:
    """The running servers, and the operator, if it runs."""

    folder: Path
    programs: Programs
    operator: Process | None = None

    @property
    def kubeconfig(self) -> Path:
        """For kubectl and the operator."""
        return self.folder / "kubeconfig.json"

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl printed; its complaint, where it failed and ``check`` is off."""
        command = [str(self.programs["kubectl"]), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if done.returncode == 0 else done.stderr

    def apply(self, *objects: dict[str, Any]) -> str:
        """Apply objects; returns kubectl's complaint where the API server refuses one."""
        return self.kubectl("apply", "-f", "-", stdin="\n---\n".join(json.dumps(body) for body in objects), check=False)

    def list(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind in the namespace default."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "-o", "json"))["items"]
        return items

    def start_operator(self, **variables: str) -> None:
        """Start it; it goes by the same Lease each time, as a restarted container does."""
        usual = {
            "KUBECONFIG": str(self.kubeconfig),
            "TESTMESH_IDENTITY": "the-one",
            "TESTMESH_HTTP_HOST": HOST,
            "TESTMESH_HTTP_PORT": str(free_port()),
        }
        environment = clean_environment(**(usual | variables))
        command = [sys.executable, "-m", "testmesh_operator"]
        self.operator = Process(_program("operator", command, self.folder, environment))

    def kubeconfig_of(self, account: str) -> Path:
        """For a service account of the namespace default."""
        config = json.loads(self.kubeconfig.read_text())
        config["users"][0]["user"]["token"] = self.kubectl("create", "token", account).strip()
        path = self.folder / f"{account}.json"
        path.write_text(json.dumps(config))
        return path

    def kill_operator(self) -> None:
        """SIGKILL: no time for a last word."""
        assert self.operator is not None
        self.operator.signal(signal.SIGKILL)
        self.operator.stop()

    def play_kubelet(self) -> None:
        """Move each pod one state on: to running, then to its end with a verdict that it passed."""
        for pod in self.list("pods"):
            phase = pod["status"]["phase"]
            if phase == "Pending":
                self._set_state(pod, "Running", {"running": {"startedAt": _now()}})
            elif phase == "Running":
                ended = {
                    "exitCode": 0,
                    "reason": "Completed",
                    "message": _passed(pod),
                    "startedAt": _now(),
                    "finishedAt": _now(),
                }
                self._set_state(pod, "Succeeded", {"terminated": ended})

    def _set_state(self, pod: dict[str, Any], phase: str, state: dict[str, Any]) -> None:
        container = {"name": "runner", "image": "x", "imageID": "x@sha256:1", "ready": False, "restartCount": 0}
        status = {
            "phase": phase,
            "startTime": pod["status"].get("startTime", _now()),
            "containerStatuses": [{**container, "state": state}],
        }
        patch = json.dumps({"status": status})
        name = pod["metadata"]["name"]
        self.kubectl("patch", "pod", name, "--subresource=status", "--type=merge", "-p", patch)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _passed(pod: dict[str, Any]) -> str:
    step = StepResult(id="wait", action="delay", phase=Phase.STEPS, outcome=Outcome.PASSED)
    flow = FlowResult(name="x", file="flow.yaml", outcome=Outcome.PASSED, steps=(step,))
    uid = pod["metadata"]["labels"]["testmesh.io/run-uid"]
    return encode(summarise(flow, final=True, run_uid=uid, attempt=0)).decode("ascii")


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Start etcd, the API server and the controllers on free ports, and install the definitions."""
    made = ControlPlane(folder=folder, programs=programs.ensure(settings.read().cache, Progress()))
    with ExitStack() as stack:
        etcd, peer, api, controllers = (free_port() for _ in range(4))
        _write_files(made, api)
        stack.callback(lambda: made.operator and made.operator.stop())
        _start(stack, folder, "etcd", _etcd(folder, etcd, peer))
        server = _start(stack, folder, "apiserver", _apiserver(made, etcd, api))
        server.wait_until(lambda: "ok" in made.kubectl("get", "--raw", "/readyz", check=False), seconds=60)
        _start(stack, folder, "controllers", _controllers(made, controllers))
        made.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        made.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield made


def _start(stack: ExitStack, folder: Path, name: str, command: list[str | Path]) -> Process:
    process = Process(_program(name, command, folder, clean_environment()))
    stack.callback(process.stop)
    return process


def _program(name: str, command: list[Any], folder: Path, environment: dict[str, str]) -> Program:
    return Program(name=name, command=command, environment=environment, log=folder / f"{name}.log", folder=folder)


def _write_files(made: ControlPlane, port: int) -> None:
    (made.folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
    key = ["openssl", "genrsa", "-out", str(made.folder / "sa.key"), "2048"]
    subprocess.run(key, check=True, capture_output=True)
    server = {"server": f"https://{HOST}:{port}", "insecure-skip-tls-verify": True}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": "admin", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
    made.kubeconfig.write_text(json.dumps(config))


def _etcd(folder: Path, client: int, peer: int) -> list[str | Path]:
    url, peers = f"http://{HOST}:{client}", f"http://{HOST}:{peer}"
    return [
        *("etcd", f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync"),
        *(f"--listen-client-urls={url}", f"--advertise-client-urls={url}"),
        *(
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
        ),
    ]


def _apiserver(made: ControlPlane, etcd: int, port: int) -> list[str | Path]:
    folder = made.folder
    return [
        *(made.programs["kube-apiserver"], f"--etcd-servers=http://{HOST}:{etcd}", f"--cert-dir={folder / 'certs'}"),
        *(f"--secure-port={port}", f"--bind-address={HOST}", f"--advertise-address={HOST}"),
        *("--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC"),
        *(f"--token-auth-file={folder / 'tokens.csv'}", "--service-account-issuer=https://kubernetes.default.svc"),
        *(f"--service-account-key-file={folder / 'sa.key'}", f"--service-account-signing-key-file={folder / 'sa.key'}"),
    ]


def _controllers(made: ControlPlane, port: int) -> list[str | Path]:
    key = f"--service-account-private-key-file={made.folder / 'sa.key'}"
    return [
        *(made.programs["kube-controller-manager"], f"--kubeconfig={made.kubeconfig}", "--leader-elect=false", key),
        *(f"--secure-port={port}", f"--bind-address={HOST}", f"--cert-dir={made.folder / 'certs'}"),
    ]
