"""What a ``websocket`` step does with its connection: one action, or a list of them, read from its config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from testmesh_engine.actions.config import Config
from testmesh_engine.contract.catalogue import Kind, fault_of
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, show

WORDS = ("connect", "send", "receive", "close")
_MESSAGE = ("message", "data", "payload")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "connect": (),
    "send": _MESSAGE,
    "receive": ("count", "match", "timeout"),
    "close": ("code", "reason", "timeout"),
}
NORMAL_CLOSURE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing to do. ``seconds``: how long a ``receive`` or ``close`` may wait, ``None`` for as long as the step."""

    word: str
    message: Value = None
    count: int = 1
    match: Value = None
    seconds: float | None = None
    code: int = NORMAL_CLOSURE
    reason: str = ""


def fault_of_actions(actions: object) -> str:
    """What is wrong with ``actions``, "" where nothing is."""
    if not isinstance(actions, list) or not actions:
        return "takes a list with at least one action"
    return next((f"{fault} (number {number})" for number, one in enumerate(actions, 1) if (fault := _fault(one))), "")


def _fault(one: object) -> str:
    shape = f"takes actions such as {{action: send, message: …}}, each one of {', '.join(WORDS)}"
    if isinstance(one, str):
        return "" if one in WORDS else f"{shape}, found {one[:40]}"
    if not isinstance(one, dict):
        return shape
    word, given = _split(one)
    if word not in WORDS:
        return f"{shape}, found {show(word, 40) if isinstance(word, str) else 'none'}"
    unknown = [key for key in given if key not in _KEYS[word]]
    if unknown:
        allowed = ", ".join(_KEYS[word]) or "nothing beside it"
        return f'has no key "{unknown[0]}" for {word}, which takes {allowed}'
    if word == "send" and not given:
        return "has a send without message"
    return next(_faults(given), "")


def _faults(given: Mapping[str, object]) -> Iterator[str]:
    if fault := fault_of_match(given.get("match")):
        yield f"match {fault}"
    kinds = {"count": Kind.INTEGER, "timeout": Kind.DURATION, "code": Kind.INTEGER, "reason": Kind.TEXT}
    for key, kind in kinds.items():
        value = given.get(key)
        if value is not None and not _is_placeholder(value):
            fault = fault_of(kind, value, found=str(value)[:40])
            if fault:
                yield f"{key} {fault}"


def fault_of_match(match: object) -> str:
    """What is wrong with the part that a message must hold, "" where nothing is."""
    return "is an empty map, which any other fits: name what it must hold, or leave it out" if match == {} else ""


def _is_placeholder(value: object) -> bool:
    return isinstance(value, str) and ("${" in value or "{{" in value)


def _split(one: Mapping[str, object]) -> tuple[object, dict[str, object]]:
    """The word of an action and what it takes: ``{action: send, message: m}`` or ``{send: m}``."""
    for key in ("action", "type"):
        if key in one:
            return one[key], {name: value for name, value in one.items() if name != key}
    word = next((word for word in WORDS if word in one), None)
    rest = {name: value for name, value in one.items() if name != word}
    below = one.get(word) if word else None
    if word == "send":
        return word, {"message": below, **rest}
    return word, {**(below if isinstance(below, dict) else {}), **rest}


def script_of(settings: Config) -> list[Act]:
    """What the step does, in order. Raises ``UsageError``."""
    actions, action = settings.list("actions"), settings.text("action").lower()
    if actions and action:
        raise UsageError("websocket takes action or actions, not both")
    if not actions and not action:
        raise UsageError("websocket needs action or actions", hint=f"One of {', '.join(WORDS)}, or a list of them.")
    if actions:
        if fault := fault_of_actions(actions):
            raise UsageError(f"actions {fault}")
        return [_act(*_split(one)) if isinstance(one, dict) else Act(word=str(one)) for one in actions]
    given = {name: settings.value(name) for name in ("message", "count", "match", "code", "reason")}
    return [_act(action, {name: value for name, value in given.items() if value is not None})]


def _act(word: object, given: Mapping[str, object]) -> Act:
    count, timeout, code = given.get("count"), given.get("timeout"), given.get("code")
    if isinstance(count, int) and count < 1:
        raise UsageError(f"count is 1 or more, found {count}")
    if fault := fault_of_match(given.get("match")):
        raise UsageError(f"match {fault}")
    return Act(
        word=str(word),
        message=next((given[name] for name in _MESSAGE if name in given), None),  # type: ignore[arg-type]  # of a config
        count=count if isinstance(count, int) else 1,
        match=given.get("match"),  # type: ignore[arg-type]  # the same
        seconds=None if timeout is None else parse_duration(str(timeout)),
        code=code if isinstance(code, int) else NORMAL_CLOSURE,
        reason=str(given.get("reason") or ""),
    )
