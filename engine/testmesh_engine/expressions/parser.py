"""From tokens to the syntax tree: Expr's grammar (precedence climbing, as its own parser does it) and our words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from testmesh_engine.expressions import holes, limits, mistakes, nodes
from testmesh_engine.expressions.errors import ExpressionError
from testmesh_engine.expressions.functions import FUNCTIONS, ParameterKind, unknown_function
from testmesh_engine.expressions.grammar import BINARY, CONSTANTS, KINDS, NEGATABLE, ORDER, SPELLINGS, UNARY
from testmesh_engine.expressions.holes import Hole, Plain
from testmesh_engine.expressions.lexer import Lexer
from testmesh_engine.expressions.methods import METHODS, no_method
from testmesh_engine.expressions.nodes import Literal, Node, Placeholder
from testmesh_engine.expressions.stream import TokenStream
from testmesh_engine.expressions.tokens import Token, TokenKind
from testmesh_engine.expressions.values import Value


def parse(text: str, *, dashed: Collection[str] = ()) -> Node:
    """The tree of a whole expression. Raises ``ExpressionError``."""
    return parse_part(text, 0, len(text), dashed=dashed)


def parse_part(text: str, start: int, end: int, *, dashed: Collection[str] = (), predicates: int = 0) -> Node:
    """The tree of ``text[start:end]``, with offsets of the whole text. Raises ``ExpressionError``.

    ``predicates`` counts those that it stands in, where ``#`` has a meaning.
    """
    return _Parser(text, start, end, dashed=dashed, predicates=predicates).whole()


def parse_hole(text: str, hole: Hole, *, bare: bool, dashed: Collection[str] = (), predicates: int = 0) -> Placeholder:
    """The tree of one placeholder of ``text``. Raises ``ExpressionError``."""
    last = hole.last if hole.colon < 0 else hole.colon
    if not text[hole.first : last].strip():
        raise ExpressionError("the placeholder is empty", hole.start, hint="name a variable in it")
    body = parse_part(text, hole.first, last, dashed=dashed, predicates=predicates)
    if hole.colon < 0:
        return Placeholder(hole.start, hole.end, body, bare=bare)
    or_empty = text.startswith(":-", hole.colon)
    default = _default(text, hole.colon + 1 + or_empty, hole.last, dashed=dashed, predicates=predicates)
    return Placeholder(hole.start, hole.end, body, default, or_empty=or_empty, bare=bare)


def _default(text: str, start: int, end: int, *, dashed: Collection[str], predicates: int) -> Node:
    """The text after the colon, spaces around it aside; it may hold placeholders itself."""
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end = max(start, start + len(text[start:end].rstrip()))
    parts = list(holes.split(text, start, end))
    return text_node(text, start, end, parts, dashed=dashed, predicates=predicates)


def text_node(  # noqa: PLR0913 - where it stands, its pieces, and what its placeholders may name
    text: str,
    start: int,
    end: int,
    parts: Sequence[Plain | Hole],
    *,
    dashed: Collection[str] = (),
    predicates: int = 0,
) -> Node:
    """The node of a text that was split into its placeholders and what stands between."""
    made: list[Node] = [
        Literal(part.start, part.start + len(part.text), part.text)
        if isinstance(part, Plain)
        else parse_hole(text, part, bare=False, dashed=dashed, predicates=predicates)
        for part in parts
    ]
    if any(isinstance(node, Placeholder) for node in made):
        return nodes.Text(start, end, tuple(made))
    return Literal(start, end, "".join(part.text for part in parts if isinstance(part, Plain)))


class _Parser:
    """One pass over the tokens of one expression."""

    def __init__(self, text: str, start: int, end: int, *, dashed: Collection[str], predicates: int) -> None:
        self._text = text
        self._dashed = dashed
        self._tokens = TokenStream(Lexer(text, start, end, dashed=dashed).tokens())
        self._predicates = predicates
        self._recursion = 0

    # Expressions

    def whole(self) -> Node:
        """The tree of all tokens."""
        if self._tokens.at_end():
            raise ExpressionError("the expression is empty", self._tokens.now.start)
        node = self._expression()
        if not self._tokens.at_end():
            raise self._tokens.left_over()
        return node

    def _expression(self, precedence: int = 0) -> Node:
        self._recursion += 1
        if self._recursion > limits.MAX_RECURSION:
            raise ExpressionError(
                "the expression is nested too deep", self._tokens.now.start, hint="use `let` for parts"
            )
        if precedence == 0 and self._tokens.now.is_operator("let"):
            node = self._let()
        elif precedence == 0 and self._tokens.now.is_operator("if"):
            node = self._if()
        else:
            # Not that of the operand: a parenthesis may stand before it.
            start = self._tokens.now.start
            node = self._operators(self._primary(), precedence, start=start)
            node = self._conditionals(node, start) if precedence == 0 else node
        self._recursion -= 1
        return node

    def _let(self) -> Node:
        start = self._tokens.take().start
        name = self._tokens.now
        if name.kind is not TokenKind.NAME or name.value in CONSTANTS:
            raise self._tokens.unexpected("`let` needs a name", hint="let total = a + b; total > 3")
        self._tokens.take()
        self._tokens.expect("=", "`let`")
        value = self._expression()
        self._tokens.expect(";", "`let`")
        body = self._expression()
        return nodes.Let(start, self._tokens.end(), name.value, value, body)

    def _if(self) -> Node:
        start = self._tokens.take().start
        test = self._expression()
        then = self._block("`if` needs `{ … }` after its condition")
        if not self._tokens.took("else"):
            raise self._tokens.unexpected("`if` needs an `else`", hint="write `if a { b } else { c }`")
        other = self._expression() if self._tokens.now.is_operator("if") else self._block("`else` needs `{ … }`")
        return nodes.Conditional(start, self._tokens.end(), test, then, other)

    def _block(self, missing: str) -> Node:
        opening = self._tokens.now
        if not self._tokens.took("{"):
            raise self._tokens.unexpected(missing, hint="write `if a { b } else { c }`")
        node = self._expression()
        if not self._tokens.took("}"):
            raise self._tokens.unclosed(opening, "}")
        return node

    def _conditionals(self, test: Node, start: int) -> Node:
        while self._tokens.took("?"):
            if self._tokens.took(":"):
                then = test
            else:
                then = self._expression()
                self._tokens.expect(":", "`?`")
            other = self._expression()
            test = nodes.Conditional(start, self._tokens.end(), test, then, other)
        return test

    def _binary_operator(self) -> tuple[str, bool]:
        """The operator that stands here in its one spelling, and whether a ``not`` stands before it; "" if none."""
        token, negated = self._tokens.now, False
        if token.is_operator("not"):
            token, negated = self._tokens.ahead(), True
        if token.kind is TokenKind.NAME and token.value not in ("starts_with", "ends_with"):
            return "", False
        if token.kind not in (TokenKind.OPERATOR, TokenKind.NAME):
            return "", False
        operator = SPELLINGS.get(token.value, token.value)
        if operator not in BINARY or (negated and operator not in NEGATABLE):
            return "", False
        return operator, negated

    def _operators(self, left: Node, precedence: int, *, start: int) -> Node:
        previous = ""
        while True:
            operator, negated = self._binary_operator()
            if not operator or BINARY[operator] < precedence:
                return left
            if previous == "??" and operator not in ("??", "|"):
                hint = f"write `(a ?? b) {operator} c`"
                raise ExpressionError(f"`??` and `{operator}` need parentheses", self._tokens.now.start, hint=hint)
            at = self._tokens.take().start
            if negated:
                self._tokens.take()
            left = self._with_right(left, operator, at=at, start=start)
            if negated:
                left = nodes.Unary(start, left.end, "not", left)
            previous = operator

    def _with_right(self, left: Node, operator: str, *, at: int, start: int) -> Node:
        if operator == "|":
            return self._piped(left, start)
        if operator in ORDER:
            return self._ordered(left, operator, at=at, start=start)
        right = self._expression(BINARY[operator] + (operator != "**"))
        if operator == "-":
            mistakes.refuse_dashed_header(left, right, self._text)
        return nodes.Binary(start, self._tokens.end(), operator, left, right, at)

    def _ordered(self, left: Node, operator: str, *, at: int, start: int) -> Node:
        """``a < b < c``, which means ``a < b and b < c``."""
        result: Node | None = None
        first = start
        while True:
            middle = self._tokens.now.start
            right = self._expression(BINARY[operator] + 1)
            end = self._tokens.end()
            pair = nodes.Binary(first, end, operator, left, right, at)
            result = pair if result is None else nodes.Binary(start, end, "and", result, pair, at)
            first = middle
            if not self._tokens.now.is_operator(*ORDER):
                return result
            left, at, operator = right, self._tokens.now.start, self._tokens.take().value

    def _piped(self, left: Node, start: int) -> Node:
        name = self._tokens.now
        if name.kind is not TokenKind.NAME or not self._tokens.ahead().is_operator("("):
            raise self._tokens.unexpected("`|` needs a function", hint="write `items | len()`; `||` is the logical or")
        self._tokens.take()
        return self._postfix(self._call(name, first=left, start=start), start)

    # Operands

    def _primary(self) -> Node:
        token = self._tokens.now
        with self._tokens.nested(token):
            if token.kind is TokenKind.OPERATOR and token.value in UNARY:
                self._tokens.take()
                operand = self._expression(UNARY[token.value])
                operator = "not" if token.value == "!" else token.value
                return self._postfix(nodes.Unary(token.start, self._tokens.end(), operator, operand), token.start)
            return self._postfix(self._operand(token), token.start)

    def _operand(self, token: Token) -> Node:  # noqa: C901, PLR0911 - one line for each kind of operand
        if token.kind is TokenKind.NUMBER:
            return self._literal(token.number)
        if token.kind is TokenKind.TEXT:
            return self._quoted()
        if token.kind is TokenKind.BYTES:
            return self._literal(token.data)
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
        if token.is_operator("::"):
            return self._prefixed()
        if token.kind is TokenKind.OPERATOR and (token.value.startswith("#") or token.value == "."):
            return self._pointer()
        raise self._tokens.unexpected("" if token.kind is not TokenKind.END else "an operand is missing")

    def _literal(self, value: Value) -> Node:
        token = self._tokens.take()
        return Literal(token.start, token.end, value)

    def _quoted(self) -> Node:
        token = self._tokens.take()
        if not token.parts:
            return Literal(token.start, token.end, token.value)
        return text_node(
            self._text, token.start, token.end, token.parts, dashed=self._dashed, predicates=self._predicates
        )

    def _hole(self) -> Node:
        hole = self._tokens.take().parts[0]
        if not isinstance(hole, Hole):
            raise TypeError("a placeholder's token holds the placeholder")
        return parse_hole(self._text, hole, bare=True, dashed=self._dashed, predicates=self._predicates)

    def _named(self) -> Node:
        token = self._tokens.now
        if token.value in CONSTANTS:
            return self._literal(CONSTANTS[token.value])
        self._tokens.take()
        if self._tokens.now.is_operator("("):
            return self._call(token)
        return nodes.Name(token.start, token.end, token.value)

    def _prefixed(self) -> Node:
        """``::len(x)``, as Expr writes a function that a name might hide; here no name does."""
        start = self._tokens.take().start
        name = self._tokens.now
        if name.kind is not TokenKind.NAME:
            raise self._tokens.unexpected("a function is missing after `::`")
        self._tokens.take()
        return self._call(name, start=start)

    def _parenthesised(self) -> Node:
        opening = self._tokens.take()
        node = self._expression()
        if not self._tokens.took(")"):
            raise self._unclosed_parenthesis(opening)
        return node

    def _unclosed_parenthesis(self, opening: Token) -> ExpressionError:
        """``status in (200, 201)``: SQL and Python write a list so."""
        if not self._tokens.now.is_operator(","):
            return self._tokens.unclosed(opening, ")")
        close = self._text.find(")", opening.end)
        items = self._text[opening.end : close].strip() if close > 0 else "a, b"
        return self._tokens.unexpected("`)` belongs here", hint=f"a list stands in brackets: `[{items}]`")

    def _pointer(self) -> Node:
        token = self._tokens.now
        if not self._predicates:
            message = f"`{token.value}` stands for the item of a predicate, and there is none"
            raise ExpressionError(message, token.start, hint="write it as in `all(rows, .ok)`")
        if token.value == ".":
            # Not taken: the path that follows reads the dot.
            return nodes.Pointer(token.start, token.start, "item", implied=True)
        which = token.value[1:]
        if which not in ("", "index", "acc"):
            raise ExpressionError(f"`{token.value}` is unknown", token.start, hint="there are `#`, `#index` and `#acc`")
        self._tokens.take()
        return nodes.Pointer(token.start, token.end, "index" if which == "index" else ("acc" if which else "item"))

    def _list(self) -> Node:
        opening = self._tokens.take()
        items: list[Node] = []
        while not self._tokens.took("]"):
            if items and not self._tokens.took(","):
                raise self._tokens.unclosed(opening, "]")
            if items and self._tokens.took("]"):
                break
            items.append(self._expression())
        return nodes.ListOf(opening.start, self._tokens.end(), tuple(items))

    def _map(self) -> Node:
        opening = self._tokens.take()
        pairs: list[tuple[Node, Node]] = []
        while not self._tokens.took("}"):
            if pairs and not self._tokens.took(","):
                raise self._tokens.unclosed(opening, "}")
            if pairs and self._tokens.took("}"):
                break
            pairs.append(self._pair(opening))
        return nodes.MapOf(opening.start, self._tokens.end(), tuple(pairs))

    def _pair(self, opening: Token) -> tuple[Node, Node]:
        token = self._tokens.now
        if token.kind is TokenKind.END:
            raise self._tokens.unclosed(opening, "}")
        if token.is_operator("("):
            key = self._parenthesised()
        elif token.kind is TokenKind.TEXT:
            key = self._quoted()
        elif token.kind in (TokenKind.NAME, TokenKind.NUMBER) or token.value.isalpha():
            self._tokens.take()
            key = Literal(token.start, token.end, token.value)
        else:
            raise self._tokens.unexpected("a key is a name, a text, or an expression in parentheses")
        self._tokens.expect(":", "a key")
        return key, self._expression()

    # What follows an operand

    def _postfix(self, node: Node, start: int) -> Node:
        chained = False
        while True:
            token = self._tokens.now
            if token.is_operator(".", "?."):
                chained = chained or token.value == "?."
                node = self._member(node, start)
            elif token.is_operator("["):
                node = self._bracket(node, start, optional=False)
            elif token.is_word("exists") or token.is_word("is"):
                node = self._asked(nodes.Chain(start, node.end, node) if chained else node, start)
                chained = False
            else:
                return nodes.Chain(start, node.end, node) if chained else node

    def _member(self, target: Node, start: int) -> Node:
        dot = self._tokens.take()
        optional = dot.value == "?."
        if optional and self._tokens.now.is_operator("["):
            return self._bracket(target, start, optional=True)
        key = self._tokens.now
        if key.kind is not TokenKind.NAME and not (key.kind is TokenKind.OPERATOR and key.value.isalpha()):
            hint = 'write `a["key"]` for other keys than words'
            raise self._tokens.unexpected(f"a key is missing after `{dot.value}`", hint=hint)
        self._tokens.take()
        if self._tokens.now.is_operator("("):
            return self._method(target, key, start, optional=optional)
        return nodes.Member(start, key.end, target, Literal(key.start, key.end, key.value), optional=optional)

    def _method(self, target: Node, name: Token, start: int, *, optional: bool) -> Node:
        method = METHODS.get(name.value)
        if method is None:
            plain = isinstance(target, nodes.Name) and target.name == "FAKER"
            raise no_method(name.value, name.start, plain=plain or name.value == "length")
        opening = self._tokens.take()
        arguments: list[Node] = []
        with self._tokens.nested(opening):
            while not self._tokens.took(")"):
                if arguments and not self._tokens.took(","):
                    raise self._tokens.unclosed(opening, ")")
                arguments.append(self._expression())
        if len(arguments) != len(method.takes):
            message = f"`.{name.value}()` takes {len(method.takes) or 'no'} arguments, not {len(arguments)}"
            raise ExpressionError(message, name.start)
        return nodes.MethodCall(start, self._tokens.end(), target, name.value, tuple(arguments), optional=optional)

    def _bracket(self, target: Node, start: int, *, optional: bool) -> Node:
        opening = self._tokens.take()
        with self._tokens.nested(opening):
            if self._tokens.now.is_operator("*"):
                raise self._tokens.unexpected(hint="write `map(items, .key)`, or ask with `all(…)`, `any(…)`")
            first = None if self._tokens.now.is_operator(":") else self._expression()
            if not self._tokens.took(":"):
                if not self._tokens.took("]") or first is None:
                    raise self._tokens.unclosed(opening, "]")
                return nodes.Member(start, self._tokens.end(), target, first, optional=optional)
            stop = None if self._tokens.now.is_operator("]") else self._expression()
            if not self._tokens.took("]"):
                raise self._tokens.unclosed(opening, "]")
            return nodes.Slice(start, self._tokens.end(), target, first, stop)

    def _asked(self, operand: Node, start: int) -> Node:
        word = self._tokens.take()
        if word.value == "exists":
            return nodes.Exists(start, word.end, operand)
        negated = self._tokens.took("not")
        kind = self._tokens.now
        if kind.value not in KINDS:
            raise self._tokens.unexpected("after `is` stands null, number, string, boolean, array or object")
        self._tokens.take()
        return nodes.Is(start, kind.end, operand, KINDS[kind.value], negated=negated)

    # Calls

    def _call(self, name: Token, *, first: Node | None = None, start: int | None = None) -> Node:
        function = FUNCTIONS.get(name.value)
        if function is None:
            raise unknown_function(name.value, name.start)
        opening = self._tokens.expect("(", f"`{name.value}`")
        arguments = [] if first is None else [first]
        with self._tokens.nested(opening):
            while not self._tokens.took(")"):
                if len(arguments) > (first is not None) and not self._tokens.took(","):
                    raise self._tokens.unclosed(opening, ")")
                if self._tokens.took(")"):
                    break
                arguments.append(self._argument(name.value, function.kind_at(len(arguments))))
        if not function.least <= len(arguments) <= function.most:
            message = f"`{name.value}` takes {function.arity()}, not {len(arguments)}"
            raise ExpressionError(message, name.start, hint=f"write `{function.usage()}`")
        return nodes.Call(name.start if start is None else start, self._tokens.end(), name.value, tuple(arguments))

    def _argument(self, function: str, kind: ParameterKind | None) -> Node:
        if kind != "predicate":
            return self._expression()
        mistakes.refuse_doubled_braces(self._tokens.now)
        start, braces = self._tokens.now, self._tokens.took("{")
        self._predicates += 1
        body = self._expression()
        self._predicates -= 1
        mistakes.refuse_constant_key(function, body)
        if braces and self._tokens.now.is_operator(":"):
            raise self._tokens.unexpected(hint="a predicate that makes a map is `{ {key: value} }`")
        if braces and not self._tokens.took("}"):
            raise self._tokens.unclosed(start, "}")
        return nodes.Predicate(start.start, self._tokens.end(), body)
