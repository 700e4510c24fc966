"""``assert``: does nothing, so that assertions may stand alone: about what was captured, and the steps above."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.contract.catalogue import ActionSpec
from testmesh_engine.expressions import Value


class Assert:
    """The step's own assertions are all that there is."""

    spec = ActionSpec(
        name="assert",
        doc="Checks what was captured and what the steps above gave.",
        example="- action: assert\n  assert: [len(RUN_ID) > 0]\n",
        keys=(),
        results={},
        only_asserts=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:  # noqa: ARG002 - as every action
        """Give an empty result."""
        return {}
