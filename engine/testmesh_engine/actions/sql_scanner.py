"""Finds what a query is made of: places for parameters, semicolons, and what only looks like either.

Each database's own scanner is followed: what is quoted, what is a comment, and how names are written differ.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html https://mariadb.com/kb/en/lexical-structure/
https://www.sqlite.org/lang_keywords.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from testmesh_engine.contract.record import dataclass

_COMMENT_EDGE = re.compile(r"/\*|\*/")
_PLACES = r"""
      | (?P<comment>/\*)
      | (?P<numbered>\$\d+)
      | (?P<word>[^\W\d][\w$]*)
      | :(?P<named>[^\W\d]\w*)
      | (?P<question>\?\??)
      | (?P<bracket>[\[\]()])
      | (?P<semicolon>;)
      | (?P<other>\d+|.)"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of database reads the text of a query; ``name`` is for people."""

    name: str
    tokens: re.Pattern[str]
    comments_nest: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the query that starts ``at`` there: ``kind`` is the group that it matched.

    ``name`` is what stands behind a colon, ``index`` the number of the parameter that it is a place for, from 0.
    """

    kind: str
    text: str
    at: int = 0
    name: str = ""
    index: int | None = None

    @property
    def is_blank(self) -> bool:
        """Whether it is white space or a comment, which makes no statement."""
        return self.kind in ("blank", "comment")


def _dialect(name: str, skipped: str, *, blank: str, comments_nest: bool = False) -> Dialect:
    pattern = rf"(?P<blank>\s+|{blank})|(?P<skipped>{skipped}){_PLACES}"
    return Dialect(name, re.compile(pattern, re.DOTALL | re.VERBOSE), comments_nest)


POSTGRESQL = _dialect(
    "PostgreSQL",
    r"""[eE]'(?:[^'\\]|\\.|'')*'
      | '(?:[^']|'')*'
      | "(?:[^"]|"")*"
      | (?P<quote>\$(?:[^\W\d]\w*)?\$).*?(?P=quote)
      | ::|:=""",
    blank=r"--[^\n]*",
    comments_nest=True,
)
MYSQL = _dialect(
    "MySQL",
    r"""'(?:[^'\\]|\\.|'')*'
      | "(?:[^"\\]|\\.|"")*"
      | `(?:[^`]|``)*`
      | /\*M?!.*?\*/
      | :=""",
    blank=r"--(?=\s|$)[^\n]*|\#[^\n]*",
)
SQLITE = _dialect(
    "SQLite",
    r"""'(?:[^']|'')*'
      | "(?:[^"]|"")*"
      | `(?:[^`]|``)*`
      | \[[^\]]*\]""",
    blank=r"--[^\n]*",
)


def scan(query: str, dialect: Dialect) -> Iterator[Token]:
    """The tokens of ``query``; their texts together are the query. What is never closed is left to the server."""
    at = 0
    while match := dialect.tokens.match(query, at):
        kind = match.lastgroup or "other"
        at = match.end()
        if kind == "comment":
            at = _end_of_comment(query, at, nest=dialect.comments_nest)
        yield Token(kind, query[match.start() : at], match.start(), match["named"] or "")


def _end_of_comment(query: str, at: int, *, nest: bool) -> int:
    """Where the comment that was opened before ``at`` ends."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(query, at):
        depth += 1 if nest and edge[0] == "/*" else 0
        depth -= 1 if edge[0] == "*/" else 0
        if not depth:
            return edge.end()
    return len(query)


def split(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """The statements between the semicolons, as the tokens of each; those that hold nothing are left out.

    What stands before a statement without belonging to one (blanks, empty statements) is part of it.
    """
    statement: list[Token] = []
    nesting = _Nesting()
    for token in tokens:
        if token.kind == "semicolon" and not nesting.holds:
            if any(not each.is_blank for each in statement):
                yield statement
            statement, nesting = [], _Nesting()
        else:
            statement.append(token)
            nesting.pass_by(token)
    if any(not each.is_blank for each in statement):
        yield statement


_ROUTINE = re.compile(
    r"CREATE (OR REPLACE )?(DEFINER (\w+ )*?)?((TEMP|TEMPORARY|AGGREGATE|CONSTRAINT) )?"
    r"(FUNCTION|PROCEDURE|TRIGGER|EVENT)\b"
)
_HEAD_WORDS = 8
_BLOCKS = frozenset({"BEGIN", "CASE"})
_LOOPS = frozenset({"IF", "LOOP", "WHILE", "REPEAT"})
"""What ``END`` is followed by where it closes no ``BEGIN``."""


class _Nesting:
    """Knows whether a semicolon is part of the statement: in parentheses, and in the body of a routine."""

    def __init__(self) -> None:
        self._head: list[str] = []
        self._blocks = 0
        self._brackets = 0
        self._before = ""

    @property
    def holds(self) -> bool:
        return self._blocks > 0 or self._brackets > 0

    def pass_by(self, token: Token) -> None:
        """Take note of the next token."""
        if token.kind == "bracket":
            self._brackets = max(0, self._brackets + (1 if token.text in "([" else -1))
        elif token.kind == "word":
            word = token.text.upper()
            if len(self._head) < _HEAD_WORDS:
                self._head.append(word)
            if _ROUTINE.match(" ".join(self._head)):
                self._count(word)
            self._before = word

    def _count(self, word: str) -> None:
        if word == "END":
            self._blocks -= 1
        elif (word in _BLOCKS and self._before != "END") or (word in _LOOPS and self._before == "END"):
            self._blocks += 1
