"""What the names of a running flow mean, in the order of the language.

First found: the row of data and the inputs; the step's result; what was captured; steps by id; env; the built-in ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import TypeVar, cast

from testmesh_engine.actions.base import Result
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Outcome
from testmesh_engine.expressions import MISSING, Missing, NoValueError, Unset, Value
from testmesh_engine.language.model import Step
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.builtins import Moment

_T = TypeVar("_T")


@dataclass(slots=True)
class Memory:
    """What a flow has learnt so far."""

    env: dict[str, Value]
    given: dict[str, dict[str, Value]] = field(default_factory=dict)
    """``row`` of a flow with data, ``input`` of one with inputs."""
    flow: dict[str, Value] = field(default_factory=dict)
    """``name`` and ``output`` of the flow itself."""
    flow_absent: str = "the flow's output is known in teardown"
    captured: dict[str, Value] = field(default_factory=dict)
    steps: dict[str, Value] = field(default_factory=dict)
    error: Value = None
    """That of the step that failed last."""
    ends: dict[str, dict[str, Value]] = field(default_factory=dict)
    """How each step with an id has ended: ``outcome``, and ``error`` {message, kind, timeout} or nil."""
    absent: dict[str, str] = field(default_factory=dict)
    """Names that no step has given a value yet, each with the reason."""
    local: Mapping[str, Value] = field(default_factory=dict)
    """What loops around the steps give: nothing but ``env``, ``vars`` and ``steps`` comes before it."""
    lost: dict[str, str] = field(default_factory=dict)
    """Names whose last step failed to give them one, each with the reason: nothing else stands in for it."""

    def expect(self, steps: Iterable[Step]) -> None:
        """Everything that ``steps`` may give later has no value yet."""
        for step in steps:
            self.pass_over(step, f"step {step.shown} was not run")
            self.ended(step, Outcome.NOT_RUN)

    def inside(self, names: Mapping[str, Value]) -> Memory:
        """The memory of a loop's round: the same, what is learnt included, and ``names``."""
        return replace(self, local={**self.local, **names})

    def begin_round(self, steps: Iterable[Step], *, kept: Collection[str]) -> None:
        """What ``steps`` gave in the round before is not meant in this one; ``kept`` is what had a value before it."""
        for step in steps:
            for name in self._drop(step, kept):
                self.lost.pop(name, None)
                self.absent[name] = f"step {step.shown} was not run"
            self.ended(step, Outcome.NOT_RUN)

    def leave_out(self, steps: Iterable[Step], reason: str, *, kept: Collection[str]) -> None:
        """What ``steps`` gave has no value any more, for ``reason``, but for what was ``kept``."""
        for step in steps:
            for name in self._drop(step, kept):
                self.lost[name] = reason

    def _drop(self, step: Step, kept: Collection[str]) -> Iterator[str]:
        for name in _given_by(step):
            if name == step.id or name not in kept:
                self.captured.pop(name, None)
                self.steps.pop(name, None)
                yield name

    def apart(self) -> Memory:
        """A memory that begins with what this one knows, and learns by itself."""
        return replace(
            self,
            captured=dict(self.captured),
            steps=dict(self.steps),
            ends=dict(self.ends),
            absent=dict(self.absent),
            lost=dict(self.lost),
        )

    def take_over(self, other: Memory, steps: Iterable[Step]) -> None:
        """Learn what ``other``, which was apart, has learnt of ``steps``."""
        for step in steps:
            for name in _given_by(step):
                _copy(name, other.captured, self.captured)
                _copy(name, other.steps, self.steps)
                _copy(name, other.absent, self.absent)
                _copy(name, other.lost, self.lost)
                _copy(name, other.ends, self.ends)
        self.error = other.error if other.error is not None else self.error

    def begin_teardown(self, steps: Iterable[Step]) -> None:
        """An id that teardown gives anew means its own step from now on."""
        for step in steps:
            if step.id in self.ends:
                self.steps.pop(step.id, None)
                self.lost[step.id] = f"step {step.shown} of teardown was not run"
                self.ended(step, Outcome.NOT_RUN)

    def ended(self, step: Step, outcome: Outcome, error: Value = None) -> None:
        """``step`` has ended so; ``error`` is what went wrong with it, nil where nothing did."""
        if error is not None:
            self.error = error
        if step.id:
            self.ends[step.id] = {"outcome": str(outcome), "error": error}

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
            response = result.get("response", result)
            self.steps[step.id] = {**result, **captured, "result": result, "response": response}
        for name in (step.id, *captured):
            self.lost.pop(name, None)

    def capturing(self) -> Memory:
        """The memory as a step's outputs and assertions see it: what they capture of its result is known at once."""
        return replace(self, captured=dict(self.captured), lost=dict(self.lost))

    def capture(self, name: str, value: Value) -> None:
        """The step that is being looked at gives ``name`` a value."""
        self.captured[name] = value
        self.lost.pop(name, None)

    def miss(self, name: str) -> None:
        """It does not: what an earlier step gave is not what is meant."""
        self.captured.pop(name, None)
        self.lost[name] = "the step has not found it"

    def why_without(self, name: str) -> str:
        """Why a name that is known has no value, "" for one that nobody knows."""
        return self.lost.get(name) or self.absent.get(name, "")

    def all_captured(self) -> dict[str, Value]:
        """``vars``: what was captured; a name that was to be and was not is no absent key."""
        reasons = {name: why for name, why in {**self.absent, **self.lost}.items() if name not in self.ends}
        return _Partial(self.captured, "vars", reasons)

    def all_steps(self) -> dict[str, Value]:
        """``steps``: each step with an id, also one that has no result, with its ``outcome`` and ``error``."""
        return {step_id: self._step(step_id, end) for step_id, end in self.ends.items()}

    def _step(self, step_id: str, end: dict[str, Value]) -> dict[str, Value]:
        result = self.steps.get(step_id)
        if isinstance(result, dict):
            return {**result, **end}
        return _Partial(end, f"steps.{step_id}", self.why_without(step_id) or "it has no result")

    def about_flow(self, *, failed: bool) -> dict[str, Value]:
        """``flow``: its name, its status so far, and in teardown its output."""
        output = self.flow.get("output")
        given = output if isinstance(output, dict) else {}
        return {
            **self.flow,
            "status": "failed" if failed else "success",
            "output": _Partial(given, "flow.output", self.flow_absent),
        }


class _Partial(dict[str, "Value"]):
    """A map of which some keys are known and have no value: reading one says why, and it does not equal nil.

    ``reasons`` are those keys with their reasons, or one reason for all that are not there.
    """

    def __init__(self, values: Mapping[str, Value], where: str, reasons: Mapping[str, str] | str) -> None:
        super().__init__(values)
        self._where = where
        self._reasons = reasons

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or isinstance(self._reasons, str) or key in self._reasons

    def __getitem__(self, key: str) -> Value:
        if super().__contains__(key):
            return super().__getitem__(key)
        why = self._reasons if isinstance(self._reasons, str) else self._reasons[key]
        # Expressions take a value that is not there for what it is: `??`, `?.` and `exists` go on from it.
        return cast("Value", Unset(NoValueError(f"{self._where}.{key} has no value: {why}")))


def _copy(name: str, theirs: dict[str, _T], mine: dict[str, _T]) -> None:
    if name in theirs:
        mine[name] = theirs[name]
    else:
        mine.pop(name, None)


def _given_by(step: Step) -> Iterable[str]:
    return filter(None, (step.id, *(capture.name for capture in step.outputs)))


class FlowScope:
    """The names at one step; ``result`` is there for its outputs and assertions only.

    ``error`` is that of the attempt or step that is being looked at; nil stands for the step that failed last.
    """

    def __init__(self, memory: Memory, at: Moment, result: Result | None = None, *, error: Value = None) -> None:
        self._memory = memory
        self._at = at
        self._result = result
        self._error = error

    def lookup(self, name: str) -> Value | Missing:
        """The value of ``name``. Raises ``NoValueError`` for one whose step did not give it."""
        if name in _ROOTS:
            return self._root(name)
        memory = self._memory
        given = memory.local[name] if name in memory.local else memory.given.get(name, MISSING)
        if given is not MISSING:
            return given
        result = self._result
        if result is not None:
            if name == "result":
                return result
            if name in result:
                return result[name]
            if name == "response":
                return result
        return self._without_result(name)

    def names(self) -> Iterable[str]:
        """All names, those without value included."""
        memory = self._memory
        own = () if self._result is None else (*self._result, "result", "response")
        return (
            *own,
            *memory.local,
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
        return _InPlaceholder(self._memory, self._at, self._result, error=self._error)

    def from_env(self, name: str) -> bool:
        """Whether ``name`` means an env layer here."""
        memory = self._memory
        nearer = (memory.local, memory.captured, memory.steps, self._result or {})
        return name in memory.env and not any(name in layer for layer in nearer)

    def _root(self, name: str) -> Value:
        memory = self._memory
        if name == "env":
            return memory.env
        return memory.all_steps() if name == "steps" else memory.all_captured()

    def _without_result(self, name: str) -> Value | Missing:
        memory = self._memory
        if name in memory.captured:
            return memory.captured[name]
        if name in memory.steps:
            return memory.steps[name]
        if name in memory.lost:
            raise NoValueError(f"{name} has no value: {memory.lost[name]}")
        if name in memory.env:
            return memory.env[name]
        if name in memory.absent:
            raise NoValueError(f"{name} has no value: {memory.absent[name]}")
        if name == "error":
            return memory.error if self._error is None else self._error
        if name == "flow":
            return memory.about_flow(failed=self._at.failed)
        return builtins.lookup(name, self._at) if name in builtins.NAMES else MISSING


_ROOTS = frozenset({"env", "vars", "steps"})
"""What nothing shadows."""


class _InPlaceholder(FlowScope):
    def lookup(self, name: str) -> Value | Missing:
        """The value of ``name``, captured variables before the result."""
        for layer in (self._memory.local, self._memory.captured):
            if name in layer:
                return layer[name]
        return super().lookup(name)

    def in_placeholder(self) -> FlowScope:
        """This one."""
        return self
