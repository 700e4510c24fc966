"""A flow that came as an object (JSON), not as text: nodes without lines, whose places are paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from testmesh_engine.contract.problem import FlowInvalid, Problem
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, child_path

MAX_DEPTH = 64


def node_of(data: object, path: str, depth: int = 0) -> Node:
    """The tree of ``data``, which stands at ``path``. Raises :class:`FlowInvalid` if it is nested too deep."""
    if depth > MAX_DEPTH:
        raise FlowInvalid([Problem(message=f"nested more than {MAX_DEPTH} deep", path=path)])
    if isinstance(data, Mapping):
        entries = {
            str(key): (
                Scalar(str(key), 0, 0, child_path(path, str(key)), text=str(key)),
                _child(path, key, value, depth),
            )
            for key, value in data.items()
        }
        return MapNode(entries, 0, 0, path)
    if isinstance(data, Sequence) and not isinstance(data, str):
        items = (node_of(item, child_path(path, index), depth + 1) for index, item in enumerate(data))
        return ListNode(tuple(items), 0, 0, path)
    if isinstance(data, float):
        data = Decimal(repr(data))
    if data is None or isinstance(data, (bool, int, str, Decimal)):
        return Scalar(data, 0, 0, path, text="" if data is None else str(data))
    raise TypeError(f"{type(data).__name__} is no JSON")


def _child(path: str, key: object, value: object, depth: int) -> Node:
    return node_of(value, child_path(path, str(key)), depth + 1)
