"""What an expression comes to whatever the values are: an assertion that is always true tests nothing."""

from __future__ import annotations

from testmesh_engine.expressions.compiler import Program
from testmesh_engine.expressions.errors import ExpressionError
from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.inspection import Inspection, is_open
from testmesh_engine.expressions.nodes import Binary, Call, Conditional, ListOf, Literal, MapOf, Name, Node, Text, Unary
from testmesh_engine.expressions.schema_keywords import unknown_keyword
from testmesh_engine.expressions.scope import MapScope
from testmesh_engine.expressions.values import Kind, kind_of


def kind_written(tree: Node) -> Kind | None:
    """The kind that the value of ``tree`` has by the way it is written: a list in ``[a, b]``."""
    if isinstance(tree, ListOf):
        return "list"
    if isinstance(tree, MapOf):
        return "map"
    return kind_of(tree.value) if isinstance(tree, Literal) else "text" if isinstance(tree, Text) else None


def refuse_unknown_keywords(program: Program) -> None:
    """A schema that is written out is looked through before the run. Raises ``ExpressionError``."""
    for node in program.codes:
        if isinstance(node, Call) and node.name == "matches_schema" and not is_open(node.arguments[1]):
            problem = unknown_keyword(program.codes[node.arguments[1]](Frame(MapScope({}), program.slots)))  # type: ignore[arg-type]  # written out, so it is there
            if problem:
                raise ExpressionError(problem, node.arguments[1].start)


class Constants(Inspection):
    """Works out what is true or false by its text alone: ``1 == 1``, ``status >= 0 or true``."""

    def __init__(self, program: Program) -> None:
        super().__init__(program, Frame(MapScope({}), program.slots))

    def whole(self, tree: Node) -> bool | None:
        """What ``tree`` always is, ``None`` where that depends on names or on the time."""
        reads = self._program.names or self._program.temporal or any(isinstance(n, Name) for n in self._program.codes)
        return self._always(tree) if reads else self._evaluated(tree)

    def _evaluated(self, node: Node) -> bool | None:
        value = self._known(node)
        return value if isinstance(value, bool) else None

    def _always(self, node: Node) -> bool | None:
        if not is_open(node):
            return self._evaluated(node)
        if isinstance(node, Unary) and node.operator == "not":
            inner = self._always(node.operand)
            return None if inner is None else not inner
        if isinstance(node, Binary) and node.operator in ("and", "or"):
            return self._decided(node.operator == "or", self._always(node.left), self._always(node.right))
        if isinstance(node, Conditional):
            return self._chosen(node)
        return None

    @staticmethod
    def _decided(deciding: bool, left: bool | None, right: bool | None) -> bool | None:  # noqa: FBT001 - the value that decides
        if deciding in (left, right):
            return deciding
        return None if left is None or right is None else not deciding

    def _chosen(self, node: Conditional) -> bool | None:
        test, then, other = (self._always(part) for part in (node.test, node.then, node.other))
        if test is not None:
            return then if test else other
        return then if then is other else None
