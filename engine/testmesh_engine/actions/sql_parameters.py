"""Binds a query's parameters: ``$1`` as it is, ``?`` and ``:name`` rewritten to it.

PostgreSQL itself knows ``$1`` only. The other spellings are found as its scanner would see them: never in a quoted
text or name, in a comment or between dollar quotes, and ``::``, ``:=`` and ``a[1:n]`` are no parameters.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, nearest

_TOKEN = re.compile(
    r"""(?P<skipped>
            --[^\n]*
          | [eE]'(?:[^'\\]|\\.|'')*'
          | '(?:[^']|'')*'
          | "(?:[^"]|"")*"
          | (?P<quote>\$(?:[^\W\d]\w*)?\$).*?(?P=quote)
          | ::|:=
          | \s+
        )
      | (?P<comment>/\*)
      | (?P<numbered>\$\d+)
      | (?P<word>[^\W\d][\w$]*)
      | :(?P<named>[^\W\d]\w*)
      | (?P<question>\?\??)
      | (?P<bracket>[\[\]()])
      | (?P<other>\d+|.)""",
    re.DOTALL | re.VERBOSE,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is sent: text with ``$1`` to ``$n``, and the ``n`` values."""

    text: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    name: str = ""


def bind(query: str, params: Value) -> Statement:
    """The statement that ``query`` and ``params`` (a list, a map, or nil) make.

    Every value must be used and every ``$n`` have one: raises ``UsageError`` otherwise, before anything is sent.
    """
    if "\0" in query:
        raise UsageError("the query holds a zero character, which PostgreSQL does not take")
    tokens = list(_tokens(query))
    if params is None:
        params = []
    if isinstance(params, Mapping):
        return _bind_named(tokens, params)
    if not isinstance(params, list):
        raise UsageError(
            f"params is a list for $1, $2 … or a map for :name, found {kind_of(params)}",
            hint="A single value stands in a list too: params: [5].",
        )
    used = {int(token.text[1:]) for token in tokens if token.kind == "numbered"}
    if params and not used:
        return _bind_questions(tokens, params)
    _check_numbers(used, len(params))
    return Statement(query, tuple(params))


def _tokens(query: str) -> Iterator[_Token]:
    at = 0
    while match := _TOKEN.match(query, at):
        kind = match.lastgroup or "other"
        at = _end_of_comment(query, match.end()) if kind == "comment" else match.end()
        yield _Token(kind, query[match.start() : at], match["named"] or "")


def _end_of_comment(query: str, at: int) -> int:
    """Where the comment that was opened before ``at`` ends; comments nest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(query, at):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(query)


def _check_numbers(used: set[int], given: int) -> None:
    for number in sorted(used):
        if not 1 <= number <= given:
            raise UsageError(f"the query uses ${number}, and {_params_have(given)}")
    unused = sorted(set(range(1, given + 1)) - used)
    if unused:
        raise UsageError(f"{_params_have(given)}, and the query never uses ${unused[0]}")


def _params_have(count: int) -> str:
    values = "value" if count == 1 else "values"
    return f"params has {count} {values}" if count else "the step has no params"


def _bind_questions(tokens: Sequence[_Token], values: Sequence[Value]) -> Statement:
    pieces: list[str] = []
    count = 0
    for token in tokens:
        if token.kind == "question" and token.text == "?":
            count += 1
            pieces.append(f"${count}")
        else:
            pieces.append("?" if token.kind == "question" else token.text)
    if count != len(values):
        raise UsageError(
            f"{_params_have(len(values))}, and the query has {count} places for them",
            hint="A place is $1, $2 … or ?; beside ? places, the operator ? is written ??.",
        )
    return Statement("".join(pieces), tuple(values))


def _bind_named(tokens: Sequence[_Token], values: Mapping[str, Value]) -> Statement:
    pieces: list[str] = []
    numbers: dict[str, int] = {}
    brackets = _Brackets()
    for token in tokens:
        if token.name in values and not brackets.in_subscript:
            pieces.append(f"${numbers.setdefault(token.name, len(numbers) + 1)}")
        else:
            pieces.append(token.text)
        brackets.pass_by(token)
    _check_names(tokens, values, numbers)
    return Statement("".join(pieces), tuple(values[name] for name in numbers))


def _check_names(tokens: Sequence[_Token], values: Mapping[str, Value], used: Mapping[str, int]) -> None:
    numbered = next((token.text for token in tokens if token.kind == "numbered"), None)
    if numbered:
        raise UsageError(
            f"the query uses {numbered}, and params is a map", hint="A list goes with $1, a map with :name."
        )
    unused = next((name for name in values if name not in used), None)
    if unused is not None:
        near = nearest(unused, [token.name for token in tokens if token.name])
        raise UsageError(
            f"params has {unused}, and the query has no :{unused}", hint=f"It has :{near}." if near else ""
        )


class _Brackets:
    """Knows whether one stands directly in a subscript, where a colon divides the bounds of a slice."""

    def __init__(self) -> None:
        self._open: list[bool] = []
        self._before = ""

    @property
    def in_subscript(self) -> bool:
        return bool(self._open) and self._open[-1]

    def pass_by(self, token: _Token) -> None:
        """Take note of ``token``, the next one of the query."""
        if token.text in ("[", "("):
            self._open.append(token.text == "[" and self._before not in ("ARRAY", "[", ","))
        elif token.text in ("]", ")") and self._open:
            self._open.pop()
        if token.text.strip() and not token.text.startswith(("--", "/*")):
            self._before = token.text.upper()
