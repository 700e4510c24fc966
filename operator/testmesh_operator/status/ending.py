"""How a run ended, told from its pod: by the runner's verdict where it can be believed, else by why there is none.

There is one way to Passed: a verdict that is whole, final, of this run and attempt, and agrees with the exit code.
"""

from __future__ import annotations

from dataclasses import dataclass

from testmesh_engine.contract.result import Outcome, Phase
from testmesh_engine.contract.verdict import Result, Verdict, VerdictError, decode, judge
from testmesh_operator.resources.observed import PodFacts, WarningFacts
from testmesh_operator.resources.testrun import RunResult
from testmesh_operator.status.reasons import Reason

FLOW_IS_WRONG = 2
"""The engine's exit code for a flow or arguments that make no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The result of a run and its reason. ``verdict`` is there even where it does not count, for what it knows."""

    result: RunResult
    reason: Reason
    message: str
    verdict: Verdict | None = None
    image: str = ""


def errored(reason: Reason, message: str) -> Ending:
    """A run that ended without a runner's word."""
    return Ending(result=RunResult.ERRORED, reason=reason, message=message)


def ending_of(pod: PodFacts, *, cancelled: bool) -> Ending:
    """The ending of a pod whose runner has terminated, or that is gone."""
    exit_code = pod.runner.exit_code
    if exit_code is None:
        return _without_verdict(pod, "", cancelled=cancelled)
    try:
        verdict = judge(pod.runner.message, exit_code=exit_code, run_uid=pod.run_uid, attempt=pod.attempt)
    except VerdictError as error:
        return _without_verdict(pod, str(error), cancelled=cancelled)
    return _by_verdict(pod, verdict, cancelled=cancelled)


def _by_verdict(pod: PodFacts, verdict: Verdict, *, cancelled: bool) -> Ending:
    image = pod.runner.image
    match verdict.result:
        case Result.PASSED:
            skipped = ", the others were skipped" if verdict.counts.skipped else ""
            message = f"{verdict.counts.passed} of {verdict.counts.total} steps passed{skipped}."
            return Ending(
                result=RunResult.PASSED, reason=Reason.TESTS_PASSED, message=message, verdict=verdict, image=image
            )
        case Result.FAILED:
            reason = Reason.TEARDOWN_FAILED if _only_teardown(verdict) else Reason.TESTS_FAILED
            return Ending(
                result=RunResult.FAILED, reason=reason, message=_failure(verdict), verdict=verdict, image=image
            )
        case Result.ERRORED:
            return Ending(
                result=RunResult.ERRORED,
                reason=_fault(verdict),
                message=_failure(verdict),
                verdict=verdict,
                image=image,
            )
        case _:
            return _stopped(pod, verdict, cancelled=cancelled)


def _fault(verdict: Verdict) -> Reason:
    if verdict.exit_code == FLOW_IS_WRONG:
        return Reason.FLOW_INVALID
    return Reason.TEARDOWN_FAILED if _only_teardown(verdict) else Reason.RUNNER_ERROR


def _only_teardown(verdict: Verdict) -> bool:
    bad = [step for step in verdict.steps if step.outcome in {Outcome.FAILED, Outcome.ERRORED}]
    return bool(bad) and all(step.phase is Phase.TEARDOWN for step in bad)


def _failure(verdict: Verdict) -> str:
    first = verdict.first_failure
    if first is None:
        counts = verdict.counts
        return f"{counts.failed} failed and {counts.errored} errored of {counts.total} steps; the log has the details."
    return f"Step {first.step}: {first.message}" if first.step else first.message


def _stopped(pod: PodFacts, verdict: Verdict, *, cancelled: bool) -> Ending:
    """The runner was told to stop, and said where: by whom is known from the pod."""
    first = verdict.first_failure
    return _cut_short(pod, verdict, "it was told to stop", cancelled=cancelled, current=first.step if first else "")


def _without_verdict(pod: PodFacts, doubt: str, *, cancelled: bool) -> Ending:
    partial = _partial(pod)
    return _cut_short(pod, partial, doubt, cancelled=cancelled, current=partial.current if partial else "")


def _cut_short(pod: PodFacts, verdict: Verdict | None, doubt: str, *, cancelled: bool, current: str) -> Ending:
    reason, message = _cause(pod, doubt, _where(current), cancelled=cancelled)
    return Ending(
        result=RunResult.CANCELLED if reason is Reason.CANCELLED else RunResult.ERRORED,
        reason=reason,
        message=f"{message}.",
        verdict=verdict,
        image=pod.runner.image,
    )


def _where(current: str) -> str:
    if current == "teardown":
        return " during teardown"
    return f" in step {current}" if current else ""


def _partial(pod: PodFacts) -> Verdict | None:
    """What the runner wrote before it was cut short: it never counts, but it tells how far the run came."""
    try:
        verdict = decode(pod.runner.message)
    except VerdictError:
        return None
    return verdict if (verdict.run_uid, verdict.attempt) == (pod.run_uid, pod.attempt) else None


# Why a pod was disrupted: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
_DISRUPTIONS = {
    "PreemptionByScheduler": (Reason.POD_EVICTED, "a pod of higher priority took its place"),
    "EvictionByEvictionAPI": (Reason.POD_EVICTED, "it was evicted, most likely for a node's maintenance"),
    "TerminationByKubelet": (Reason.POD_EVICTED, "the node was short of resources or shut down"),
    "DeletionByTaintManager": (Reason.NODE_LOST, "the node became unfit or unreachable"),
    "DeletionByPodGC": (Reason.NODE_LOST, "the node is gone"),
}


def _cause(pod: PodFacts, doubt: str, where: str, *, cancelled: bool) -> tuple[Reason, str]:
    """Reason and message, the strongest evidence first; ``where`` is the step that was under way."""
    runner = pod.runner
    if runner.ended_reason == "OOMKilled":
        return (
            Reason.RUNNER_OOM_KILLED,
            f"The runner used more memory than its limit{where}: raise spec.podTemplate.resources",
        )
    if cancelled and runner.exit_code is not None and pod.reason in {"DeadlineExceeded", ""}:
        return Reason.CANCELLED, f"The run was cancelled{where}"
    if pod.reason == "DeadlineExceeded":
        return Reason.TIMEOUT, f"The run was stopped at its deadline of {pod.deadline} s{where}"
    if pod.disruption in _DISRUPTIONS:
        reason, why = _DISRUPTIONS[pod.disruption]
        return reason, f"The runner's pod was taken away{where}: {why}{_quoted(pod.disruption_message)}"
    return _pod_cause(pod, where) or _runner_cause(pod, doubt, where)


def _pod_cause(pod: PodFacts, where: str) -> tuple[Reason, str] | None:
    if pod.reason == "Evicted":
        return Reason.POD_EVICTED, f"The runner's pod was evicted{where}{_quoted(pod.message)}"
    if pod.reason in {"NodeLost", "NodeShutdown", "Terminated"}:
        return Reason.NODE_LOST, f"The node of the runner's pod was lost{where}{_quoted(pod.message)}"
    if pod.deleting or pod.gone:
        return Reason.POD_DELETED, f"Somebody deleted the runner's pod{where}"
    if pod.phase == "Failed" and pod.runner.exit_code is None:
        return Reason.POD_REJECTED, f"The node refused the runner's pod{_quoted(f'{pod.reason} {pod.message}')}"
    return None


def _runner_cause(pod: PodFacts, doubt: str, where: str) -> tuple[Reason, str]:
    runner = pod.runner
    if runner.ended_reason in {"StartError", "ContainerCannotRun"}:
        # The container could not even be started: its message is the runtime's own word, no verdict.
        return Reason.RUNNER_ERROR, f"The runner could not be started{_quoted(runner.message)}"
    what = "is gone" if runner.exit_code is None else f"ended with exit code {runner.exit_code}"
    return Reason.RUNNER_ERROR, f"The runner {what}{where} and its result does not count: {doubt or 'there is none'}"


def _quoted(text: str) -> str:
    clean = " ".join(text.split())[:500].rstrip(".")
    return f": {clean}" if clean else ""


def start_problem(pod: PodFacts) -> tuple[Reason, str, bool] | None:
    """What keeps a pod from starting: reason, message, and whether waiting can't help."""
    runner = pod.runner
    if runner.waiting == "InvalidImageName":
        return Reason.IMAGE_PULL_FAILED, f"The runner's image has an invalid name: {runner.waiting_message}", True
    if runner.waiting in {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable"}:
        return Reason.IMAGE_PULL_FAILED, f"The runner's image can't be pulled: {runner.waiting_message}", False
    if runner.waiting in {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}:
        return Reason.CONFIG_ERROR, f"The runner's container can't be made: {runner.waiting_message}", False
    if pod.unschedulable:
        return Reason.UNSCHEDULABLE, f"No node takes the runner's pod: {pod.unschedulable}", False
    return None


def not_started(job: str, warning: WarningFacts | None, *, seconds: int, has_pod: bool) -> Ending:
    """The end of a run whose runner has not started in time."""
    if warning is not None and warning.reason == "FailedCreate" and not has_pod:
        return errored(Reason.POD_REJECTED, f"The runner's pod is refused: {warning.message}")
    told = f" The last warning: {warning.message}" if warning else ""
    what = f"pod of Job {job}" if has_pod else f"Job {job} has made no pod; its pod"
    return errored(Reason.START_TIMEOUT, f"The {what} has not started within {seconds} s.{told}")
