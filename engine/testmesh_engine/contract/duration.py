"""Durations as flows write them: ``500ms``, ``30s``, ``1m30s`` (the form of Go's time.ParseDuration)."""

from __future__ import annotations

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)", re.ASCII)
_WHOLE = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_LONGEST_SECONDS = 366 * 86400.0


def parse_duration(text: str) -> float:
    """The seconds that ``text`` says. Raises ``ValueError`` with what is wrong and an example of what is right."""
    stripped = text.strip()
    if not _WHOLE.fullmatch(stripped):
        raise ValueError(_advice(stripped))
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(stripped))
    if seconds > _LONGEST_SECONDS:
        raise ValueError(f"{stripped} is longer than a year")
    return seconds


def show_duration(seconds: float) -> str:
    """The shortest of the usual forms: ``250ms``, ``1.5s``, ``2m``, ``1h30m``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return "".join(f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if count)


def _advice(text: str) -> str:
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        return f"{text} has no unit: write {text}s for seconds, {text}ms for milliseconds"
    return f"{text!r} is none; write for example 500ms, 30s, 2m or 1h30m"
