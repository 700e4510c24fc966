"""Reads ``retry`` and ``eventually``, whose other spellings are ``poll`` and ``config.poll``."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from testmesh_engine.contract.catalogue import ActionSpec
from testmesh_engine.contract.duration import show_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.language import keys
from testmesh_engine.language.asserts import expression, result_names
from testmesh_engine.language.findings import Findings, did_you
from testmesh_engine.language.model import (
    Backoff,
    Eventually,
    FailureTest,
    FailureWord,
    Late,
    Retry,
)
from testmesh_engine.language.names import ERROR, Known
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar
from testmesh_engine.language.times import Times

_WORDS = ("retry", "eventually", "poll")
_FAILURE_WORDS = tuple(word.value for word in FailureWord)
_SPELLINGS = {"constant": Backoff.FIXED}
"""Other words for a backoff."""


@dataclass(frozen=True, slots=True)
class Repeating:
    """What a step says of its attempts, and which of it is known in the run only."""

    policy: Retry | Eventually | None = None
    late: tuple[Late, ...] = ()


def with_poll_moved(findings: Findings, step: MapNode, spec: ActionSpec) -> MapNode:
    """``step`` with the ``poll`` of its config as its own, where its action has no key of that name."""
    config = step.get("config")
    if spec.key("poll") is not None or not isinstance(config, MapNode) or "poll" not in config.entries:
        return step
    poll = config.entries["poll"]
    rest = {key: entry for key, entry in config.entries.items() if key != "poll"}
    moved = MapNode(rest, config.line, config.column, config.path)
    entries = {**step.entries, "config": (step.entries["config"][0], moved)}
    given = next((word for word in _WORDS if word in entries), "")
    if given:
        findings.error(poll[0], f"a step has {given} or poll in its config, not both")
    return MapNode(entries if given else {**entries, "poll": poll}, step.line, step.column, step.path)


def repeating(findings: Findings, step: MapNode, spec: ActionSpec, known: Known) -> Repeating:
    """The attempts of a step; it has at most one of the words."""
    given = [word for word in _WORDS if word in step.entries]
    if len(given) > 1:
        findings.error(step.entries[given[1]][0], f"a step has {given[0]} or {given[1]}, not both")
    node = findings.map(step.entries[given[0]][1], given[0]) if given else None
    if node is None or len(given) != 1:
        return Repeating()
    reader = _Reader(findings, known, result_names(spec))
    return reader.retry(node) if given[0] == "retry" else reader.eventually(node, given[0])


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


class _Reader:
    def __init__(self, findings: Findings, known: Known, results: Collection[str]) -> None:
        self._findings = findings
        self._known = known
        self._results = results

    def retry(self, node: MapNode) -> Repeating:
        self._findings.keys(node, "retry", allowed=keys.names(keys.RETRY))
        times, default = Times(self._findings, self._known, node, of="retry"), Retry()
        policy = Retry(
            max_attempts=times.count("max_attempts") or default.max_attempts,
            delay=_or(times.seconds("delay"), default.delay),
            backoff=self._backoff(node),
            max_delay=times.seconds("max_delay"),
            retry_on=tuple(self._tests(node, "retry_on")),
            retry_on_not=tuple(self._tests(node, "retry_on_not")),
        )
        return Repeating(policy, tuple(times.late))

    def _backoff(self, node: MapNode) -> Backoff:
        given = node.get("backoff")
        if given is None:
            return Backoff.EXPONENTIAL
        if isinstance(given, Scalar) and given.value in _SPELLINGS:
            return _SPELLINGS[str(given.value)]
        return Backoff(self._findings.choice(given, "backoff", [word.value for word in Backoff]) or Backoff.EXPONENTIAL)

    def _tests(self, node: MapNode, key: str) -> Iterator[FailureTest]:
        given = node.get(key)
        items = given.items if isinstance(given, ListNode) else (given,) if given is not None else ()
        if given is not None and not items:
            self._findings.error(given, f"{key} is empty", hint=f"Remove it, or write {_allowed()}.")
        for item in items:
            if (test := self._test(item, key)) is not None:
                yield test

    def _test(self, node: Node, key: str) -> FailureTest | None:
        text = node.value.strip() if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        if text in _FAILURE_WORDS:
            return FailureWord(text)
        names = {*self._results, ERROR}
        if text.isidentifier() and text not in self._known.all(names) and text not in ("true", "false", "nil", "null"):
            hint = f"{did_you(text, _FAILURE_WORDS)} Write {_allowed()}.".strip()
            self._findings.error(node, f'{key} has no word "{text}"', hint=hint)
            return None
        return expression(self._findings, node, key, known=self._known, extra=names)

    def eventually(self, node: MapNode, word: str) -> Repeating:
        self._findings.keys(node, word, allowed=keys.names(keys.EVENTUALLY))
        if {"interval", "poll_interval"} <= node.entries.keys():
            self._findings.error(node.entries["poll_interval"][0], "poll_interval is another word for interval")
        times, stop, default = Times(self._findings, self._known, node, of=word), node.get("stop_on"), Eventually()
        names = {*self._results, ERROR}
        policy = Eventually(
            timeout=_or(times.seconds("timeout", zero=False), default.timeout),
            interval=_or(times.seconds("interval", alias="poll_interval"), default.interval),
            stable_for=_or(times.seconds("stable_for"), default.stable_for),
            stop_on=expression(self._findings, stop, "stop_on", known=self._known, extra=names) if stop else None,
        )
        self._check(node, policy, times)
        return Repeating(policy, tuple(times.late))

    def _check(self, node: MapNode, policy: Eventually, times: Times) -> None:
        """Note constants that leave no room for each other."""
        if times.is_late("timeout"):
            return
        if not times.is_late("stable_for") and (why := why_never(policy)):
            self._findings.error(node.entries.get("stable_for", (node,))[0], why, hint="Give it a longer timeout.")
        if not times.is_late("interval") and policy.interval >= policy.timeout:
            bound = f"a timeout of {show_duration(policy.timeout)}"
            what = f"an interval of {show_duration(policy.interval)} leaves time for one attempt only within {bound}"
            self._findings.warning(node, what, hint="Write a shorter interval, or a longer timeout.")


def why_never(policy: Eventually) -> str:
    """Why ``stable_for`` can't be reached whatever the service does, "" where it can."""
    if policy.stable_for < policy.timeout:
        return ""
    stable, timeout = show_duration(policy.stable_for), show_duration(policy.timeout)
    return f"stable_for of {stable} can't be reached within a timeout of {timeout}"


def _allowed() -> str:
    return f"{', '.join(_FAILURE_WORDS)}, or an expression such as status == 503"
