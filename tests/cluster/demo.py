"""``make demo``: a cluster, the operator, four services, and a run of their order flow, followed live."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from cluster.installation import (
    DEMO,
    MANIFESTS,
    PROVIDERS,
    ROOT,
    SERVICES,
    apply_services,
    install_operator,
    wait_ready,
)
from cluster.kubectl import Kubectl, KubectlError, eventually
from cluster.node import lifecycle
from cluster.node.errors import NodeError
from cluster.node.progress import Progress

RUN = "order-flow-1"
FLOW_FILE = (MANIFESTS / "testflow.yaml").relative_to(ROOT)
RUN_FILE = (MANIFESTS / "testrun.yaml").relative_to(ROOT)
MARKS = {"passed": "✓", "failed": "✗", "errored": "!", "skipped": "-", "not_run": "·"}

AFTERWARDS = f"""
The cluster stays up. To use it from this shell:

  eval "$(make -s env)"

Look around
  kubectl get testruns.testmesh.io,testflows.testmesh.io -n {DEMO}
  kubectl describe testruns.testmesh.io {RUN} -n {DEMO}
  kubectl get pods -A

Run the flow again
  kubectl replace --force -f {RUN_FILE}
  kubectl wait --for=condition=Finished testruns.testmesh.io/{RUN} -n {DEMO} && kubectl get trun -n {DEMO}

Break a service, run again, and read why it failed
  kubectl set env deployment/order-service MISBEHAVE=wrong-total -n {DEMO}
  kubectl rollout status deployment/order-service -n {DEMO}
  kubectl replace --force -f {RUN_FILE}
  kubectl wait --for=condition=Finished testruns.testmesh.io/{RUN} -n {DEMO}
  kubectl describe testruns.testmesh.io {RUN} -n {DEMO}
  kubectl set env deployment/order-service MISBEHAVE- -n {DEMO}      # mend it

Take everything away
  make down
"""


def main() -> int:
    """Returns 0 where the run has passed, 1 where it has not, 3 where there is no cluster to run it on."""
    progress = Progress()
    try:
        cluster = lifecycle.ensure()
        kubectl = Kubectl(cluster.kubectl, cluster.kubeconfig)
        _install(cluster, kubectl, progress)
        run = _run(kubectl, progress)
    except (NodeError, KubectlError) as error:
        progress.say(f"error: {error}")
        return 3
    _print_run(kubectl, run)
    sys.stdout.write(AFTERWARDS)
    return 0 if run["status"]["result"] == "Passed" else 1


def _install(cluster: lifecycle.Cluster, kubectl: Kubectl, progress: Progress) -> None:
    apply_services(kubectl)
    with progress.stage("installing the operator: helm upgrade --install testmesh helm/testmesh"):
        install_operator(cluster.helm, cluster.kubeconfig)
    for name in (*PROVIDERS, *SERVICES):
        with progress.stage(f"waiting for {name}"):
            wait_ready(kubectl, name)


def _run(kubectl: Kubectl, progress: Progress) -> dict[str, Any]:
    progress.say(f"kubectl apply -f {FLOW_FILE}")
    kubectl("apply", "-f", str(ROOT / FLOW_FILE))
    again = bool(kubectl("get", "--ignore-not-found", "-f", str(ROOT / RUN_FILE)))
    verb = ("replace", "--force") if again else ("apply",)
    progress.say(f"kubectl {' '.join(verb)} -f {RUN_FILE}")
    kubectl(*verb, "-f", str(ROOT / RUN_FILE))
    for line in _steps(kubectl):
        progress.say(line)
    return kubectl.wait_finished(RUN, namespace=DEMO)


def _steps(kubectl: Kubectl) -> Iterator[str]:
    """The steps as the runner's log tells of them, each as it ends."""
    job = eventually(lambda: _started_job(kubectl), what="the runner to start")
    follow = ["logs", "--follow", f"job/{job}", "--namespace", DEMO]
    with subprocess.Popen(kubectl.command(*follow), stdout=subprocess.PIPE, text=True) as log:
        for line in log.stdout or ():
            event = json.loads(line)
            if event["event"] == "step_finished":
                mark, took = MARKS[event["outcome"]], f"{event['duration_ms']:.0f} ms"
                yield f"  {mark} {event['id']:<28}{event['action']:<17}{took:>8}  {event['message']}".rstrip()


def _started_job(kubectl: Kubectl) -> str:
    """The Job's name once its runner has started: before that there is no log to follow."""
    status = kubectl.get("testruns.testmesh.io", RUN, namespace=DEMO)["status"]
    reasons = {condition["reason"] for condition in status.get("conditions", [])}
    if status.get("result") and "jobRef" not in status:
        raise KubectlError(f"the run ended before it started: {json.dumps(status, indent=2)}")
    return str(status["jobRef"]["name"]) if "Running" in reasons or status.get("result") else ""


def _print_run(kubectl: Kubectl, run: dict[str, Any]) -> None:
    sys.stdout.write(f"\n$ kubectl get testruns.testmesh.io -n {DEMO}\n")
    sys.stdout.write(kubectl("get", "testruns.testmesh.io", "-n", DEMO))
    status = run["status"]
    sys.stdout.write(f"\nThe run's status, {len(status['steps'])} steps:\n")
    for step in status["steps"]:
        message = f"  {step['message']}" if step.get("message") else ""
        took = f"{step.get('durationMilliseconds', 0)} ms"
        sys.stdout.write(f"  {step['result']:<8}{step['id']:<28}{step['action']:<17}{took:>8}{message}\n")


if __name__ == "__main__":
    sys.exit(main())
