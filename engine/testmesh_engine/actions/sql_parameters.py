"""Binds a query's parameters: ``$1``, ``?`` and ``:name`` alike, for each of its statements those that it uses.

A place for a parameter is never in a quoted text or name, in a comment or between dollar quotes; ``::``, ``:=`` and
``a[1:n]`` are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from testmesh_engine.actions.sql_scanner import Dialect, Token, scan, split
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, nearest


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its text around the places for parameters, and the values that it uses.

    ``places`` has one number fewer than ``texts`` has texts: the index in ``values`` of what stands between two of
    them. ``lead`` is what the query has before it, which lines are counted from; ``head`` its first word.
    """

    texts: tuple[str, ...]
    places: tuple[int, ...] = ()
    values: tuple[Value, ...] = ()
    lead: str = ""
    head: str = ""

    @property
    def text(self) -> str:
        """As PostgreSQL takes it, and as people are shown it: with ``$1`` to ``$n``."""
        return self.write(lambda index: f"${index + 1}")

    def write(self, place: Callable[[int], str]) -> str:
        """The text with what ``place`` makes of the index of each value."""
        first, *rest = self.texts
        return first + "".join(f"{place(index)}{text}" for index, text in zip(self.places, rest, strict=True))


def bind(query: str, params: Value, dialect: Dialect) -> list[Statement]:
    """The statements that ``query`` and ``params`` (a list, a map, or nil) make, at least one.

    Every value must be used and every place have one: raises ``UsageError`` otherwise, before anything is sent.
    """
    if "\0" in query:
        raise UsageError("the query holds a zero character")
    tokens, values = _placed(_scanned(query, dialect), [] if params is None else params)
    statements = [_statement(part, values, lead=query[: part[0].at]) for part in split(tokens)]
    if not statements:
        raise UsageError("the query is empty: it holds no statement")
    return statements


@lru_cache(maxsize=256)
def _scanned(query: str, dialect: Dialect) -> tuple[Token, ...]:
    """A step that is run again asks the same."""
    return tuple(scan(query, dialect))


def _placed(tokens: Sequence[Token], params: Value) -> tuple[Sequence[Token], Sequence[Value]]:
    """The tokens, each place with the index of its value, and the values."""
    if isinstance(params, Mapping):
        return _named(tokens, params)
    if not isinstance(params, list):
        raise UsageError(
            f"params is a list for $1, $2 … or a map for :name, found {kind_of(params)}",
            hint="A single value stands in a list too: params: [5].",
        )
    used = {int(token.text[1:]) for token in tokens if token.kind == "numbered"}
    if params and not used:
        return _questions(tokens, len(params)), params
    _check_numbers(used, len(params))
    return [replace(each, index=int(each.text[1:]) - 1) if each.kind == "numbered" else each for each in tokens], params


def _statement(tokens: Sequence[Token], values: Sequence[Value], *, lead: str) -> Statement:
    used = sorted({token.index for token in tokens if token.index is not None})
    texts, places = [""], []
    for token in tokens:
        if token.index is None:
            texts[-1] += token.text
        else:
            places.append(used.index(token.index))
            texts.append("")
    head = next((token.text.upper() for token in tokens if not token.is_blank), "")
    return Statement(tuple(texts), tuple(places), tuple(values[index] for index in used), lead, head)


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


def _questions(tokens: Sequence[Token], given: int) -> list[Token]:
    placed: list[Token] = []
    count = 0
    for token in tokens:
        if token.kind == "question" and token.text == "?":
            placed.append(replace(token, index=count))
            count += 1
        else:
            placed.append(replace(token, text="?") if token.kind == "question" else token)
    if count != given:
        raise UsageError(
            f"{_params_have(given)}, and the query has {count} places for them",
            hint="A place is $1, $2 … or ?; beside ? places, the operator ? is written ??.",
        )
    return placed


def _named(tokens: Sequence[Token], values: Mapping[str, Value]) -> tuple[list[Token], Sequence[Value]]:
    placed: list[Token] = []
    numbers: dict[str, int] = {}
    brackets = _Brackets()
    for token in tokens:
        is_place = token.name in values and not brackets.in_subscript
        placed.append(replace(token, index=numbers.setdefault(token.name, len(numbers))) if is_place else token)
        brackets.pass_by(token)
    _check_names(tokens, values, numbers)
    return placed, [values[name] for name in numbers]


def _check_names(tokens: Sequence[Token], values: Mapping[str, Value], used: Mapping[str, int]) -> None:
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

    def pass_by(self, token: Token) -> None:
        """Take note of ``token``, the next one of the query."""
        if token.text in ("[", "("):
            self._open.append(token.text == "[" and self._before not in ("ARRAY", "[", ","))
        elif token.text in ("]", ")") and self._open:
            self._open.pop()
        if not token.is_blank:
            self._before = token.text.upper()
