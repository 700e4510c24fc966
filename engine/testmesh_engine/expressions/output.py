"""The ``output`` of a step: what it captures from its result."""

from __future__ import annotations

from collections.abc import Collection

from testmesh_engine.expressions.scope import NameUse, Scope
from testmesh_engine.expressions.values import Value


class Output:
    """A compiled output. ``names`` is what it reads from the scope, result keys included."""

    source: str
    names: tuple[NameUse, ...]

    def extract(self, result: dict[str, Value], scope: Scope) -> Value:
        """The captured value from ``result`` (all result keys of the step); ``scope`` is that of its assertions.

        Raises ``OutputError`` where nothing is found, naming what is there instead.
        """
        raise NotImplementedError


def compile_output(spec: Value, *, result_keys: Collection[str], dashed: Collection[str] = ()) -> Output:
    """Compile one output: a JSONPath (``$…``), an expression, a template, a literal, or {``path``, ``default``}.

    ``result_keys`` are the keys that the step's action exposes (``status``, ``body``, …). Raises ``ExpressionError``.
    """
    raise NotImplementedError
