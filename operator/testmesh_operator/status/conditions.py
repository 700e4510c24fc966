"""Conditions as kubectl wait, kstatus (Flux, Helm) and Argo CD really read them; measured with kstatus of cli-utils.

A run that goes on has ``Reconciling``; one that failed has ``Stalled``, in the very write that takes Reconciling away.
With ``Succeeded=False`` alone, Flux and Helm take a failed run for a healthy one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from testmesh_operator.resources.base import Condition, ConditionStatus
from testmesh_operator.status.reasons import Reason

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN

_MESSAGE_MAX = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What all conditions of one write have in common, and the status of each."""

    statuses: Mapping[str, ConditionStatus]
    reason: str
    message: str


def going_on(reason: Reason, message: str) -> State:
    """A run without a result; a suspended one is not being worked on."""
    statuses = {"Ready": UNKNOWN, "Succeeded": UNKNOWN, "Finished": FALSE}
    if reason is not Reason.SUSPENDED:
        statuses["Reconciling"] = TRUE
    return State(statuses=statuses, reason=reason, message=message)


def finished(reason: Reason, message: str, *, passed: bool) -> State:
    """A run with a result."""
    statuses = {"Ready": TRUE, "Succeeded": TRUE, "Finished": TRUE}
    if not passed:
        statuses = {"Ready": FALSE, "Succeeded": FALSE, "Finished": TRUE, "Stalled": TRUE}
    return State(statuses=statuses, reason=reason, message=message)


def flow_checked(reason: str, message: str, *, valid: bool | None) -> State:
    """A TestFlow; ``valid`` is None where it could not be checked."""
    if valid is None:
        statuses = {"Ready": UNKNOWN, "Reconciling": TRUE}
    else:
        statuses = {"Ready": TRUE} if valid else {"Ready": FALSE, "Stalled": TRUE}
    return State(statuses=statuses, reason=reason, message=message)


def conditions(state: State, *, generation: int, now: datetime, previous: Iterable[Condition]) -> list[Condition]:
    """The list as it stands in status; a condition whose status did not change keeps its transition time."""
    before = {condition.type: condition for condition in previous}
    return [
        Condition(
            type=kind,
            status=status,
            reason=state.reason,
            message=state.message[:_MESSAGE_MAX],
            observed_generation=generation,
            last_transition_time=_since(before.get(kind), status, now),
        )
        for kind, status in state.statuses.items()
    ]


def _since(before: Condition | None, status: ConditionStatus, now: datetime) -> datetime:
    if before is not None and before.status is status:
        return before.last_transition_time
    return now.replace(microsecond=0)
