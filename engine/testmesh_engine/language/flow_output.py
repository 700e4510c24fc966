"""Reads what a flow says of its variables beside their values: ``output`` and ``secrets``."""

from __future__ import annotations

from collections.abc import Iterator

from testmesh_engine.expressions import ExpressionError, Value, compile_output
from testmesh_engine.language.asserts import dashed
from testmesh_engine.language.findings import Findings, did_you
from testmesh_engine.language.model import Capture, EnvVar
from testmesh_engine.language.names import Known
from testmesh_engine.language.needs import Need
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, plain

SHORTEST_SECRET = 4
"""A shorter one is masked where it is a whole value only: it would tear up all other text."""


def output_names(node: Node | None) -> frozenset[str] | None:
    """The names of a flow's ``output``, ``None`` where it has none."""
    if node is None:
        return None
    return frozenset(node.entries) if isinstance(node, MapNode) else frozenset()


def read_outputs(findings: Findings, node: Node | None, known: Known) -> tuple[Capture, ...]:
    """The lines of the flow's ``output``: as a step's, with what was captured and the steps in place of its result."""
    lines = findings.map(node, "output") if node else None
    if lines is None:
        return ()
    entries = ((name, value) for name, (_, value) in lines.entries.items())
    return tuple(capture for name, value in entries if (capture := _line(findings, name, value, known)))


def _line(findings: Findings, name: str, node: Node, known: Known) -> Capture | None:
    if isinstance(node, Scalar) and node.value is None:
        findings.error(node, f"output {name} is empty", hint="Write a variable, or a path such as create.body.id.")
        return None
    try:
        output = compile_output(plain(node), result_keys=(), dashed=dashed(known))
    except ExpressionError as error:
        findings.broken_text(node, error)
        return None
    known.check(findings, node, output.names)
    return Capture(name=name, output=output, line=node.line)


def read_secrets(
    findings: Findings, node: Node | None, variables: tuple[EnvVar, ...], *, known: Known, captured: frozenset[str]
) -> frozenset[str]:
    """The names under ``secrets``; ``captured`` is what any step of the flow captures."""
    items = findings.items(node, "secrets") if node else ()
    if isinstance(node, ListNode) and not items:
        findings.error(node, "secrets is empty", hint="Name a variable, or remove the key.")
    names = {_plain_name(name): item for item in items if (name := findings.text(item, "a name in secrets"))}
    there = {*known.outside.names, *known.env, *known.files, *captured, *(known.flow.columns or ())}
    for name, item in names.items():
        known.read.add(name)
        if name not in there:
            _undeclared(findings, item, name, known=known, there=there)
    short = {each.name: each for each in variables if any(_short(text) for text in _texts(each.value))}
    for name in names.keys() & short.keys():
        hint = "It is masked only where it is a whole value."
        findings.warning(names[name], f"the secret {name} has fewer than {SHORTEST_SECRET} characters", hint=hint)
    for each in variables:
        if each.name in names and isinstance(each.value, bool):
            hint = "Only text and numbers are."
            findings.warning(
                names[each.name], f"the secret {each.name} is true or false, which is never masked", hint=hint
            )
    return frozenset(names)


def _plain_name(name: str) -> str:
    """``tok`` of ``row.tok``, ``input.tok`` and ``env.tok``: what stands under a name is masked wherever it is."""
    root, _, rest = name.partition(".")
    return rest if root in ("row", "input", "env", "vars") and rest else name


def _undeclared(findings: Findings, item: Node, name: str, *, known: Known, there: set[str]) -> None:
    if name.isupper() and name.isidentifier() and not known.outside.complete:
        known.need(Need(name=name, required=True, line=item.line))
        hint = f"{did_you(name, there)} It must come with the run.".strip()
        findings.warning(item, f"nothing in this file declares {name}", hint=hint)
        return
    hint = did_you(name, there) or (
        "Name a variable of env, inputs or env_file, a column of data, or what a step captures."
    )
    findings.error(item, f"secrets names {name}, and nothing is called so", hint=hint)


def _short(text: str) -> bool:
    return 0 < len(text) < SHORTEST_SECRET and "${" not in text and "{{" not in text


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, (list, dict)):
        for item in value if isinstance(value, list) else value.values():
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
