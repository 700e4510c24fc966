"""Reads ``config`` of a flow: how it runs."""

from __future__ import annotations

from testmesh_engine.contract.catalogue import Catalogue
from testmesh_engine.contract.record import dataclass
from testmesh_engine.language import keys
from testmesh_engine.language.filling import NO_DEFAULTS, Defaults, read_defaults
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.model import (
    DEFAULT_FLOW_TIMEOUT_SECONDS,
    DEFAULT_TEARDOWN_TIMEOUT_SECONDS,
    Late,
)
from testmesh_engine.language.names import Known
from testmesh_engine.language.nodes import MapNode
from testmesh_engine.language.times import Times


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfig:
    """``config`` as read; times in seconds, ``late`` those that are placeholders."""

    timeout: float = DEFAULT_FLOW_TIMEOUT_SECONDS
    teardown_timeout: float = DEFAULT_TEARDOWN_TIMEOUT_SECONDS
    fail_fast: bool = True
    defaults: Defaults = NO_DEFAULTS
    late: tuple[Late, ...] = ()


def read_config(findings: Findings, root: MapNode, catalogue: Catalogue, known: Known) -> FlowConfig:
    """The flow's ``config``, what is not written as it is by default."""
    node = root.get("config")
    config = findings.map(node, "config") if node else None
    if config is None:
        return FlowConfig()
    findings.keys(config, "config", allowed=keys.names(keys.CONFIG))
    times = Times(findings, known, config, of="config")
    timeout, teardown_timeout = (times.seconds(key, zero=False) for key in ("timeout", "teardown_timeout"))
    fail_fast, defaults = config.get("fail_fast"), config.get("defaults")
    return FlowConfig(
        timeout=timeout or DEFAULT_FLOW_TIMEOUT_SECONDS,
        teardown_timeout=teardown_timeout or DEFAULT_TEARDOWN_TIMEOUT_SECONDS,
        fail_fast=not fail_fast or findings.boolean(fail_fast, "fail_fast") is not False,
        defaults=read_defaults(findings, defaults, catalogue) if defaults else NO_DEFAULTS,
        late=tuple(times.late),
    )
