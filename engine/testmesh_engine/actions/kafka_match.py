"""Which messages a ``kafka_consumer`` step means, and how the others differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from testmesh_engine.expressions import MISSING, Missing, Value, equal, kind_of, show


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a message must have; ``None`` and nothing given match all."""

    key: Value = None
    headers: Mapping[str, Value] = field(default_factory=dict)
    value: Value | Missing = MISSING

    def differences(self, message: Mapping[str, Value]) -> list[str]:
        """What differs, none if the message matches."""
        return list(self._differences(message))

    def _differences(self, message: Mapping[str, Value]) -> Iterator[str]:
        if self.key is not None:
            yield from _text_differs("key", self.key, message["key"])
        headers = message["headers"]
        for name, wanted in self.headers.items():
            found = headers.get(name, MISSING) if isinstance(headers, dict) else MISSING
            yield from _text_differs(f"header {name}", wanted, found)
        if not isinstance(self.value, Missing):
            yield from differences("value", self.value, message["value"])


def differences(where: str, wanted: Value, found: Value | Missing) -> Iterator[str]:
    """How ``found`` fails to include ``wanted``: maps may have more keys, all else is equal."""
    if isinstance(found, Missing):
        yield f"{where} is not there"
    elif isinstance(wanted, dict) and isinstance(found, dict):
        for key, part in wanted.items():
            yield from differences(f"{where}.{key}", part, found.get(key, MISSING))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, part in enumerate(wanted):
            yield from differences(f"{where}[{index}]", part, found[index])
    elif not equal(wanted, found):
        yield f"{where}: {_shown(found)} against {_shown(wanted, other=found)}"


def _text_differs(where: str, wanted: Value, found: Value | Missing) -> Iterator[str]:
    """Keys and headers are text on the wire: a number is compared by its digits."""
    text = wanted if isinstance(wanted, (str, bytes)) else show(wanted)
    if isinstance(found, Missing) or found is None:
        yield f"{where} is not there"
    elif text != found:
        yield f"{where}: {show(found, 80)} against {show(text, 80)}"


def _shown(value: Value, other: Value = None) -> str:
    shown = show(value, 80)
    return shown if other is not None and kind_of(other) == kind_of(value) else f"{kind_of(value)} {shown}"
