"""Keeps secrets out of everything that is written: a value is masked before it enters a result, never after."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote

from testmesh_engine.contract.result import Json

MASK = "***"
_SHORTEST_ANYWHERE = 4
"""A declared secret shorter than this is masked where it is the whole value only: it would tear up all other text."""

_SHORTEST_LEARNED = 8
"""A value met under a secret-like key, or a URL's password, is masked elsewhere from this length on."""

_SECRET_KEY = re.compile(
    r"(authorization|cookie|password|passwd|secret|token|api_?key|access_?key|private_?key)$", re.IGNORECASE
)
_NOT_SECRET = frozenset({"page_token", "next_token", "pagetoken", "nexttoken"})
_URL_PASSWORD = re.compile(r"(?P<head>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@\"']*:)(?P<password>[^\s/?#\"']+)(?=@)")
_KEY_AND_VALUE = re.compile(
    r"(?P<head>[\w-]*(?:authorization|password|passwd|secret|token|api_?key|access_?key|private_?key)[\"']?\s*[:=]\s*)"
    r"(?P<value>(?!\s)(?:(?:bearer|basic)\s+)?[^\s\"',;}&]+|\"[^\"]*\"|'[^']*')",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def is_secret_key(key: str) -> bool:
    """Whether what stands under ``key`` is masked: it ends in password, token, authorization and the like."""
    plain = key.replace("-", "_").lower()
    return plain not in _NOT_SECRET and bool(_SECRET_KEY.search(plain))


def mask_urls(text: str) -> str:
    """``text`` with the passwords of its URLs masked."""
    return _URL_PASSWORD.sub(rf"\g<head>{MASK}", text) if "://" in text else text


def mask_source_line(text: str) -> str:
    """A line of a flow file, as problems show it: no URL passwords, nothing after a secret-like key."""
    return _KEY_AND_VALUE.sub(_masked_pair, mask_urls(text))


def _masked_pair(match: re.Match[str]) -> str:
    value = match["value"]
    # A placeholder or an expression's operand is no secret, and it is what the problem is about.
    return match[0] if value.startswith(("${", "{{", "'${", '"${', '"{{', "'{{", "=")) else f"{match['head']}{MASK}"


class Masker:
    """Knows the secrets of one run and takes them out of values and text; ``***`` never tells a length."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._whole: set[str] = set()
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """A declared secret, masked wherever it stands."""
        if not secret.strip():
            return
        self._whole.add(secret)
        if len(secret) >= _SHORTEST_ANYWHERE:
            self._secrets.add(secret)
            self._pattern = None

    def learn(self, value: object, *, key: str = "") -> None:
        """Note the secrets that a value holds: below secret-like keys, and passwords in URLs."""
        if isinstance(value, str):
            if is_secret_key(key):
                self._learn(value.split(" ", 1)[-1] if key.lower().endswith("authorization") else value)
            for match in _URL_PASSWORD.finditer(value) if "://" in value else ():
                self._learn(match["password"])
                self._learn(unquote(match["password"]))
        elif isinstance(value, Mapping):
            for name, item in value.items():
                self.learn(item, key=str(name))
        elif isinstance(value, list):
            for item in value:
                self.learn(item, key=key)

    def _learn(self, secret: str) -> None:
        if len(secret) >= _SHORTEST_LEARNED and secret not in self._whole:
            self.add(secret)

    def text(self, text: str) -> str:
        """``text`` without any secret."""
        if text in self._whole:
            return MASK
        masked = mask_urls(text) if "://" in text else text
        return self._compiled().sub(MASK, masked) if self._secrets else masked

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
