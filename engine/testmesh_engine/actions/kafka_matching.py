"""Which messages a step means: its ``match``, and in what a message differs from it. Pure functions of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from testmesh_engine.actions.kafka_record import Record, text_or_bytes
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, equal, kind_of, nearest, show, to_json

KEYS = ("key", "headers", "value")
PLANNED = {
    "json_path": "Give value: the part of the message that must be there.",
    "where": "Give value: the part of the message that must be there, or assert on messages.",
    "trace": "Match on a value that only this run uses.",
}
"""Keys of ``match`` that come later, with what to write instead."""

_SHOWN = 80
_MOST_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Match:
    """What a message must have; ``given`` names the parts that the step speaks of (none: every message is meant)."""

    given: frozenset[str] = frozenset()
    key: Value = None
    headers: Mapping[str, Value] = field(default_factory=dict)
    value: Value = None


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A message that was not meant, and in what it differs."""

    record: Record
    differences: tuple[str, ...]


def read_match(given: Mapping[str, Value] | None) -> Match:
    """The match that a step's config holds; ``None`` where it has none. Raises ``UsageError`` for unknown keys."""
    if given is None:
        return Match()
    for name in given:
        _check_key(name)
    if not given:
        raise UsageError(f"match is empty: give {', '.join(KEYS[:-1])} or {KEYS[-1]}, or leave it out")
    headers = given.get("headers", {})
    if not isinstance(headers, dict):
        raise UsageError(f"headers of match is a map of names and texts, found {kind_of(headers)}")
    return Match(given=frozenset(given), key=given.get("key"), headers=headers, value=given.get("value"))


def _check_key(name: str) -> None:
    if name in KEYS:
        return
    if name in PLANNED:
        raise UsageError(f'not supported yet: "{name}" of match', hint=PLANNED[name])
    near = nearest(name, (*KEYS, *PLANNED))
    hint = f'Did you mean "{near}"?' if near else f"It has {', '.join(KEYS)}."
    raise UsageError(f'match has no key "{name}"', hint=hint)


def differences(record: Record, match: Match) -> tuple[str, ...]:
    """In what ``record`` differs from what is meant, each ``user_id: text "42" against number 42``; none: it matches.

    ``value`` is a part: a map needs the keys that ``match`` names, at every depth; a list needs as many items, each
    with its part. Keys and headers are text in Kafka, so a number matches the text of its digits there.
    """
    found: list[str] = []
    for difference in _all_differences(record, match):
        found.append(difference)
        if len(found) == _MOST_DIFFERENCES:
            break
    return tuple(found)


def _all_differences(record: Record, match: Match) -> Iterator[str]:
    if "key" in match.given:
        yield from _text_differences("key", text_or_bytes(record.key), match.key)
    headers = record.header_values
    for name, wanted in match.headers.items():
        if name not in headers:
            yield f"header {name}: not there"
        else:
            yield from _text_differences(f"header {name}", headers[name], wanted)
    if "value" in match.given:
        yield from _part_differences("", record.content, match.value)


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


def near_misses(records: Sequence[Record], match: Match, *, most: int) -> list[NearMiss]:
    """Those that differ the least, at most ``most`` of them; among equals the newest first."""
    missed = [NearMiss(record, found) for record in reversed(records) if (found := differences(record, match))]
    return sorted(missed, key=lambda miss: len(miss.differences))[:most]
