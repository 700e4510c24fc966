"""From the syntax tree to closures: each node becomes one callable over the :class:`Frame` of an evaluation.

Everything that can be decided once is decided here: which names are the scope's, the numbers of the slots of
``let`` and predicates, the operation of an operator, the kinds of a function's parameters, constant patterns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import access, closures, limits, operators
from testmesh_engine.expressions.calls import call_code
from testmesh_engine.expressions.errors import EvaluationError, ExpressionError
from testmesh_engine.expressions.frame import Code, Frame, Result
from testmesh_engine.expressions.functions import FUNCTIONS, dates
from testmesh_engine.expressions.grammar import ORDER
from testmesh_engine.expressions.methods import method_code
from testmesh_engine.expressions.nodes import (
    Binary,
    Call,
    Chain,
    Conditional,
    Exists,
    Is,
    Let,
    ListOf,
    Literal,
    MapOf,
    Member,
    MethodCall,
    Name,
    Node,
    Placeholder,
    Pointer,
    Predicate,
    Slice,
    Text,
    Unary,
)
from testmesh_engine.expressions.operators import OPERATIONS, Site, present
from testmesh_engine.expressions.scope import NameUse
from testmesh_engine.expressions.spelling import spelled
from testmesh_engine.expressions.values import MISSING, Missing, Value, kind_of, text_of


@dataclass(slots=True)
class Program:
    """A compiled tree. ``codes`` has the code of every node, for the explanation of a failed assertion."""

    text: str
    slots: int = 0
    names: list[NameUse] = field(default_factory=list)
    codes: dict[Node, Code] = field(default_factory=dict)
    temporal: bool = False
    """Whether its value may hold times or durations."""
    suspect: bool = False
    """Whether it can be true because two kinds differ, and not because of what the values are."""
    locals: dict[Node, int] = field(default_factory=dict)
    """The slot of a ``let``; the first of the three slots of a predicate: item, index, accumulator."""

    def source(self, node: Node) -> str:
        """The text that a node stands for."""
        return self.text[node.start : node.end] or "the item"  # `.ok` is a field of the item, which is not written


def compile_tree(text: str, tree: Node, *, condition: bool = False) -> tuple[Code, Program]:
    """The code of ``tree``, which was parsed from ``text``. Raises ``ExpressionError``.

    ``condition`` is set where the tree is to hold, and not to give a value for others.
    """
    program = Program(text)
    return _Compiler(program).code(tree, sense=True if condition else None), program


_ALL = "$env"
"""The map of all names, as Expr calls it."""
_TEMPORAL = frozenset(function.name for function in dates.TABLE)
SELECTING = frozenset(
    {"all", "any", "none", "one", "filter", "count", "find", "findIndex", "findLast", "findLastIndex"}
)
"""Functions that find less where their predicate is false, and are asked whether they do."""


class _Compiler:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._lets: dict[str, int] = {}
        self._predicates: list[int] = []
        self._depth = 0
        self._in_placeholder = False
        self._has_default = False
        self._sense: bool | None = None
        """Whether the node is to be true (unset: false) for the whole to hold; ``None`` where its value is used on."""
        self._visitors: dict[type[Node], Callable[..., Code]] = {
            Literal: self._literal,
            Text: self._text,
            Placeholder: self._placeholder,
            Name: self._name,
            Pointer: self._pointer,
            Member: self._member,
            Slice: self._slice,
            Chain: self._chain,
            Unary: self._unary,
            Binary: self._binary,
            Conditional: self._conditional,
            ListOf: self._list,
            MapOf: self._map,
            Call: self._call,
            MethodCall: self._method,
            Let: self._let,
            Exists: self._exists,
            Is: self._is,
        }

    def code(self, node: Node, *, sense: bool | None = None) -> Code:
        """The code of one node, its own names taken from where it stands."""
        outer, self._sense = self._sense, sense
        with self._deeper(node):
            made = self._visitors[type(node)](node)
        self._sense = outer
        self._program.codes[node] = made
        return made

    def _same(self, node: Node) -> Code:
        """The code of a part that is as true as the whole."""
        return self.code(node, sense=self._sense)

    @contextmanager
    def _deeper(self, node: Node) -> Iterator[None]:
        self._depth += 1
        if self._depth > limits.MAX_CHAIN:
            raise ExpressionError("the expression is too long", node.start, hint="split it into several assertions")
        yield
        self._depth -= 1

    def _source(self, node: Node) -> str:
        return self._program.source(node)

    def _new_slots(self, count: int) -> int:
        first = self._program.slots
        self._program.slots += count
        return first

    # Soft code: for the paths before `exists`, `??`, `?.` and a default, where a name without value is no error.
    # `deep` also takes keys that are absent on the way, as `exists` and a default ask about the whole path.

    def _soft(self, node: Node, *, deep: bool) -> Code:
        with self._deeper(node):
            made = self._soft_code(node, deep=deep)
        self._program.codes[node] = made
        return made

    def _soft_code(self, node: Node, *, deep: bool) -> Code:
        if isinstance(node, Name) and node.name not in self._lets:
            return self._soft_name(node)
        if isinstance(node, Member):
            direct = self._variable_of_all(node)
            return self._soft_name(direct) if direct else self._soft_member(node, deep=deep)
        if isinstance(node, Chain):
            return self._soft(node.body, deep=deep)
        return self.code(node)

    def _soft_name(self, node: Name) -> Code:
        unset = self._has_default
        self._program.names.append(NameUse(node.name, node.start, optional=unset, soft=True))
        return closures.optional_name(node.name, in_placeholder=self._in_placeholder, unset=unset)

    def _soft_member(self, node: Member, *, deep: bool) -> Code:
        target, where = self._soft(node.target, deep=deep), self._source(node.target)
        self._note_key(node)
        key, optional = self.code(node.key), node.optional
        read = access.part_or_missing if deep else access.part

        def member(frame: Frame) -> Result:
            container = target(frame)
            if container is closures.SHORT or (optional and (container is None or isinstance(container, Missing))):
                return closures.SHORT
            return MISSING if container is MISSING else read(container, key(frame), where)

        return member

    # Operands

    def _literal(self, node: Literal) -> Code:
        value = node.value
        return lambda _: value

    def _text(self, node: Text) -> Code:
        parts = [self.code(part) for part in node.parts]

        def joined(frame: Frame) -> Result:
            text = "".join([text_of(present(part(frame))) for part in parts])
            frame.charge(len(text))
            return text

        return joined

    def _name(self, node: Name) -> Code:
        slot = self._lets.get(node.name)
        if slot is None:
            return closures.all_names if node.name == _ALL else self._scope_name(node)
        return lambda frame: frame.slots[slot]

    def _variable_of_all(self, node: Member) -> Name | None:
        """``x`` of ``$env.x`` and ``$env["x"]``, a name like any other: it is checked before a run."""
        if not isinstance(node.target, Name) or node.target.name != _ALL or not isinstance(node.key, Literal):
            return None
        self.code(node.target)  # an explanation may ask for it
        self.code(node.key)
        return Name(node.key.start, node.key.end, node.key.value) if isinstance(node.key.value, str) else None

    def _scope_name(self, node: Name) -> Code:
        name = node.name
        self._program.names.append(NameUse(name, node.start))
        return closures.name_in_placeholder(name) if self._in_placeholder else closures.name_in_scope(name)

    def _note_key(self, node: Member) -> None:
        """Remember ``X`` of ``env.X``: the name of ``env`` was the last one noted."""
        names, (root, keys) = self._program.names, _path_of(node)
        if keys and isinstance(root, Name) and names and names[-1].offset == root.start:
            names[-1] = replace(names[-1], keys=keys)

    def _pointer(self, node: Pointer) -> Code:
        slot = self._predicates[-1] + ("item", "index", "acc").index(node.which)
        return lambda frame: frame.slots[slot]

    def _placeholder(self, node: Placeholder) -> Code:
        outer, self._in_placeholder = self._in_placeholder, True
        default = None if node.default is None else self.code(node.default)
        body = self.code(node.body) if default is None else self._before_default(node.body)
        self._in_placeholder = outer
        if node.bare:
            body = self._as_spelled(node.body, body)
            default = default and closures.spelled_default(default)
        return body if default is None else closures.with_default(body, default, or_empty=node.or_empty)

    def _before_default(self, node: Node) -> Code:
        outer, self._has_default = self._has_default, True
        body = self._soft(node, deep=True)
        self._has_default = outer
        return body

    def _as_spelled(self, node: Node, body: Code) -> Code:
        """Text of an env layer is read as the literal it spells."""
        variable = _variable(node)
        if not variable:
            return body

        def read(frame: Frame) -> Result:
            value = body(frame)
            return spelled(value) if isinstance(value, str) and frame.from_env(variable) else value

        return read

    # Paths

    def _member(self, node: Member) -> Code:
        direct = self._variable_of_all(node)
        if direct is not None:
            return self._scope_name(direct)
        if node.optional:
            return self._soft_member(node, deep=False)
        target, where = self.code(node.target), self._source(node.target)
        self._note_key(node)
        key = self.code(node.key)
        if isinstance(node.key, Literal) and isinstance(node.key.value, str):
            return closures.field(target, node.key.value, where)

        def member(frame: Frame) -> Result:
            container = target(frame)
            return container if container is closures.SHORT else access.part(container, key(frame), where)

        return member

    def _slice(self, node: Slice) -> Code:
        target, where = self.code(node.target), self._source(node.target)
        first = self.code(node.first) if node.first else closures.nil
        stop = self.code(node.stop) if node.stop else closures.nil

        def cut(frame: Frame) -> Result:
            container = target(frame)
            return container if container is closures.SHORT else access.cut(container, first(frame), stop(frame), where)

        return cut

    def _chain(self, node: Chain) -> Code:
        return closures.whole_chain(self.code(node.body))

    # Operators

    def _unary(self, node: Unary) -> Code:
        source = self._source(node.operand)
        if node.operator == "not":
            self._program.suspect = True
            inner = self.code(node.operand, sense=None if self._sense is None else not self._sense)
            return lambda frame: operators.negated(inner(frame), source)
        operator, operand = node.operator, self.code(node.operand)
        return lambda frame: operators.signed(operand(frame), source, operator)

    def _binary(self, node: Binary) -> Code:
        if node.operator == "??":
            return closures.coalesce(self._soft(node.left, deep=False), self.code(node.right))
        self._program.suspect |= node.operator == "!="
        site = Site(node.operator, self._source(node.left), self._source(node.right))
        if node.operator in ("and", "or"):
            return closures.logic(self._same(node.left), self._same(node.right), site)
        left, right = self.code(node.left), self.code(node.right)
        if node.operator == "==":
            return closures.equality(left, right, self._equals())
        if node.operator in ORDER:
            return closures.ordering(left, right, site)
        if node.operator == "matches" and isinstance(node.right, Literal):
            _check_pattern(node.right)
        operation = OPERATIONS[node.operator]
        return lambda frame: operation(frame, left(frame), right(frame), site)

    def _equals(self) -> Callable[[Result, Result], bool]:
        """``==``: where the whole could hold because of what is not there, that is an error, as it is for ``!=``.

        An item of a list may well lack a key that others have, so a predicate takes it for a difference.
        """
        lenient = self._sense is True or (self._sense is None and self._predicates)
        return operators.equals if lenient else operators.equals_present

    def _conditional(self, node: Conditional) -> Code:
        test, source = self.code(node.test), self._source(node.test)
        then = test if node.then is node.test else self._same(node.then)
        other = self._same(node.other)
        return lambda frame: (then if operators.truth(test(frame), source, "?") else other)(frame)

    def _exists(self, node: Exists) -> Code:
        operand = self._soft(node.operand, deep=True)
        return lambda frame: not isinstance(operand(frame), Missing)

    def _is(self, node: Is) -> Code:
        operand, kind, wanted = self.code(node.operand), node.kind, not node.negated

        def asked(frame: Frame) -> Result:
            value = operand(frame)
            if isinstance(value, Missing) and kind != "nil":
                present(value)
            return (kind_of(value) == kind) is wanted

        return asked

    # Collections, calls, names of its own

    def _list(self, node: ListOf) -> Code:
        items = [self.code(item) for item in node.items]

        def made(frame: Frame) -> Result:
            values: list[Value] = [present(item(frame)) for item in items]
            frame.charge_tree(values)
            return values

        return made

    def _map(self, node: MapOf) -> Code:
        pairs = [(self.code(key), self.code(value)) for key, value in node.pairs]

        def made(frame: Frame) -> Result:
            entries: dict[str, Value] = {}
            for key, value in pairs:
                entries[_map_key(present(key(frame)))] = present(value(frame))
            frame.charge_tree(entries)
            return entries

        return made

    def _let(self, node: Let) -> Code:
        value = self.code(node.value)
        slot = self._program.locals[node] = self._new_slots(1)
        outer, self._lets = self._lets, {**self._lets, node.name: slot}
        body = self._same(node.body)
        self._lets = outer

        def evaluated(frame: Frame) -> Result:
            frame.slots[slot] = value(frame)
            return body(frame)

        return evaluated

    def _call(self, node: Call) -> Code:
        self._program.temporal |= node.name in _TEMPORAL
        self._program.suspect |= node.name in SELECTING
        arguments = [
            self._predicate(each) if isinstance(each, Predicate) else self.code(each) for each in node.arguments
        ]
        sources = [self._source(each) for each in node.arguments]
        return call_code(FUNCTIONS[node.name], arguments, sources)

    def _method(self, node: MethodCall) -> Code:
        target = self._soft(node.target, deep=False) if node.optional else self.code(node.target)
        arguments = [self.code(each) for each in node.arguments]
        sources = [self._source(each) for each in (node.target, *node.arguments)]
        return method_code(node.name, target, arguments, sources, optional=node.optional)

    def _predicate(self, node: Predicate) -> Callable[[Frame], object]:
        base = self._program.locals[node] = self._new_slots(3)
        self._predicates.append(base)
        body = self.code(node.body, sense=True)
        self._predicates.pop()

        def bound(frame: Frame) -> object:
            slots, tick = frame.slots, frame.tick

            def apply(item: Value, index: int, accumulated: Value = None) -> Result:
                tick()
                slots[base], slots[base + 1], slots[base + 2] = item, index, accumulated
                return body(frame)

            return apply

        return bound


def _check_pattern(node: Literal) -> None:
    if not isinstance(node.value, str):
        raise ExpressionError("`matches` takes a regular expression in quotes", node.start)
    try:
        operators.regex(node.value)
    except ValueError as error:
        hint = "RE2 has no look-around and no back-references" if "(?" in node.value else ""
        raise ExpressionError(f"no regular expression: {error}", node.start, hint=hint) from None


def _map_key(key: Value) -> str:
    if isinstance(key, str):
        return key
    raise EvaluationError(f"a map's keys are text, not {kind_of(key)} {text_of(key)[:40]}")


def _path_of(node: Node) -> tuple[Node, tuple[str, ...]]:
    """What is read from, and the keys that lead on from it; none where one of them is not written out."""
    if not isinstance(node, Member):
        return node, ()
    root, before = _path_of(node.target)
    whole = bool(before) or not isinstance(node.target, Member)
    if whole and isinstance(node.key, Literal) and isinstance(node.key.value, str):
        return root, (*before, node.key.value)
    return root, ()


def _variable(node: Node) -> str:
    """The variable that a placeholder names: ``X`` of ``X``, ``env.X`` and ``input.X``, "" for anything else."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Member) and isinstance(node.target, Name) and node.target.name in ("env", "input"):
        return node.key.value if isinstance(node.key, Literal) and isinstance(node.key.value, str) else ""
    return ""
