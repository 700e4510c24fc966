"""Reads the steps of a flow: each key to its place in the model, every problem noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from testmesh_engine.contract.catalogue import ActionSpec, Catalogue, Key, Kind, fault_of
from testmesh_engine.contract.result import Phase
from testmesh_engine.expressions import ExpressionError, Template, compile_template
from testmesh_engine.language import planned
from testmesh_engine.language.asserts import assertions, captures, dashed, expression, result_names
from testmesh_engine.language.findings import Findings, did_you, unknown_name_hint
from testmesh_engine.language.model import (
    Assertion,
    Eventually,
    OnError,
    Quantifier,
    Retry,
    Step,
)
from testmesh_engine.language.names import BUILTINS, ROOTS, Known
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, kind_of_node, plain

STEP_KEYS = (
    *("id", "name", "description", "action", "config", "assert", "assert_any", "assert_none", "output", "save"),
    *("when", "disabled", "tags", "timeout", "on_error", "retry", "eventually", "poll"),
)

_SQL_KEY = "query"
"""The key of a config whose text is SQL."""


class StepReader:
    """Reads the steps of one flow in the order in which they run; ``known`` grows with each."""

    def __init__(self, findings: Findings, catalogue: Catalogue, known: Known) -> None:
        self._findings = findings
        self._catalogue = catalogue
        self._known = known
        self._seen: dict[str, int] = {}
        self._numbers: dict[str, int] = {}

    def read(self, node: Node, phase: Phase) -> tuple[Step, ...]:
        """The steps of one part. Ids are unique within setup and steps together, and within teardown."""
        if phase is Phase.TEARDOWN:
            self._seen = {}
        items = self._findings.items(node, phase.value)
        if not items and isinstance(node, ListNode):
            self._findings.error(node, f"{phase.value} is empty", hint="Write at least one step, or remove the key.")
        return tuple(step for item in items if (step := self._step(item, phase)))

    def _step(self, node: Node, phase: Phase) -> Step | None:
        step = self._findings.map(node, "a step")
        if step is None:
            return None
        self._findings.keys(step, "a step", allowed=STEP_KEYS, planned=planned.STEP_KEYS)
        step_id = self._id(step)
        spec = self._action(step)
        if spec is None:
            self._declare(step_id, step)
            return None
        return self._whole_step(step, spec, step_id, phase)

    def _whole_step(self, step: MapNode, spec: ActionSpec, step_id: str, phase: Phase) -> Step | None:
        findings, known = self._findings, self._known
        when = step.get("when")
        condition = expression(findings, when, "when", known=known) if when else None
        config = self._config(step, spec)
        outputs = step.get("output") or step.get("save")
        if "output" in step.entries and "save" in step.entries:
            findings.error(step.entries["save"][0], "save is another word for output; a step has one of the two")
        captured = captures(findings, outputs, spec=spec, known=known, own_id=step_id) if outputs else ()
        # Outputs come before assertions, in an attempt too: an assertion may be about what was captured.
        asserts = tuple(self._assertions(step, spec))
        attempts = self._attempts(step, spec)
        if step_id:
            known.ids.add(step_id)
        self._check_labels(step)
        asserting = any(key.startswith("assert") for key in step.entries)
        if phase is Phase.STEPS and not asserting and not spec.asserts_itself:
            findings.warning(
                step, f"this {spec.name} step asserts nothing", hint="Add assert, or it passes on any result."
            )
        if config is None:
            return None
        return Step(
            shown=step_id or self._number(spec),
            action=spec,
            config=config,
            id=step_id,
            name=self._name(step),
            asserts=asserts,
            outputs=captured,
            when=condition,
            disabled=self._disabled(step),
            timeout=self._duration(step, "timeout", zero=False),
            on_error=self._on_error(step, phase),
            attempts=attempts,
            line=step.line + findings.source.line_shift if step.line else 0,
        )

    def _id(self, step: MapNode) -> str:
        node = step.get("id")
        text = self._findings.text(node, "id") if node else None
        if text is None or node is None:
            return ""
        if text in BUILTINS or text in ROOTS:
            self._findings.error(node, f'"{text}" can\'t be an id', hint="It is the name of something built in.")
            return ""
        if not text.replace("-", "_").isidentifier():
            self._findings.error(
                node, f'"{text}" can\'t be an id', hint="Use letters, digits, _ and -, not first a digit."
            )
            return ""
        if text in self._seen:
            line = self._seen[text]
            self._findings.error(node, f'the id "{text}" is taken' + (f" by the step in line {line}" if line else ""))
            return ""
        self._seen[text] = node.line + self._findings.source.line_shift if node.line else 0
        return text

    def _action(self, step: MapNode) -> ActionSpec | None:
        node = step.get("action")
        if node is None:
            names = ", ".join(self._catalogue.names())
            self._findings.error(step, "the step has no action", hint=f"Add action: one of {names}.")
            return None
        name = self._findings.text(node, "action")
        if name is None:
            return None
        spec = self._catalogue.find(name)
        if spec is None:
            self._unknown_action(node, name)
        return spec

    def _unknown_action(self, node: Node, name: str) -> None:
        names = list(self._catalogue.names())
        if name in planned.ACTIONS:
            self._findings.error(
                node, f"not supported yet: the action {name}", hint=planned.ACTION_ADVICE.get(name, "")
            )
        elif name.replace(".", "_").split("_")[0] in planned.REFUSED_ACTIONS:
            self._findings.error(node, f"TestMesh has no action {name}", hint=f"There are: {', '.join(names)}.")
        else:
            self._findings.error(node, f'unknown action "{name}"', hint=unknown_name_hint(name, names))

    def _declare(self, step_id: str, step: MapNode) -> None:
        """A step that can't be read still declares its names: one mistake must not become ten."""
        if step_id:
            self._known.ids.add(step_id)
        outputs = step.get("output") or step.get("save")
        if isinstance(outputs, MapNode):
            self._known.captured.update(outputs.entries)

    def _number(self, spec: ActionSpec) -> str:
        self._numbers[spec.name] = self._numbers.get(spec.name, 0) + 1
        return f"{spec.name}_{self._numbers[spec.name]}"

    def _config(self, step: MapNode, spec: ActionSpec) -> dict[str, Template] | None:
        node = step.get("config")
        if node is None or (isinstance(node, Scalar) and node.value is None):
            node = MapNode({}, step.line, step.column, f"{step.path}.config")
        config = self._findings.map(node, "config")
        if config is None:
            return None
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

    def _check_keys(self, config: MapNode, what: str, keys: tuple[Key, ...], planned_keys: Mapping[str, str]) -> None:
        allowed = [name for key in keys for name in (key.name, *key.aliases)]
        self._findings.keys(config, what, allowed=allowed, planned=planned_keys)
        for key in keys:
            given = [name for name in (key.name, *key.aliases) if name in config.entries]
            if len(given) > 1:
                self._findings.error(config.entries[given[1]][0], f"{given[1]} is another word for {given[0]}")
            if given:
                self._check_value(key, config.entries[given[0]][1])
            elif key.required:
                self._findings.error(config, f'{what} needs "{key.name}": {key.doc}')

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
        elif key.fault and (fault := key.fault(plain(node))):
            self._findings.error(node, f"{key.name} {fault}")
        elif key.fields and isinstance(node, MapNode):
            self._check_keys(node, key.name, key.fields, key.planned)

    def _assertions(self, step: MapNode, spec: ActionSpec) -> Iterator[Assertion]:
        for quantifier in Quantifier:
            node = step.get(quantifier.value)
            if node is not None:
                yield from assertions(self._findings, node, quantifier, spec=spec, known=self._known)
        if spec.hopeless and (must_hold := step.get(Quantifier.ALL.value)):
            self._check_hopeful(must_hold, step.get("config"), spec.hopeless)

    def _check_hopeful(
        self, asserted: Node, config: Node | None, why: Callable[[Mapping[str, object], str], str]
    ) -> None:
        written = plain(config) if config else None
        for item in asserted.items if isinstance(asserted, ListNode) else (asserted,):
            node = item.get("expression") if isinstance(item, MapNode) else item
            text = node.value if isinstance(node, Scalar) else None
            if node and isinstance(text, str) and (reason := why(written if isinstance(written, dict) else {}, text)):
                hint = "For no message at all write absent: true in config, and no assertion."
                self._findings.error(node, f"{text} can never hold: {reason}", hint=hint)

    def _attempts(self, step: MapNode, spec: ActionSpec) -> Retry | Eventually | None:
        given = [name for name in ("retry", "eventually", "poll") if name in step.entries]
        if len(given) > 1:
            self._findings.error(step.entries[given[1]][0], f"a step has {given[0]} or {given[1]}, not both")
            return None
        if not given:
            return None
        node = self._findings.map(step.entries[given[0]][1], given[0])
        if node is None:
            return None
        return self._retry(node) if given[0] == "retry" else self._eventually(node, given[0], spec)

    def _retry(self, node: MapNode) -> Retry:
        findings = self._findings
        allowed = ("max_attempts", "delay", "backoff", "max_delay")
        findings.keys(node, "retry", allowed=allowed, planned=planned.RETRY_KEYS)
        count, backoff = node.get("max_attempts"), node.get("backoff")
        default = Retry()
        return Retry(
            max_attempts=(findings.integer(count, "max_attempts") if count else None) or default.max_attempts,
            delay=self._or(self._duration(node, "delay"), default.delay),
            exponential=backoff is None
            or findings.choice(backoff, "backoff", ("exponential", "fixed")) == "exponential",
            max_delay=self._or(self._duration(node, "max_delay"), default.max_delay),
        )

    def _eventually(self, node: MapNode, word: str, spec: ActionSpec) -> Eventually:
        allowed = ("timeout", "interval", "stop_on")
        self._findings.keys(node, word, allowed=allowed, planned=planned.EVENTUALLY_KEYS)
        stop = node.get("stop_on")
        default = Eventually()
        names = result_names(spec)
        return Eventually(
            timeout=self._or(self._duration(node, "timeout", zero=False), default.timeout),
            interval=self._or(self._duration(node, "interval"), default.interval),
            stop_on=expression(self._findings, stop, "stop_on", known=self._known, extra=names) if stop else None,
        )

    @staticmethod
    def _or(value: float | None, default: float) -> float:
        return default if value is None else value

    def _duration(self, node: MapNode, key: str, *, zero: bool = True) -> float | None:
        value = node.get(key)
        return self._findings.duration(value, key, zero=zero) if value else None

    def _check_labels(self, step: MapNode) -> None:
        description, tags = step.get("description"), step.get("tags")
        if description:
            self._findings.text(description, "description")
        if tags:
            self._findings.tags(tags)

    def _name(self, step: MapNode) -> str:
        node = step.get("name")
        name = (self._findings.text(node, "name") or "") if node else ""
        self._known.note_title(name)
        return name

    def _disabled(self, step: MapNode) -> bool:
        node = step.get("disabled")
        return bool(self._findings.boolean(node, "disabled")) if node else False

    def _on_error(self, step: MapNode, phase: Phase) -> OnError:
        node = step.get("on_error")
        if node is None:
            return OnError.FAIL
        if isinstance(node, MapNode):
            self._findings.error(
                node, "not supported yet: the map form of on_error", hint="Write fail, continue or ignore."
            )
            return OnError.FAIL
        word = OnError(self._findings.choice(node, "on_error", [word.value for word in OnError]) or OnError.FAIL)
        # In teardown every step runs in any case: who writes "continue" there means that a failure does not matter.
        return OnError.IGNORE if phase is Phase.TEARDOWN and word is OnError.CONTINUE else word
