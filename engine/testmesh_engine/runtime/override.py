"""An override takes the declared value's kind: layers hold text, and a number of the flow stays a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, parse_json, show
from testmesh_engine.language.scalars import resolve_plain
from testmesh_engine.runtime.layers import Given
from testmesh_engine.runtime.secret_text import is_secret_key

_WORDS: Mapping[str, str] = {
    "boolean": "true or false",
    "number": "a number",
    "text": "text",
    "list": "a list",
    "map": "a map",
}


def of_kind(given: Given, name: str, kind: str) -> Value:
    """``given`` as the ``kind`` that the flow declares for ``name``, "" for whatever comes.

    Text may spell a number, true or false, and a list or a map as JSON. Raises ``UsageError`` for anything else.
    """
    value = given.value
    if not kind or kind_of(value) == kind:
        return value
    read = _READERS.get(kind)
    found = read(value) if read and isinstance(value, str) else None
    if found is not None:
        return found
    shown = "what it is not" if is_secret_key(name) else show(value, 80)
    hint = "Write it as JSON." if kind in ("list", "map") else ""
    raise UsageError(f"{name} is {_WORDS[kind]} in the flow, and {given.words} gives {shown}", hint=hint)


def _boolean(text: str) -> Value:
    return {"true": True, "false": False}.get(text.lower())


def _number(text: str) -> Value:
    """The number that ``text`` spells in a flow; none that is out of bounds."""
    try:
        value = resolve_plain(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def _json(kind: str) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        try:
            value = parse_json(text)
        except ValueError:
            return None
        return value if kind_of(value) == kind else None

    return read


_READERS: Mapping[str, Callable[[str], Value]] = {
    "boolean": _boolean,
    "number": _number,
    "list": _json("list"),
    "map": _json("map"),
}
