"""What an author most likely meant by a name that is none here: told by where it stands, and what is read of it."""

from __future__ import annotations

import re
from collections.abc import Collection

from testmesh_engine.expressions import NameUse
from testmesh_engine.language.nodes import Node, Scalar

_COMPARED = re.compile(r"(?:==|!=|contains|starts_?[wW]ith|ends_?[wW]ith|[\[,] *)\s*$")
"""What stands before a text that is compared with something."""


def meant(node: Node, use: NameUse, extra: Collection[str], *, here: str) -> str:
    """What to write in place of ``use``, "" where nothing is known; ``here`` is the id of the step that it stands in.

    ``extra`` are the names that only this place has.
    """
    if use.name == "$":
        return _of_result(use, extra)
    if use.name == here:
        return of_this_step(use, extra)
    if use.name in _DECLARED:
        return _DECLARED[use.name].replace("…", f"{use.key or 'name'}: …")
    return "" if use.keys else _of_word(use, _before(node, use))


_DECLARED = {
    "row": "A flow has rows where it has data, for example: data: {rows: [{…}]}",
    "input": "A flow has input where it has inputs, for example: inputs: {…}",
}


def _of_word(use: NameUse, before: str) -> str:
    """A name of which nothing is read, given the text before it."""
    if _COMPARED.search(before):
        return f'Write "{use.name}" in quotes if it is text, else declare it in env or capture it by an output above.'
    if use.optional and before.endswith(("${", "{{")):
        given = f"inputs: {{{use.name}: …}}"
        return f"What its caller may give is an input, with its default: {given}, read by ${{{use.name}}}."
    return ""


def _before(node: Node, use: NameUse) -> str:
    return node.value[: use.offset] if isinstance(node, Scalar) and isinstance(node.value, str) else ""


def _of_result(use: NameUse, extra: Collection[str]) -> str:
    path = ".".join(use.keys if not use.keys or use.key in extra or "body" not in extra else ("body", *use.keys))
    written = f"Here write {path}." if path else "Here write the name of what is meant, such as body."
    return f"$ stands for the result in output, and for the value in match. {written}"


def of_this_step(use: NameUse, extra: Collection[str]) -> str:
    """What to do about a step that reads itself by its id."""
    if "result" not in extra:
        return "That is this step itself: it has no result yet."
    path = ".".join(key for key in use.keys if key not in ("result", "response")) or "result"
    return f"That is this step itself, whose result is read without its id: write {path}."
