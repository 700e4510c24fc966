"""Which YAML of a folder is no flow: a folder of flows may hold manifests, values and settings of other tools too.

Only what clearly is none is passed over: a flow whose key is mistyped must be found, not left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from testmesh_engine.contract.problem import FlowInvalid
from testmesh_engine.language.load import Document, load_documents
from testmesh_engine.language.manifest import find_flows
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Source

_ROOT_FLOW = re.compile(r"^flow[ \t]*:", re.MULTILINE)
_ROOT_KEY = re.compile(r"""^["']?([A-Za-z_][\w-]*)["']?[ \t]*:""", re.MULTILINE)
_ALIKE = 0.75
"""One letter of four that is another, missing, or in another place."""
_OUR_GROUP = "testmesh.io/"


def is_foreign(text: str) -> bool:
    """Whether ``text`` holds no flow, and nothing that may be meant for one."""
    if _ROOT_FLOW.search(text):
        return False
    source = Source(name="", lines=text.splitlines())
    try:
        return not any(_may_be_meant(document) for document in load_documents(text, source))
    except FlowInvalid:
        # A template of another tool, or a flow that YAML can't read: its root keys tell.
        return _OUR_GROUP not in text and not _names_flow(_ROOT_KEY.findall(text))


def _may_be_meant(document: Document) -> bool:
    root = document.root
    if not isinstance(root, MapNode):
        return False
    if "kind" in root.entries and "apiVersion" in root.entries:
        return not all(part.absent for part in find_flows([document], document.source))
    return _names_flow(root.entries) or _are_steps(root.get("steps"))


def _names_flow(keys: Iterable[str]) -> bool:
    """Whether one of the keys is ``flow`` or a slip of it, such as ``flwo`` or ``Flows``; ``workflow`` is another."""
    return any(SequenceMatcher(None, key.lower(), "flow").ratio() >= _ALIKE for key in keys)


def _are_steps(node: Node | None) -> bool:
    """Whether this is a flow whose root key is missing; pipelines of other tools have ``steps`` too."""
    items = node.items if isinstance(node, ListNode) else ()
    return any(isinstance(item, MapNode) and "action" in item.entries for item in items)
