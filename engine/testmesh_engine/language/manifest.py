"""Finds the flows of a file: under ``flow:``, or in TestFlow and TestRun manifests (``spec.source``, ``spec.flow``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from testmesh_engine.contract.problem import Problem
from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import nearest
from testmesh_engine.language import keys
from testmesh_engine.language.findings import did_you, unknown_name_hint
from testmesh_engine.language.kubectl import differences
from testmesh_engine.language.load import Document, read_documents
from testmesh_engine.language.nodes import MapNode, Node, Scalar, Source, kind_of_node
from testmesh_engine.language.scanning import lines_of

_GROUP = "testmesh.io"
_API_VERSION = f"{_GROUP}/v1alpha1"
_FORMS: dict[str, tuple[str, ...]] = {
    "TestFlow": ("source", "flow", "flowFrom"),
    "TestRun": ("flowRef", "source", "flow", "flowFrom"),
}
"""The kinds that hold a flow, and the keys of their ``spec`` of which one says which."""

_ELSEWHERE = frozenset({"flowFrom", "flowRef"})
"""The flow is in a ConfigMap or a TestFlow, which is a document or file of its own."""

_OWN = "x-"
"""How root keys begin that are their author's own: a place for anchors."""

_FIX = 'Start the file with:\nflow:\n  name: "what it tests"\n  steps:'


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPart:
    """What stands under ``flow:``, and the text that its places count in."""

    source: Source
    node: Node | None = None
    name: str = ""
    problems: tuple[Problem, ...] = ()
    """Errors of the file: with a ``node``, that is what was most likely meant."""
    notes: tuple[Problem, ...] = ()
    """Warnings of the manifest that the flow stands in."""
    absent: bool = False
    """The file holds no flow and names none that it should hold: others may have their own files beside flows."""


def read_flows(text: str, source: Source) -> list[FlowPart]:
    """The flows of a file, never none: what can't be read is in the ``problems`` of the first."""
    loaded = read_documents(text, source)
    if loaded.problems and not loaded.documents:
        return [FlowPart(source=source, problems=tuple(loaded.problems))]
    first, *others = find_flows(loaded.documents, source)
    told = {problem.line for problem in loaded.problems}
    rest = (problem for problem in first.problems if problem.line not in told)
    return [replace(first, problems=(*loaded.problems, *rest)), *others]


def find_flows(documents: Sequence[Document], source: Source) -> Iterator[FlowPart]:
    """The flows of a file's documents, or the problem that there is none.

    Manifests of other API groups are passed over, and nothing else: a mistyped key must not drop a flow in silence.
    """
    found, first = False, 0
    for document in documents:
        part = _second(document, first) if first and _is_flow(document) else _flow_of(document)
        first = first or (document.root.line if _is_flow(document) else 0)
        if part is not None:
            found = True
            yield part
    if not found:
        what = "no flow: and no TestFlow with its flow in this file" if documents else "the file is empty"
        yield FlowPart(source=source, problems=(source.problem(what, line=1, column=1, hint=_FIX),), absent=True)


def _is_flow(document: Document) -> bool:
    return isinstance(document.root, MapNode) and "flow" in document.root.entries


def _second(document: Document, first: int) -> FlowPart:
    line = first + document.source.line_shift
    message = f"a second flow: in one file, after that in line {line}"
    return _broken(document, document.root, message, hint="Move it into a file of its own.")


def _flow_of(document: Document) -> FlowPart | None:
    root, source = document.root, document.source
    if not isinstance(root, MapNode):
        return _broken(document, root, f"a flow file is a map with the key flow, found {kind_of_node(root)}")
    if "kind" in root.entries and "apiVersion" in root.entries:
        return _manifest(document, root)
    if "flow" not in root.entries:
        close = nearest("flow", root.entries)
        hint = f"Write flow: in place of {close}:" if close else _FIX
        return _broken(document, root, "the root key flow: is missing", hint=hint)
    extra = [key for name, (key, _) in root.entries.items() if name != "flow" and not name.startswith(_OWN)]
    problems = tuple(
        source.problem(
            f'"{key.text}" stands beside flow',
            line=key.line,
            column=key.column,
            hint=_hint_beside(key.text),
        )
        for key in extra
    )
    flow = root.entries["flow"][1]
    # Where all that belongs to flow stands beside it, that is told, not that nothing stands under it.
    is_empty = isinstance(flow, Scalar) and flow.value is None
    return FlowPart(source=source, node=None if problems and is_empty else flow, problems=problems)


def _hint_beside(name: str) -> str:
    """What to do about the root key ``name``."""
    allowed = keys.names(keys.FLOW)
    if name in allowed:
        return "Indent it, so that it stands under flow."
    if near := did_you(name, allowed):
        return f"{near} Indent it, so that it stands under flow."
    return f"Remove it; what holds anchors alone may be called {_OWN}{name}."


def _broken(document: Document, node: Node, message: str, *, hint: str = _FIX) -> FlowPart:
    problem = document.source.problem(message, line=node.line, column=node.column, path=node.path, hint=hint)
    return FlowPart(source=document.source, problems=(problem,))


def _manifest(document: Document, root: MapNode) -> FlowPart | None:
    kind, version = _word(root, "kind"), _word(root, "apiVersion")
    ours = version.partition("/")[0] == _GROUP
    if not ours and kind not in _FORMS:
        return None
    if version != _API_VERSION:
        if not ours and kind != "TestFlow":
            return None  # others may have a TestRun too
        return _broken(document, root.entries["apiVersion"][1], f"a {kind} has apiVersion: {_API_VERSION}", hint="")
    if kind not in _FORMS:
        hint = unknown_name_hint(kind, _FORMS)
        return _broken(document, root.entries["kind"][1], f'{_GROUP} has no kind "{kind}"', hint=hint)
    return _inside(document, root, kind)


def _word(root: MapNode, key: str) -> str:
    node = root.get(key)
    return node.text if isinstance(node, Scalar) else ""


def _inside(document: Document, root: MapNode, kind: str) -> FlowPart | None:
    """The flow that a manifest of ours holds, ``None`` where it names one that stands elsewhere."""
    spec, allowed = root.get("spec"), _FORMS[kind]
    if not isinstance(spec, MapNode):
        return _broken(document, root, f"the {kind} has no spec", hint="Add spec: with source: | and the flow's text.")
    forms = [name for name in allowed if name in spec.entries]
    if len(forms) != 1:
        found = f"found {' and '.join(forms)}" if forms else "found none"
        slips = {name: near for name in spec.entries if name not in allowed and (near := nearest(name, allowed))}
        hint = " ".join(f'Did you mean "{near}" by {name}?' for name, near in slips.items())
        return _broken(document, spec, f"spec has one of {', '.join(allowed)}; {found}", hint=hint)
    if forms[0] in _ELSEWHERE:
        return None
    node = spec.entries[forms[0]][1]
    if forms[0] == "source":
        return _source_text(document, node)
    return FlowPart(source=document.source, node=node, notes=differences(node, document.source))


def _source_text(document: Document, node: Node) -> FlowPart:
    """The flow that is text inside the manifest; places count in the manifest where the text is a literal block."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return _broken(document, node, f"spec.source is text, found {kind_of_node(node)}", hint="Write source: |")
    inner = _shifted(document.source, node)
    parts = read_flows(node.value, inner)
    if len(parts) > 1:
        return _broken(document, node, "spec.source holds several documents; a TestFlow has one flow", hint="")
    return parts[0]


def _shifted(source: Source, node: Scalar) -> Source:
    if node.style != "|" or not source.lines:
        return Source(name=f"{source.name} (spec.source)" if source.name else "spec.source", lines=lines_of(node.text))
    first = next((line for line in source.lines[node.line :] if line.strip()), "")
    written = re.match(r"\s*", node.text.lstrip("\n"))
    indent = len(first) - len(first.lstrip(" ")) - (len(written[0]) if written else 0)
    return Source(name=source.name, lines=source.lines, line_shift=node.line, column_shift=indent)
