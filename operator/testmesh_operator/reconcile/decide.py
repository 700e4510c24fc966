"""What to do about a run: one function of what is observed, the same after a restart as before it.

The run's own status says how far it came: no ``jobRef`` (not claimed), ``jobRef.name`` (claimed: a Job may be there),
``jobRef.uid`` (started: a Job that is not there any more is lost, never made again).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from testmesh_operator.manifests.job import DECIDED, TOLD_TO_STOP
from testmesh_operator.manifests.names import object_name
from testmesh_operator.manifests.plan import start_timeout
from testmesh_operator.reconcile.facts import (
    Finish,
    FlowMissing,
    FlowReady,
    FlowRefused,
    Launch,
    LookAgain,
    ReadFlow,
    ReadSnapshot,
    ReadWarnings,
    Report,
    RunFacts,
    Step,
    StopPod,
    Wait,
)
from testmesh_operator.resources.observed import JobFacts, PodFacts
from testmesh_operator.resources.testrun import JobReference, RunResult
from testmesh_operator.status.conditions import going_on
from testmesh_operator.status.ending import Ending, ending_of, errored, not_started, start_problem
from testmesh_operator.status.reasons import Reason
from testmesh_operator.status.run import Attempt, progress, with_job

_POLL = 5.0
"""Seconds between looks at what sends no event to us: Events, and ConfigMaps that don't exist yet."""


def decide(facts: RunFacts) -> Step:
    """The next step of a run. On the cache's word alone no Job is deleted: its runner may be at work by now."""
    step = _decide(facts)
    if isinstance(step, Finish) and step.delete_job is not None and not facts.looked:
        return LookAgain()
    return step


def _decide(facts: RunFacts) -> Step:
    run = facts.run
    if run.finished or run.metadata.deletion_timestamp is not None:
        return Wait()
    if run.status.job_ref is None:
        return _unclaimed(facts)
    if facts.job_uid is None:
        return _claimed(facts, run.status.job_ref.name)
    for policy in _STARTED:
        step = policy(facts)
        if step is not None:
            return replace(step, attempt=_attempt(facts)) if isinstance(step, Finish) else step
    return _report(facts)


# Before the Job


def _unclaimed(facts: RunFacts) -> Step:
    spec = facts.run.spec
    if spec.cancel:
        return Finish(ending=_cancelled("The run was cancelled before it started."))
    if spec.suspend:
        state = going_on(Reason.SUSPENDED, "The run starts when spec.suspend is taken away.")
        return Report(status=progress(facts.run, state, now=facts.now))
    if isinstance(facts.flow, FlowMissing):
        return _await_flow(facts, facts.flow)
    return _claim(facts, facts.flow) if isinstance(facts.flow, FlowReady) else _flow_or_end(facts)


def _flow_or_end(facts: RunFacts) -> Step:
    """Read the flow, or end with what was read."""
    match facts.flow:
        case FlowMissing() as missing:
            return Finish(ending=errored(Reason.FLOW_NOT_FOUND, missing.message))
        case FlowRefused() as refused:
            return Finish(ending=errored(refused.reason, refused.message))
        case _:
            return ReadFlow()


def _await_flow(facts: RunFacts, missing: FlowMissing) -> Step:
    """One ``kubectl apply`` may bring run and flow in any order."""
    limit = start_timeout(facts.run.spec, settings=facts.settings)
    reconciling = facts.run.status.condition("Reconciling")
    left = _left(facts, reconciling.last_transition_time if reconciling else facts.now, limit)
    if left <= 0:
        return Finish(ending=errored(Reason.FLOW_NOT_FOUND, f"{missing.message} It was waited for {limit} s."))
    state = going_on(Reason.FLOW_NOT_FOUND, f"{missing.message} It is waited for up to {limit} s.")
    return Report(status=progress(facts.run, state, now=facts.now), after=min(left, _POLL))


def _claim(facts: RunFacts, ready: FlowReady) -> Step:
    run = facts.run
    name = object_name(run.metadata.name, run.metadata.uid)
    state = going_on(Reason.STARTING, f"Job {name} is being started.")
    status = progress(run, state, now=facts.now).model_copy(
        update={"start_time": facts.now, "job_ref": JobReference(name=name), "flow": ready.plan.flow}
    )
    return Report(status=status, after=0)


def _claimed(facts: RunFacts, name: str) -> Step:
    if facts.run.spec.cancel:
        # An earlier operator may have made the Job.
        ending = _cancelled("The run was cancelled before it started.")
        return Finish(ending=ending) if facts.looked else LookAgain()
    if isinstance(facts.flow, FlowReady):
        return Launch(name=name, plan=facts.flow.plan, text=facts.flow.text)
    if facts.snapshot is None:
        return ReadSnapshot()
    if facts.snapshot.plan is not None:
        return Launch(name=name, plan=facts.snapshot.plan, text=None)
    return _flow_or_end(facts)


# From the Job on: the first policy that has an answer decides.


def _ended(facts: RunFacts) -> Step | None:
    """The pod has come to an end, and no further attempt follows."""
    pod = facts.pod
    if pod is None or not _over(pod) or (facts.job is None and pod.runner.exit_code is None):
        return None
    follows = _another_follows(facts.job, pod)
    if follows and not facts.run.spec.cancel:
        return None
    stays = pod.containers > 1 and pod.phase == "Running" and pod.deadline != 1
    return Finish(
        ending=ending_of(pod, cancelled=bool(facts.run.spec.cancel)),
        # Without an exit code the Job controller may still make another pod, and of a cancel it knows nothing.
        delete_job=facts.job if follows or pod.runner.exit_code is None else None,
        stop=pod if stays else None,
    )


def _over(pod: PodFacts) -> bool:
    if pod.runner.exit_code is not None or pod.gone:
        return True
    # The phase alone says nothing of a container that runs; of one that never ran, or whose node is gone, it does.
    return pod.phase == "Failed" and (not pod.runner.started or bool(pod.disruption))


def _another_follows(job: JobFacts | None, pod: PodFacts) -> bool:
    """Whether the Job controller makes another pod after this one: its podFailurePolicy, read the same way."""
    if job is None or job.ended or job.deleting or pod.attempt >= job.backoff_limit:
        return False
    code = pod.runner.exit_code
    return code not in {0, *DECIDED} and (code != TOLD_TO_STOP or bool(pod.disruption))


def _lost(facts: RunFacts) -> Step | None:
    """The Job is gone, or has ended without a pod that could tell how."""
    if facts.job is not None and (facts.pod is not None or not facts.job.ended):
        return None
    if not facts.looked:
        return LookAgain()
    if facts.job is None:
        what = f"Job {_job_name(facts)} is gone, and the result with it."
    else:
        what = f"Job {facts.job.name} ended ({facts.job.ended}), but its pod is gone, and the result with it."
    before = facts.run.status.condition("Ready")
    told = f" Before that: {before.message}" if before and before.message else ""
    return Finish(ending=errored(Reason.RESULT_LOST, f"{what}{told}"))


def _stopped(facts: RunFacts) -> Step | None:
    """A cancelled run: a runner that works gets its time for teardown, one that doesn't must not start."""
    pod = facts.pod
    if not facts.run.spec.cancel:
        return None
    if pod is None or not pod.runner.started:
        return Finish(ending=_cancelled("The run was cancelled before its runner started."), delete_job=facts.job)
    if pod.deadline != 1 and not pod.deleting:
        return StopPod(pod=pod)
    return None


def _stuck(facts: RunFacts) -> Step | None:
    """The pod is there and can't start: some reasons pass, so it gets a while."""
    problem = start_problem(facts.pod) if facts.pod and not facts.pod.runner.started else None
    if problem is None:
        return None
    reason, message, hopeless = problem
    left = min(
        _left(facts, facts.stuck_since or facts.now, facts.settings.stuck_seconds),
        _left(facts, _waiting_since(facts), _start_limit(facts)),
    )
    if hopeless or left <= 0:
        return Finish(ending=errored(reason, message), delete_job=facts.job)
    return _report(facts, message=message, after=left)


def _late(facts: RunFacts) -> Step | None:
    """Nothing has started in time, and nothing says why: then the Events may."""
    # A pod that is over here is one that another attempt follows: that one is waited for.
    pod = facts.pod if facts.pod and not _over(facts.pod) else None
    if pod is not None and pod.runner.started:
        return None
    limit, waited = _start_limit(facts), -_left(facts, _waiting_since(facts), 0)
    # Quotas, pod security and a missing service account refuse the pod: no pod, no condition, only an Event.
    refused_long = pod is None and waited >= facts.settings.stuck_seconds
    if waited < limit and (pod is not None or waited < facts.settings.no_pod_seconds):
        return None
    if not facts.warned:
        return ReadWarnings()
    refused = facts.warning is not None and facts.warning.reason == "FailedCreate"
    if waited >= limit or (refused_long and refused):
        ending = not_started(_job_name(facts), facts.warning, seconds=round(waited), has_pod=pod is not None)
        return Finish(ending=ending, delete_job=facts.job)
    message = facts.warning.message if facts.warning else ""
    return _report(facts, message=message, after=min(_POLL, limit - waited))


def _silent(facts: RunFacts) -> Step | None:
    """Deadline and grace are over and the node says nothing: the operator's own ring."""
    pod, job = facts.pod, facts.job
    if pod is None or job is None or pod.node_start is None or _over(pod):
        return None
    if _left(facts, pod.node_start, job.deadline + job.grace + facts.settings.ring_seconds) > 0:
        return None
    message = f"Nothing was heard of the runner since its deadline of {job.deadline} s; its node may be gone."
    return Finish(ending=errored(Reason.NODE_LOST, message), delete_job=job)


_STARTED: tuple[Callable[[RunFacts], Step | None], ...] = (_ended, _lost, _stopped, _stuck, _late, _silent)


def _report(facts: RunFacts, *, message: str = "", after: float | None = None) -> Step:
    """Say how far the run is. Job and pod are known, or on their way."""
    job, pod = facts.job, facts.pod
    if job is None:
        return Wait(after=_POLL)
    state = going_on(*_progress_of(facts, message))
    status = with_job(progress(facts.run, state, now=facts.now), _attempt(facts))
    settling = _left(facts, facts.run.status.start_time or facts.now, facts.settings.settle_seconds)
    if settling > 0 and not (pod and pod.runner.started) and not message:
        return Wait(after=settling)
    return Report(status=status, after=after if after is not None else _next_look(facts, job))


def _progress_of(facts: RunFacts, message: str) -> tuple[Reason, str]:
    pod, job = facts.pod, facts.job
    attempts = f" (attempt {pod.attempt + 1} of {job.backoff_limit + 1})" if pod and job and job.backoff_limit else ""
    if facts.run.spec.cancel:
        return Reason.CANCELLING, "The run was told to stop; its teardown has the grace period."
    if pod is None or not pod.runner.started:
        return Reason.STARTING, message or f"The runner is being started{attempts}."
    if _over(pod):
        return Reason.STARTING, f"The runner of attempt {pod.attempt + 1} is lost; another one is being started."
    return Reason.RUNNING, f"The runner is at work in pod {pod.name}{attempts}."


def _next_look(facts: RunFacts, job: JobFacts) -> float:
    """Seconds until a time limit could run out; events come by themselves."""
    pod = facts.pod
    if pod is None or _over(pod):
        return max(1.0, facts.settings.no_pod_seconds + _left(facts, _waiting_since(facts), 0))
    if pod.runner.started and pod.node_start:
        return max(1.0, _left(facts, pod.node_start, job.deadline + job.grace + facts.settings.ring_seconds))
    return max(1.0, _left(facts, _waiting_since(facts), _start_limit(facts)))


def _waiting_since(facts: RunFacts) -> datetime:
    """Since when a runner is waited for: the claim, the end of the last attempt, or the pod of the next one."""
    pod, start = facts.pod, facts.run.status.start_time or facts.now
    if pod is not None and _over(pod):
        return pod.runner.ended_at or pod.created
    return pod.created if pod and pod.attempt else start


def _start_limit(facts: RunFacts) -> int:
    limit = (facts.job.start_timeout if facts.job else 0) or facts.settings.start_timeout_seconds
    if facts.pod is not None and _over(facts.pod):
        # The Job controller waits 10 s, 20 s, 40 s … up to ten minutes between attempts.
        return limit + int(min(600, 10 * 2**facts.pod.attempt))
    return limit


def _left(facts: RunFacts, since: datetime, seconds: float) -> float:
    return (since + timedelta(seconds=seconds) - facts.now).total_seconds()


def _job_name(facts: RunFacts) -> str:
    reference = facts.run.status.job_ref
    return facts.job.name if facts.job else reference.name if reference else ""


def _attempt(facts: RunFacts) -> Attempt:
    """The newest attempt that is known: where its pod is gone, the one that was reported."""
    number = facts.pod.attempt if facts.pod else (facts.run.status.attempts or 1) - 1
    return Attempt(job=_job_name(facts), uid=facts.job_uid, number=number)


def _cancelled(message: str) -> Ending:
    return Ending(result=RunResult.CANCELLED, reason=Reason.CANCELLED, message=message)
