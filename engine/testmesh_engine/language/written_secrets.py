"""The values that a flow itself gives its secrets: no problem may show them, also of a flow that can't be run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from testmesh_engine.expressions import ExpressionError, holes
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar

_DECLARATION = frozenset({"type", "default", "required", "description"})
"""Keys of an input that is declared in full: of these the default alone is its value."""

_NAMES = re.compile(r"\bsecrets[\"']?\s*:\s*(?:\[(?P<inline>[^\]]*)|(?P<items>(?:\s*\n\s*-\s*[^\n]+)+))")
_NAME = re.compile(r"[^\W\d][\w-]*")
_VALUE = r"""(?<![\w-])["']?{name}["']?\s*:[ \t]+(?P<value>"(?:[^"\\\n]|\\.)*|'[^'\n]*|[^\s,}}][^\n,}}]*)"""
_INDICATORS = "*&!|>@%`"


def written_secrets(root: Node | None, lines: Sequence[str]) -> frozenset[str]:
    """The texts that stand in ``env``, ``inputs`` and ``data`` under a name of ``secrets``.

    Of a text that YAML can't read there is no ``root``: then whatever stands under such a name in its ``lines``.
    """
    found = _in_flow(root) if isinstance(root, MapNode) else () if root else _in_text("\n".join(lines))
    return frozenset(text for value in found for text in _spelled(value))


def _in_flow(flow: MapNode) -> Iterator[str]:
    for name in (scalar.text for scalar in _scalars(flow.get("secrets"))):
        places = [_below(flow, "env", name), _input(flow, name), *_column(flow, name.removeprefix("row."))]
        for scalar in (scalar for place in places for scalar in _scalars(place)):
            if not isinstance(scalar.value, bool) and scalar.value is not None:
                yield from {scalar.text, str(scalar.value)}


def _below(flow: MapNode, *keys: str) -> Node | None:
    node: Node | None = flow
    for key in keys:
        node = node.get(key) if isinstance(node, MapNode) else None
    return node


def _input(flow: MapNode, name: str) -> Node | None:
    node = _below(flow, "inputs", name)
    declared = isinstance(node, MapNode) and not _DECLARATION.isdisjoint(node.entries)
    return _below(flow, "inputs", name, "default") if declared else node


def _column(flow: MapNode, name: str) -> Iterator[Node | None]:
    rows = _below(flow, "data", "rows")
    for row in rows.items if isinstance(rows, ListNode) else ():
        yield row.get(name) if isinstance(row, MapNode) else None


def _scalars(node: Node | None) -> Iterator[Scalar]:
    match node:
        case Scalar():
            yield node
        case ListNode(items=items):
            yield from (scalar for item in items for scalar in _scalars(item))
        case MapNode(entries=entries):
            yield from (scalar for _, item in entries.values() for scalar in _scalars(item))


def _in_text(text: str) -> Iterator[str]:
    named = [name for match in _NAMES.finditer(text) for name in _NAME.findall(match["inline"] or match["items"])]
    for name in named:
        for match in re.finditer(_VALUE.format(name=re.escape(name)), text):
            yield match["value"].strip().strip("\"'")


def _spelled(value: str) -> Iterator[str]:
    """It without what YAML takes for an indicator; of one with placeholders what stands around and within them."""
    try:
        parts = list(holes.split(value, 0, len(value), lenient=True))
    except ExpressionError:
        parts = []
    if not any(isinstance(part, holes.Hole) for part in parts):
        yield from {value, value.lstrip(_INDICATORS)} - {""}
        return
    for part in parts:
        literal = part.text if isinstance(part, holes.Plain) else _default(value, part)
        if literal.strip():
            yield literal.strip()


def _default(text: str, hole: holes.Hole) -> str:
    return text[hole.colon + 1 : hole.last].removeprefix("-") if hole.colon >= 0 else ""
