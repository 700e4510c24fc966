"""Reads what a kafka_consumer step asks for from its config."""

from __future__ import annotations

import time

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


def _goal(config: Config) -> Goal:
    given = [name for name in ("count", "exactly") if config.value(name) is not None]
    given += ["absent"] if config.boolean("absent", default=False) else []
    if len(given) > 1:
        raise UsageError(f"kafka_consumer takes {given[0]} or {given[1]}, not both")
    collects = config.value("collect_for") is not None
    if collects and given in (["exactly"], ["absent"]):
        raise UsageError(f"kafka_consumer takes collect_for or {given[0]}, not both")
    if config.value("settle") is not None and given != ["exactly"]:
        raise UsageError("settle belongs to exactly: it is how long to wait for one message too many")
    if given == ["absent"]:
        return Goal(least=0, most=0)
    if given == ["exactly"]:
        number = _positive(config, "exactly")
        return Goal(least=number, most=number, settle=config.seconds("settle", DEFAULT_SETTLE_SECONDS))
    return Goal(least=_positive(config, "count"), prompt=not collects)


def _positive(config: Config, name: str) -> int:
    number = config.integer(name, 1)
    if number < 1:
        raise UsageError(f"{name} is 1 or more, found {number}", hint="For no message write absent: true.")
    return number
