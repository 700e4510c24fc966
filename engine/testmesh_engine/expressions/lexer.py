"""From text to tokens, as Expr's own lexer does it, with placeholders as tokens of their own."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal

from testmesh_engine.expressions import holes, mistakes
from testmesh_engine.expressions.arithmetic import ArithmeticProblem, bounded
from testmesh_engine.expressions.errors import ExpressionError
from testmesh_engine.expressions.grammar import WORD_OPERATORS
from testmesh_engine.expressions.holes import Hole, Plain
from testmesh_engine.expressions.tokens import Token, TokenKind
from testmesh_engine.expressions.values import MAX_INTEGER_DIGITS, read_decimal

_SPACE = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|(?:[0-9][0-9_]*)(?:\.(?!\.)[0-9_]*)?(?:[eE][+-]?[0-9_]+)?|\.[0-9][0-9_]*(?:[eE][+-]?[0-9_]+)?"
)
_WORD = re.compile(r"\$?[^\W\d]\w*|\$")
_POINTER = re.compile(r"#(\w*)")
_OPERATOR = re.compile(r"\*\*|\.\.|\?\?|\?\.|==|!=|<=|>=|&&|\|\||::|[-+*/%^<>!?:.,;|()\[\]{}=]")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{3})|(.?))", re.DOTALL
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff]")

_STRAY = {
    "=": "`==` compares; `=` stands in `let` only",
    "&": "write `&&` or `and`",
    "~": "write `matches` for a regular expression",
    "@": "the item of a predicate is `#`",
    "\\": "text stands in quotes",
    "“": "use straight quotes",
    "”": "use straight quotes",
    "‘": "use straight quotes",  # noqa: RUF001 - the character that a word processor writes
    "’": "use straight quotes",  # noqa: RUF001 - same
}


class Lexer:
    """The tokens of ``text[start:end]``; offsets are those of the whole text."""

    def __init__(self, text: str, start: int, end: int, *, dashed: Collection[str] = ()) -> None:
        self._text = text
        self._position = start
        self._end = end
        self._dashed = sorted(dashed, key=len, reverse=True)

    def tokens(self) -> list[Token]:
        """All of them, the last one ``END``. Raises ``ExpressionError``."""
        found = [self._next()]
        while found[-1].kind is not TokenKind.END:
            found.append(self._next())
        return found

    def _next(self) -> Token:  # noqa: PLR0911 - one line for each kind of token
        space = _SPACE.match(self._text, self._position, self._end)
        start = self._position = space.end() if space else self._position
        if start >= self._end:
            return Token(TokenKind.END, self._end, self._end)
        char = self._text[start]
        if char in "\"'`":
            return self._quoted(start, char)
        if self._text.startswith(("${", "{{"), start, self._end):
            return self._hole(start)
        if char in "bB" and self._text.startswith(('"', "'"), start + 1, self._end):
            return self._bytes(start)
        if char.isdigit() or (char == "." and _NUMBER.match(self._text, start, self._end)):
            return self._number(start)
        if char == "#":
            return self._pointer(start)
        return self._word(start) or self._operator(start)

    def _to(self, end: int) -> int:
        self._position = end
        return end

    def _hole(self, start: int) -> Token:
        hole = holes.find_hole(self._text, start, self._end)
        if hole is None:
            raise holes.unclosed(self._text, start)
        value = self._text[start : hole.end]
        return Token(TokenKind.HOLE, start, self._to(hole.end), value, parts=(hole,))

    def _pointer(self, start: int) -> Token:
        match = _POINTER.match(self._text, start, self._end)
        end = match.end() if match else start + 1
        return Token(TokenKind.OPERATOR, start, self._to(end), self._text[start:end])

    def _word(self, start: int) -> Token | None:
        for name in self._dashed:
            end = start + len(name)
            if self._text.startswith(name, start, self._end) and not _continues(self._text, end, self._end):
                return Token(TokenKind.NAME, start, self._to(end), name)
        match = _WORD.match(self._text, start, self._end)
        if match is None:
            return None
        kind = TokenKind.OPERATOR if match[0] in WORD_OPERATORS else TokenKind.NAME
        return Token(kind, start, self._to(match.end()), match[0])

    def _operator(self, start: int) -> Token:
        match = _OPERATOR.match(self._text, start, self._end)
        if match is None:
            char = self._text[start]
            raise ExpressionError(f"`{char}` means nothing here", start, hint=_STRAY.get(char, ""))
        if match[0] == "/" and self._text.startswith("/*", start, self._end):
            raise ExpressionError("the comment is never closed", start, hint="close it with `*/`")
        return Token(TokenKind.OPERATOR, start, self._to(match.end()), match[0])

    def _number(self, start: int) -> Token:
        mistakes.refuse_bare_date(self._text, start, self._end)
        match = _NUMBER.match(self._text, start, self._end)
        end = match.end() if match else start + 1
        if match is None or _continues(self._text, end, self._end, dash=False):
            raise ExpressionError(
                f"`{_run(self._text, start, self._end)}` is no number", start, hint="put quotes around a text"
            )
        return Token(TokenKind.NUMBER, start, self._to(end), match[0], number=_read_number(match[0], start))

    def _bytes(self, start: int) -> Token:
        end = self._closing(start + 1, self._text[start + 1])
        written = self._text[start + 2 : end]
        if holes.has_holes(written):
            raise ExpressionError("a placeholder can't stand within bytes", start, hint="bytes are written out")
        data = _unescape_bytes(written, start + 2)
        return Token(TokenKind.BYTES, start, self._to(end + 1), self._text[start : end + 1], data=data)

    def _quoted(self, start: int, quote: str) -> Token:
        end = self._closing(start, quote)
        parts = self._text_parts(start + 1, end, raw=quote == "`")
        self._to(end + 1)
        if all(isinstance(part, Plain) for part in parts):
            value = "".join(part.text for part in parts if isinstance(part, Plain))
            return Token(TokenKind.TEXT, start, end + 1, value)
        return Token(TokenKind.TEXT, start, end + 1, self._text[start : end + 1], parts=parts)

    def _closing(self, start: int, quote: str) -> int:
        """Where the quote that opens at ``start`` is closed."""
        end = start + 1
        while end < self._end and self._text[end] != quote:
            end += 2 if self._text[end] == "\\" and quote != "`" else 1
        if end >= self._end:
            raise ExpressionError(
                f"the text that opens with {quote} is never closed", start, hint=f"close it with {quote}"
            )
        return end

    def _text_parts(self, start: int, end: int, *, raw: bool) -> tuple[Plain | Hole, ...]:
        parts = holes.split(self._text, start, end, lenient=True)
        return tuple(
            Plain(part.start, part.text if raw else _unescape(part.text, part.start))
            if isinstance(part, Plain)
            else part
            for part in parts
        )


def _continues(text: str, end: int, limit: int, *, dash: bool = True) -> bool:
    """Whether the word that ends at ``end`` goes on."""
    return end < limit and (text[end].isalnum() or text[end] == "_" or (dash and text[end] == "-"))


def _run(text: str, start: int, end: int) -> str:
    match = re.compile(r"[\w.:-]+").match(text, start, min(end, start + 60))
    return match[0] if match else text[start]


def _read_number(text: str, start: int) -> int | Decimal:
    digits = text.replace("_", "")
    try:
        if digits[:2].lower() in ("0x", "0o", "0b"):
            return int(bounded(int(digits, 0)))
        if len(digits) > MAX_INTEGER_DIGITS:
            raise ArithmeticProblem(f"the result has more than {MAX_INTEGER_DIGITS:,} digits")  # noqa: TRY301 - one way out
        return int(digits) if digits.isascii() and digits.isdigit() else read_decimal(digits)
    except ArithmeticProblem as error:
        raise ExpressionError(str(error).replace("the result", "a number"), start) from None
    except (ValueError, ArithmeticError) as error:
        reason = str(error) if "beyond" in str(error) else f"`{text[:40]}` is no number"
        raise ExpressionError(reason, start) from None


def _unescape(text: str, start: int) -> str:
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(lambda match: _escaped(match, start), text)
    plain = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), plain)
    return _LONE.sub("\ufffd", plain)


_BYTE_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|(.?))", re.DOTALL)


def _unescape_bytes(text: str, start: int) -> bytes:
    """Escapes stand for bytes here, all else for its UTF-8."""
    pieces, position = [], 0
    for match in _BYTE_ESCAPE.finditer(text):
        pieces += [text[position : match.start()].encode("utf-8", "replace"), _escaped_byte(match, start)]
        position = match.end()
    return b"".join([*pieces, text[position:].encode("utf-8", "replace")])


def _escaped_byte(match: re.Match[str], start: int) -> bytes:
    digits, octal, char = match.groups()
    number = int(digits, 16) if digits else int(octal, 8) if octal else -1
    if 0 <= number <= 255:
        return bytes([number])
    if char and (char in _SIMPLE or char in "\\\"'`"):
        return _SIMPLE.get(char, char).encode()
    message = f"`{match[0]}` is no escape of bytes"
    raise ExpressionError(
        message, start + match.start(), hint="bytes have `\\xNN`, three octal digits, `\\n` and their like"
    )


def _escaped(match: re.Match[str], start: int) -> str:
    *numbers, octal, char = match.groups()
    code = next((int(digits, 16) for digits in numbers if digits), int(octal, 8) if octal else -1)
    if code >= 0:
        if code > 0x10FFFF:
            raise ExpressionError(f"`{match[0]}` is beyond the last character", start + match.start())
        return chr(code)
    if char in _SIMPLE:
        return _SIMPLE[char]
    if char and char in "\\\"'`/{$":
        return str(char)
    raise ExpressionError(
        f"`{match[0]}` is no escape of a text",
        start + match.start(),
        hint="write `\\\\` for one backslash, or use `…` quotes",
    )
