"""The formats of JSON Schema that are checked; all others are notes for the reader, as the standard has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from testmesh_engine.expressions.layout_reading import read_time

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _as_layout(layout: str) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if isinstance(value, str):
            read_time(value.upper(), layout)
        return True

    return check


def _as_pattern(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or pattern.fullmatch(value) is not None


def _is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme) and not re.search(r"\s", value)


def _as_address(kind: type[IPv4Address | IPv6Address]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if isinstance(value, str):
            kind(value)
        return True

    return check


FORMATS: dict[str, Callable[[object], bool]] = {
    "date-time": _as_layout("2006-01-02T15:04:05Z07:00"),
    "date": _as_layout("2006-01-02"),
    "time": _as_layout("15:04:05Z07:00"),
    "uuid": _as_pattern(_UUID),
    "email": _as_pattern(_EMAIL),
    "uri": _is_uri,
    "ipv4": _as_address(IPv4Address),
    "ipv6": _as_address(IPv6Address),
}
"""Each lets pass what is no text, and yields false or raises ``ValueError`` for a text that is none."""
