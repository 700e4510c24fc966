"""The ways in which somebody may write a secret into text: what masking must find, and what tests look for."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote, quote_plus

Write: TypeAlias = Callable[[str], str]


def hexed(secret: str) -> str:
    """The hexadecimal digits of its bytes."""
    return secret.encode().hex()


def _in_base64(lead: int) -> Write:
    def write(secret: str) -> str:
        return base64.b64encode(b"x" * lead + secret.encode() + b"tail").decode()

    return write


ESCAPING: tuple[Write, ...] = (
    str,
    lambda secret: json.dumps(secret)[1:-1],
    lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    lambda secret: json.dumps(json.dumps(secret))[1:-1],
    quote,
    quote_plus,
    lambda secret: quote(secret, safe=""),
    lambda secret: quote(secret, safe="/&+@"),
    lambda secret: quote(quote(secret, safe=""), safe=""),
    lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()),
    html.escape,
    lambda secret: html.escape(json.dumps(secret)[1:-1]),
    lambda secret: json.dumps(quote(secret))[1:-1],
    lambda secret: "".join(f"&#{ord(char)};" for char in secret),
    lambda secret: "".join(f"\\u{{{ord(char):x}}}" for char in secret),
    lambda secret: repr(secret)[1:-1],
    lambda secret: secret.replace("'", "''"),
    hexed,
    lambda secret: hexed(secret).upper(),
)
"""With each character in some spelling of its own."""

CODING: tuple[Write, ...] = (
    *(_in_base64(lead) for lead in range(4)),
    lambda secret: base64.urlsafe_b64encode(b"user:" + secret.encode()).decode().rstrip("="),
    lambda secret: base64.b64encode(base64.b64encode(secret.encode() + b" and some more of it")).decode(),
    lambda secret: base64.urlsafe_b64encode(json.dumps({"claim": secret, "more": "of it"}).encode()).decode(),
)
"""In base64, within longer data."""


def forms(secret: str) -> frozenset[str]:
    """Every text that gives ``secret`` away."""
    inner = (base64.b64encode(b"\0" * lead + secret.encode()).decode()[4:-4] for lead in range(3))
    return frozenset({*(write(secret) for write in (*ESCAPING, *CODING)), *(part for part in inner if len(part) > 8)})
