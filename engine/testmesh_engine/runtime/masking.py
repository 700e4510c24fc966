"""Keeps secrets out of everything that is written: a value is masked before it enters a result, never after."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

from testmesh_engine.contract.result import Json

MASK = "***"
_SHORTEST_ANYWHERE = 4
"""A declared secret shorter than this is masked where it is the whole value only: it would tear up all other text."""

_SHORTEST_LEARNED = 8
"""A value met under a secret-like key, or a URL's password, is masked elsewhere from this length on."""

_SECRET_KEY = re.compile(
    r"(authorization|cookies?|password|passwd|secret|token|bearer|api_?key|access_?key|private_?key)$", re.IGNORECASE
)
_NOT_SECRET = frozenset({"page_token", "next_token", "pagetoken", "nexttoken"})
_KEY_END = (
    r"(?:authorization|cookies?|password|passwd|secret|(?<!page)(?<!page[_-])(?<!next)(?<!next[_-])token|bearer"
    r"|api[_-]?key|access[_-]?key|private[_-]?key)"
)
"""The end of a secret-like key in text; what stands before it is left out, or long words would be searched for ever."""

_URL_PASSWORD = re.compile(r"(?P<head>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@\"']*:)(?P<password>[^\s/?#\"']+)(?=@)")
_PAIR = re.compile(
    rf"{_KEY_END}(?:"
    r"(?P<quote>[\"'])\s*:\s*(?P=quote)(?P<json>(?:\\.|(?!(?P=quote))[^\\])+)"
    r"|\\+\"\s*:\s*\\+\"(?P<escaped>[^\"\\]+)"
    r"|\\*[\"']\s*:\s*(?P<number>-?\d[\w.+-]*)"
    # No comparison, placeholder or SQL parameter: these hide nothing, and are what the text is about.
    r"|=(?!=|\$\d|\$\{|\{\{|\?|:\w|…)(?P<form>[^\s\"'&;,<>(){}\[\]\\]+)"
    r")",
    re.IGNORECASE | re.DOTALL,
)
"""A secret-like key and its value in JSON, in JSON within text, in a query string or a form."""

_WORD = r"(?:[^\s,}]|,(?=\S)|\}(?=[^\s,}\]]))+"
_LINE_PAIR = re.compile(
    rf"(?P<head>(?:{_KEY_END}|\bauth)(?:[\"']?\s*[:=]\s*|\s+(?=bearer\s|basic\s)))"
    rf"(?P<value>(?![\s{{\[…])(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|{_WORD}(?:[ \t]+(?!\#){_WORD})*))",
    re.IGNORECASE,
)
"""The same in a line of YAML, where text without quotes goes on to a comma in a map, or to the line's end."""

_PLACEHOLDERS = re.compile(r"[\"']?(\$\{[^:}]*\}?|\{\{[^:}]*\}{0,2})+[\"']?")
_SET_COOKIE = re.compile(r"(?:^|,\s*)[^=;,\s]+=(?P<value>[^;,]+)")
_COOKIE = re.compile(r"(?:^|;\s*)[^=;,\s]+=(?P<value>[^;]+)")


@lru_cache(maxsize=4096)
def is_secret_key(key: str) -> bool:
    """Whether what stands under ``key`` is masked: it ends in password, token, authorization and the like."""
    plain = key.replace("-", "_").lower()
    return plain not in _NOT_SECRET and bool(_SECRET_KEY.search(plain))


def mask_urls(text: str) -> str:
    """``text`` with the passwords of its URLs masked."""
    return _URL_PASSWORD.sub(rf"\g<head>{MASK}", text) if "://" in text else text


def mask_pairs(text: str) -> str:
    """``text`` with URL passwords masked, and what stands under secret-like keys of JSON, forms and query strings."""
    masked = mask_urls(text)
    return _PAIR.sub(_masked_pair, masked) if "=" in text or ":" in text else masked


def mask_source_line(text: str) -> str:
    """Lines of a flow file or of a text: as :func:`mask_pairs`, and nothing after a secret-like key and ``:``."""
    return _LINE_PAIR.sub(_masked_line, mask_pairs(text))


def secrets_of_line(text: str) -> frozenset[str]:
    """What :func:`mask_source_line` masks in ``text``, without quotes and without what YAML takes for an indicator."""
    values = [match["password"] for match in _URL_PASSWORD.finditer(text)]
    values += [match[match.lastgroup or 0] for match in _PAIR.finditer(text)]
    values += [match["value"] for match in _LINE_PAIR.finditer(text) if _masked_line(match) != match[0]]
    return frozenset(found for value in values if (found := value.strip("\"'").lstrip("*&!|>@%`")))


def _masked_pair(match: re.Match[str]) -> str:
    return match[0][: match.start(match.lastgroup or 0) - match.start()] + MASK


def _masked_line(match: re.Match[str]) -> str:
    value = match["value"]
    # A placeholder or an expression's operand is no secret, and it is what the problem is about; a default may be one.
    if value.startswith("=") or value.lstrip("\"'").startswith(MASK) or _PLACEHOLDERS.fullmatch(value):
        return match[0]
    return f"{match['head']}{MASK}"


class Masker:
    """Knows the secrets of one run and takes them out of values and text; ``***`` never tells a length."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._whole: set[str] = set()
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """A declared secret, masked wherever it stands; also without the line end that its file may have."""
        for form in {secret, secret.strip()} if secret.strip() else ():
            self._whole.add(form)
            if len(form) >= _SHORTEST_ANYWHERE:
                self._secrets.add(form)
                self._pattern = None

    def learn(self, value: object, *, key: str = "") -> None:
        """Note the secrets that a value holds: below secret-like keys, in pairs within text, and passwords in URLs."""
        if isinstance(value, Mapping):
            below = key if is_secret_key(key) else ""
            for name, item in value.items():
                self.learn(item, key=str(name) if not below or is_secret_key(str(name)) else below)
        elif isinstance(value, list):
            for item in value:
                self.learn(item, key=key)
        elif isinstance(value, str):
            for secret in (*(_under_key(key, value) if is_secret_key(key) else ()), *_within(value)):
                self._learn(secret)
        elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and is_secret_key(key):
            self._learn(str(value))

    def _learn(self, secret: str) -> None:
        if len(secret) >= _SHORTEST_LEARNED and secret not in self._whole:
            self.add(secret)

    def text(self, text: str) -> str:
        """``text`` without any secret."""
        if text in self._whole:
            return MASK
        # What is known goes first: a pair is cut where its value seems to end, and the rest of a secret would stay.
        known = self._compiled().sub(MASK, text) if self._secrets else text
        return mask_pairs(known)

    def value(self, value: Json, *, key: str = "") -> Json:
        """``value`` without any secret, keys included; what stands under a secret-like key is masked whole."""
        if value is not None and value != "" and not isinstance(value, bool) and is_secret_key(key):
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(name): self.value(item, key=name) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in self._whole:
            return MASK
        return value

    def _compiled(self) -> re.Pattern[str]:
        if self._pattern is None:
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._pattern = re.compile("|".join(part for secret in longest_first for part in _forms(secret)))
        return self._pattern


def _under_key(key: str, text: str) -> Iterator[str]:
    """The secrets in a text that stands under a secret-like key: of a header its credentials or each cookie's value."""
    plain = key.replace("-", "_").lower()
    if plain.endswith("cookie"):
        cookies = _SET_COOKIE if plain.endswith("set_cookie") else _COOKIE
        yield from (match["value"].strip().strip('"') for match in cookies.finditer(text))
    else:
        yield text.split(" ", 1)[-1] if plain.endswith("authorization") else text


def _within(text: str) -> Iterator[str]:
    """The secrets that a text shows itself: passwords of URLs, and pairs with secret-like keys."""
    for match in _URL_PASSWORD.finditer(text) if "://" in text else ():
        yield from {match["password"], unquote(match["password"])}
    for match in _PAIR.finditer(text) if "=" in text or ":" in text else ():
        value = match[match.lastgroup or 0]
        yield from {value, unquote_plus(value) if match.lastgroup == "form" else value}


def _forms(secret: str) -> Iterator[str]:
    """Patterns for the ways in which text may carry a secret: as it is, escaped in whole or in part, in base64."""
    yield "".join(map(_spellings, secret))
    for coded in {*_base64_forms(secret.encode("utf-8", "replace"))}:
        yield re.escape(coded)


_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;|&#34;", "'": "&#x27;|&#39;"}


def _spellings(char: str) -> str:
    """The pattern of one character: itself, or as JSON, HTML and URLs write it; each client escapes others."""
    if char.isascii() and char.isalnum():
        return char
    percent = "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "replace"))
    as_is = {re.escape(char), re.escape(json.dumps(char, ensure_ascii=False)[1:-1]), _HTML.get(char, re.escape(char))}
    coded = {percent, re.escape(json.dumps(char)[1:-1]), *([r"\+"] if char == " " else [])}
    return f"(?:{'|'.join(sorted(as_is))}|(?i:{'|'.join(sorted(coded))}))"


def _base64_forms(secret: bytes) -> Iterable[str]:
    """Its base64 at all three alignments within longer data, without the characters that its neighbours share."""
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + secret).decode("ascii").rstrip("=")
        first = (lead * 8 + 5) // 6
        last = (lead + len(secret)) * 8 // 6
        if last - first >= _SHORTEST_LEARNED // 2:
            yield coded[first:last]
            yield coded[first:last].replace("+", "-").replace("/", "_")
