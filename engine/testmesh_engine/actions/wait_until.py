"""``wait_until``: runs steps again and again until a condition holds; another spelling of ``eventually``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from testmesh_engine.actions.base import Context, Result, Round
from testmesh_engine.contract.catalogue import ActionSpec, Condition, Key, Kind, Waiting
from testmesh_engine.expressions import Value

_CONDITION = ("condition", "until")


def conditions(config: Mapping[str, object]) -> Iterator[Condition]:
    """The condition as an assertion."""
    return (Condition(key, config[key]) for key in _CONDITION if key in config)


def _exposed(config: Mapping[str, object]) -> Collection[str]:
    """No further results. Raises ``ValueError`` where there is nothing to wait for."""
    if not {*_CONDITION, "steps"} & config.keys():
        message = "wait_until needs a condition, or steps that must pass"
        raise ValueError(message, "")
    return ()


class WaitUntil:
    """One look; the step's assertions and times are what its config means."""

    spec = ActionSpec(
        name="wait_until",
        doc="Runs steps again and again until all of them pass and a condition holds.",
        example=(
            "- action: wait_until\n"
            "  config:\n"
            '    condition: asked.body.status == "paid"\n'
            "    timeout: 20s\n"
            "    steps:\n"
            "      - id: asked\n"
            "        action: http_request\n"
            '        config: {url: "http://localhost:8080/orders/7"}\n'
            "        assert: [status == 200]\n"
        ),
        keys=(
            Key(
                name="condition",
                kind=Kind.CONDITION,
                doc="what must hold after the steps; without it that all of them pass",
                aliases=("until",),
            ),
            Key(name="steps", kind=Kind.STEPS, doc="what is run each time"),
            Key(
                name="interval",
                kind=Kind.DURATION,
                doc="from the end of one time to the start of the next",
                default="500ms",
                aliases=("poll_interval",),
            ),
            Key(name="max_attempts", kind=Kind.INTEGER, doc="how often at most"),
            Key(name="timeout", kind=Kind.DURATION, doc="bounds all of it", default="30s"),
        ),
        results={"attempts": "how often it was tried"},
        advised={"steps": "what its condition reads hardly changes while it waits"},
        exposes=_exposed,
        waiting=Waiting(conditions=conditions, keys=_CONDITION),
        asserts_itself=True,
        bounds_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:  # noqa: ARG002 - as every action
        """Run the steps once; their results by their ids. Raises what a step inside of it fails with."""
        results: Result = {}
        if context.nested is not None:
            (results,) = context.nested.run([Round(steps="steps")])
        return {**results, "attempts": context.attempt}
