"""What the names of a running flow mean, in the order of the language: result, captured, steps, env, built-ins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from testmesh_engine.actions.base import Result
from testmesh_engine.expressions import MISSING, EvaluationError, Missing, Value
from testmesh_engine.language.model import Step
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.builtins import Moment


class NoValueError(EvaluationError):
    """The name is known, and the step that would give it a value did not."""


@dataclass(slots=True)
class Memory:
    """What a flow has learnt so far."""

    env: dict[str, Value]
    captured: dict[str, Value] = field(default_factory=dict)
    steps: dict[str, Value] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """Names that no step has given a value yet, each with the reason."""
    lost: dict[str, str] = field(default_factory=dict)
    """Names whose last step failed to give them one, each with the reason: nothing else stands in for it."""

    def expect(self, steps: Iterable[Step]) -> None:
        """Everything that ``steps`` may give later has no value yet."""
        for step in steps:
            self.pass_over(step, f"step {step.shown} was not run")

    def pass_over(self, step: Step, reason: str) -> None:
        """``step`` is left out: what it would give keeps the value of an earlier one, else has none."""
        for name in _given_by(step):
            if name not in self.captured and name not in self.steps:
                self.absent[name] = reason

    def forget(self, step: Step, reason: str) -> None:
        """``step`` has failed to give its names a value: what they had before is not what is meant any more."""
        for name in _given_by(step):
            self.captured.pop(name, None)
            self.steps.pop(name, None)
            self.lost[name] = reason

    def remember(self, step: Step, result: Result, captured: Mapping[str, Value]) -> None:
        """What ``step`` gave; of its outputs those that are not ``captured`` were not found."""
        self.forget(step, f"step {step.shown} failed")
        self.captured.update(captured)
        if step.id:
            self.steps[step.id] = {**result, "result": result, "response": result, **captured}
        for name in (step.id, *captured):
            self.lost.pop(name, None)


def _given_by(step: Step) -> Iterable[str]:
    return filter(None, (step.id, *(capture.name for capture in step.outputs)))


_ROOTS = {"env": "env", "vars": "captured", "steps": "steps"}
"""What nothing shadows, and the field of the memory that it is."""


class FlowScope:
    """The names at one step; ``result`` and what was just ``captured`` of it are there for its assertions only."""

    def __init__(
        self, memory: Memory, at: Moment, result: Result | None = None, captured: Mapping[str, Value] | None = None
    ) -> None:
        self._memory = memory
        self._captured = captured or {}
        self._at = at
        self._result = result

    def lookup(self, name: str) -> Value | Missing:
        """The value of ``name``. Raises :class:`NoValueError` for one whose step did not give it."""
        if name in _ROOTS:
            return getattr(self._memory, _ROOTS[name])  # type: ignore[no-any-return]  # each is a map of values
        result = self._result
        if result is not None:
            if name in result:
                return result[name]
            if name in {"result", "response"}:
                return result
        return self._without_result(name)

    def names(self) -> Iterable[str]:
        """All names, those without value included."""
        memory = self._memory
        own = () if self._result is None else (*self._result, "result", "response")
        return (
            *own,
            *self._captured,
            *memory.captured,
            *memory.steps,
            *memory.env,
            *memory.absent,
            *memory.lost,
            *builtins.NAMES,
        )

    def in_placeholder(self) -> FlowScope:
        """The scope of placeholders, where captured variables come before result keys."""
        if self._result is None:
            return self
        return _InPlaceholder(self._memory, self._at, self._result, self._captured)

    def from_env(self, name: str) -> bool:
        """Whether ``name`` means an env layer here."""
        memory = self._memory
        nearer = (self._captured, memory.captured, memory.steps, self._result or {})
        return name in memory.env and not any(name in layer for layer in nearer)

    def _without_result(self, name: str) -> Value | Missing:
        memory = self._memory
        for layer in (self._captured, memory.captured, memory.steps):
            if name in layer:
                return layer[name]
        if name in memory.lost:
            raise NoValueError(f"{name} has no value: {memory.lost[name]}")
        if name in memory.env:
            return memory.env[name]
        if name in memory.absent:
            raise NoValueError(f"{name} has no value: {memory.absent[name]}")
        return builtins.lookup(name, self._at) if name in builtins.NAMES else MISSING


class _InPlaceholder(FlowScope):
    def lookup(self, name: str) -> Value | Missing:
        """The value of ``name``, captured variables first."""
        for layer in (self._captured, self._memory.captured):
            if name in layer:
                return layer[name]
        return super().lookup(name)

    def in_placeholder(self) -> FlowScope:
        """This one."""
        return self
