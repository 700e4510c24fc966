"""What a scenario expects of an object: a part of it, compared with what is there.

In ``expected.yaml`` a map expects its keys and says nothing of others, a list expects its items in this order with
nothing between them but what ``...`` stands for, and text that starts with ``~`` is a regular expression to be found.
A list of conditions is compared by ``type``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

REST = "..."


def differences(expected: Any, actual: Any, *, path: str = "") -> list[str]:
    """Every place where ``actual`` is not as expected, one line each; none where it is."""
    return list(_differences(expected, actual, path))


def _differences(expected: Any, actual: Any, path: str) -> Iterator[str]:
    if isinstance(expected, dict):
        yield from _of_map(expected, actual, path)
    elif isinstance(expected, list):
        yield from _of_list(expected, actual, path)
    elif isinstance(expected, str) and expected.startswith("~"):
        if not re.search(expected[1:], str(actual), re.DOTALL):
            yield f"{path}: expected text that matches {expected[1:]!r}, found {actual!r}"
    elif expected != actual or isinstance(expected, bool) is not isinstance(actual, bool):
        yield f"{path}: expected {expected!r}, found {actual!r}"


def _of_map(expected: dict[str, Any], actual: Any, path: str) -> Iterator[str]:
    if not isinstance(actual, dict):
        yield f"{path}: expected a map, found {actual!r}"
        return
    for key, value in expected.items():
        yield from _differences(value, actual.get(key), f"{path}.{key}".lstrip("."))


def _of_list(expected: list[Any], actual: Any, path: str) -> Iterator[str]:
    if not isinstance(actual, list):
        yield f"{path}: expected a list, found {actual!r}"
        return
    if expected and all(isinstance(item, dict) and "type" in item for item in expected):
        by_type = {item["type"]: item for item in actual}
        for item in expected:
            yield from _differences(item, by_type.get(item["type"]), f"{path}[{item['type']}]")
        return
    open_end = bool(expected) and expected[-1] == REST
    wanted = expected[:-1] if open_end else expected
    if len(actual) < len(wanted) or (not open_end and len(actual) != len(wanted)):
        yield f"{path}: expected {len(wanted)} items{' or more' if open_end else ''}, found {len(actual)}: {actual!r}"
        return
    for index, item in enumerate(wanted):
        yield from _differences(item, actual[index], f"{path}[{index}]")
