"""What the text of an expression is made of."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, auto

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions.holes import Hole, Plain


class TokenKind(Enum):
    """What a token is."""

    NAME = auto()
    NUMBER = auto()
    TEXT = auto()
    BYTES = auto()
    HOLE = auto()
    OPERATOR = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """``text[start:end]``. ``value`` is the word or operator, or what a text spells."""

    kind: TokenKind
    start: int
    end: int
    value: str = ""
    number: int | Decimal = 0
    data: bytes = b""
    parts: tuple[Plain | Hole, ...] = ()
    """A text with placeholders, in pieces; a placeholder, as one piece."""

    def is_operator(self, *values: str) -> bool:
        """Whether it is one of these operators."""
        return self.kind is TokenKind.OPERATOR and self.value in values

    def is_word(self, value: str) -> bool:
        """Whether it is this name."""
        return self.kind is TokenKind.NAME and self.value == value

    def shown(self) -> str:
        """The token for a message."""
        return "the end" if self.kind is TokenKind.END else f"`{self.value}`"
