"""``log``: says something in every report."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.expressions import Value, to_json

LEVELS = ("DEBUG", "INFO", "WARN", "WARNING", "ERROR")


class Log:
    """A message; whatever its level, it fails nothing."""

    spec = ActionSpec(
        name="log",
        doc="Says something in every report.",
        example='- action: log\n  config: {message: "order ${RUN_ID} is on its way"}\n',
        keys=(
            Key(name="message", kind=Kind.ANY, required=True, doc="what is said: text, or any value, as JSON"),
            Key(
                name="level",
                kind=Kind.TEXT,
                doc="how much it matters: debug, info, warning (warn) or error; none of them fails the step",
                default="info",
                choices=LEVELS,
            ),
        ),
        results={"message": "what was said, as text", "level": "debug, info, warning or error"},
        asserts_itself=True,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:  # noqa: ARG002 - an action has this form
        """The message and its level: reports show the result."""
        settings = Config(self.spec, config)
        message = settings.value("message")
        level = settings.text("level", "info").lower()
        return {
            "message": message if isinstance(message, str) else to_json(message),
            "level": "warning" if level == "warn" else level,
        }
