"""From tokens to the syntax tree: Expr's grammar (precedence climbing, as its own parser does it) and our words.

Precedence and associativity are those of expr-lang/expr, ``parser/operator/operator.go``: ``not`` binds closer than
``==``, ``??`` closer than anything, ``|`` pipes all that stands left of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal

from testmesh_engine.expressions import holes, limits
from testmesh_engine.expressions.errors import ExpressionError, nearest
from testmesh_engine.expressions.functions import FUNCTIONS, LATER, ParameterKind
from testmesh_engine.expressions.holes import Hole, Plain
from testmesh_engine.expressions.lexer import Lexer, Token, TokenKind
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
    Name,
    Node,
    Placeholder,
    Pointer,
    Predicate,
    Slice,
    Text,
    Unary,
)

_UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
_BINARY = {
    "|": 0,
    "or": 10,
    "and": 15,
    "==": 20,
    "!=": 20,
    "<": 20,
    ">": 20,
    "<=": 20,
    ">=": 20,
    "in": 20,
    "matches": 20,
    "contains": 20,
    "startsWith": 20,
    "endsWith": 20,
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "??": 500,
}
_SPELLINGS = {"||": "or", "&&": "and", "^": "**", "starts_with": "startsWith", "ends_with": "endsWith"}
_NEGATABLE = frozenset({"in", "matches", "contains", "startsWith", "endsWith"})
_ORDER = frozenset({"<", ">", "<=", ">="})
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "nil": None, "null": None}
KINDS = {
    "null": "nil",
    "nil": "nil",
    "number": "number",
    "string": "text",
    "text": "text",
    "boolean": "boolean",
    "array": "list",
    "list": "list",
    "object": "map",
    "map": "map",
    "bytes": "bytes",
}
"""The words after ``is``, and what they ask for."""

_MISTAKES = {
    "=": "compare with `==`",
    "===": "compare with `==`",
    "::": "functions need no prefix",
    "and": "an operand is missing",
    "or": "an operand is missing",
}


def parse(text: str, *, dashed: Collection[str] = ()) -> Node:
    """The tree of a whole expression. Raises ``ExpressionError``."""
    return parse_part(text, 0, len(text), dashed=dashed)


def parse_part(text: str, start: int, end: int, *, dashed: Collection[str] = ()) -> Node:
    """The tree of ``text[start:end]``, with offsets of the whole text. Raises ``ExpressionError``."""
    return _Parser(text, start, end, dashed=dashed).whole()


def parse_hole(text: str, hole: Hole, *, bare: bool, dashed: Collection[str] = ()) -> Placeholder:
    """The tree of one placeholder of ``text``. Raises ``ExpressionError``."""
    last = hole.last if hole.colon < 0 else hole.colon
    if not text[hole.first : last].strip():
        raise ExpressionError("the placeholder is empty", hole.start, hint="name a variable in it")
    body = parse_part(text, hole.first, last, dashed=dashed)
    if hole.colon < 0:
        return Placeholder(hole.start, hole.end, body, bare=bare)
    or_empty = text.startswith(":-", hole.colon)
    default = _default(text, hole.colon + 1 + or_empty, hole.last, dashed=dashed)
    return Placeholder(hole.start, hole.end, body, default, or_empty=or_empty, bare=bare)


def _default(text: str, start: int, end: int, *, dashed: Collection[str]) -> Node:
    """The text after the colon, spaces around it aside; it may hold placeholders itself."""
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end = max(start, start + len(text[start:end].rstrip()))
    return text_node(text, start, end, list(holes.split(text, start, end)), dashed=dashed)


def text_node(
    text: str,
    start: int,
    end: int,
    parts: list[Plain | Hole] | tuple[Plain | Hole, ...],
    *,
    dashed: Collection[str] = (),
) -> Node:
    """The node of a text that was split into its placeholders and what stands between."""
    nodes = [
        Literal(part.start, part.start + len(part.text), part.text)
        if isinstance(part, Plain)
        else parse_hole(text, part, bare=False, dashed=dashed)
        for part in parts
    ]
    if any(isinstance(node, Placeholder) for node in nodes):
        return Text(start, end, tuple(nodes))
    return Literal(start, end, "".join(part.text for part in parts if isinstance(part, Plain)))


class _Parser:
    """One pass over the tokens of one expression."""

    def __init__(self, text: str, start: int, end: int, *, dashed: Collection[str]) -> None:
        self._text = text
        self._dashed = dashed
        self._tokens = Lexer(text, start, end, dashed=dashed).tokens()
        self._at = 0
        self._predicates = 0
        self._nesting = 0
        self._recursion = 0

    # The stream

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _ahead(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._now
        if token.kind is not TokenKind.END:
            self._at += 1
        return token

    def _took(self, *operators: str) -> bool:
        if self._now.is_operator(*operators):
            self._at += 1
            return True
        return False

    def _end(self) -> int:
        """Where the last token that was taken ends."""
        return self._tokens[self._at - 1].end if self._at else self._now.start

    def _expect(self, operator: str, what: str) -> Token:
        if not self._now.is_operator(operator):
            raise self._unexpected(f"{what} needs `{operator}` here")
        return self._take()

    def _unexpected(self, wanted: str = "", hint: str = "") -> ExpressionError:
        token = self._now
        if token.kind is TokenKind.END:
            return ExpressionError(
                wanted and f"{wanted}, but the text ends" or "the text ends too early", token.start, hint=hint
            )
        message = f"{wanted}, not {token.shown()}" if wanted else f"{token.shown()} can't stand here"
        return ExpressionError(message, token.start, hint=hint or _MISTAKES.get(token.value, ""))

    @contextmanager
    def _nested(self, token: Token) -> Iterator[None]:
        self._nesting += 1
        if self._nesting > limits.MAX_NESTING:
            raise ExpressionError(
                f"nested more than {limits.MAX_NESTING} deep", token.start, hint="use `let` for parts"
            )
        yield
        self._nesting -= 1

    # Expressions

    def whole(self) -> Node:
        """The tree of all tokens."""
        if self._now.kind is TokenKind.END:
            raise ExpressionError("the expression is empty", self._now.start)
        node = self._expression()
        if self._now.kind is not TokenKind.END:
            raise self._left_over()
        return node

    def _left_over(self) -> ExpressionError:
        token = self._now
        if token.is_word("is") or token.is_word("exists"):
            return self._unexpected(hint=f"`{token.value}` follows an operand")
        if token.is_operator("=") and self._ahead().is_operator("="):
            return self._unexpected(hint="write `==` without a space")
        if token.is_operator("not") and self._ahead().is_word("exists"):
            return self._unexpected(hint="write `!(… exists)` or `… == nil`")
        if token.is_operator(")", "]", "}"):
            return ExpressionError(f"`{token.value}` closes nothing", token.start)
        operand = token.kind in (TokenKind.NAME, TokenKind.NUMBER, TokenKind.TEXT, TokenKind.HOLE)
        if operand:
            near = nearest(token.value, [*_BINARY, *_SPELLINGS, "exists", "is"]) if token.kind is TokenKind.NAME else ""
            hint = f"did you mean `{near}`?" if near else "put an operator such as `==` or `and` between the two"
            return ExpressionError(f"an operator is missing before {token.shown()}", token.start, hint=hint)
        return self._unexpected()

    def _expression(self, precedence: int = 0) -> Node:
        self._recursion += 1
        if self._recursion > limits.MAX_RECURSION:
            raise ExpressionError("the expression is nested too deep", self._now.start, hint="use `let` for parts")
        if precedence == 0 and self._now.is_operator("let"):
            node = self._let()
        else:
            node = self._operators(self._primary(), precedence)
            node = self._conditionals(node) if precedence == 0 else node
        self._recursion -= 1
        return node

    def _let(self) -> Node:
        start = self._take().start
        name = self._take()
        if name.kind is not TokenKind.NAME or name.value in _CONSTANTS:
            self._at -= 1
            raise self._unexpected("`let` needs a name", hint="let total = a + b; total > 3")
        self._expect("=", "`let`")
        value = self._expression()
        self._expect(";", "`let`")
        body = self._expression()
        return Let(start, self._end(), name.value, value, body)

    def _conditionals(self, test: Node) -> Node:
        while self._took("?"):
            if self._took(":"):
                then = test
            else:
                then = self._expression()
                self._expect(":", "`?`")
            other = self._expression()
            test = Conditional(test.start, self._end(), test, then, other)
        return test

    def _binary_operator(self) -> tuple[str, bool]:
        """The operator that stands here in its one spelling, and whether a ``not`` stands before it; "" if none."""
        token, negated = self._now, False
        if token.is_operator("not"):
            token, negated = self._ahead(), True
        if token.kind is TokenKind.NAME and token.value not in ("starts_with", "ends_with"):
            return "", False
        if token.kind not in (TokenKind.OPERATOR, TokenKind.NAME):
            return "", False
        operator = _SPELLINGS.get(token.value, token.value)
        if operator not in _BINARY or (negated and operator not in _NEGATABLE):
            return "", False
        return operator, negated

    def _operators(self, left: Node, precedence: int) -> Node:
        previous = ""
        while True:
            operator, negated = self._binary_operator()
            if not operator or _BINARY[operator] < precedence:
                return left
            if previous == "??" and operator not in ("??", "|"):
                raise ExpressionError(
                    f"`??` and `{operator}` need parentheses", self._now.start, hint=f"write `(a ?? b) {operator} c`"
                )
            at = self._take().start
            if negated:
                self._take()
            left = self._with_right(left, operator, at)
            if negated:
                left = Unary(left.start, left.end, "not", left)
            previous = operator

    def _with_right(self, left: Node, operator: str, at: int) -> Node:
        if operator == "|":
            return self._piped(left)
        if operator in _ORDER:
            return self._ordered(left, operator, at)
        right = self._expression(_BINARY[operator] + (operator != "**"))
        return Binary(left.start, self._end(), operator, left, right, at)

    def _ordered(self, left: Node, operator: str, at: int) -> Node:
        """``a < b < c``, which means ``a < b and b < c``."""
        result: Node | None = None
        while True:
            right = self._expression(_BINARY[operator] + 1)
            pair = Binary(left.start, right.end, operator, left, right, at)
            result = pair if result is None else Binary(result.start, right.end, "and", result, pair, at)
            if not self._now.is_operator(*_ORDER):
                return result
            left, at, operator = right, self._now.start, self._take().value

    def _piped(self, left: Node) -> Node:
        name = self._take()
        if name.kind is not TokenKind.NAME or not self._now.is_operator("("):
            self._at -= 1
            raise self._unexpected("`|` needs a function", hint="write `items | len()`; `||` is the logical or")
        return self._postfix(self._call(name, first=left))

    # Operands

    def _primary(self) -> Node:
        token = self._now
        with self._nested(token):
            if token.kind is TokenKind.OPERATOR and token.value in _UNARY:
                self._take()
                operand = self._expression(_UNARY[token.value])
                operator = "not" if token.value == "!" else token.value
                return self._postfix(Unary(token.start, self._end(), operator, operand))
            return self._postfix(self._operand(token))

    def _operand(self, token: Token) -> Node:
        if token.kind is TokenKind.NUMBER:
            return self._literal(token.number)
        if token.kind is TokenKind.TEXT:
            return self._quoted()
        if token.kind is TokenKind.HOLE:
            return self._hole()
        if token.kind is TokenKind.NAME:
            return self._named()
        if token.is_operator("("):
            return self._parenthesised()
        if token.is_operator("["):
            return self._list()
        if token.is_operator("{"):
            return self._map()
        if token.kind is TokenKind.OPERATOR and (token.value.startswith("#") or token.value == "."):
            return self._pointer()
        raise self._unexpected("" if token.kind is not TokenKind.END else "an operand is missing")

    def _literal(self, value: int | Decimal | bool | None) -> Node:
        token = self._take()
        return Literal(token.start, token.end, value)

    def _quoted(self) -> Node:
        token = self._take()
        if not token.parts:
            return Literal(token.start, token.end, token.value)
        return text_node(self._text, token.start, token.end, token.parts, dashed=self._dashed)

    def _hole(self) -> Node:
        hole = self._take().parts[0]
        if not isinstance(hole, Hole):
            raise TypeError("a placeholder's token holds the placeholder")
        return parse_hole(self._text, hole, bare=True, dashed=self._dashed)

    def _named(self) -> Node:
        token = self._now
        if token.value in _CONSTANTS:
            return self._literal(_CONSTANTS[token.value])
        if token.value == "if" and not self._ahead().is_operator("(", ".", "?."):
            raise self._unexpected(hint="write `a ? b : c`")
        self._take()
        if self._now.is_operator("("):
            return self._call(token)
        return Name(token.start, token.end, token.value)

    def _parenthesised(self) -> Node:
        opening = self._take()
        node = self._expression()
        if not self._took(")"):
            raise self._unclosed(opening, ")")
        return node

    def _unclosed(self, opening: Token, closing: str) -> ExpressionError:
        if self._now.kind is TokenKind.END:
            return ExpressionError(
                f"`{opening.value}` is never closed", opening.start, hint=f"close it with `{closing}`"
            )
        return (
            self._left_over() if not self._now.is_operator(",", ":") else self._unexpected(f"`{closing}` belongs here")
        )

    def _pointer(self) -> Node:
        token = self._now
        if not self._predicates:
            hint = "write it as in `all(rows, .ok)`"
            raise ExpressionError(
                f"`{token.value}` stands for the item of a predicate, and there is none", token.start, hint=hint
            )
        if token.value == ".":
            # Not taken: the path that follows reads the dot.
            return Pointer(token.start, token.start, "item", implied=True)
        which = token.value[1:]
        if which not in ("", "index", "acc"):
            raise ExpressionError(f"`{token.value}` is unknown", token.start, hint="there are `#`, `#index` and `#acc`")
        self._take()
        return Pointer(token.start, token.end, "index" if which == "index" else "acc" if which else "item")

    def _list(self) -> Node:
        opening = self._take()
        items: list[Node] = []
        while not self._took("]"):
            if items and not self._took(","):
                raise self._unclosed(opening, "]")
            if items and self._took("]"):
                break
            items.append(self._expression())
        return ListOf(opening.start, self._end(), tuple(items))

    def _map(self) -> Node:
        opening = self._take()
        pairs: list[tuple[Node, Node]] = []
        while not self._took("}"):
            if pairs and not self._took(","):
                raise self._unclosed(opening, "}")
            if pairs and self._took("}"):
                break
            pairs.append(self._pair(opening))
        return MapOf(opening.start, self._end(), tuple(pairs))

    def _pair(self, opening: Token) -> tuple[Node, Node]:
        token = self._now
        if token.kind is TokenKind.END:
            raise self._unclosed(opening, "}")
        if token.is_operator("("):
            key = self._parenthesised()
        elif token.kind is TokenKind.TEXT:
            key = self._quoted()
        elif token.kind in (TokenKind.NAME, TokenKind.NUMBER) or token.value.isalpha():
            self._take()
            key = Literal(token.start, token.end, token.value)
        else:
            raise self._unexpected("a key is a name, a text, or an expression in parentheses")
        self._expect(":", "a key")
        return key, self._expression()

    # What follows an operand

    def _postfix(self, node: Node) -> Node:
        chained = False
        while True:
            token = self._now
            if token.is_operator(".", "?."):
                chained = chained or token.value == "?."
                node = self._member(node)
            elif token.is_operator("["):
                node = self._bracket(node, optional=False)
            elif token.is_word("exists") or token.is_word("is"):
                node = self._asked(Chain(node.start, node.end, node) if chained else node)
                chained = False
            else:
                return Chain(node.start, node.end, node) if chained else node

    def _member(self, target: Node) -> Node:
        dot = self._take()
        optional = dot.value == "?."
        if optional and self._now.is_operator("["):
            return self._bracket(target, optional=True)
        key = self._take()
        if key.kind not in (TokenKind.NAME, TokenKind.OPERATOR) or not (
            key.value.isidentifier() or key.kind is TokenKind.NAME
        ):
            self._at -= key.kind is not TokenKind.END
            raise self._unexpected(
                f"a key is missing after `{dot.value}`", hint='write `a["key"]` for other keys than words'
            )
        if self._now.is_operator("("):
            hint = "write it without `()`" if key.value == "length" else f"write `{key.value}(…)` around its operand"
            raise ExpressionError(f"there are no methods: `.{key.value}()`", key.start, hint=hint)
        return Member(target.start, key.end, target, Literal(key.start, key.end, key.value), optional=optional)

    def _bracket(self, target: Node, *, optional: bool) -> Node:
        opening = self._take()
        with self._nested(opening):
            if self._now.is_operator("*"):
                raise self._unexpected(hint="write `map(items, .key)`, or ask with `all(…)`, `any(…)`")
            first = None if self._now.is_operator(":") else self._expression()
            if not self._took(":"):
                if not self._took("]") or first is None:
                    raise self._unclosed(opening, "]")
                return Member(target.start, self._end(), target, first, optional=optional)
            stop = None if self._now.is_operator("]") else self._expression()
            if not self._took("]"):
                raise self._unclosed(opening, "]")
            return Slice(target.start, self._end(), target, first, stop)

    def _asked(self, operand: Node) -> Node:
        word = self._take()
        if word.value == "exists":
            return Exists(operand.start, word.end, operand)
        negated = self._took("not")
        kind = self._take()
        if kind.value not in KINDS:
            self._at -= kind.kind is not TokenKind.END
            raise self._unexpected("after `is` stands null, number, string, boolean, array or object")
        return Is(operand.start, kind.end, operand, KINDS[kind.value], negated=negated)

    # Calls

    def _call(self, name: Token, *, first: Node | None = None) -> Node:
        function = FUNCTIONS.get(name.value)
        if function is None:
            raise _no_function(name)
        opening = self._expect("(", f"`{name.value}`")
        arguments = [] if first is None else [first]
        with self._nested(opening):
            while not self._took(")"):
                if len(arguments) > (first is not None) and not self._took(","):
                    raise self._unclosed(opening, ")")
                if self._took(")"):
                    break
                arguments.append(self._argument(function.kind_at(len(arguments))))
        if not function.least <= len(arguments) <= function.most:
            raise ExpressionError(
                f"`{name.value}` takes {function.arity()}, not {len(arguments)}",
                name.start,
                hint=f"write `{function.usage()}`",
            )
        start = name.start if first is None else first.start
        return Call(start, self._end(), name.value, tuple(arguments))

    def _argument(self, kind: ParameterKind | None) -> Node:
        if kind != "predicate":
            return self._expression()
        start, braces = self._now, self._took("{")
        self._predicates += 1
        body = self._expression()
        self._predicates -= 1
        if braces and not self._took("}"):
            raise self._unclosed(start, "}")
        return Predicate(start.start, self._end(), body)


def _no_function(name: Token) -> ExpressionError:
    if name.value in LATER:
        return ExpressionError(f"`{name.value}()` is not there yet", name.start, hint="it comes with a later release")
    near = nearest(name.value, FUNCTIONS)
    hint = f"did you mean `{near}`?" if near else "the reference lists the functions"
    return ExpressionError(f"there is no function `{name.value}`", name.start, hint=hint)
