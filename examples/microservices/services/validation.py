"""What a request's body must be: each field is asked for by kind, and a wrong one is answered with 400 and its name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from starlette.requests import Request

MAX_INTEGER = 2**31 - 1  # PostgreSQL's INTEGER
MAX_PRICE = Decimal("99999999.99")
MAX_TEXT = 10_000
MAX_BODY_BYTES = 1024 * 1024


class Problem(Exception):
    """The answer is ``status`` and a JSON body: ``error``, ``message`` and, if one is wrong, ``field``."""

    def __init__(self, status: int, error: str, *, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.field = field


def invalid(field: str | None, message: str) -> Problem:
    """The 400 for a field (``items[0].quantity``), or for the whole body when there is none to name."""
    return Problem(400, "invalid", message=f"{field}: {message}" if field else message, field=field)


class Fields:
    """The fields of a JSON object; ``path`` leads to it within the body, for the names in messages."""

    def __init__(self, values: Mapping[str, object], path: str = "") -> None:
        self._values = values
        self._path = path

    def text(self, name: str, *, default: str | None = None) -> str:
        """Text that isn't blank; ``default`` when the field is absent.

        Raises:
            Problem: 400, it is something else, or text that PostgreSQL can't store.
        """
        value = self._values.get(name, default)
        if not isinstance(value, str) or (not value.strip() and value != default):
            raise invalid(self._path + name, "text is needed")
        if len(value) > MAX_TEXT:
            raise invalid(self._path + name, f"at most {MAX_TEXT} characters")
        if not _storable(value):
            raise invalid(self._path + name, "text with a NUL or half a surrogate pair can't be stored")
        return value

    def uuid(self, name: str) -> UUID:
        """An id, as text in the body; 400 when it is none."""
        try:
            return UUID(self.text(name))
        except ValueError:
            raise invalid(self._path + name, "a UUID is needed") from None

    def integer(self, name: str, *, at_least: int, at_most: int = MAX_INTEGER) -> int:
        """A whole number within bounds; 400 when it is none."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
            raise invalid(self._path + name, f"a whole number from {at_least} to {at_most} is needed")
        return value

    def price(self, name: str) -> Decimal:
        """An amount of at least 0 with at most two decimals, exact; 400 when it is none."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= MAX_PRICE:
            raise invalid(self._path + name, f"a number from 0 to {MAX_PRICE} is needed")
        cents = Decimal(value).quantize(Decimal("0.01"))
        if cents != value:
            raise invalid(self._path + name, "at most two decimals")
        return cents

    def objects(self, name: str, *, at_most: int) -> Sequence[Fields]:
        """A list of objects, at least one; 400 when it is none."""
        values = self._values.get(name)
        if not isinstance(values, list) or not 1 <= len(values) <= at_most:
            raise invalid(self._path + name, f"a list of 1 to {at_most} objects is needed")
        return [self._object(value, f"{self._path}{name}[{i}]") for i, value in enumerate(values)]

    @staticmethod
    def _object(value: object, path: str) -> Fields:
        if not isinstance(value, dict):
            raise invalid(path, "an object is needed")
        return Fields(value, f"{path}.")


async def fields_of(request: Request) -> Fields:
    """The fields of the request's body; 400 when that isn't a JSON object, 413 when it is too large."""
    try:
        body = parse_json(await _body(request))
    except (ValueError, RecursionError):
        raise invalid(None, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise invalid(None, "the body is not a JSON object")
    return Fields(body)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Problem(413, "too_large", message=f"the body has more than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def parse_json(text: bytes) -> object:
    """JSON with its numbers exact: 29.99 is a Decimal, not the float next to it. ValueError when it isn't JSON."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _storable(value: str) -> bool:
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
