"""The ways in which text may carry a secret: other characters for it (terms), and escapes around it (views)."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from testmesh_engine.contract.record import dataclass

SHORTEST = 4
"""A secret shorter than this is masked where it is the whole value only: it would tear up all other text."""

_SHORTEST_PART = 8
"""A part of a secret (a line of a private key) that has so many characters is a secret of its own."""

_OF_URLS = re.compile(r"[?#&/@:]")

_BLIND_FROM = 8
"""Secrets of so many characters are found whatever their case: a host, a header's name arrive in small letters."""

_DEEPEST = 3
"""How often text may be escaped: JSON in a form in JSON."""


@dataclass(frozen=True, slots=True)
class Term:
    """Characters that give a secret away; ``before`` and ``after`` them stand some that hold a part of it too.

    ``blind`` is set where case does not count; ``text`` is in small letters then. ``plain`` is set for the characters
    of the secret itself: where text was cut, a part of them gives as much of it away.
    """

    text: str
    before: int = 0
    after: int = 0
    blind: bool = False
    plain: bool = False


def terms(secret: str) -> frozenset[Term]:
    """All terms of a secret of at least :data:`SHORTEST` characters."""
    parts = {secret, *_parts(secret)}
    spelled = {spelling for part in parts for spelling in _spellings(part) if len(spelling) >= SHORTEST}
    coded = {term for spelling in spelled for term in _base64(spelling.encode("utf-8", "replace"))}
    return frozenset({*map(_plain, spelled), *coded, *(_hex(part) for part in parts)})


def _parts(secret: str) -> Iterator[str]:
    """What may stand alone: a line of a private key, and what a URL is taken apart into where it holds the secret."""
    for line in secret.splitlines():
        if len(line.strip()) >= _SHORTEST_PART:
            yield line.strip()
    # One word (``postgresql`` of a whole URL that is secret) tells nothing, and stands in many texts.
    yield from (part for part in _OF_URLS.split(secret) if len(part) >= _SHORTEST_PART and not part.isalpha())


def _plain(text: str) -> Term:
    blind = len(text) >= _BLIND_FROM
    return Term(lowered(text) if blind else text, blind=blind, plain=True)


def lowered(text: str) -> str:
    """``text`` in small letters, each at the place of its capital."""
    small = text.lower()
    return (
        small if len(small) == len(text) else "".join(low if len(low := char.lower()) == 1 else char for char in text)
    )


def _spellings(secret: str) -> Iterator[str]:
    """It as it is, as it is when its own escapes are undone, and as clients change what is no ASCII."""
    yield secret
    for kind in _KINDS:
        yield kind.undo(View(secret)).text
    if not secret.isascii():
        yield from (unicodedata.normalize(form, secret) for form in ("NFC", "NFD", "NFKC", "NFKD"))
        yield secret.encode("utf-8", "replace").decode("latin-1")
        yield secret.encode("utf-8", "replace").decode("cp1252", "replace")


def _base64(secret: bytes) -> Iterator[Term]:
    """Its base64 at all three places within longer data, for URLs and not."""
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + secret).decode("ascii").rstrip("=")
        first, last = (lead * 8 + 5) // 6, (lead + len(secret)) * 8 // 6
        # The characters on either side share their bits with what stands beside the secret.
        before, after = int(lead * 8 % 6 > 0), int((lead + len(secret)) * 8 % 6 > 0)
        if last - first >= SHORTEST:
            for digits in (coded[first:last], coded[first:last].replace("+", "-").replace("/", "_")):
                yield Term(digits, before=before, after=after)


def _hex(secret: str) -> Term:
    return Term(secret.encode("utf-8", "replace").hex(), blind=True)


@dataclass(frozen=True, slots=True)
class View:
    """A text with some escapes undone; ``starts`` says where each of its characters, and its end, was before."""

    text: str
    starts: Sequence[int] = ()

    def place(self, at: int) -> int:
        """Where in the text as it was the character ``at`` begins."""
        return self.starts[at] if self.starts else at


_Piece = tuple[str, int]
"""A character, and how many characters stood for it."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A way of escaping: what an escape looks like, and what it stands for."""

    marker: str
    pattern: re.Pattern[str]
    pieces: Callable[[str], Iterator[_Piece]]

    def undo(self, view: View) -> View:
        """``view`` with these escapes undone; itself where it has none."""
        if self.marker not in view.text:
            return view
        text: list[str] = []
        starts: list[int] = []
        done = 0
        for match in self.pattern.finditer(view.text):
            text.append(view.text[done : match.start()])
            starts.extend(view.place(at) for at in range(done, match.start()))
            at = match.start()
            for char, length in self.pieces(match[0]):
                text.append(char)
                starts.append(view.place(at))
                at += length
            done = match.end()
        text.append(view.text[done:])
        starts.extend(view.place(at) for at in range(done, len(view.text) + 1))
        return View("".join(text), starts)


def _bytes(data: bytes, width: int) -> Iterator[_Piece]:
    """The characters of bytes that were written with ``width`` characters each: as UTF-8, else as Latin-1."""
    for char in data.decode("utf-8", "surrogateescape"):
        if "\udc80" <= char <= "\udcff":
            yield chr(ord(char) - 0xDC00), width
        else:
            yield char, width * len(char.encode("utf-8"))


def _percent(run: str) -> Iterator[_Piece]:
    return _bytes(bytes.fromhex(run.replace("%", "")), 3)


_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0", "e": "\x1b"}


def _backslash(run: str) -> Iterator[_Piece]:
    kind = run[1]
    if kind == "x" and len(run) > 2:
        yield from _bytes(bytes.fromhex(run.replace("\\x", "")), 4)
    elif kind in "0123" and len(run) > 2:
        yield from _bytes(bytes(int(octal, 8) for octal in run.split("\\")[1:]), 4)
    elif kind in "uU" and len(run) > 2:
        units = [int(unit.strip("{}"), 16) for unit in re.split(r"\\[uU]", run)[1:]]
        data = b"".join(unit.to_bytes(2, "big") if unit < 0x10000 else b"" for unit in units)
        yield data.decode("utf-16-be", "replace") or chr(min(units[0], 0x10FFFF)), len(run)
    else:
        yield _CONTROLS.get(kind, kind), len(run)


def _entity(run: str) -> Iterator[_Piece]:
    if run[1] == "#":
        number = int(run[3:-1], 16) if run[2] in "xX" else int(run[2:-1])
        yield chr(min(number, 0x10FFFF)), len(run)
        return
    from html import unescape  # noqa: PLC0415 - a table of 2,000 names that few runs need

    for index, char in enumerate(unescape(run)):
        yield char, 0 if index else len(run)


_PERCENT = _Kind("%", re.compile(r"(?:%[0-9A-Fa-f]{2})+"), _percent)
_BACKSLASH = _Kind(
    "\\",
    re.compile(
        r"(?:\\x[0-9A-Fa-f]{2})+|(?:\\[0-3][0-7]{2})+|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}"
        r"|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\u\{[0-9A-Fa-f]{1,6}\}|\\.",
        re.DOTALL,
    ),
    _backslash,
)
_ENTITY = _Kind("&", re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"), _entity)
_PLUS = _Kind("+", re.compile(r"\+"), lambda _: iter([(" ", 1)]))
_DOUBLED = _Kind("'", re.compile(r"''"), lambda _: iter([("'", 2)]))
_IN_A_SHELL = _Kind("'\\''", re.compile(r"'\\''"), lambda _: iter([("'", 4)]))
_DOUBLED_QUOTES = _Kind('"', re.compile(r'""'), lambda _: iter([('"', 2)]))
_KINDS = (_PERCENT, _BACKSLASH, _ENTITY)

ESCAPE = re.compile(
    r"%[0-9A-Fa-f]{2}|\\(?:x[0-9A-Fa-f]{2}|[0-3][0-7]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|u\{[0-9A-Fa-f]{1,6}\}|.)"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});",
    re.DOTALL,
)
"""One escape of any kind: what must not be cut in two."""


def views(text: str, *, rare: bool = True) -> Iterator[View]:
    """``text``, and what it is with its escapes undone, in any order, up to three deep.

    ``rare`` adds ``+`` for a space, and quotes that are doubled (SQL, CSV, YAML): secrets without these need them not.
    """
    kinds = (*_KINDS, _PLUS, _DOUBLED, _IN_A_SHELL, _DOUBLED_QUOTES) if rare else _KINDS
    seen = {text}
    level = [View(text)]
    for depth in range(_DEEPEST + 1):
        yield from level
        if depth < _DEEPEST:
            level = [new for view in level for kind in kinds if _is_new(new := kind.undo(view), seen)]


def _is_new(view: View, seen: set[str]) -> bool:
    if view.text in seen:
        return False
    seen.add(view.text)
    return True
