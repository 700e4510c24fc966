"""Functions over text. Text is characters, not bytes."""

from __future__ import annotations

from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.values import Value, kind_of, show


def _trim(_: Frame, text: str, chars: str | None = None) -> str:
    return text.strip(chars)


def _split(frame: Frame, text: str, delimiter: str, limit: int = -1) -> list[Value]:
    return list(_pieces(frame, text, delimiter, limit))


def _split_after(frame: Frame, text: str, delimiter: str, limit: int = -1) -> list[Value]:
    pieces = _pieces(frame, text, delimiter, limit)
    return [*(piece + delimiter for piece in pieces[:-1]), *pieces[-1:]]


def _pieces(frame: Frame, text: str, delimiter: str, limit: int) -> list[str]:
    """As Go's ``strings.SplitN``: no limit below 0, none at all for 0, single characters without a delimiter."""
    if limit == 0:
        return []
    frame.charge_items(text.count(delimiter) + 1)
    if delimiter:
        return text.split(delimiter, limit - 1 if limit > 0 else -1)
    if 0 < limit < len(text):
        return [*text[: limit - 1], text[limit - 1 :]]
    return list(text)


def _replace(frame: Frame, text: str, old: str, new: str, count: int = -1) -> str:
    times = text.count(old) if count < 0 else min(count, text.count(old))
    frame.require(max(0, len(text) + times * (len(new) - len(old))))
    return text.replace(old, new, count)


def _repeat(frame: Frame, text: str, count: int) -> str:
    if count < 0:
        raise FunctionError(f"a text can't be repeated {count} times")
    frame.require(len(text) * count)
    return text * count


def _join(frame: Frame, items: list[Value], delimiter: str = "") -> str:
    texts: list[str] = []
    size = 0
    for index, item in enumerate(items):
        if not isinstance(item, str):
            raise FunctionError(
                f"item {index} is {kind_of(item)} {show(item)}, not text; `map(items, string(#))` makes it one"
            )
        size += len(item) + len(delimiter)
        frame.require(size)
        texts.append(item)
    return delimiter.join(texts)


TABLE = (
    function(
        "trim",
        "text: text, chars?: text",
        _trim,
        "The text without white space at both ends, or without the characters of `chars`.",
        ('trim("  a ")', '"a"'),
        ('trim("__a_", "_")', '"a"'),
    ),
    function(
        "trimPrefix",
        "text: text, prefix?: text",
        lambda _, text, prefix=" ": text.removeprefix(prefix),
        "The text without `prefix`, a space if none is given, where it starts with it.",
        ('trimPrefix("HelloWorld", "Hello")', '"World"'),
    ),
    function(
        "trimSuffix",
        "text: text, suffix?: text",
        lambda _, text, suffix=" ": text.removesuffix(suffix),
        "The text without `suffix`, a space if none is given, where it ends with it.",
        ('trimSuffix("HelloWorld", "World")', '"Hello"'),
    ),
    function(
        "upper", "text: text", lambda _, text: text.upper(), "The text in capitals.", ('upper("hello")', '"HELLO"')
    ),
    function(
        "lower", "text: text", lambda _, text: text.lower(), "The text in small letters.", ('lower("HELLO")', '"hello"')
    ),
    function(
        "split",
        "text: text, delimiter: text, limit?: integer",
        _split,
        "The pieces between the delimiters, at most `limit`; single characters with an empty delimiter.",
        ('split("a,b,c", ",")', '["a", "b", "c"]'),
        ('split("a,b,c", ",", 2)', '["a", "b,c"]'),
    ),
    function(
        "splitAfter",
        "text: text, delimiter: text, limit?: integer",
        _split_after,
        "As `split`, each piece with its delimiter.",
        ('splitAfter("a,b", ",")', '["a,", "b"]'),
    ),
    function(
        "replace",
        "text: text, old: text, new: text, count?: integer",
        _replace,
        "The text with `new` for each `old`, or for the first `count` of them.",
        ('replace("aa", "a", "b")', '"bb"'),
        ('replace("aa", "a", "b", 1)', '"ba"'),
    ),
    function("repeat", "text: text, count: integer", _repeat, "The text `count` times.", ('repeat("Hi", 2)', '"HiHi"')),
    function(
        "join",
        "list: list, delimiter?: text",
        _join,
        "One text from a list of texts, with the delimiter between them.",
        ('join(["a", "b"], ", ")', '"a, b"'),
    ),
    function(
        "indexOf",
        "text: text, part: text",
        lambda _, text, part: text.find(part),
        "Where `part` first stands in the text, in characters; -1 if nowhere.",
        ('indexOf("apple pie", "pie")', "6"),
        ('indexOf("a", "b")', "-1"),
    ),
    function(
        "lastIndexOf",
        "text: text, part: text",
        lambda _, text, part: text.rfind(part),
        "Where `part` last stands in the text, in characters; -1 if nowhere.",
        ('lastIndexOf("abab", "ab")', "2"),
    ),
    function(
        "hasPrefix",
        "text: text, prefix: text",
        lambda _, text, prefix: text.startswith(prefix),
        "Whether the text starts with `prefix`, as `startsWith`.",
        ('hasPrefix("HelloWorld", "Hello")', "true"),
    ),
    function(
        "hasSuffix",
        "text: text, suffix: text",
        lambda _, text, suffix: text.endswith(suffix),
        "Whether the text ends with `suffix`, as `endsWith`.",
        ('hasSuffix("HelloWorld", "World")', "true"),
    ),
)
