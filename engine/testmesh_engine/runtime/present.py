"""From what an attempt met to what a report shows of it: plain JSON, masked, and cut where it is long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from testmesh_engine.contract.result import AssertionResult, Json, Operand
from testmesh_engine.expressions import Check, Value, to_plain
from testmesh_engine.runtime.masking import Masker, key_in
from testmesh_engine.runtime.secret_text import MASK, mask_source_line

MAX_TEXT_CHARACTERS = 4096
"""Of one text in a report: enough for an error page's head, small enough for a log line."""

MAX_ITEMS = 100
"""Of one list or map in a report."""

_LOOKED_AT_CHARACTERS = 64 * 1024
"""Of a longer text the rest is not looked through for secrets, as it is not shown; one that begins before the cut
is found whole, unless it is longer than all that is shown many times over."""

_TEXTS = frozenset({"body", "raw", "value"})
"""Where a result holds text as it was received, which may be lines of ``key: value``."""

_NAME = re.compile(r"[^\W\d][\w-]*")

_DIFFERS = "does not hold; the value is a secret and is not shown"
_OTHER_KIND = "holds whatever the values are: they differ in kind, and one is a secret and not shown"


def with_hint(message: str, hint: str) -> str:
    """One line of an error: what is wrong, then what to do about it."""
    if not hint:
        return message
    if message.endswith((".", "!", "?")):
        return f"{message} {hint}"
    # A name that is to be written as it stands: mock_server_start.
    is_name = "_" in hint.partition(" ")[0]
    return f"{message}. {hint if is_name else hint[:1].upper() + hint[1:]}"


def shown(value: Value, masker: Masker, *, key: str = "") -> Json:
    """``value``, which stands under ``key``, for a report: plain, masked and cut."""
    if masker.hides_below(key, value):
        return MASK
    if isinstance(value, str):
        return _shown_text(value, masker, lines=key in _TEXTS)
    if isinstance(value, dict):
        kept = islice(value.items(), MAX_ITEMS)
        found = masker.keyed((name, shown(item, masker, key=key_in(value, name))) for name, item in kept)
        return {**found, "…": f"{len(value)} entries, cut"} if len(value) > MAX_ITEMS else found
    if isinstance(value, list):
        items = [shown(item, masker) for item in islice(value, MAX_ITEMS)]
        return [*items, f"… ({len(value)} items, cut)"] if len(value) > MAX_ITEMS else items
    if isinstance(value, bytes):
        return _shown_bytes(value, masker)
    return masker.value(to_plain(value))


def _shown_text(text: str, masker: Masker, *, lines: bool) -> str:
    """Masked before it is cut: half a secret tells much of it."""
    masked = masker.text(text[:_LOOKED_AT_CHARACTERS])
    return _cut_text(mask_source_line(masked) if lines else masked, len(text))


def _shown_bytes(data: bytes, masker: Masker) -> Json:
    """As base64; text that holds a secret is that text without it, whatever bytes it came as."""
    text = data[:_LOOKED_AT_CHARACTERS].decode("utf-8", "backslashreplace")
    masked = masker.text(text)
    return _cut_text(masked, len(data)) if masked != text else _cut(masker.value(to_plain(data)))


def shown_result(result: Mapping[str, Value], masker: Masker) -> Json:
    """An action's result for a report."""
    return masker.shows({name: shown(value, masker, key=name) for name, value in result.items()})


def shown_check(source: str, check: Check, masker: Masker, *, message: str = "") -> AssertionResult:
    """An assertion for a report; one on a secret says only that it does not hold."""
    expression = masker.text(source)
    if any(_is_secret(operand, masker) for operand in check.operands):
        said, warning = (
            f"{expression}: {_DIFFERS}",
            f"{expression} {_OTHER_KIND}" if check.holds and check.warning else "",
        )
    else:
        said = masker.text(f"{message} ({check.message})" if message and check.message else message or check.message)
        warning = masker.text(check.warning) if check.holds else ""
    return AssertionResult(
        expression=expression,
        passed=check.holds,
        message="" if check.holds else said,
        warning=warning,
        operands=tuple(
            Operand(source=masker.text(operand.source), value=_operand(operand, masker)) for operand in check.operands
        ),
    )


def _operand(operand: Operand, masker: Masker) -> Json:
    return MASK if _is_secret(operand, masker) else _cut(masker.value(operand.value))


def _is_secret(operand: Operand, masker: Masker) -> bool:
    """Whether its value may tell of a secret: it is one, or is made of one (``token[0:9]``, ``split(token, ".")``)."""
    if operand.value in (None, "") or isinstance(operand.value, bool):
        return False
    return any(map(masker.is_secret_name, _NAME.findall(operand.source))) or masker.tells_of(operand.value)


def _cut(value: Json) -> Json:
    if isinstance(value, str):
        return _cut_text(value, len(value))
    if isinstance(value, Mapping):
        kept = {name: _cut(item) for name, item in list(value.items())[:MAX_ITEMS]}
        return {**kept, "…": f"{len(value)} entries, cut"} if len(value) > MAX_ITEMS else kept
    if isinstance(value, (list, tuple)):
        items = [_cut(item) for item in value[:MAX_ITEMS]]
        return [*items, f"… ({len(value)} items, cut)"] if len(value) > MAX_ITEMS else items
    return value


def _cut_text(text: str, length: int) -> str:
    """``text``, of ``length`` characters before it was masked, up to a bound."""
    return f"{text[:MAX_TEXT_CHARACTERS]}… ({length} characters, cut)" if len(text) > MAX_TEXT_CHARACTERS else text
