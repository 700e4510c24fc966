"""The keys that a step's result can have: any other one is mistyped, and would pass as a key that is absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from testmesh_engine.contract.catalogue import ActionSpec
from testmesh_engine.expressions import nearest
from testmesh_engine.language.findings import did_you
from testmesh_engine.language.model import Flow
from testmesh_engine.language.roots import FLOW_KEYS

WHOLE: tuple[str, ...] = ("result", "response")
"""Names of the whole result."""

ALWAYS: tuple[str, ...] = ("request", "duration_ms", "time")
"""What every action exposes beside its own result keys."""

_ENDS = ("outcome", "error")
"""What only ``steps.<id>`` has."""

ERROR_KEYS = ("message", "kind", "timeout")
"""What ``error`` has, where it is not nil."""

Fault = tuple[str, str]
"""What is wrong, and what to do about it."""


@dataclass(frozen=True, slots=True)
class ResultKeys:
    """What a step's result has by its action, and what the step ``captured``."""

    own: frozenset[str]
    captured: frozenset[str] = frozenset()
    below: Mapping[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    """All keys of the maps in it that are known, by the keys that lead to each."""

    @classmethod
    def of(cls, spec: ActionSpec, calls: Flow | None = None) -> ResultKeys | None:
        """Those of the action; ``None`` where it does not say all of them: results of nested steps have their ids.

        ``calls`` is the flow that the step calls, whose output is a part of its result.
        """
        is_open = not spec.results or any(key.kind.nests for key in spec.keys)
        below = {} if calls is None else _of_call(calls)
        return None if is_open else cls(frozenset((*spec.results, *ALWAYS)), below=below)

    def fault_of_whole(self, where: str, keys: Sequence[str]) -> Fault | None:
        """What is wrong with reading ``keys`` one after the other of the whole result, which is called ``where``."""
        if not keys or keys[0] in self.own:
            return self.fault_below(where, keys)
        return _absent(where, keys[0], self.own)

    def fault_below(self, where: str, keys: Sequence[str]) -> Fault | None:
        """What is wrong with those of ``keys`` below the first one, which the whole result has, called ``where``."""
        for depth in range(1, len(keys)):
            known = self.below.get(tuple(keys[:depth]))
            if known is not None and keys[depth] not in known:
                return _absent(".".join(filter(None, (where, *keys[:depth]))), keys[depth], known)
        return None

    def fault_of_step(self, step_id: str, keys: Sequence[str], *, under_steps: bool) -> Fault | None:
        """The same for reading them of the step, as ``<id>.x`` or as ``steps.<id>.x``."""
        where = f"steps.{step_id}" if under_steps else step_id
        if not keys or keys[0] in self.captured:
            return None
        if keys[0] in self.own:
            return self.fault_below(where, keys)
        if keys[0] in WHOLE:
            return replace(self, captured=frozenset()).fault_of_whole(f"{where}.{keys[0]}", keys[1:])
        if keys[0] in _ENDS:
            return _of_ends(step_id, keys, under_steps=under_steps)
        if not under_steps and (end := nearest(keys[0], _ENDS)):
            return f"{where} has no {keys[0]}", f"Did you mean steps.{step_id}.{end}?"
        listed = self.own | self.captured | {*WHOLE, *(_ENDS if under_steps else ())}
        return _absent(where, keys[0], listed)


def _of_call(flow: Flow) -> dict[tuple[str, ...], frozenset[str]]:
    """The maps of a call's result: the output of the flow, and ``flow`` with the same in it."""
    output = frozenset(line.name for line in flow.outputs)
    return {("output",): output, ("flow",): frozenset(FLOW_KEYS), ("flow", "output"): output}


def _of_ends(step_id: str, keys: Sequence[str], *, under_steps: bool) -> Fault | None:
    path = f"steps.{step_id}.{keys[0]}"
    if not under_steps:
        return f"{keys[0]} is no key of what step {step_id} has given", f"Write {path}."
    return fault_of_error(path, keys[1:]) if keys[0] == "error" else None


def fault_of_error(where: str, keys: Sequence[str]) -> Fault | None:
    """What is wrong with reading ``keys`` of an error, which is called ``where``."""
    return None if not keys or keys[0] in ERROR_KEYS else _absent(where, keys[0], ERROR_KEYS)


def _absent(where: str, key: str, known: Sequence[str] | frozenset[str]) -> Fault:
    listed = ", ".join(sorted(known))
    return f"{where} has no {key}", did_you(key, known) or (f"There is: {listed}." if listed else "It is empty.")
