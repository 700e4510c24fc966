"""Reads ``env`` and ``inputs``: the variables of a flow, each with its value here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from testmesh_engine.expressions import ExpressionError, compile_template, kind_of, nearest
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.model import EnvVar, Input
from testmesh_engine.language.names import Known, circles
from testmesh_engine.language.needs import Need, shown_default
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, plain

TYPES: Mapping[str, str] = {
    **dict.fromkeys(("text", "string"), "text"),
    **dict.fromkeys(("number", "integer", "float"), "number"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(("list", "array"), "list"),
    **dict.fromkeys(("map", "object"), "map"),
}
"""What ``type`` of an input may say, and the kind that it is."""

DECLARATION = ("type", "default", "description", "required")
"""The keys of an input's long form."""


def declare(findings: Findings, node: Node | None, what: str, known: Known) -> tuple[Scalar, ...]:
    """The keys of ``env`` or ``inputs`` that are names of variables, made known; the others are noted."""
    if node is None:
        return ()
    listed = what == "inputs" and isinstance(node, ListNode)
    entries = (
        _names_of(node) if listed else [key for key, _ in node.entries.values()] if isinstance(node, MapNode) else []
    )
    return tuple(key for key in entries if _is_name(findings, key, what, known))


def _names_of(node: Node) -> list[Scalar]:
    return [item for item in node.items if isinstance(item, Scalar)] if isinstance(node, ListNode) else []


def _is_name(findings: Findings, key: Scalar, what: str, known: Known) -> bool:
    name, taken = key.text, known.taken(key.text)
    if taken or not name.isidentifier():
        hint = taken or "Use letters, digits and _."
        findings.error(key, f'"{name}" can\'t be a variable in {what}', hint=hint)
        return False
    if name in known.env:
        findings.error(key, f"{name} stands in env and in inputs", hint="Remove one of the two.")
        return False
    known.env.add(name)
    return True


def read_env(findings: Findings, node: Node | None, declared: Iterable[Scalar], known: Known) -> tuple[EnvVar, ...]:
    """The entries of ``env`` whose keys are ``declared``."""
    env = findings.map(node, "env") if node else None
    if env is None:
        return ()
    found = [
        variable for key in declared if (variable := _variable(findings, key.text, env.entries[key.text][1], known))
    ]
    for variable in found:
        _check_outside(findings, env.entries[variable.name][1], variable, known)
    return tuple(found)


def _variable(findings: Findings, name: str, node: Node, known: Known) -> EnvVar | None:
    value = plain(node)
    try:
        template = compile_template(value)
    except ExpressionError as error:
        findings.broken_text(node, error)
        return None
    known.check(findings, node, template.names, extra=known.outside.process)
    return EnvVar(name=name, value=value, template=template, line=node.line)


def _check_outside(findings: Findings, node: Node, variable: EnvVar, known: Known) -> None:
    """Note what a variable that names itself asks of the layers outside."""
    name = variable.name
    if not any(use.name == name for use in variable.template.names):
        return
    given = name in known.outside.names or name in known.files
    if variable.requires_itself and not given and name not in known.outside.process and known.outside.complete:
        hint = f"Give --var {name}=…, or set it in the environment; ${{{name}:-…}} would have a default."
        findings.error(node, f"{name} must come from outside, and nothing gives it", hint=hint)
    known.need(
        Need(
            name=name,
            required=variable.requires_itself and name not in known.files,
            default=shown_default(variable.template),
            line=node.line,
        )
    )


def check_circles(findings: Findings, variables: Iterable[EnvVar], places: Mapping[str, Node], known: Known) -> None:
    """Note variables that need each other. One that the run sets needs no other one."""
    own = [variable for variable in variables if variable.name not in known.outside.names]
    needs = {variable.name: [use.name for use in variable.template.names] for variable in own}
    for circle in circles(needs):
        what = " -> ".join([*circle, circle[0]])
        hint = "Give one of them a value of its own."
        findings.error(places[circle[0]], f"the variables of env need each other: {what}", hint=hint)


def read_inputs(findings: Findings, node: Node | None, declared: Iterable[Scalar], known: Known) -> tuple[Input, ...]:
    """The entries of ``inputs`` whose keys are ``declared``."""
    if node is None:
        return ()
    if isinstance(node, ListNode):
        for item in node.items:
            findings.text(item, "the name of an input")
        found = [Input(name=key.text, line=key.line) for key in declared]
    else:
        inputs = findings.map(node, "inputs")
        if inputs is None:
            return ()
        found = [_input(findings, key.text, inputs.entries[key.text], known) for key in declared]
    for each in found:
        default = shown_default(each.default.template) if each.default else ""
        known.need(
            Need(
                name=each.name,
                required=each.default is None,
                default=default,
                description=each.description,
                line=each.line,
            )
        )
    return tuple(found)


def _input(findings: Findings, name: str, entry: tuple[Scalar, Node], known: Known) -> Input:
    key, node = entry
    if isinstance(node, MapNode) and _declares(node):
        return _declared_input(findings, key, node, known)
    default = None if _is_nothing(node) else _variable(findings, name, node, known)
    return Input(name=name, default=default, kind=_kind_of_default(default), line=key.line)


def _declares(node: MapNode) -> bool:
    """Whether a map is the long form of an input, and no value: also where one of its keys is mistyped."""
    keys = set(node.entries)
    near = {key for key in keys if key not in DECLARATION and nearest(key, DECLARATION)}
    kind, required = node.get("type"), node.get("required")
    sure = (isinstance(kind, Scalar) and kind.text in TYPES) or (
        isinstance(required, Scalar) and required.value in (True, False)
    )
    return bool(keys) and (sure or bool(near and keys & {*DECLARATION}) or keys <= {*DECLARATION, *near})


def _declared_input(findings: Findings, key: Scalar, node: MapNode, known: Known) -> Input:
    """The long form: {type, default, description, required}."""
    what = f"the input {key.text}"
    findings.keys(node, what, allowed=DECLARATION, way="A map that is the value itself stands under default.")
    given, required = node.get("default"), node.get("required")
    default = _variable(findings, key.text, given, known) if given and not _is_nothing(given) else None
    must = findings.boolean(required, "required") if required else None
    if must and default:
        findings.error(node.entries["required"][0], f"{key.text} has a default, and so is not required")
    if must is False and not given:
        hint = 'Give it a default: the value that it has then, for example "".'
        findings.error(node.entries["required"][0], f"{key.text} is not required, and has no default", hint=hint)
    return Input(
        name=key.text,
        default=default,
        kind=_type(findings, node, default) or _kind_of_default(default),
        description=(findings.text(words, "description") or "") if (words := node.get("description")) else "",
        line=key.line,
    )


def _type(findings: Findings, node: MapNode, default: EnvVar | None) -> str:
    written = node.get("type")
    word = findings.choice(written, "type", TYPES) if written else None
    kind = TYPES[word] if word else ""
    if kind and default and default.template.constant and kind_of(default.value) != kind:
        message = f"{default.name} is declared as a {word}, and its default is a {kind_of(default.value)}"
        findings.error(node.entries["default"][1], message)
    return kind


def _kind_of_default(default: EnvVar | None) -> str:
    return kind_of(default.value) if default and not isinstance(default.value, str) else ""


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None
