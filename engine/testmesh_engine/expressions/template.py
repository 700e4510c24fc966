"""Text and trees of configuration with placeholders, compiled once and rendered for each attempt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import holes
from testmesh_engine.expressions.compiler import compile_tree
from testmesh_engine.expressions.errors import EvaluationError, ExpressionError
from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.holes import Hole, Plain
from testmesh_engine.expressions.nodes import Node
from testmesh_engine.expressions.operators import present
from testmesh_engine.expressions.parser import parse_hole, text_node
from testmesh_engine.expressions.scope import NameUse, Scope
from testmesh_engine.expressions.values import Value, kind_of, settled, show

_Render: TypeAlias = Callable[[Scope], Value]
Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a tree: the keys and indexes that lead there."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the tree: constant, or rendered anew for each scope."""

    constant: Value = None
    rendered: _Render | None = None

    def render(self, scope: Scope) -> Value:
        return self.constant if self.rendered is None else self.rendered(scope)


@dataclass(frozen=True, slots=True)
class _Placeholder:
    """One placeholder of a text, to be rendered by itself."""

    text: str
    hole: Hole
    dashed: Collection[str]

    def render(self, scope: Scope, reads: Callable[[str], bool]) -> Value:
        """What it makes of names of which ``reads`` is true, nil where it reads none of them."""
        node = parse_hole(self.text, self.hole, bare=False, dashed=self.dashed)
        code, program = compile_tree(self.text, node)
        if not _any_read(program.names, reads):
            return None
        return settled(present(code(Frame(scope, program.slots))))


def _any_read(names: Sequence[NameUse], reads: Callable[[str], bool]) -> bool:
    return any(reads(name) for use in names for name in (use.name, *use.keys))


class Template:
    """A compiled template. ``names`` is what its placeholders read; ``constant`` is set where it has none.

    What :meth:`render` returns is shared where it is constant: treat it as read-only.
    """

    __slots__ = ("_part", "_placeholders", "constant", "names")

    def __init__(self, part: _Part, names: Sequence[NameUse], placeholders: Sequence[_Placeholder]) -> None:
        self.names: tuple[NameUse, ...] = tuple(names)
        self.constant: bool = part.rendered is None
        self._part = part
        self._placeholders = tuple(placeholders)

    def made_of(self, reads: Callable[[str], bool], scope: Scope) -> Iterator[tuple[Value, str]]:
        """What each placeholder makes that reads a name of which ``reads`` is true, and the text that it stands in.

        Raises as :meth:`render` does.
        """
        for placeholder in self._placeholders if _any_read(self.names, reads) else ():
            yield placeholder.render(scope, reads), placeholder.text

    def render(self, scope: Scope) -> Value:
        """The tree with every placeholder replaced. Raises ``EvaluationError`` where one has no value."""
        return self._part.render(scope)


def compile_template(
    value: Value, *, sql: bool = False, dashed: Collection[str] = (), verbatim: Collection[Path] = ()
) -> Template:
    """Compile a text or a whole tree.

    ``sql`` is set for a text that may hold ``$$`` (it opens a quoted text in SQL): ``$${`` is no literal there.
    What stands at one of the paths ``verbatim`` is left as it is: expressions, whose placeholders are their own.
    Raises ``ExpressionError`` with the offset within the text that is wrong and the path of that text.
    """
    compiler = _Compiler(dashed, verbatim, sql=sql)
    part = compiler.tree(value, ())
    return Template(part, compiler.names, compiler.placeholders)


class _Compiler:
    def __init__(self, dashed: Collection[str], verbatim: Collection[Path], *, sql: bool) -> None:
        self.names: list[NameUse] = []
        self.placeholders: list[_Placeholder] = []
        self._dashed = dashed
        self._verbatim = verbatim
        self._sql = sql

    def tree(self, value: Value, path: Path) -> _Part:
        """The part for ``value``, which stands at ``path``."""
        if path in self._verbatim:
            return _Part(value)
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, list):
            return _list([self.tree(item, (*path, index)) for index, item in enumerate(value)])
        if isinstance(value, dict):
            return _map([self._pair(key, item, (*path, key)) for key, item in value.items()])
        return _Part(value)

    def _pair(self, key: str, item: Value, path: Path) -> tuple[_Part, _Part]:
        return self._text(key, path), self.tree(item, path)

    def _text(self, text: str, path: Path) -> _Part:
        if not holes.has_holes(text):
            return _Part(text)
        try:
            return self._split(text, list(holes.split(text, 0, len(text), sql=self._sql)), path)
        except ExpressionError as error:
            raise ExpressionError(error.message, error.offset, hint=error.hint, path=path) from None
        except RecursionError:  # placeholders in the defaults of placeholders
            raise ExpressionError("the placeholders are nested too deep", path=path) from None

    def _split(self, text: str, parts: list[Plain | Hole], path: Path) -> _Part:
        found = [part for part in parts if isinstance(part, Hole)]
        self.placeholders += (_Placeholder(text, hole, self._dashed) for hole in found)
        if not found:
            return _Part("".join(part.text for part in parts if isinstance(part, Plain)))
        if len(found) == 1 and all(isinstance(part, Hole) or not part.text.strip() for part in parts):
            # Nothing else is there: the value keeps its kind.
            return self._code(text, parse_hole(text, found[0], bare=False, dashed=self._dashed), path)
        return self._code(text, text_node(text, 0, len(text), parts, dashed=self._dashed), path)

    def _code(self, text: str, node: Node, path: Path) -> _Part:
        code, program = compile_tree(text, node)
        self.names.extend(replace(name, path=path) for name in program.names)
        slots = program.slots
        if program.temporal:
            return _Part(rendered=lambda scope: settled(present(code(Frame(scope, slots)))))
        return _Part(rendered=lambda scope: present(code(Frame(scope, slots))))


def _list(items: list[_Part]) -> _Part:
    if all(item.rendered is None for item in items):
        return _Part([item.constant for item in items])
    return _Part(rendered=lambda scope: [item.render(scope) for item in items])


def _map(pairs: list[tuple[_Part, _Part]]) -> _Part:
    def render(scope: Scope) -> Value:
        entries: dict[str, Value] = {}
        for key, item in pairs:
            name = _key(key.render(scope))
            if name in entries:
                raise EvaluationError(f"the key {show(name)} comes out twice")
            entries[name] = item.render(scope)
        return entries

    if all(key.rendered is None and item.rendered is None for key, item in pairs):
        return _Part({_key(key.constant): item.constant for key, item in pairs})
    return _Part(rendered=render)


def _key(key: Value) -> str:
    if isinstance(key, str):
        return key
    raise EvaluationError(f"a key is text, not {kind_of(key)} {show(key)}", "put text around the placeholder")
