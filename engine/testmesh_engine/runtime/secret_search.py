"""Finds known secrets in text, in whatever form they stand there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from testmesh_engine.runtime.secret_forms import ESCAPE, SHORTEST, Term, View, lowered, terms, views
from testmesh_engine.runtime.secret_text import MASK, mask_pairs

_PASSES = 8
"""Masks bring together what stood apart, and that may be a secret: seen twice at most, and bounded all the same."""

_KEPT_TEXTS = 4096
_KEPT_CHARACTERS = 256
"""Of short texts it is kept what became of them: the same headers and names come with every step."""

_PATTERN_BYTES = 64 << 20
"""What RE2 may take for all terms."""

_TERM_BYTES = 64
"""Of a long term its start is enough to look for it."""

_ENCODED = re.compile(r"[%\\&…+]|\.\.\.|''|\"\"|[\w+/-]{20,}")
"""What may hide a secret from a plain search."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_END_CHARACTERS = 12
_BASE64_DIGIT = re.compile(r"[A-Za-z0-9+/_-]")
_DEEPEST_BASE64 = 2
"""A Secret's value in its own base64, in that of a header."""

_CUT = re.compile(r"(?=(…|\.\.\.))")
"""Where somebody has cut text, also within longer rows of dots."""

_LONGEST_ESCAPE = 10
_HALF_ESCAPE = re.compile(r"(?:\\(?:[ux][0-9A-Fa-f]{0,3})?|%[0-9A-Fa-f]?|&#?\w{0,8})\Z")


class KnownSecrets:
    """Finds known secrets in text. What it knows never changes: threads may share it."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self._secrets = secrets
        self._seen: dict[str, str] = {}

    @cached_property
    def _terms(self) -> tuple[Term, ...]:
        return tuple({term for secret in self._secrets for term in terms(secret)})

    @cached_property
    def _rare(self) -> bool:
        return any(char in " '\"" for secret in self._secrets for char in secret)

    @cached_property
    def _quick(self) -> Any:
        """A pattern that is found in every text in small letters that holds a term; RE2 takes them all in one pass."""
        import re2  # noqa: PLC0415 - takes 10 ms, and a flow without secrets needs it not

        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are, UTF-8 or not
        options.max_mem = _PATTERN_BYTES
        looked_for = {part for term in self._terms for part in (term.text, *(_ends(term.text) if term.plain else ()))}
        starts = {_encoded(lowered(part))[:_TERM_BYTES] for part in looked_for}
        return re2.compile(b"|".join(re2.escape(start) for start in sorted(starts)), options)

    def masked(self, text: str) -> str:
        """``text`` with a mask for each secret, and for what shows itself to be one."""
        seen = self._seen.get(text)
        if seen is None:
            # What is known goes first: a pair is cut where its value seems to end, and the rest would stay.
            seen = mask_pairs(self._looked_through(text) if self._secrets else text)
            if len(text) <= _KEPT_CHARACTERS and len(self._seen) < _KEPT_TEXTS:
                self._seen[text] = seen
        return seen

    def _looked_through(self, text: str) -> str:
        """What a mask brings together is looked at again."""
        for _ in range(_PASSES):
            spans = self._spans(text)
            if not spans:
                break
            text = _without(text, spans)
        return text

    def has_part(self, part: str) -> bool:
        """Whether a secret holds ``part``."""
        small = lowered(part)
        return any((small if term.blind else part) in term.text for term in self._terms if term.plain)

    def _spans(self, text: str, *, depth: int = 0) -> list[tuple[int, int]]:
        """Where secrets stand, in order and apart."""
        if not self._found_in(text) and not _ENCODED.search(text):
            return []
        found = [
            (view.place(start), view.place(stop))
            for view in views(text, rare=self._rare)
            for start, stop in self._in_view(view, depth)
        ]
        return _apart(_whole_escapes(text, found))

    def _found_in(self, text: str) -> bool:
        return self._quick.search(_encoded(lowered(text))) is not None

    def _in_view(self, view: View, depth: int) -> Iterator[tuple[int, int]]:
        text, small = view.text, lowered(view.text)
        if self._found_in(text):
            for term in self._terms:
                yield from _places(term, small if term.blind else text)
                if term.plain:
                    yield from _places_of_ends(term.text, small if term.blind else text)
        for mark in _CUT.finditer(text):
            for term in self._terms:
                if term.plain:
                    yield from _places_at_cut(term.text, small if term.blind else text, mark)
        if depth < _DEEPEST_BASE64:
            for run in _BASE64.finditer(text):
                if self._spans(_decoded(run[0]), depth=depth + 1):
                    yield run.span()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(run: str) -> str:
    digits = run.rstrip("=").replace("-", "+").replace("_", "/")
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("utf-8", "replace")


def _places(term: Term, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(term.text)
    while start >= 0:
        stop = start + len(term.text)
        before = term.before if _BASE64_DIGIT.match(text, start - 1) and start else 0
        after = term.after if _BASE64_DIGIT.match(text, stop) else 0
        yield start - before, stop + after
        start = text.find(term.text, start + 1)


def _ends(secret: str) -> tuple[str, ...]:
    """Head and tail of a long secret: so much of it is not met by chance, and who cuts text does not always say so."""
    scheme = secret.find("://") + 3
    lead = scheme if 3 <= scheme <= _END_CHARACTERS else 0
    return (secret[: lead + _END_CHARACTERS], secret[-_END_CHARACTERS:]) if len(secret) > lead + _END_CHARACTERS else ()


def _places_of_ends(secret: str, text: str) -> Iterator[tuple[int, int]]:
    for head, tail in [_ends(secret)] if _ends(secret) else ():
        start = text.find(head)
        while start >= 0:
            yield start, start + _shared(secret, text[start : start + len(secret)])
            start = text.find(head, start + 1)
        stop = text.find(tail) + len(tail)
        while stop >= len(tail):
            before = text[max(0, stop - len(secret)) : stop]
            yield stop - _shared(secret[::-1], before[::-1]), stop
            stop = text.find(tail, stop - len(tail) + 1) + len(tail)


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _places_at_cut(secret: str, text: str, mark: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The head of a secret before a cut, and its tail behind one."""
    end = mark.start(1)
    half = _HALF_ESCAPE.search(text, max(0, end - _LONGEST_ESCAPE), end)
    for stop in {end, half.start() if half else end}:
        start = text.find(secret[:SHORTEST], max(0, stop - len(secret)), stop)
        while start >= 0 and not secret.startswith(text[start:stop]):
            start = text.find(secret[:SHORTEST], start + 1, stop)
        if start >= 0:
            yield start, end
    begin = mark.end(1)
    stop = text.find(secret[-SHORTEST:], begin, begin + len(secret)) + SHORTEST
    while stop >= begin + SHORTEST and not secret.endswith(text[begin:stop]):
        stop = text.find(secret[-SHORTEST:], stop - SHORTEST + 1, begin + len(secret)) + SHORTEST
    if stop >= begin + SHORTEST:
        yield begin, stop


def _whole_escapes(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans, widened so that none of them ends within an escape: what is left stays well-formed."""
    if not spans:
        return spans
    tokens = [match.span() for match in ESCAPE.finditer(text)]
    return [(_edge(start, tokens, 0), _edge(stop, tokens, 1)) for start, stop in spans]


def _edge(at: int, tokens: list[tuple[int, int]], side: int) -> int:
    return next((token[side] for token in tokens if token[0] < at < token[1]), at)


def _apart(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans in order; those that touch are one: two masks in a row would tell that there are two secrets."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(stop, found[-1][1])
        else:
            found.append((start, stop))
    return found


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, stop in spans:
        pieces += (text[done:start], MASK)
        done = stop
    return "".join([*pieces, text[done:]])
