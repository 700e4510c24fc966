"""Reads the ``config`` of a step by its action's declaration: keys and kinds checked, placeholders compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind, fault_of
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import Expression, ExpressionError, Path, Template, compile_template
from testmesh_engine.language.asserts import dashed, expression, value_expression
from testmesh_engine.language.findings import Findings, did_you
from testmesh_engine.language.names import Known
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, kind_of_node, plain

_SQL_KEY = "query"
"""The key of a config whose text is SQL."""

NO_TIME = "is 0, which leaves no time"
"""What is wrong with a ``timeout`` of an action that is 0."""


@dataclass(frozen=True, slots=True)
class StepConfig:
    """The config of a step, each key under the name that it was written with.

    ``expressions`` are those that stand in it, by their text: templates leave them as they are.
    """

    templates: Mapping[str, Template]
    expressions: Mapping[str, Expression]


def step_config(findings: Findings, step: MapNode, spec: ActionSpec, known: Known) -> StepConfig | None:
    """The config of ``step``; nothing where it is no map."""
    node = step.get("config")
    if node is None or (isinstance(node, Scalar) and node.value is None):
        node = MapNode({}, step.line, step.column, f"{step.path}.config")
    config = findings.map(node, "config")
    return None if config is None else _ConfigReader(findings, known).read(step, config, spec)


def _for_all(action: str, key: Key) -> str:
    """How to say once, for all steps of an action, what it needs to reach: for the keys that variables may give."""
    if not key.variables:
        return ""
    names = " or ".join(key.variables)
    value = f'{key.variables[0]}: "…"'
    return (
        f"Write it here, or for all such steps in the flow, or set the variable {names}:\n"
        f'config:\n  defaults:\n    {action}: {{{key.name}: "…"}}\nenv:\n  {value}'
    )


class _ConfigReader:
    def __init__(self, findings: Findings, known: Known) -> None:
        self._findings = findings
        self._known = known
        self._expressions: dict[str, Expression] = {}
        self._verbatim: set[Path] = set()

    def read(self, step: MapNode, config: MapNode, spec: ActionSpec) -> StepConfig:
        self._check_keys(config, spec.name, spec.keys)
        given = {key.name: plain(value) for name, (_, value) in config.entries.items() if (key := spec.key(name))}
        if spec.contradiction and (fault := spec.contradiction(given)):
            self._findings.error(config, fault)
        for name, why in spec.advised.items():
            key = spec.key(name)
            if key and not {key.name, *key.aliases} & config.entries.keys():
                self._findings.warning(step, f"this {spec.name} step has no {name}: {why}")
        nested = {name for key in spec.keys if key.kind.nests for name in (key.name, *key.aliases)}
        entries = ((name, value) for name, (_, value) in config.entries.items() if name not in nested)
        templates = {name: template for name, value in entries if (template := self._template(name, value))}
        return StepConfig(templates, self._expressions)

    def _template(self, name: str, node: Node) -> Template | None:
        sql, ids = name == _SQL_KEY, dashed(self._known)
        verbatim = {path[1:] for path in self._verbatim if path[0] == name}
        try:
            template = compile_template(plain(node), sql=sql, dashed=ids, verbatim=verbatim)
        except ExpressionError:
            self._broken_templates(node, (name,), sql=sql)
            return None
        self._known.check(self._findings, node, template.names)
        return template

    def _broken_templates(self, node: Node, path: Path, *, sql: bool) -> None:
        """Note every text below ``node`` that is no template: compiling the whole tree stops at the first."""
        if path in self._verbatim:
            return
        if isinstance(node, MapNode):
            for name, (key, value) in node.entries.items():
                self._broken_templates(key, path, sql=sql)
                self._broken_templates(value, (*path, name), sql=sql)
        elif isinstance(node, ListNode):
            for index, item in enumerate(node.items):
                self._broken_templates(item, (*path, index), sql=sql)
        else:
            try:
                compile_template(node.value, sql=sql, dashed=dashed(self._known))
            except ExpressionError as error:
                self._findings.broken_text(node, error)

    def _check_keys(self, config: MapNode, what: str, keys: tuple[Key, ...], *, at: Path = ()) -> None:
        allowed = [name for key in keys for name in (key.name, *key.aliases)]
        self._findings.keys(config, what, allowed=allowed)
        for key in keys:
            given = [name for name in (key.name, *key.aliases) if name in config.entries]
            if len(given) > 1:
                self._findings.error(config.entries[given[1]][0], f"{given[1]} is another word for {given[0]}")
            if given:
                self._check_value(key, config.entries[given[0]][1], (*at, given[0]))
                self._leave(key, config.entries[given[0]][1], (*at, given[0]))
            elif key.required:
                self._findings.error(config, f'{what} needs "{key.name}": {key.doc}', hint=_for_all(what, key))

    def _leave(self, key: Key, node: Node, path: Path) -> None:
        """Leave what stands under a name of ``key.later`` to the action; its names are checked all the same."""
        entries = node.entries.items() if isinstance(node, MapNode) else ()
        for name, (_, value) in entries:
            if name in key.later:
                self._check_later(key, value)
                self._verbatim.add((*path, name))
            else:
                self._leave(key, value, (*path, name))
        for index, item in enumerate(node.items if isinstance(node, ListNode) else ()):
            self._leave(key, item, (*path, index))

    def _check_later(self, key: Key, node: Node) -> None:
        try:
            template = compile_template(plain(node), dashed=dashed(self._known))
        except ExpressionError:
            self._broken_templates(node, (), sql=False)
        else:
            self._known.check(self._findings, node, template.names, extra=key.names)

    def _check_value(self, key: Key, node: Node, path: Path) -> None:
        if self._is_of_expressions(key, node, path):
            return
        if isinstance(node, Scalar) and isinstance(node.value, str) and ("${" in node.value or "{{" in node.value):
            return
        fault = fault_of(key.kind, plain(node), found=kind_of_node(node))
        if fault:
            text = node.text if isinstance(node, Scalar) and key.kind is Kind.TEXT else ""
            text = "" if key.fault and key.fault(text) else text
            self._findings.error(node, f"{key.name} {fault}", hint=f'Quote it:  {key.name}: "{text}"' if text else "")
        elif key.choices and str(plain(node)).upper() not in key.choices:
            hint = did_you(str(plain(node)).upper(), key.choices)
            self._findings.error(node, f"{key.name} is one of {', '.join(key.choices)}", hint=hint)
        elif key.kind is Kind.STEP and (step := str(plain(node))) not in self._known.ids:
            hint = did_you(step, self._known.ids) or "Give that step an id, or move it above this one."
            self._findings.error(node, f"no step above has the id {step}", hint=hint)
        elif key.name == "timeout" and key.kind is Kind.DURATION and not parse_duration(str(plain(node))):
            self._findings.error(node, f"timeout {NO_TIME}", hint="Write for example 30s, or leave it out.")
        elif key.fault and (fault := key.fault(plain(node))):
            self._findings.error(node, f"{key.name} {fault}")
        elif key.case_blind and isinstance(node, MapNode):
            self._check_names(node)
        elif key.fields and isinstance(node, MapNode):
            self._check_keys(node, key.name, key.fields, at=path)

    def _is_of_expressions(self, key: Key, node: Node, path: Path) -> bool:
        """Whether expressions stand there; they are compiled, and left to the action."""
        if key.kind.asks:
            self._conditions(key, node, path)
        elif key.kind is Kind.EXPRESSION:
            self._value(key, node, path)
        elif key.kind is Kind.EXPRESSIONS and isinstance(node, MapNode):
            self._values(key, node, path)
        else:
            return False
        return True

    def _check_names(self, node: MapNode) -> None:
        """Names in which case does not count stand once each."""
        first: dict[str, Scalar] = {}
        for name, (key, _) in node.entries.items():
            before = first.setdefault(name.lower(), key)
            if before is not key:
                hint = "Remove one of the two: case does not count here."
                self._findings.error(key, f"{name} stands twice, first as {before.text}", hint=hint)

    def _value(self, key: Key, node: Node, path: Path) -> None:
        """Text is an expression, left to the action; anything else is the value itself, rendered."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return
        self._verbatim.add(path)
        compiled = value_expression(self._findings, node, key.name, known=self._known, extra=key.names)
        if compiled is not None:
            self._expressions[compiled.source] = compiled

    def _values(self, key: Key, node: MapNode, path: Path) -> None:
        """Each may read those above it."""
        flow, names = self._known.flow, list(node.entries)
        before = flow.below
        for index, (name, (_, value)) in enumerate(node.entries.items()):
            flow.below = {**before, **dict.fromkeys(names[index:], f"a name of {key.name}")}
            one = replace(key, name=f"{key.name}.{name}", names=(*key.names, *names[:index]))
            self._value(one, value, (*path, name))
        flow.below = before

    def _conditions(self, key: Key, node: Node, path: Path) -> None:
        """Compile what stands under a key of expressions, and leave its text to the action."""
        self._verbatim.add(path)
        several = key.kind is Kind.CONDITIONS and isinstance(node, ListNode)
        items = node.items if several and isinstance(node, ListNode) else (node,)
        if not items:
            self._findings.error(node, f"{key.name} is empty", hint="Remove it, or write what must hold.")
        for item in items:
            compiled = expression(self._findings, item, key.name, known=self._known, extra=key.names)
            if compiled is not None:
                self._expressions[compiled.source] = compiled
