"""Results as JSON text: each number with the digits that it came with, which Python's own writer has no way for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from testmesh_engine.contract.result import Json
from testmesh_engine.expressions.values import number_text

_quote = json.JSONEncoder(ensure_ascii=False).encode
_SCALARS = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def one_line(value: Json) -> str:
    """JSON on one line, with blanks after ``,`` and ``:`` for those who read it."""
    return _written(value, between=", ", colon=": ")


def dense(value: Json) -> str:
    """JSON on one line without any blanks, for programs."""
    return _written(value, between=",", colon=":")


def indented(value: Json) -> str:
    """JSON with a line for each entry, two blanks further in for each level."""
    return _written(value, between=",", colon=": ", line="\n")


def _written(value: Json, *, between: str, colon: str, line: str = "") -> str:
    pieces: list[str] = []
    write = pieces.append

    # One function, so that each of the many levels that a body may have takes one frame of Python's stack.
    def add(value: Json, line: str) -> None:
        inner = f"{line}  " if line else ""
        if isinstance(value, (dict, Mapping)):
            separator = "{"
            for key, item in value.items():
                write(f"{separator}{inner}{_quote(key)}{colon}")
                add(item, inner)
                separator = between
            write(f"{line}}}" if value else "{}")
        elif isinstance(value, (list, tuple)):
            separator = "["
            for item in value:
                write(f"{separator}{inner}")
                add(item, inner)
                separator = between
            write(f"{line}]" if value else "[]")
        else:
            write(_scalar(value))

    add(value, line)
    return "".join(pieces)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _quote(value)
    return number_text(value) if isinstance(value, Decimal) else _SCALARS(value)
