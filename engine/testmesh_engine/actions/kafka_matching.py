"""Which messages a step means: its ``match``, and in what a message differs from it. Pure functions of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import islice

from testmesh_engine.actions.kafka_record import Message
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Check, Value, equal, kind_of, nearest, show, to_json

_KEYS = ("key", "headers", "value", "json_path", "where", "trace")
NAMES = ("$", "key", "value", "headers", "topic", "partition", "offset", "timestamp", "raw", "message")
"""What the expressions of ``json_path`` and ``where`` may read of a message; ``$`` is its value."""

Ask = Callable[[str, Mapping[str, Value]], Check]
"""An expression of the step's config as a condition on these names."""


def _nobody(text: str, _: Mapping[str, Value]) -> Check:
    raise UsageError(f"{text} can't be evaluated here")


_SHOWN = 80
_MOST_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Match:
    """What a message must have; ``given`` names the parts that the step speaks of (none: every message is meant)."""

    given: frozenset[str] = frozenset()
    key: Value = None
    headers: Mapping[str, Value] = field(default_factory=dict)
    value: Value = None
    conditions: tuple[tuple[str, str], ...] = ()
    """Expressions, each with the key that it stands under."""
    trace_id: str = ""
    """The trace that a message must belong to, "" for any."""
    ask: Ask = _nobody


@dataclass(frozen=True, slots=True)
class _Difference:
    """``certain`` is unset where it can't be said whether the message is meant."""

    said: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A message that was not meant, and in what it differs."""

    message: Message
    differences: tuple[str, ...]


def fault_of_match(given: object) -> str:
    """What is wrong with a ``match`` as it is written, beside its keys' kinds; "" where nothing is."""
    return f"is empty: give {', '.join(_KEYS[:-1])} or {_KEYS[-1]}, or leave it out" if given == {} else ""


def fault_of_part(given: object) -> str:
    """What is wrong with a part that a message must hold, "" where nothing is."""
    return "is an empty map, which any other fits: name what it must hold, or leave it out" if given == {} else ""


def read_match(given: Mapping[str, Value] | None, *, trace_id: str = "", ask: Ask | None = None) -> Match:
    """The match that a step's config holds; ``None`` where it has none. Raises ``UsageError`` for unknown keys."""
    if given is None:
        return Match()
    for name in given:
        _check_key(name)
    if fault := fault_of_match(given):
        raise UsageError(f"match {fault}")
    for name in ("value", "headers"):
        if fault := fault_of_part(given.get(name)):
            raise UsageError(f"{name} of match {fault}")
    headers = given.get("headers", {})
    if not isinstance(headers, dict):
        raise UsageError(f"headers of match is a map of names and texts, found {kind_of(headers)}")
    conditions = tuple((name, text) for name in ("json_path", "where") for text in _texts(name, given.get(name)))
    return Match(
        given=frozenset(given),
        key=given.get("key"),
        headers=headers,
        value=given.get("value"),
        conditions=conditions,
        trace_id=_trace(given.get("trace"), trace_id),
        ask=ask or _nobody,
    )


def _check_key(name: str) -> None:
    if name in _KEYS:
        return
    near = nearest(name, _KEYS)
    hint = f'Did you mean "{near}"?' if near else f"It has {', '.join(_KEYS)}."
    raise UsageError(f'match has no key "{name}"', hint=hint)


def _texts(name: str, given: Value) -> Iterator[str]:
    for text in given if isinstance(given, list) else [] if given is None else [given]:
        if not isinstance(text, str):
            raise UsageError(f"{name} of match is an expression or a list of them, found {kind_of(text)}")
        yield text


def _trace(given: Value, trace_id: str) -> str:
    if given is None or given is False or given == "false":
        return ""
    if given is not True and given != "true":
        raise UsageError(f"trace of match is true or false, found {kind_of(given)} {show(given, _SHOWN)}")
    if not trace_id:
        raise UsageError("trace of match: this run has no trace")
    return trace_id


def differences(message: Message, match: Match) -> tuple[str, ...]:
    """In what a message differs from what is meant, each ``user_id: text "42" against number 42``; none: it matches.

    ``value`` is a part: a map needs the keys that ``match`` names, at every depth; a list needs as many items, each
    with its part. Keys and headers are text in Kafka, so a number matches the text of its digits there.
    """
    return tuple(difference.said for difference in islice(_all_differences(message, match), _MOST_DIFFERENCES))


def doubts(message: Message, match: Match) -> tuple[str, ...]:
    """Why it can't be said whether a message is meant; none where it is certain that it is, or is not."""
    found = list(_all_differences(message, match))
    return tuple(difference.said for difference in found) if not any(each.certain for each in found) else ()


def _all_differences(message: Message, match: Match) -> Iterator[_Difference]:
    yield from map(_Difference, _outside_value(message, match))
    if message.key_fault and "key" in match.given:
        yield _Difference(message.key_fault, certain=False)
    if message.value_fault and (match.conditions or "value" in match.given):
        yield _Difference(message.value_fault, certain=False)
        return
    if "value" in match.given:
        yield from map(_Difference, _part_differences("", message.value, match.value))
    yield from _unmet(message, match)


def _outside_value(message: Message, match: Match) -> Iterator[str]:
    headers = message.record.header_values
    for name, wanted in match.headers.items():
        if name not in headers:
            yield f"header {name}: not there{_similar_key(name, headers)}"
        else:
            yield from _text_differences(f"header {name}", headers[name], wanted)
    if match.trace_id:
        yield from _trace_differences(headers.get("traceparent"), match.trace_id)
    if "key" in match.given and not message.key_fault:
        yield from _key_differences(message.key, match.key)


def _trace_differences(found: Value, wanted: str) -> Iterator[str]:
    """Of https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, the caller's id, flags."""
    if found is None:
        yield "trace: it has no header traceparent"
        return
    parts = found.split("-") if isinstance(found, str) else []
    if len(parts) < 4 or parts[1].lower() != wanted:
        yield f"trace: traceparent {show(found, _SHOWN)} is not of this run's trace {wanted}"


def _unmet(message: Message, match: Match) -> Iterator[_Difference]:
    entry = message.entry
    names: dict[str, Value] = {**entry, "$": message.value, "message": entry}
    for key, text in match.conditions:
        check = match.ask(text, names)
        if not check.holds:
            yield _Difference(f"{key}: {check.message}", certain=check.evaluated)


def _key_differences(found: Value, wanted: Value) -> Iterator[str]:
    """A key that is read by a schema is a value; any other is text."""
    if isinstance(found, (dict, list)) or isinstance(wanted, (dict, list)):
        yield from _part_differences("key", found, wanted)
    elif not equal(found, wanted):
        yield from _text_differences("key", found, wanted)


def _text_differences(where: str, found: Value, wanted: Value) -> Iterator[str]:
    if not equal(found, _as_text(wanted)):
        yield f"{where}: {show(found, _SHOWN)} against {show(wanted, _SHOWN)}"


def _as_text(wanted: Value) -> Value:
    return wanted if wanted is None or isinstance(wanted, (str, bytes)) else to_json(wanted)


def _part_differences(path: str, found: Value, part: Value) -> Iterator[str]:
    if isinstance(part, dict) and isinstance(found, dict):
        for key, wanted in part.items():
            below = f"{path}.{key}" if path else key
            if key not in found:
                yield f"{below}: not there{_similar_key(key, found)}"
            else:
                yield from _part_differences(below, found[key], wanted)
    elif isinstance(part, list) and isinstance(found, list):
        yield from _list_differences(path, found, part)
    elif not equal(found, part):
        yield f"{path or 'value'}: {_against(found, part)}"


def _list_differences(path: str, found: list[Value], part: list[Value]) -> Iterator[str]:
    if len(found) != len(part):
        yield f"{path or 'value'}: {len(found)} items against {len(part)}"
        return
    for index, (item, wanted) in enumerate(zip(found, part, strict=True)):
        yield from _part_differences(f"{path or 'value'}[{index}]", item, wanted)


def _similar_key(key: str, found: Mapping[str, Value]) -> str:
    near = nearest(key, found)
    return f", but {near} is" if near else ""


def _against(found: Value, wanted: Value) -> str:
    if kind_of(found) == kind_of(wanted):
        return f"{show(found, _SHOWN)} against {show(wanted, _SHOWN)}"
    return f"{_named(found)} against {_named(wanted)}"


def _named(value: Value) -> str:
    return "nil" if value is None else f"{kind_of(value)} {show(value, _SHOWN)}"


def near_misses(messages: Sequence[Message], match: Match, *, most: int) -> list[NearMiss]:
    """Those that differ the least, at most ``most`` of them; among equals the newest first."""
    missed = [NearMiss(message, found) for message in reversed(messages) if (found := differences(message, match))]
    return sorted(missed, key=lambda miss: len(miss.differences))[:most]
