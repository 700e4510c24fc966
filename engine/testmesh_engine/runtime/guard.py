"""The last look before anything is told: no text of an event or a result leaves with a secret in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from testmesh_engine.contract.result import StepResult
from testmesh_engine.report.events import Event
from testmesh_engine.runtime.masking import Masker

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_OF_THE_FLOW = frozenset({"id", "step", "action", "file", "started_at", "seed"})
"""Texts of a result that tie its parts together, or that the run itself made."""

_NO_TEXTS = frozenset({"bool", "int", "float", "Phase", "Outcome"})
"""Types of fields that hold no text, or words of the engine only."""


class Guard:
    """Hands events on without the secrets that are known by then, whoever made them and whatever was learnt since."""

    def __init__(self, masker: Masker, tell: Callable[[Event], None]) -> None:
        self._masker = masker
        self._tell = tell
        self._steps: dict[int, tuple[StepResult, object, StepResult]] = {}

    def tell(self, event: Event) -> None:
        """Tell ``event``; names that tie the parts of a run together (ids, actions, files) are the flow's own."""
        self._tell(self._changed(event))

    def _step(self, step: StepResult) -> StepResult:
        """A step is told as it ends and again with its flow: it is looked through once for what is known."""
        seen = self._steps.get(id(step))
        if seen is None or seen[1] is not self._masker.known:
            seen = self._steps[id(step)] = (step, self._masker.known, self._changed(step))
        return seen[2]

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return value if isinstance(value, Enum) else self._masker.text(value)
        if value is None or isinstance(value, (int, float)):
            return value
        if isinstance(value, tuple):
            return tuple(map(self._value, value))
        if isinstance(value, (dict, list, Mapping)):
            return self._masker.once_more(value)
        if isinstance(value, StepResult):
            return self._step(value)
        return self._changed(value) if is_dataclass(value) and not isinstance(value, type) else value

    def _changed(self, value: T) -> T:
        changed = {}
        for name in _fields_of(type(value)):
            old = getattr(value, name)
            new = self._value(old)
            if new is not old and new != old:
                changed[name] = new
        return replace(value, **changed) if changed else value


@cache
def _fields_of(kind: type[DataclassInstance]) -> tuple[str, ...]:
    """The fields that may hold a text that is looked through."""
    own = {field.name for field in fields(kind) if field.name in _OF_THE_FLOW and field.type == "str"}
    return tuple(field.name for field in fields(kind) if field.name not in own and field.type not in _NO_TEXTS)
