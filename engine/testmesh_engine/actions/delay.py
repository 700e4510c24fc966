"""``delay``: waits. ``eventually`` on the step that asks is faster and never too short."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.waiting import TimeRanOutError, sleep
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import ServiceError
from testmesh_engine.expressions import Value


class Delay:
    """Waits for ``duration``."""

    spec = ActionSpec(
        name="delay",
        doc="Waits for a fixed time.",
        example=("- action: delay\n  config: {duration: 500ms}\n"),
        keys=(Key(name="duration", kind=Kind.DURATION, required=True, doc="how long to wait"),),
        results={},
        asserts_itself=True,
        bounds_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Wait; the result is empty."""
        seconds = Config(self.spec, config).seconds("duration", 0.0)
        try:
            sleep(seconds, deadline=context.deadline, interrupt=context.interrupt)
        except TimeRanOutError as error:
            raise ServiceError(f"cut short by {error}", kind="timeout") from error
        return {}
