"""What shows itself to be a secret: what stands under a key that says so, and the password of a URL."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

MASK = "***"
_ENDS = (
    *("authorization", "cookie", "cookies", "password", "passwd", "passphrase", "secret", "token", "bearer"),
    *("apikey", "accesskey", "privatekey", "secretkey"),
)
_NO_SECRET = ("pagetoken", "nexttoken")
_BETWEEN_WORDS = re.compile(r"[-_. ]")

_HINTS = ("authorization", "cookie", "passw", "passphrase", "secret", "token", "bearer", "api", "access", "private")
"""Text with none of these holds no key of a secret: a quick look, before the patterns that are slow."""

_KEY_END = (
    r"(?:authorization|cookies?|password|passwd|passphrase|secret"
    r"|(?<!page)(?<!page[_-])(?<!next)(?<!next[_-])token|bearer"
    r"|api[_. -]?key|access[_. -]?key|private[_. -]?key|secret[_. -]?key)"
)
"""The end of a secret-like key in text; what stands before it is left out, or long words would be searched for ever."""

_URL_PASSWORD = re.compile(
    r"(?P<head>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@\"']*:)"
    # A slash in it is no URL, but what somebody wrote; digits before a slash are a port.
    r"(?P<password>[^\s/?#\"']+|(?!\d+[/?#])[^\s\"'@]+)(?=@)"
)
_WHOLE_PLACEHOLDER = r"(?:\$\{[^:}]*\}|\{\{[^:}]*\}\})"
_PAIR = re.compile(
    rf"{_KEY_END}(?:"
    # Quoted text, of JSON or not: a placeholder and what it is compared with hide nothing.
    rf"[\"']?\s*[:=]\s*(?P<quote>[\"'])(?!{_WHOLE_PLACEHOLDER}(?P=quote))"
    r"(?P<text>(?:\\.|(?!(?P=quote))[^\\])+)"
    # The same in JSON within text, up to a quote that is escaped as often as the one before it.
    r"|\\+\"\s*:\s*(?P<level>\\+)\"(?P<escaped>.+?)(?=(?<!\\)(?P=level)\"|$)"
    r"|(?P<key_quote>\\*[\"'])\s*:\s*(?P<number>-?\d[\w.+-]*)"
    r"|:\s*(?:bearer|basic|digest|token|negotiate)\s+(?P<credentials>[^\s\"',;]+)"
    r"|(?<=cookie):\s*(?P<cookie>[^\s=;,:\"']+=[^\r\n\"']+)"
    # No comparison, placeholder or SQL parameter: these hide nothing, and are what the text is about.
    r"|=(?!=|\$\d|\$\{|\{\{|\?|:\w|…)(?P<form>[^\s\"'&;,<>(){}\[\]\\]+)"
    r")|\bbearer\s+(?P<bearer>(?=\S*\d)[\w.~+/=-]{16,})",
    re.IGNORECASE | re.DOTALL,
)
"""A secret-like key and its value in JSON, in JSON within text, in a header, a query string or a form."""

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
    """Whether what stands under ``key`` is masked: it ends in password, token, authorization and the like.

    Neither case counts nor what stands between words: ``X-Api-Key``, ``apiKey`` and ``api_key`` are the same.
    """
    plain = _BETWEEN_WORDS.sub("", key).lower()
    return plain.endswith(_ENDS) and not plain.endswith(_NO_SECRET)


def mask_urls(text: str) -> str:
    """``text`` with the passwords of its URLs masked."""
    return _URL_PASSWORD.sub(rf"\g<head>{MASK}", text) if "://" in text else text


def mask_pairs(text: str) -> str:
    """``text`` with URL passwords masked, and what stands under secret-like keys of JSON, forms and query strings."""
    masked = mask_urls(text)
    return _PAIR.sub(_masked_pair, masked) if _may_hold_keys(masked) else masked


def mask_source_line(text: str) -> str:
    """Lines of a flow file or of a text: as :func:`mask_pairs`, and nothing after a secret-like key and ``:``."""
    return _LINE_PAIR.sub(_masked_line, mask_pairs(text))


def secrets_of_line(text: str) -> frozenset[str]:
    """What :func:`mask_source_line` masks in ``text``, without quotes and without what YAML takes for an indicator."""
    values = [match["password"] for match in _URL_PASSWORD.finditer(text)]
    values += [_value_of(match) for match in _PAIR.finditer(text)]
    values += [match["value"] for match in _LINE_PAIR.finditer(text) if _masked_line(match) != match[0]]
    return frozenset(found for value in values if (found := value.strip("\"'").lstrip("*&!|>@%`")))


def secrets_within(text: str) -> Iterator[str]:
    """The secrets that a text shows itself: passwords of URLs, and pairs with secret-like keys."""
    for match in _URL_PASSWORD.finditer(text) if "://" in text else ():
        yield from {match["password"], unquote(match["password"])}
    for match in _PAIR.finditer(text) if _may_hold_keys(text) else ():
        value = _value_of(match)
        yield from {value, unquote_plus(value) if match.lastgroup == "form" else value}


def secrets_under(key: str, text: str) -> Iterator[str]:
    """The secrets in a text that stands under a secret-like key: of a header its credentials or each cookie's value."""
    plain = key.replace("-", "_").lower()
    if plain.endswith("cookie"):
        cookies = _SET_COOKIE if plain.endswith("set_cookie") else _COOKIE
        yield from (match["value"].strip().strip('"') for match in cookies.finditer(text))
    elif plain.endswith("authorization"):
        scheme, _, credentials = text.rpartition(" ")
        yield credentials
        if scheme.lower() == "basic":
            yield from _basic_password(credentials)
    else:
        yield text


def _basic_password(credentials: str) -> Iterator[str]:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("utf-8", "ignore")
    except binascii.Error:
        return
    yield decoded.partition(":")[2]


def _may_hold_keys(text: str) -> bool:
    lowered = text.lower()
    for hint in _HINTS:  # noqa: SIM110 - any() takes four times as long, and each text comes here
        if hint in lowered:
            return True
    return False


def _value_of(match: re.Match[str]) -> str:
    """The value of a pair: what was matched last."""
    return match[match.lastgroup or 0]


def _masked_pair(match: re.Match[str]) -> str:
    group = match.lastgroup or 0
    before, after = match[0][: match.start(group) - match.start()], match[0][match.end(group) - match.start() :]
    # In place of a number stands text, which takes quotes.
    quote = match["key_quote"] or ""
    return f"{before}{quote}{MASK}{quote}{after}"


def _masked_line(match: re.Match[str]) -> str:
    value = match["value"]
    # A placeholder or an expression's operand is no secret, and it is what the problem is about; a default may be one.
    if value.startswith("=") or value.lstrip("\"'").startswith(MASK) or _PLACEHOLDERS.fullmatch(value):
        return match[0]
    return f"{match['head']}{MASK}"
