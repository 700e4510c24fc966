"""What a run will really do: its own words over its flow's template over the operator's defaults."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pydantic import Field

from testmesh_operator.resources.base import EnvFrom, EnvVar, Model
from testmesh_operator.resources.pod_template import PodTemplate
from testmesh_operator.resources.testrun import RunFlow, RunTemplate
from testmesh_operator.settings import Settings

T = TypeVar("T")


class Plan(Model):
    """All that a Job is made of but its flow's text; kept in the snapshot, so that a restart makes the same Job."""

    flow: RunFlow
    env: list[EnvVar] = Field(default_factory=list)
    env_from: list[EnvFrom] = Field(default_factory=list)
    pod: PodTemplate = Field(default_factory=PodTemplate)
    active_deadline_seconds: int
    start_timeout_seconds: int
    backoff_limit: int
    grace_seconds: int


def make_plan(run: RunTemplate, template: RunTemplate | None, *, flow: RunFlow, settings: Settings) -> Plan:
    """Lay the run's fields over its flow's template; env goes by name, the maps of podTemplate by key."""
    base = template or RunTemplate()
    pod = _merge_pod(run.pod_template or PodTemplate(), base.pod_template or PodTemplate())
    return Plan(
        flow=flow,
        env=_merge_env(run.env or (), base.env or ()),
        env_from=_first(run.env_from, base.env_from) or [],
        pod=pod,
        active_deadline_seconds=_first(run.active_deadline_seconds, base.active_deadline_seconds)
        or settings.active_deadline_seconds,
        start_timeout_seconds=start_timeout(run, base, settings=settings),
        backoff_limit=_first(run.backoff_limit, base.backoff_limit) or 0,
        grace_seconds=pod.termination_grace_period_seconds or settings.grace_seconds,
    )


def start_timeout(run: RunTemplate, template: RunTemplate | None = None, *, settings: Settings) -> int:
    """Seconds until the runner must have started; also asked before the flow, and its template, are there."""
    given = _first(run.start_timeout_seconds, template.start_timeout_seconds if template else None)
    return given or settings.start_timeout_seconds


def _first(upper: T | None, lower: T | None) -> T | None:
    return lower if upper is None else upper


def _merge_env(upper: Iterable[EnvVar], lower: Iterable[EnvVar]) -> list[EnvVar]:
    return list(({item.name: item for item in lower} | {item.name: item for item in upper}).values())


def _merge_pod(upper: PodTemplate, lower: PodTemplate) -> PodTemplate:
    fields = {name: _first(getattr(upper, name), getattr(lower, name)) for name in PodTemplate.model_fields}
    for name in ("labels", "annotations", "node_selector"):
        fields[name] = {**(getattr(lower, name) or {}), **(getattr(upper, name) or {})} or None
    return PodTemplate.model_construct(**fields)
