"""Text and trees of configuration with placeholders, compiled once and rendered for each attempt."""

from __future__ import annotations

from collections.abc import Collection

from testmesh_engine.expressions.scope import NameUse, Scope
from testmesh_engine.expressions.values import Value


class Template:
    """A compiled template. ``names`` is what its placeholders read; ``constant`` is set where it has none."""

    names: tuple[NameUse, ...]
    constant: bool

    def render(self, scope: Scope) -> Value:
        """The tree with every placeholder replaced. Raises ``EvaluationError`` where one has no value."""
        raise NotImplementedError


def compile_template(value: Value, *, sql_keys: Collection[str] = (), dashed: Collection[str] = ()) -> Template:
    """Compile a text or a whole tree.

    Texts under ``sql_keys`` may hold ``$$`` (it opens a quoted text in SQL), so ``$${`` is no literal there.
    Raises ``ExpressionError`` with the offset within the text that is wrong and the path of that text.
    """
    raise NotImplementedError
