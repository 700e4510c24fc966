"""Reads a rendered config by its action's declaration: aliases resolved, kinds checked, text read as what it spells."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind, fault_of
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, show

_WORDS = {"true": True, "false": False}


def canonical(spec: ActionSpec, given: Mapping[str, Value]) -> dict[str, Value]:
    """``given`` under the declaration's own names, each value of its kind.

    A placeholder's text may spell the number or word that its key takes. Raises ``UsageError`` for anything else.
    """
    found: dict[str, Value] = {}
    for name, value in given.items():
        key = spec.key(name)
        if key is None:
            raise UsageError(f'{spec.name} has no key "{name}"')
        found[key.name] = _of_kind(key, value)
    return found


def _of_kind(key: Key, value: Value) -> Value:
    value = _spelled(key.kind, value)
    # Where a map belongs (auth, headers), text may be a secret: its kind says enough.
    found = kind_of(value) if key.kind is Kind.MAP else f"{kind_of(value)} {show(value, 80)}"
    fault = fault_of(key.kind, value, found=found) or (key.fault(value) if key.fault else "")
    if fault:
        raise UsageError(f"{key.name} {fault}")
    if key.choices and str(value).upper() not in key.choices:
        raise UsageError(f"{key.name} is one of {', '.join(key.choices)}, found {show(value, 80)}")
    return value


def _spelled(kind: Kind, value: Value) -> Value:
    """Text from a placeholder as the number or word that it spells; a number where text belongs as its digits."""
    if kind is Kind.TEXT and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return value
    if kind is Kind.BOOLEAN:
        return _WORDS.get(value.strip().lower(), value)
    if kind is Kind.INTEGER and value.strip().lstrip("-").isdecimal():
        return int(value)
    return value


class Config:
    """A canonical config with the defaults of its reader."""

    def __init__(self, spec: ActionSpec, values: Mapping[str, Value]) -> None:
        self._spec = spec
        self._values = values

    def value(self, name: str) -> Value:
        """What stands under ``name``, or nil."""
        return self._values.get(name)

    def has(self, name: str) -> bool:
        """Whether the config says it, be it nil."""
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """Text; a required one that is empty is refused."""
        value = self._values.get(name)
        if isinstance(value, str) and value.strip():
            return value
        key = self._spec.key(name)
        if key is not None and key.required:
            raise UsageError(f'{self._spec.name} needs "{name}", and it is empty')
        return value if isinstance(value, str) else default

    def seconds(self, name: str, default: float) -> float:
        """A duration in seconds."""
        value = self._values.get(name)
        return default if value is None else parse_duration(str(value))

    def integer(self, name: str, default: int) -> int:
        """A whole number."""
        value = self._values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else default

    def boolean(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._values.get(name)
        return value if isinstance(value, bool) else default

    def map(self, name: str) -> dict[str, Value]:
        """A map, empty where none was given."""
        value = self._values.get(name)
        return value if isinstance(value, dict) else {}

    def list(self, name: str) -> list[Value]:
        """A list, empty where none was given."""
        value = self._values.get(name)
        return value if isinstance(value, list) else []
