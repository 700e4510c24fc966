"""``condition``: runs one of two lists of steps, by what an expression says."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from testmesh_engine.actions.base import Context, Result, Round
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import NothingRanError, UsageError
from testmesh_engine.expressions import Value, kind_of, show


def _exposed(config: Mapping[str, object]) -> Collection[str]:
    """No further results. Raises ``ValueError`` where there is nothing to run."""
    if not {"then", "steps", "else"} & config.keys():
        message = "condition needs the steps that it decides about: then, else or both"
        raise ValueError(message, "")
    return ()


class Condition:
    """Runs ``then`` where the condition is true, else ``else``."""

    spec = ActionSpec(
        name="condition",
        doc="Runs the steps of one of two branches.",
        example=(
            "- id: on_workdays\n"
            "  action: condition\n"
            "  config:\n"
            '    condition: DAY_OF_WEEK not in ["Saturday", "Sunday"]\n'
            "    then:\n"
            "      - action: http_request\n"
            '        config: {url: "http://localhost:8080/offices"}\n'
            "        assert: [status == 200]\n"
        ),
        keys=(
            Key(
                name="condition",
                kind=Kind.CONDITION,
                required=True,
                doc="an expression over what was captured, the steps above and the variables",
                aliases=("when", "if"),
            ),
            Key(name="then", kind=Kind.STEPS, doc="what runs where it is true", aliases=("steps",)),
            Key(name="else", kind=Kind.STEPS, doc="what runs where it is false; without it the step is then skipped"),
        ),
        results={"branch": "then or else: the one that was run"},
        exposes=_exposed,
        asserts_itself=True,
        bounds_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Run the branch; its steps' results by their ids.

        Raises what a step inside of it fails with, ``NothingRanError`` where there is no such branch.
        """
        text = str(config["condition"])
        holds = context.evaluate(text, {})
        if not isinstance(holds, bool):
            raise UsageError(f"condition is no condition: {text} is {kind_of(holds)} {show(holds, 80)}")
        branch = "then" if holds else "else"
        nested = context.inside()
        if branch not in nested.lists:
            raise NothingRanError(f"condition: {text} is {str(holds).lower()}, and there is no {branch}")
        (results,) = nested.run([Round(steps=branch)])
        return {**results, "branch": branch}
