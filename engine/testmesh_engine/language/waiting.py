"""Translates an action that waits (``db_poll``) into what any step may say: assertions, and ``eventually``."""

from __future__ import annotations

from collections.abc import Iterator

from testmesh_engine.contract.catalogue import ActionSpec, Condition, Waiting
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, child_path, plain

_ATTEMPTS = ("retry", "eventually", "poll")
_TIMES = ("timeout", "interval", "poll_interval", "max_attempts")
_DEFAULT_INTERVAL = "500ms"


def with_waiting_moved(findings: Findings, step: MapNode, spec: ActionSpec) -> MapNode:
    """``step`` with the conditions of its config as assertions and its times as attempts, where its action waits."""
    config = step.get("config")
    if spec.waiting is None or not isinstance(config, MapNode):
        return step
    conditions = list(_conditions(findings, config, spec.waiting))
    moved = {*spec.waiting.keys, *_TIMES}
    rest = {name: entry for name, entry in config.entries.items() if name not in moved}
    entries = {**step.entries, "config": (step.entries["config"][0], _map(rest, config))}
    if conditions:
        entries["assert"] = _with(conditions, step)
    return _map(entries | _attempts(findings, step, config), step)


def _with(conditions: list[Node], step: MapNode) -> tuple[Scalar, Node]:
    """The step's ``assert`` with the conditions before what stands there."""
    key, below = step.entries.get("assert", (_made(step, "assert"), None))
    written = below.items if isinstance(below, ListNode) else (below,) if below else ()
    at = below or step
    return key, ListNode((*conditions, *written), at.line, at.column, child_path(step.path, "assert"))


def _conditions(findings: Findings, config: MapNode, waiting: Waiting) -> Iterator[Node]:
    written = {name: plain(node) for name, (_, node) in config.entries.items()}
    try:
        for condition in waiting.conditions(written):
            yield _node(config, condition)
    except ValueError as error:
        message, key, *hint = error.args
        findings.error(config.entries[key][1], message, hint="".join(hint))


def _node(config: MapNode, condition: Condition) -> Node:
    """The node that says it, where an expression is written as such; else one in its place."""
    at: Node = config.entries[condition.key][1] if condition.key else config
    for node in at.items if isinstance(at, ListNode) else (at,):
        if plain(node) == condition.expression and not (isinstance(node, MapNode) and node is config):
            return node
    text = str(condition.expression)
    return Scalar(text, at.line, at.column, at.path, text=text)


def _attempts(findings: Findings, step: MapNode, config: MapNode) -> dict[str, tuple[Scalar, Node]]:
    """The step's own ``retry`` or ``eventually``, or the one that its config means."""
    times = {name: config.entries[name] for name in _TIMES if name in config.entries}
    own = next((word for word in _ATTEMPTS if word in step.entries), "")
    nested = config.get("eventually")
    if isinstance(nested, MapNode) and "type" not in nested.entries:
        if own or times:
            other = f"the step's {own}" if own else f"{next(iter(times))} beside it"
            findings.error(config.entries["eventually"][0], f"a step has this eventually or {other}, not both")
        return {} if own else {"eventually": config.entries["eventually"]}
    if own:
        if times:
            name, (key, _) = next(iter(times.items()))
            findings.error(key, f"a step has {own} or {name} in its config, not both")
        return {}
    return _counted(findings, step, times) if "max_attempts" in times else _timed(step, times)


def _timed(step: MapNode, times: dict[str, tuple[Scalar, Node]]) -> dict[str, tuple[Scalar, Node]]:
    return {"eventually": (_made(step, "eventually"), _map(times, step, key="eventually"))}


def _counted(
    findings: Findings, step: MapNode, times: dict[str, tuple[Scalar, Node]]
) -> dict[str, tuple[Scalar, Node]]:
    """With a number of attempts it is ``retry``; a timeout then bounds the step."""
    if {"interval", "poll_interval"} <= times.keys():
        findings.error(times["poll_interval"][0], "poll_interval is another word for interval")
    delay = times.get("interval") or times.get("poll_interval")
    entries: dict[str, tuple[Scalar, Node]] = {
        "max_attempts": times["max_attempts"],
        "delay": delay or (_made(step, "delay"), _made(step, _DEFAULT_INTERVAL)),
        "backoff": (_made(step, "backoff"), _made(step, "fixed")),
    }
    # The longest pause of retry is for one that grows.
    entries["max_delay"] = (_made(step, "max_delay"), entries["delay"][1])
    found: dict[str, tuple[Scalar, Node]] = {"retry": (_made(step, "retry"), _map(entries, step, key="retry"))}
    if "timeout" in times and "timeout" not in step.entries:
        found["timeout"] = times["timeout"]
    return found


def _map(entries: dict[str, tuple[Scalar, Node]], at: MapNode, *, key: str = "") -> MapNode:
    return MapNode(entries, at.line, at.column, child_path(at.path, key) if key else at.path)


def _made(step: MapNode, text: str) -> Scalar:
    """A key or value that nobody wrote: it stands where the step does."""
    return Scalar(text, step.line, step.column, step.path, text=text)
