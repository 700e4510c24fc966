"""``parallel``: runs branches at the same time."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result, Round
from testmesh_engine.actions.config import Config
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.expressions import Value

AT_ONCE = 10
"""How many branches run at the same time where the flow does not say it."""


class Parallel:
    """All branches at once; it ends with the last of them."""

    spec = ActionSpec(
        name="parallel",
        doc="Runs steps, or lists of steps, at the same time.",
        example=(
            "- id: both\n"
            "  action: parallel\n"
            "  config:\n"
            "    steps:\n"
            "      - id: users\n"
            "        action: http_request\n"
            '        config: {url: "http://localhost:8080/users"}\n'
            "        assert: [status == 200]\n"
            "      - id: orders\n"
            "        action: http_request\n"
            '        config: {url: "http://localhost:8080/orders"}\n'
            "        assert: [status == 200]\n"
        ),
        keys=(
            Key(
                name="steps",
                kind=Kind.BRANCHES,
                required=True,
                doc="the branches: each a step, a list of steps, or {name, steps}; or a map of lists by name",
                aliases=("branches",),
            ),
            Key(
                name="max_concurrent",
                kind=Kind.INTEGER,
                doc="how many run at once at most",
                default=str(AT_ONCE),
                aliases=("max_parallel",),
                fault=lambda value: "" if isinstance(value, int) and value >= 1 else "is a whole number from 1 on",
            ),
        ),
        results={"count": "how many branches there were"},
        asserts_itself=True,
        bounds_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Run all branches; their steps' results by their ids.

        Raises what a step inside of it fails with, ``NothingRanError`` where no step was run.
        """
        settings, nested = Config(self.spec, config), context.inside()
        branches = nested.lists
        at_once = settings.integer("max_concurrent", AT_ONCE)
        # A branch that has failed keeps no other one from its end: what runs would else be for chance to say.
        results = nested.run([Round(steps=name) for name in branches], at_once=at_once, go_on=True)
        return {**{name: value for each in results for name, value in each.items()}, "count": len(branches)}
