"""What both reconcilers work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from testmesh_operator.cache import Cache
from testmesh_operator.cluster import Cluster
from testmesh_operator.metrics import Metrics
from testmesh_operator.resources.base import Key
from testmesh_operator.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """``now`` is the time in UTC; ``wake`` puts a key into the queue."""

    cluster: Cluster
    cache: Cache
    metrics: Metrics
    settings: Settings
    now: Callable[[], datetime]
    wake: Callable[[Key], None]
