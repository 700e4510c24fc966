"""Reads the ``config`` of a step by its action's declaration: keys and kinds checked, placeholders compiled."""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind, fault_of
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.expressions import ExpressionError, Template, compile_template
from testmesh_engine.language.asserts import dashed
from testmesh_engine.language.findings import Findings, did_you
from testmesh_engine.language.names import Known
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, kind_of_node, plain

_SQL_KEY = "query"
"""The key of a config whose text is SQL."""

NO_TIME = "is 0, which leaves no time"
"""What is wrong with a ``timeout`` of an action that is 0."""


def step_config(findings: Findings, step: MapNode, spec: ActionSpec, known: Known) -> dict[str, Template] | None:
    """The config of ``step``, each key under the name that it was written with; nothing where it is no map."""
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

    def read(self, step: MapNode, config: MapNode, spec: ActionSpec) -> dict[str, Template]:
        self._check_keys(config, spec.name, spec.keys, spec.planned)
        for name, why in spec.advised.items():
            key = spec.key(name)
            if key and not {key.name, *key.aliases} & config.entries.keys():
                self._findings.warning(step, f"this {spec.name} step has no {name}: {why}")
        entries = ((name, value) for name, (_, value) in config.entries.items())
        return {name: template for name, value in entries if (template := self._template(value, sql=name == _SQL_KEY))}

    def _template(self, node: Node, *, sql: bool) -> Template | None:
        try:
            template = compile_template(plain(node), sql=sql, dashed=dashed(self._known))
        except ExpressionError:
            self._broken_templates(node, sql=sql)
            return None
        self._known.check(self._findings, node, template.names)
        return template

    def _broken_templates(self, node: Node, *, sql: bool) -> None:
        """Note every text below ``node`` that is no template: compiling the whole tree stops at the first."""
        if isinstance(node, MapNode):
            for key, value in node.entries.values():
                self._broken_templates(key, sql=sql)
                self._broken_templates(value, sql=sql)
        elif isinstance(node, ListNode):
            for item in node.items:
                self._broken_templates(item, sql=sql)
        else:
            try:
                compile_template(node.value, sql=sql, dashed=dashed(self._known))
            except ExpressionError as error:
                self._findings.broken_text(node, error)

    def _check_keys(self, config: MapNode, what: str, keys: tuple[Key, ...], planned: Mapping[str, str]) -> None:
        allowed = [name for key in keys for name in (key.name, *key.aliases)]
        self._findings.keys(config, what, allowed=allowed, planned=planned)
        for key in keys:
            given = [name for name in (key.name, *key.aliases) if name in config.entries]
            if len(given) > 1:
                self._findings.error(config.entries[given[1]][0], f"{given[1]} is another word for {given[0]}")
            if given:
                self._check_value(key, config.entries[given[0]][1])
            elif key.required:
                self._findings.error(config, f'{what} needs "{key.name}": {key.doc}', hint=_for_all(what, key))

    def _check_value(self, key: Key, node: Node) -> None:
        if isinstance(node, Scalar) and isinstance(node.value, str) and ("${" in node.value or "{{" in node.value):
            return
        fault = fault_of(key.kind, plain(node), found=kind_of_node(node))
        if fault:
            text = node.text if isinstance(node, Scalar) and key.kind is Kind.TEXT else ""
            self._findings.error(node, f"{key.name} {fault}", hint=f'Quote it:  {key.name}: "{text}"' if text else "")
        elif key.choices and str(plain(node)).upper() not in key.choices:
            hint = did_you(str(plain(node)).upper(), key.choices)
            self._findings.error(node, f"{key.name} is one of {', '.join(key.choices)}", hint=hint)
        elif key.name == "timeout" and key.kind is Kind.DURATION and not parse_duration(str(plain(node))):
            self._findings.error(node, f"timeout {NO_TIME}", hint="Write for example 30s, or leave it out.")
        elif key.fault and (fault := key.fault(plain(node))):
            self._findings.error(node, f"{key.name} {fault}")
        elif key.fields and isinstance(node, MapNode):
            self._check_keys(node, key.name, key.fields, key.planned)
