"""The names that are maps of others (``steps``, ``vars``, ``input``, ``row``, ``flow``), and what each one holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import NameUse
from testmesh_engine.language.findings import did_you

FLOW_KEYS = ("name", "status", "output")
"""What ``flow`` holds."""

_ONLY_IN_STEPS = frozenset({"vars", "steps", "flow", "error"})
"""What has no value while ``env`` is computed."""


@dataclass(slots=True)
class Declared:
    """What the flow declares above its steps, and the part of it that is being read."""

    inputs: frozenset[str] | None = None
    """The names of ``inputs``, ``None`` where it has none."""
    columns: frozenset[str] | None = None
    """The columns of ``data``, ``None`` where it has none."""
    rows: bool = True
    """Whether the rows of ``data`` could be read, and their columns are known."""
    outputs: frozenset[str] | None = None
    """The names of its own ``output``, ``None`` where it has none."""
    ids: set[str] = field(default_factory=set)
    """All ids of setup and steps: no output is called like one, wherever its step stands."""
    below: dict[str, str] = field(default_factory=dict)
    """What steps will declare, each name with what it is then."""
    in_env: bool = True
    in_teardown: bool = False

    def roots(self) -> set[str]:
        """The names that are there by what the flow declares."""
        own = {"input": self.inputs, "row": self.columns}
        return {"flow", *(name for name, keys in own.items() if keys is not None)}

    def taken(self, name: str) -> str:
        """Why nothing in this flow may be called ``name``, "" where it may."""
        if name == "row" and self.columns is not None:
            return "It is the row of data."
        if name == "input" and self.inputs is not None:
            return "It is the map of inputs."
        return "It is this flow, with its output." if name == "flow" and self.outputs is not None else ""

    def fault(self, use: NameUse, *, captured: Collection[str], ids: Collection[str]) -> tuple[str, str] | None:
        """What is wrong with reading ``use.key`` of the root ``use.name``, and what to do about it."""
        if self.in_env and use.name in _ONLY_IN_STEPS:
            return f"{use.name} has no value here: env and inputs are computed before the first step", ""
        if not use.key:
            return None
        if use.name == "flow" and use.key == "output" and not (self.in_teardown and self.outputs is not None):
            why = "it is made once the steps have run" if self.outputs is not None else "the flow declares no output"
            return f"flow.output has no value here: {why}", "Read it in teardown, or declare output: in the flow."
        if use.name == "flow" and use.key == "output" and self.outputs is not None:
            return self._of_output(use.keys[1:])
        known = self._keys(use.name, captured=captured, ids=ids)
        if known is None or use.key in known:
            return None
        return self._absent(use, known)

    def _of_output(self, keys: Collection[str]) -> tuple[str, str] | None:
        """What is wrong with reading ``keys`` of the flow's own output."""
        known, key = self.outputs or frozenset(), next(iter(keys), "")
        if not key or key in known:
            return None
        return f"flow.output has no {key}", did_you(key, known) or f"There is: {', '.join(sorted(known)[:20])}."

    def _keys(self, root: str, *, captured: Collection[str], ids: Collection[str]) -> Collection[str] | None:
        roots: dict[str, Collection[str] | None] = {
            "vars": captured,
            "steps": ids,
            "input": self.inputs,
            "row": self.columns if self.rows else None,
            "flow": FLOW_KEYS,
        }
        return roots.get(root)

    def _absent(self, use: NameUse, known: Collection[str]) -> tuple[str, str]:
        what = {
            "vars": f"no output above captures {use.key}",
            "steps": f"no step above has the id {use.key}",
            "input": f"inputs has no {use.key}",
            "row": f"no row of data has {use.key}",
            "flow": f"flow has no {use.key}",
        }[use.name]
        if use.name in ("vars", "steps") and use.key in self.below:
            return what, f"It is {self.below[use.key]} further below."
        listed = ", ".join(sorted(known)[:20])
        return what, did_you(use.key, known) or (f"There is: {listed}." if listed else "")
