"""Reads assertions, conditions and outputs: what a step says of its result."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from testmesh_engine.contract.catalogue import ActionSpec
from testmesh_engine.expressions import (
    Expression,
    ExpressionError,
    NameUse,
    Output,
    Template,
    compile_expression,
    compile_output,
    compile_template,
    show,
)
from testmesh_engine.language import keys
from testmesh_engine.language.constants import check_assertion, check_condition
from testmesh_engine.language.findings import Findings, did_you
from testmesh_engine.language.misread import broken_hint, hint_of
from testmesh_engine.language.model import Assertion, Capture, Quantifier
from testmesh_engine.language.names import ERROR, RESULT_ROOTS, Known
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, kind_of_node, plain


def expression(
    findings: Findings, node: Node, what: str, *, known: Known, extra: Collection[str] = ()
) -> Expression | None:
    """``node`` compiled as a condition, its names checked; ``extra`` are the names that only this place has."""
    compiled = value_expression(findings, node, what, known=known, extra=extra)
    if compiled is not None:
        check_condition(findings, node, what, compiled)
    return compiled


def value_expression(
    findings: Findings, node: Node, what: str, *, known: Known, extra: Collection[str] = ()
) -> Expression | None:
    """As :func:`expression`, for one that may give any value."""
    text = expression_text(findings, node, what)
    if text is None:
        return None
    try:
        compiled = _compiled(text, dashed(known))
    except ExpressionError as error:
        findings.broken_text(node, error, hint=broken_hint(findings, node, what))
        return None
    known.check(findings, node, compiled.names, extra=extra)
    return compiled


@lru_cache(maxsize=1024)
def _compiled(text: str, dashed_ids: tuple[str, ...]) -> Expression:
    """Flows say ``status == 200`` at many steps: an expression is immutable, and compiled once for each text."""
    return compile_expression(text, dashed=dashed_ids)


def expression_text(findings: Findings, node: Node, what: str) -> str | None:
    """The text of an expression; anything that YAML made of it instead is explained with the line to write."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        if node.value.strip():
            return node.value
        findings.error(node, f"{what} is empty")
        return None
    findings.error(node, f"{what} is an expression, found {kind_of_node(node)}", hint=hint_of(findings, node))
    return None


def assertions(
    findings: Findings, node: Node, quantifier: Quantifier, *, spec: ActionSpec, known: Known
) -> tuple[Assertion, ...]:
    """The assertions under ``assert``, ``assert_any`` or ``assert_none``: a list, or one alone."""
    items = node.items if isinstance(node, ListNode) else (node,)
    if not items:
        findings.error(node, f"{quantifier} is empty", hint="Remove it, or write what must hold.")
    found = (_assertion(findings, item, quantifier, spec=spec, known=known) for item in items)
    return tuple(assertion for assertion in found if assertion)


def _assertion(
    findings: Findings, node: Node, quantifier: Quantifier, *, spec: ActionSpec, known: Known
) -> Assertion | None:
    text, message = node, None
    if isinstance(node, MapNode) and not {"expression", "message"}.isdisjoint(node.entries):
        findings.keys(node, "an assertion", allowed=keys.names(keys.ASSERTION))
        given, message = node.get("expression"), node.get("message")
        if given is None:
            findings.error(node, 'an assertion with a message needs "expression"', hint="Add what must hold.")
            return None
        text = given
    compiled = expression(findings, text, "an assertion", known=known, extra=result_names(spec))
    said = _message(findings, message, spec=spec, known=known) if message else None
    if compiled is None:
        return None
    check_assertion(findings, text, quantifier, compiled)
    return Assertion(expression=compiled, quantifier=quantifier, message=said, line=node.line)


def _message(findings: Findings, node: Node, *, spec: ActionSpec, known: Known) -> Template | None:
    text = findings.text(node, "message")
    if text is None:
        return None
    try:
        template = compile_template(text, dashed=dashed(known))
    except ExpressionError as error:
        findings.broken_text(node, error)
        return None
    known.check(findings, node, template.names, extra=result_names(spec))
    return template


def captures(findings: Findings, node: Node, *, spec: ActionSpec, known: Known, own_id: str) -> tuple[Capture, ...]:
    """The lines of ``output`` of the step ``own_id``; each name is known from the next line on."""
    lines = findings.map(node, "output")
    if lines is None:
        return ()
    found = []
    for name, (key, value) in lines.entries.items():
        if name == own_id:
            findings.error(key, f"output {name} is called like its step", hint="Rename one of the two.")
        else:
            _check_name(findings, key, name, spec=spec, known=known)
        if capture := _capture(findings, name, value, spec=spec, known=known):
            found.append(capture)
        known.captured.add(name)
    return tuple(found)


def _capture(findings: Findings, name: str, node: Node, *, spec: ActionSpec, known: Known) -> Capture | None:
    keys = result_names(spec)
    if isinstance(node, Scalar) and node.value is None:
        findings.error(node, f"output {name} is empty", hint="Write a path such as $.body.id, or an expression.")
        return None
    if isinstance(node, MapNode) and "default" in node.entries and "path" not in node.entries:
        hint = "Write {path: $.body.id, default: …}."
        findings.error(node, f"output {name} has a default and no path", hint=hint)
        return None
    try:
        output = compile_output(plain(node), result_keys=keys, dashed=dashed(known))
    except ExpressionError as error:
        findings.broken_text(node, error)
        return None
    if output.meant:
        message = f"output {name} is the text {show(output.source, 80)}, as it is no expression"
        findings.warning(
            node, message, hint=f"Write {output.meant} if that is meant, else the text in quotes of its own."
        )
    known.check(findings, node, _declared(findings, node, output, known=known, keys=keys), extra=keys)
    return Capture(name=name, output=output, line=node.line)


def _declared(
    findings: Findings, node: Node, output: Output, *, known: Known, keys: Collection[str]
) -> tuple[NameUse, ...]:
    """The names of ``output`` but those that may be keys of what will be received; one that is nearly known warns."""
    unknown = {use.name for use in output.names if not known.has(use.name, keys)}
    there = {*keys, *known.captured, *known.ids, *known.env, *known.local}
    for use in output.names:
        near = did_you(use.name, there) if use.name in unknown and _may_be_received(use) else ""
        if near:
            message = f"{use.name} is no key of the result: it is looked up in what is received"
            findings.warning(node, message, hint=near, offset=use.offset)
    return tuple(use for use in output.names if use.name not in unknown or not _may_be_received(use))


def _may_be_received(use: NameUse) -> bool:
    return use.optional and not use.path and not use.name.isupper()


def _check_name(findings: Findings, key: Scalar, name: str, *, spec: ActionSpec, known: Known) -> None:
    if name in known.ids or name in known.flow.ids:
        findings.error(key, f"output {name} is called like the step {name}", hint="Rename one of the two.")
    elif taken := known.taken(name):
        findings.error(key, f"{name} can't be an output", hint=taken)
    elif not name.replace("-", "_").isidentifier():
        hint = "Use letters, digits and _, not first a digit."
        findings.error(key, f'"{name}" can\'t be an output', hint=hint)
    elif name in known.local:
        findings.error(key, f"output {name} is called like a name of the loop around it", hint="Rename one of the two.")
    elif name == ERROR:
        findings.warning(key, f"output {name} hides the error of a failed step, but in error_steps and retry_on")
    elif name in known.env or name in known.files:
        findings.warning(key, f"output {name} hides the variable of that name in env")
    elif name in result_names(spec):
        findings.warning(key, f"output {name} is called like a result key of {spec.name}, which comes first in assert")


def result_names(spec: ActionSpec) -> frozenset[str]:
    """The names of a step's result in its own assertions and outputs."""
    return RESULT_ROOTS | frozenset(spec.results)


def dashed(known: Known) -> tuple[str, ...]:
    """The step ids with a ``-``, each read as one name in expressions."""
    return tuple(sorted([name for name in known.ids if "-" in name]))
