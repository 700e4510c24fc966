"""The keys of the language beside those of actions: the one declaration that reader, schema and reference are made of.

A key that is declared here is read somewhere in this package, and named by nothing else. What stands under a key
beyond its ``Kind`` (an expression, a list of steps, a placeholder in place of a time) is said by schema.py.
"""

from __future__ import annotations

from testmesh_engine.contract.catalogue import Key, Kind

_TEXT, _LIST, _MAP, _ANY = Kind.TEXT, Kind.LIST, Kind.MAP, Kind.ANY

CONFIG = (
    Key(name="timeout", kind=Kind.DURATION, default="15m", doc="bounds setup and steps together"),
    Key(name="teardown_timeout", kind=Kind.DURATION, default="60s", doc="bounds teardown, which nothing else uses up"),
    Key(
        name="fail_fast",
        kind=Kind.BOOLEAN,
        default="true",
        doc="false: a failed step does not keep later ones from running",
    ),
    Key(
        name="defaults",
        kind=_MAP,
        doc="by action, what lies under the config of each such step; also timeout and retry",
    ),
)

DATA = (
    Key(name="rows", kind=_LIST, doc="a list of maps, one for each run"),
    Key(name="file", kind=_TEXT, doc="a CSV, JSON or YAML file beside the flow with the rows"),
)

FLOW = (
    Key(name="name", kind=_TEXT, required=True, doc="what the flow tests"),
    Key(name="description", kind=_TEXT, doc="for people"),
    Key(name="suite", kind=_TEXT, doc="the group that it belongs to; --suite runs one"),
    Key(name="tags", kind=_LIST, doc="labels; --tag runs the flows that have one"),
    Key(name="version", kind=_ANY, doc="for people: text or a number"),
    Key(name="author", kind=_TEXT, doc="for people"),
    Key(
        name="env",
        kind=_MAP,
        doc="variables, each with its value here; a value may name others, and --var and the run beat it",
    ),
    Key(
        name="env_file", kind=_ANY, doc="a file of NAME=value lines beside the flow, or a list of them; env beats them"
    ),
    Key(
        name="secrets",
        kind=_LIST,
        doc="names of variables of env, inputs, env_file and outputs, whose values are masked wherever they stand",
    ),
    Key(
        name="inputs",
        kind=_MAP,
        doc="what the caller gives: a map of defaults, nothing for a required one; or a list of required names",
    ),
    Key(name="output", kind=_MAP, doc="what the caller sees of a run: by name, as in a step's output"),
    Key(name="data", kind=_MAP, fields=DATA, doc="runs the flow once for each row; row.name is a column of it"),
    Key(name="exclusive", kind=_TEXT, doc="flows with the same name here wait for each other"),
    Key(name="config", kind=_MAP, fields=CONFIG, doc="how the flow runs"),
    Key(name="setup", kind=_LIST, doc="steps that run first; if one fails, none of steps runs"),
    Key(name="steps", kind=_LIST, required=True, doc="what is tested"),
    Key(name="teardown", kind=_LIST, doc="steps that run in any case, once a first step was started"),
)

RETRY = (
    Key(name="max_attempts", kind=Kind.INTEGER, default="3", doc="how many attempts there are at most"),
    Key(name="delay", kind=Kind.DURATION, default="1s", doc="the time from the first attempt's end to the second one"),
    Key(
        name="backoff",
        kind=_TEXT,
        choices=("exponential", "linear", "fixed", "constant"),
        default="exponential",
        doc="how the delay grows: doubled, added to, or not at all (fixed, constant)",
    ),
    Key(name="max_delay", kind=Kind.DURATION, default="30s, or delay where that is longer", doc="the longest delay"),
    Key(
        name="retry_on",
        kind=_LIST,
        doc="expressions, or timeout, connection_error, assertion: only what one of them says is tried again",
    ),
    Key(name="retry_on_not", kind=_LIST, doc="the same: what one of them says is not tried again"),
)

EVENTUALLY = (
    Key(
        name="timeout",
        kind=Kind.DURATION,
        default="30s",
        doc="no attempt starts after it, and one that it cuts does not count",
    ),
    Key(
        name="interval",
        kind=Kind.DURATION,
        default="500ms",
        aliases=("poll_interval",),
        doc="from the end of one attempt to the start of the next",
    ),
    Key(name="stable_for", kind=Kind.DURATION, doc="how long all must hold; one that does not starts it anew"),
    Key(name="stop_on", kind=_TEXT, doc="an expression: where it is true there is no further attempt"),
)

ON_ERROR_WORDS = ("fail", "continue", "ignore", "retry")
"""What a failed step means; ``retry`` needs ``retry`` beside it."""

ON_ERROR = (
    Key(name="action", kind=_TEXT, choices=ON_ERROR_WORDS, aliases=("type",), doc="the word"),
    Key(name="steps", kind=_LIST, doc="the same as error_steps"),
)

STEP = (
    Key(
        name="id",
        kind=_TEXT,
        doc="a name for expressions and reports; unique within setup and steps, and within teardown",
    ),
    Key(name="name", kind=_TEXT, doc="for people"),
    Key(name="description", kind=_TEXT, doc="for people"),
    Key(name="action", kind=_TEXT, required=True, doc="the action that the step does"),
    Key(name="config", kind=_MAP, doc="how it does it; each action has its own keys"),
    Key(name="assert", kind=_LIST, doc="what must hold, an expression or a list of them; all are evaluated"),
    Key(name="assert_any", kind=_LIST, doc="expressions of which at least one must hold"),
    Key(name="assert_none", kind=_LIST, doc="expressions of which none may hold"),
    Key(
        name="output",
        kind=_MAP,
        aliases=("save",),
        doc="variables for the steps below: a path such as $.body.id, an expression, or {path, default}",
    ),
    Key(name="when", kind=_TEXT, doc="an expression: where it is false the step is skipped"),
    Key(name="disabled", kind=Kind.BOOLEAN, default="false", doc="true: skipped"),
    Key(name="tags", kind=_LIST, doc="labels, for people and reports"),
    Key(name="retry", kind=_MAP, fields=RETRY, doc="attempts after a failed one"),
    Key(name="eventually", kind=_MAP, fields=EVENTUALLY, aliases=("poll",), doc="attempts until all assertions hold"),
    Key(name="timeout", kind=Kind.DURATION, doc="bounds all attempts together"),
    Key(
        name="on_error",
        kind=_ANY,
        default="fail",
        doc="where the step fails: fail, continue (the flow fails in the end), ignore (does not count), retry",
    ),
    Key(name="error_steps", kind=_LIST, doc="steps that run where this one has failed, after its last attempt"),
)

ASSERTION = (
    Key(name="expression", kind=_TEXT, required=True, doc="what must hold"),
    Key(name="message", kind=_TEXT, doc="your own words for its failure"),
)

CAPTURE = (
    Key(name="path", kind=_TEXT, required=True, doc="what is captured"),
    Key(name="default", kind=_ANY, doc="what it is where nothing is found"),
)


def names(keys: tuple[Key, ...]) -> tuple[str, ...]:
    """All names and aliases."""
    return tuple(name for key in keys for name in (key.name, *key.aliases))
