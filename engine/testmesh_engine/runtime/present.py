"""From what an attempt met to what a report shows of it: plain JSON, masked, and cut where it is long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from testmesh_engine.contract.result import AssertionResult, Json, Operand
from testmesh_engine.expressions import Check, Value, to_plain
from testmesh_engine.runtime.masking import Masker, is_secret_key, mask_source_line

MAX_TEXT_CHARACTERS = 4096
"""Of one text in a report: enough for an error page's head, small enough for a log line."""

MAX_ITEMS = 100
"""Of one list or map in a report."""

_TEXTS = frozenset({"body", "raw", "value"})
"""Where a result holds text as it was received, which may be lines of ``key: value``."""

_NAME = re.compile(r"[^\W\d][\w-]*")

_DIFFERS = "does not hold; the value is a secret and is not shown"
_OTHER_KIND = "holds whatever the values are: they differ in kind, and one is a secret and not shown"


def with_hint(message: str, hint: str) -> str:
    """One line of an error: what is wrong, then what to do about it."""
    if not hint:
        return message
    return f"{message} {hint}" if message.endswith((".", "!", "?")) else f"{message}. {hint[:1].upper()}{hint[1:]}"


def shown(value: Value, masker: Masker, *, key: str = "") -> Json:
    """``value``, which stands under ``key``, for a report: plain, masked and cut."""
    if isinstance(value, str):
        masked = masker.value(value, key=key)
        return _cut(mask_source_line(masked) if key in _TEXTS and isinstance(masked, str) else masked)
    if key and is_secret_key(key):
        return masker.value(to_plain(value), key=key)
    if isinstance(value, dict):
        kept = islice(value.items(), MAX_ITEMS)
        found = {masker.text(name): shown(item, masker, key=name) for name, item in kept}
        return {**found, "…": f"{len(value)} entries, cut"} if len(value) > MAX_ITEMS else found
    if isinstance(value, list):
        items = [shown(item, masker) for item in islice(value, MAX_ITEMS)]
        return [*items, f"… ({len(value)} items, cut)"] if len(value) > MAX_ITEMS else items
    return _cut(masker.value(to_plain(value)))


def shown_result(result: Mapping[str, Value], masker: Masker) -> Json:
    """An action's result for a report."""
    return {name: shown(value, masker, key=name) for name, value in result.items()}


def shown_check(source: str, check: Check, masker: Masker, *, message: str = "") -> AssertionResult:
    """An assertion for a report; one on a secret says only that it does not hold."""
    if any(_is_secret(operand) for operand in check.operands):
        operands = tuple(Operand(source=operand.source, value=_operand(operand, masker)) for operand in check.operands)
        return AssertionResult(
            expression=masker.text(source),
            passed=check.holds,
            message="" if check.holds else f"{masker.text(source)}: {_DIFFERS}",
            warning=f"{masker.text(source)} {_OTHER_KIND}" if check.warning else "",
            operands=operands,
        )
    said = masker.text(f"{message} ({check.message})" if message and check.message else message or check.message)
    return AssertionResult(
        expression=masker.text(source),
        passed=check.holds,
        message="" if check.holds else said,
        warning=masker.text(check.warning),
        operands=tuple(Operand(source=o.source, value=_cut(masker.value(o.value))) for o in check.operands),
    )


def _operand(operand: Operand, masker: Masker) -> Json:
    return "***" if _is_secret(operand) else _cut(masker.value(operand.value))


def _is_secret(operand: Operand) -> bool:
    """Whether its value may tell of a secret: it is one, or is made of one (``token[0:9]``, ``split(token, ".")``)."""
    if operand.value in (None, "") or isinstance(operand.value, bool):
        return False
    return any(is_secret_key(name) for name in _NAME.findall(operand.source))


def _cut(value: Json) -> Json:
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARACTERS:
        return f"{value[:MAX_TEXT_CHARACTERS]}… ({len(value)} characters, cut)"
    if isinstance(value, Mapping):
        kept = {name: _cut(item) for name, item in list(value.items())[:MAX_ITEMS]}
        return {**kept, "…": f"{len(value)} entries, cut"} if len(value) > MAX_ITEMS else kept
    if isinstance(value, (list, tuple)):
        items = [_cut(item) for item in value[:MAX_ITEMS]]
        return [*items, f"… ({len(value)} items, cut)"] if len(value) > MAX_ITEMS else items
    return value
