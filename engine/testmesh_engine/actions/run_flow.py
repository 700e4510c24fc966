"""``run_flow``: runs another flow, with its own variables, as a step of this one."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value


class RunFlow:
    """The whole flow: setup, steps, and teardown in any case."""

    spec = ActionSpec(
        name="run_flow",
        doc="Runs another flow; its output is the result.",
        example=(
            "- id: login\n"
            "  action: run_flow\n"
            "  config:\n"
            "    flow: login.yaml\n"
            "    input: {user: john}\n"
            "  assert: [len(output.token) > 0]\n"
        ),
        keys=(
            Key(
                name="flow",
                kind=Kind.FLOW,
                required=True,
                doc="the path of its file, from the folder of this one; no placeholder",
                aliases=("path", "file"),
            ),
            Key(name="input", kind=Kind.MAP, doc="values for its inputs", aliases=("inputs", "with")),
        ),
        results={
            "output": "its output, by name",
            "status": "success: a flow that has failed fails the step",
            "flow": "{name, status, output} of it",
        },
        asserts_itself=True,
        bounds_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Run it. Raises what it fails with, ``NothingRanError`` where it was skipped."""
        if context.call is None:
            raise UsageError(f"{context.step} has no flow to run")
        return context.call(Config(self.spec, config).map("input"))
