"""Finds the flows of a file: under ``flow:``, or in TestFlow manifests (``spec.source``, ``spec.flow``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testmesh_engine.contract.problem import FlowInvalid, Problem
from testmesh_engine.language.findings import did_you
from testmesh_engine.language.load import Document, load_documents
from testmesh_engine.language.nodes import MapNode, Node, Scalar, Source, kind_of_node

_API_VERSION = "testmesh.io/v1alpha1"
_FIX = 'Start the file with:\nflow:\n  name: "what it tests"\n  steps:'


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPart:
    """What stands under ``flow:``, and the text that its places count in; ``problems`` if there is no flow."""

    source: Source
    node: Node | None = None
    name: str = ""
    problems: tuple[Problem, ...] = ()


def find_flows(documents: Sequence[Document], source: Source) -> Iterator[FlowPart]:
    """The flows of a file's documents, or the problem that there is none. Other manifests are passed over."""
    found = False
    for document in documents:
        part = _flow_of(document, several=len(documents) > 1)
        if part is not None:
            found = True
            yield part
    if not found:
        what = "the file is empty" if not documents else "no flow: and no TestFlow in this file"
        yield FlowPart(source=source, problems=(source.problem(what, line=1, column=1, hint=_FIX),))


def _flow_of(document: Document, *, several: bool) -> FlowPart | None:
    root, source = document.root, document.source
    if not isinstance(root, MapNode):
        return _broken(document, root, f"a flow file is a map with the key flow, found {kind_of_node(root)}")
    if "kind" in root.entries and "apiVersion" in root.entries:
        return _manifest(document, root)
    if "flow" not in root.entries:
        if several:
            return None
        close = did_you("flow", root.entries)
        return _broken(document, root, "the root key flow: is missing", hint=f"{close}\n{_FIX}".strip())
    extra = [key for name, (key, _) in root.entries.items() if name != "flow"]
    problems = tuple(
        source.problem(f'"{key.text}" stands beside flow', line=key.line, column=key.column, hint="Move it under flow:")
        for key in extra
    )
    return FlowPart(source=source, node=root.get("flow"), problems=problems)


def _broken(document: Document, node: Node, message: str, *, hint: str = _FIX) -> FlowPart:
    problem = document.source.problem(message, line=node.line, column=node.column, path=node.path, hint=hint)
    return FlowPart(source=document.source, problems=(problem,))


def _manifest(document: Document, root: MapNode) -> FlowPart | None:
    kind, version = root.get("kind"), root.get("apiVersion")
    if not (isinstance(kind, Scalar) and kind.value == "TestFlow"):
        return None
    if version is None or not (isinstance(version, Scalar) and version.value == _API_VERSION):
        return _broken(document, version or root, f"a TestFlow has apiVersion: {_API_VERSION}", hint="")
    spec = root.get("spec")
    if not isinstance(spec, MapNode):
        return _broken(document, root, "the TestFlow has no spec", hint="Add spec: with source: | and the flow's text.")
    forms = [name for name in ("source", "flow", "flowFrom") if name in spec.entries]
    if len(forms) != 1:
        found = f"found {' and '.join(forms)}" if forms else "found none"
        return _broken(document, spec, f"spec has one of source, flow, flowFrom; {found}", hint="")
    if forms[0] == "flowFrom":
        return None  # the text is in a ConfigMap, which is a document or file of its own
    node = spec.entries[forms[0]][1]
    return FlowPart(source=document.source, node=node) if forms[0] == "flow" else _source_text(document, node)


def _source_text(document: Document, node: Node) -> FlowPart:
    """The flow that is text inside the manifest; places count in the manifest where the text is a literal block."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return _broken(document, node, f"spec.source is text, found {kind_of_node(node)}", hint="Write source: |")
    inner = _shifted(document.source, node)
    try:
        parts = list(find_flows(load_documents(node.value, inner), inner))
    except FlowInvalid as error:
        return FlowPart(source=inner, problems=error.problems)
    if len(parts) > 1:
        return _broken(document, node, "spec.source holds several documents; a TestFlow has one flow", hint="")
    return parts[0]


def _shifted(source: Source, node: Scalar) -> Source:
    if node.style != "|" or not source.lines:
        return Source(
            name=f"{source.name} (spec.source)" if source.name else "spec.source", lines=node.text.splitlines()
        )
    first = next((line for line in source.lines[node.line :] if line.strip()), "")
    written = re.match(r"\s*", node.text.lstrip("\n"))
    indent = len(first) - len(first.lstrip(" ")) - (len(written[0]) if written else 0)
    return Source(name=source.name, lines=source.lines, line_shift=node.line, column_shift=indent)
