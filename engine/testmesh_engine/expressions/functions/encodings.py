"""Functions that encode, decode and sign; what needs a library imports it when it is used."""

from __future__ import annotations

import base64
import binascii

from testmesh_engine.expressions.frame import Frame
from testmesh_engine.expressions.functions.table import FunctionError, function
from testmesh_engine.expressions.values import Value, parse_json, show


def _to_base64(frame: Frame, data: str | bytes) -> str:
    frame.charge(len(data) * 2)
    return base64.b64encode(_bytes(data)).decode("ascii")


def _from_base64(frame: Frame, text: str) -> str | bytes:
    frame.charge(len(text))
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FunctionError(f"{show(text)} is no base64") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode("utf-8", "replace")


def _url_encode(frame: Frame, text: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - few flows need it

    frame.charge(len(text) * 12)
    return quote(text, safe="", errors="replace")


def _sha256(_: Frame, data: str | bytes) -> str:
    import hashlib  # noqa: PLC0415 - few flows need it

    return hashlib.sha256(_bytes(data)).hexdigest()


def _hmac_sha256(_: Frame, data: str | bytes, key: str | bytes) -> str:
    import hmac  # noqa: PLC0415 - few flows need it

    return hmac.new(_bytes(key), _bytes(data), "sha256").hexdigest()


def _jwt(frame: Frame, token: str) -> Value:
    """The claims; RFC 7519, section 7.2, without the verification: a test has no key."""
    frame.charge(len(token))
    parts = token.removeprefix("Bearer ").strip().split(".")
    if len(parts) != 3:
        raise FunctionError("a token has three parts with dots between, and this has " + str(len(parts)))
    try:
        claims = parse_json(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True))
    except ValueError:  # also binascii.Error
        raise FunctionError("the second part of the token is no JSON in base64") from None
    frame.charge_tree(claims)
    if not isinstance(claims, dict):
        raise FunctionError("the claims of the token are no map")
    return claims


TABLE = (
    function(
        "toBase64",
        "data: bytes or text",
        _to_base64,
        "The text, or the bytes, in base64.",
        ('toBase64("Hello")', '"SGVsbG8="'),
    ),
    function(
        "fromBase64",
        "text: text",
        _from_base64,
        "What a base64 text spells: text where it is UTF-8, else bytes.",
        ('fromBase64("SGVsbG8=")', '"Hello"'),
    ),
    function(
        "urlEncode",
        "text: text",
        _url_encode,
        "The text as a part of a URL: all but letters, digits and `-._~` escaped.",
        ('urlEncode("a b&c")', '"a%20b%26c"'),
    ),
    function(
        "sha256",
        "data: bytes or text",
        _sha256,
        "The SHA-256 of a text or of bytes, in hexadecimal digits.",
        ('sha256("")', '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"'),
    ),
    function(
        "hmacSHA256",
        "data: bytes or text, key: bytes or text",
        _hmac_sha256,
        "The HMAC-SHA-256 of a text or of bytes under a key, in hexadecimal digits.",
        ('hmacSHA256("data", "key")', "'5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0'"),
    ),
    function(
        "jwt",
        "token: text",
        _jwt,
        'The claims of a JSON Web Token, with or without "Bearer " before it; its signature is not verified.',
        ('jwt("eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9.").sub', "'42'"),
    ),
)
