"""Reads what a kafka_consumer step asks for from its config."""

from __future__ import annotations

import time
from collections.abc import Mapping

from testmesh_engine.actions.base import Context
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.kafka_formats import read_formats
from testmesh_engine.actions.kafka_goals import Goal, Wanted
from testmesh_engine.actions.kafka_matching import NAMES, Match, read_match
from testmesh_engine.actions.kafka_start import read_start
from testmesh_engine.errors import UsageError

DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_SETTLE_SECONDS = 1.0


def read_wanted(config: Config, context: Context) -> Wanted:
    """What a step asks for. Raises ``UsageError`` for keys that contradict each other or can't be meant."""
    collect = config.value("collect_for")
    timeout = config.seconds("timeout", DEFAULT_TIMEOUT_SECONDS)
    match = _match(config, context)
    return Wanted(
        topic=config.text("topic").strip(),
        reader=config.text("group_id", context.written or context.step),
        match=match,
        goal=_goal(config),
        timeout=timeout if collect is None else config.seconds("collect_for", timeout),
        limit="timeout" if collect is None else "collect_for",
        start=read_start(config.value("start"), now=time.time()),
        formats=read_formats(config),
    )


def _match(config: Config, context: Context) -> Match:
    """Which messages are meant. Raises ``NoValueError`` for a variable without value, whatever comes."""
    given = config.value("match")
    match = read_match(given if isinstance(given, dict) else None, trace_id=context.trace_id, ask=context.check)
    for _, text in match.conditions:
        context.need(text, NAMES)
    return match


def fault_of_number(number: object) -> str:
    """What is wrong with a number of messages, "" where nothing is."""
    below = isinstance(number, int) and number < 1
    return f"is 1 or more, found {number}; for no message write absent: true" if below else ""


def contradiction(given: Mapping[str, object]) -> str:
    """What keys say against each other, "" for nothing; also as they are written, where a placeholder may be false."""
    ways = [name for name in ("count", "exactly") if given.get(name) is not None]
    ways += ["absent"] if given.get("absent") in (True, "true") else []
    if len(ways) > 1:
        return f"kafka_consumer takes {ways[0]} or {ways[1]}, not both"
    if given.get("collect_for") is not None and ways in (["exactly"], ["absent"]):
        return f"kafka_consumer takes collect_for or {ways[0]}, not both"
    if given.get("settle") is not None and ways != ["exactly"]:
        return "settle belongs to exactly: it is how long to wait for one message too many"
    return ""


def _goal(config: Config) -> Goal:
    if fault := contradiction(
        {name: config.value(name) for name in ("count", "exactly", "collect_for", "settle", "absent")}
    ):
        raise UsageError(fault)
    collects = config.value("collect_for") is not None
    if config.boolean("absent", default=False):
        return Goal(least=0, most=0)
    if config.value("exactly") is not None:
        number = _positive(config, "exactly")
        return Goal(least=number, most=number, settle=config.seconds("settle", DEFAULT_SETTLE_SECONDS))
    return Goal(least=_positive(config, "count"), prompt=not collects)


def _positive(config: Config, name: str) -> int:
    number = config.integer(name, 1)
    if fault := fault_of_number(number):
        raise UsageError(f"{name} {fault}")
    return number
