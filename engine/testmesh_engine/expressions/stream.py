"""The tokens of one expression while they are read, and what to say where they are not as expected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from testmesh_engine.expressions import limits
from testmesh_engine.expressions.errors import ExpressionError, nearest
from testmesh_engine.expressions.grammar import BINARY, MISTAKES, SPELLINGS
from testmesh_engine.expressions.tokens import Token, TokenKind


class TokenStream:
    """A place in the tokens; the last one is ``END`` and is never taken."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._nesting = 0

    @property
    def now(self) -> Token:
        """The next token, not taken yet."""
        return self._tokens[self._at]

    def at_end(self) -> bool:
        """Whether all are taken."""
        return self.now.kind is TokenKind.END

    def ahead(self) -> Token:
        """The one after it."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Take the next token."""
        token = self.now
        if token.kind is not TokenKind.END:
            self._at += 1
        return token

    def took(self, *operators: str) -> bool:
        """Take the next token if it is one of these operators."""
        if self.now.is_operator(*operators):
            self._at += 1
            return True
        return False

    def end(self) -> int:
        """Where the last token that was taken ends."""
        return self._tokens[self._at - 1].end if self._at else self.now.start

    def expect(self, operator: str, what: str) -> Token:
        """Take this operator, which ``what`` can't do without. Raises ``ExpressionError``."""
        if not self.now.is_operator(operator):
            raise self.unexpected(f"{what} needs `{operator}` here")
        return self.take()

    def unexpected(self, wanted: str = "", hint: str = "") -> ExpressionError:
        """The error for the next token, where ``wanted`` says what should stand there."""
        token = self.now
        if token.kind is TokenKind.END:
            message = f"{wanted}, but the text ends" if wanted else "the text ends too early"
            return ExpressionError(message, token.start, hint=hint)
        message = f"{wanted}, not {token.shown()}" if wanted else f"{token.shown()} can't stand here"
        return ExpressionError(message, token.start, hint=hint or self._mistake())

    def _mistake(self) -> str:
        """What the next token was most likely meant for, "" where nobody can tell."""
        token, before, after = self.now, self._tokens[max(0, self._at - 1)], self.ahead()
        if token.value == ":" and before.kind is after.kind is TokenKind.NUMBER:
            return f'put quotes around a time of day: "{before.value}:{after.value}"'
        if token.value == ">" and before.is_operator("<"):
            return "write `!=`"
        return MISTAKES.get(token.value, "")

    @contextmanager
    def nested(self, token: Token) -> Iterator[None]:
        """One level deeper, from ``token`` on. Raises ``ExpressionError`` beyond the bound."""
        self._nesting += 1
        if self._nesting > limits.MAX_NESTING:
            raise ExpressionError(
                f"nested more than {limits.MAX_NESTING} deep", token.start, hint="use `let` for parts"
            )
        yield
        self._nesting -= 1

    def left_over(self) -> ExpressionError:
        """The error for a token that follows a whole expression."""
        token = self.now
        if token.is_word("is") or token.is_word("exists"):
            return self.unexpected(hint=f"`{token.value}` follows an operand")
        if token.is_operator("=") and self.ahead().is_operator("="):
            return self.unexpected(hint="write `==` without a space")
        if token.is_operator("not") and self.ahead().is_word("exists"):
            return self.unexpected(hint="write `!(… exists)` or `… == nil`")
        if token.is_operator(")", "]", "}"):
            return ExpressionError(f"`{token.value}` closes nothing", token.start)
        if token.kind in (TokenKind.NAME, TokenKind.NUMBER, TokenKind.TEXT, TokenKind.HOLE):
            return _no_operator(token)
        return self.unexpected()

    def unclosed(self, opening: Token, closing: str) -> ExpressionError:
        """The error where ``closing`` should stand for the bracket that ``opening`` opened."""
        if self.now.kind is TokenKind.END:
            return ExpressionError(
                f"`{opening.value}` is never closed", opening.start, hint=f"close it with `{closing}`"
            )
        if self.now.is_operator(",", ":"):
            return self.unexpected(f"`{closing}` belongs here")
        return self.left_over()


def _no_operator(token: Token) -> ExpressionError:
    near = nearest(token.value, [*BINARY, *SPELLINGS, "exists", "is"]) if token.kind is TokenKind.NAME else ""
    hint = f"did you mean `{near}`?" if near else "put an operator such as `==` or `and` between the two"
    return ExpressionError(f"an operator is missing before {token.shown()}", token.start, hint=hint)
