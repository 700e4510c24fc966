"""Reads the times and counts of one step: literals at once, placeholders for when the step starts."""

from __future__ import annotations

from testmesh_engine.contract.catalogue import Kind
from testmesh_engine.expressions import ExpressionError, compile_template
from testmesh_engine.language.asserts import dashed
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.model import Late
from testmesh_engine.language.names import Known
from testmesh_engine.language.nodes import MapNode, Node, Scalar


class Times:
    """The times and counts that stand in one map; ``of`` is the map's key, "" for the step itself.

    Each reader gives the literal, or nothing for what is not there, is wrong, or is a placeholder: those are in
    ``late``.
    """

    def __init__(self, findings: Findings, known: Known, node: MapNode, *, of: str = "") -> None:
        self._findings = findings
        self._known = known
        self._node = node
        self._of = of
        self.late: list[Late] = []

    def seconds(self, key: str, *, alias: str = "", zero: bool = True) -> float | None:
        """A duration; without ``zero`` one that bounds something, and so leaves time for something."""
        written = alias if alias in self._node.entries else key
        node = self._node.get(written)
        if node is None or self._is_late(node, key, Kind.DURATION, zero=zero):
            return None
        return self._findings.duration(node, written, zero=zero)

    def count(self, key: str) -> int | None:
        """A whole number from 1 on."""
        node = self._node.get(key)
        if node is None or self._is_late(node, key, Kind.INTEGER, zero=False):
            return None
        return self._findings.integer(node, key)

    def is_late(self, field: str) -> bool:
        """Whether this value is known in the run only."""
        return any(late.field == field for late in self.late)

    def _is_late(self, node: Node, key: str, kind: Kind, *, zero: bool) -> bool:
        """Whether ``node`` is no literal; a placeholder is kept in ``late``, a broken one is noted."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return False
        try:
            template = compile_template(node.value, dashed=dashed(self._known))
        except ExpressionError as error:
            self._findings.broken_text(node, error)
            return True
        if template.constant:
            return False
        self._known.check(self._findings, node, template.names)
        what = f"{self._of}.{key}" if self._of else key
        late = Late(what=what, field=key, template=template, kind=kind, of_attempts=bool(self._of), zero=zero)
        self.late.append(late)
        return True
