"""What a decision on a run is made from, and the steps that it may come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from testmesh_operator.manifests.plan import Plan
from testmesh_operator.resources.observed import JobFacts, PodFacts, WarningFacts
from testmesh_operator.resources.testrun import TestRun, TestRunStatus
from testmesh_operator.settings import Settings
from testmesh_operator.status.ending import Ending
from testmesh_operator.status.reasons import Reason
from testmesh_operator.status.run import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowMissing:
    """The flow, or the ConfigMap that holds it, is not there (yet)."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRefused:
    """The flow is there and can't be run."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowReady:
    """The flow's text, and the plan made of the run and the flow's template."""

    text: str
    plan: Plan


FlowRead: TypeAlias = FlowMissing | FlowRefused | FlowReady


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRead:
    """What the claimed name holds already: the plan of an earlier start that was cut short, or nothing."""

    plan: Plan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Everything that is known of a run at one moment.

    ``flow``, ``snapshot``, ``warning`` and ``looked`` (Job and pods read live, past the cache) cost a request each and
    are there only after the step that asks for them. ``stuck_since`` is when the pod was first seen unable to start.
    ``job_uid`` is known as soon as a Job was seen, and stays where that one is gone; ``pods`` are those of this Job.
    """

    run: TestRun
    now: datetime
    settings: Settings
    job: JobFacts | None = None
    job_uid: str | None = None
    pods: tuple[PodFacts, ...] = ()
    stuck_since: datetime | None = None
    flow: FlowRead | None = None
    snapshot: SnapshotRead | None = None
    looked: bool = False
    warned: bool = False
    warning: WarningFacts | None = None

    @property
    def pod(self) -> PodFacts | None:
        """The pod of the newest attempt."""
        return max(self.pods, key=lambda pod: (pod.attempt, pod.created, not pod.gone), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do; ``after`` seconds look again, None: when something happens."""

    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFlow:
    """Read the flow live, and have it checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSnapshot:
    """See whether the claimed name has a snapshot already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgain:
    """Read Job and pods live: what comes next would cost a run where the cache is behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWarnings:
    """Read the newest Warning Event of the Job and its pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Write this status, if it differs, and look again ``after`` seconds."""

    status: TestRunStatus
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Create the snapshot (where ``text`` is given) and the Job, under the claimed name."""

    name: str
    plan: Plan
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPod:
    """Lower the pod's deadline to 1 s: SIGTERM, teardown in the grace period, and the pod stays to be read."""

    pod: PodFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Write the final status; before it delete the Job, where a pod could still start, after it stop one that stays."""

    ending: Ending
    attempt: Attempt | None = None
    """None before the Job."""
    delete_job: JobFacts | None = None
    stop: PodFacts | None = None


Step: TypeAlias = Wait | ReadFlow | ReadSnapshot | LookAgain | ReadWarnings | Report | Launch | StopPod | Finish
