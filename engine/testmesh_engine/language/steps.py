"""Reads the steps of a flow: each key to its place in the model, every problem noted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial

from testmesh_engine.contract.catalogue import ActionSpec, Catalogue
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Phase
from testmesh_engine.expressions import Expression
from testmesh_engine.language import keys
from testmesh_engine.language.asserts import assertions, captures, expression
from testmesh_engine.language.attempts import repeating, with_poll_moved
from testmesh_engine.language.called import CalledFlows
from testmesh_engine.language.containers import ContainerReader
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.model import Assertion, Capture, Quantifier, Step
from testmesh_engine.language.names import ERROR, Known
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, child_path, plain
from testmesh_engine.language.on_error import handling
from testmesh_engine.language.presets import with_preset
from testmesh_engine.language.result_keys import ResultKeys
from testmesh_engine.language.step_action import step_action
from testmesh_engine.language.step_config import step_config
from testmesh_engine.language.times import Times
from testmesh_engine.language.waiting import with_waiting_moved


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a list of steps stands: its part of the flow, and the step that it is inside of, "" for none."""

    phase: Phase
    outer: str = ""
    asks: bool = True
    """Whether its steps are a part of the test: what runs after a failure need not assert."""


class StepReader:
    """Reads the steps of one flow in the order in which they run; ``known`` grows with each."""

    def __init__(self, findings: Findings, catalogue: Catalogue, known: Known, called: CalledFlows) -> None:
        self._findings = findings
        self._catalogue = catalogue
        self._known = known
        self._called = called
        self._containers = ContainerReader(findings, known)
        self._seen: dict[str, int] = {}
        self._numbers: dict[tuple[str, str], int] = {}

    def read(self, node: Node, phase: Phase) -> tuple[Step, ...]:
        """The steps of one part. Ids are unique within setup and steps together, and within teardown."""
        if phase is Phase.TEARDOWN:
            self._seen = {}
        return self._list(node, phase.value, _Place(phase))

    def _nested(self, node: Node, what: str, place: _Place, *, local: Collection[str] = ()) -> tuple[Step, ...]:
        """The steps of a list inside of a step, under its key ``what``.

        They see all that the step sees, and the names ``local``. What they give is known to the steps below, and their
        ids are unique within the whole part: which of them will have run is for the run to say.
        """
        before = set(self._known.local)
        self._known.local.update(local)
        found = self._list(node, what, place)
        self._known.local = before
        return found

    def _list(self, node: Node, what: str, place: _Place) -> tuple[Step, ...]:
        items = self._findings.items(node, what)
        if not items and isinstance(node, ListNode):
            self._findings.error(node, f"{what} is empty", hint="Write at least one step, or remove the key.")
        return tuple(step for item in items if (step := self._step(item, place)))

    def _step(self, node: Node, place: _Place) -> Step | None:
        step = self._findings.map(node, "a step")
        if step is None:
            return None
        step_id = self._id(step)
        spec = step_action(self._findings, step, self._catalogue)
        self._check_keys(step, spec)
        if spec is None:
            self._declare(step_id, step)
            return None
        spec = self._with_exposed(step, spec)
        step = with_waiting_moved(self._findings, step, spec)
        spelled = with_preset(self._findings, with_poll_moved(self._findings, step, spec), spec)
        return self._whole_step(spelled, spec, step_id, place)

    def _with_exposed(self, step: MapNode, spec: ActionSpec) -> ActionSpec:
        """``spec`` with the results that this step's config names."""
        config = step.get("config")
        written = plain(config) if isinstance(config, MapNode) else {}
        if spec.exposes is None or not isinstance(written, dict):
            return spec
        try:
            own = dict.fromkeys(spec.exposes(written), "as config says")
        except ValueError as error:
            message, key = error.args
            at = config.entries[key][1] if key and isinstance(config, MapNode) else step
            self._findings.error(at, message)
            return spec
        return replace(spec, results={**own, **spec.results})

    def _check_keys(self, step: MapNode, spec: ActionSpec | None) -> None:
        allowed = keys.names(keys.STEP)
        misplaced = {name for name in step.entries if name not in allowed and spec is not None and spec.key(name)}
        for name, (key, _) in step.entries.items():
            if name in misplaced:
                at = Scalar(name, key.line, key.column, child_path(step.path, name))
                self._findings.error(at, f'a step has no key "{name}"', hint=f"Write {name} under config.")
        rest = {name: entry for name, entry in step.entries.items() if name not in misplaced}
        self._findings.keys(replace(step, entries=rest), "a step", allowed=allowed)

    def _whole_step(self, step: MapNode, spec: ActionSpec, step_id: str, place: _Place) -> Step | None:
        findings, known = self._findings, self._known
        shown = self._shown(step_id, spec, place)
        known.here, known.own = step_id, frozenset(spec.results)
        when = self._when(step)
        config = step_config(findings, step, spec, known)
        nested = self._containers.lists(step, spec, shown, partial(self._inside, place))
        known.here, known.own = step_id, frozenset(spec.results)
        captured = self._captures(step, spec, step_id)
        calls = self._called.of(findings, step, spec, known)
        known.result = ResultKeys.of(spec, calls)
        # Outputs come before assertions, in an attempt too: an assertion may be about what was captured.
        asserts = tuple(self._assertions(step, spec))
        attempts = repeating(findings, step, spec, known)
        times = Times(findings, known, step)
        timeout = times.seconds("timeout", zero=False)
        names = frozenset(capture.name for capture in captured)
        known.declare(step_id, replace(known.result, captured=names) if known.result else None)
        handled = handling(findings, step, place.phase)
        error_steps = self._error_steps(handled.steps, place, shown)
        self._warn_of_nothing_asserted(step, spec, place)
        description, tags = step.get("description"), step.get("tags")
        if description:
            findings.text(description, "description")
        built = Step(
            shown=shown,
            action=spec,
            config=config.templates if config else {},
            expressions=config.expressions if config else {},
            id=step_id,
            name=self._name(step),
            asserts=asserts,
            outputs=captured,
            when=when,
            disabled=self._disabled(step),
            timeout=timeout,
            on_error=handled.on_error,
            attempts=attempts.policy,
            late=(*times.late, *attempts.late),
            error_steps=error_steps,
            nested=nested,
            calls=calls,
            local=frozenset(known.local),
            tags=findings.tags(tags) if tags else (),
            line=self._line(step),
        )
        return None if config is None else built

    def _line(self, node: Node) -> int:
        return node.line + self._findings.source.line_shift if node.line else 0

    def _id(self, step: MapNode) -> str:
        node = step.get("id")
        text = self._findings.text(node, "id") if node else None
        if text is None or node is None:
            return ""
        taken = "It is built in." if text == ERROR else self._known.taken(text)
        if taken:
            self._findings.error(node, f'"{text}" can\'t be an id', hint=taken)
            return ""
        if not text.replace("-", "_").isidentifier():
            self._findings.error(
                node, f'"{text}" can\'t be an id', hint="Use letters, digits, _ and -, not first a digit."
            )
            return ""
        if text in self._known.local:
            hint = "It is a name that the loop around it gives."
            self._findings.error(node, f'"{text}" can\'t be an id', hint=hint)
            return ""
        if text in self._seen:
            line = self._seen[text]
            self._findings.error(node, f'the id "{text}" is taken' + (f" by the step in line {line}" if line else ""))
            return ""
        self._seen[text] = self._line(node)
        return text

    def _declare(self, step_id: str, step: MapNode) -> None:
        """A step that can't be read still declares its names: one mistake must not become ten."""
        self._known.declare(step_id, None)
        outputs = step.get("output") or step.get("save")
        if isinstance(outputs, MapNode):
            self._known.captured.update(outputs.entries)

    def _shown(self, step_id: str, spec: ActionSpec, place: _Place) -> str:
        """How reports name the step: by its id, else ``<action>_<n>``, counted in the flow or in the outer step."""
        name = step_id
        if not name:
            counted = (place.outer, spec.name)
            self._numbers[counted] = self._numbers.get(counted, 0) + 1
            name = f"{spec.name}_{self._numbers[counted]}"
        return f"{place.outer}/{name}" if place.outer else name

    def _when(self, step: MapNode) -> Expression | None:
        node = step.get("when")
        return expression(self._findings, node, "when", known=self._known) if node else None

    def _captures(self, step: MapNode, spec: ActionSpec, step_id: str) -> tuple[Capture, ...]:
        if "output" in step.entries and "save" in step.entries:
            message = "save is another word for output; a step has one of the two"
            self._findings.error(step.entries["save"][0], message)
        node = step.get("output") or step.get("save")
        return captures(self._findings, node, spec=spec, known=self._known, own_id=step_id) if node else ()

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

    def _warn_of_nothing_asserted(self, step: MapNode, spec: ActionSpec, place: _Place) -> None:
        """A step of a flow that asserts nothing passes on any result; what runs after a failure need not assert."""
        lists = (step.get(quantifier.value) for quantifier in Quantifier)
        asserting = any(node and not (isinstance(node, ListNode) and not node.items) for node in lists)
        if spec.only_asserts and not asserting:
            self._findings.error(
                step, f"this {spec.name} step asserts nothing", hint="Add assert: it does nothing else."
            )
        elif place.phase is Phase.STEPS and place.asks and not asserting and not spec.asserts_itself:
            message = f"this {spec.name} step asserts nothing"
            self._findings.warning(step, message, hint="Add assert, or it passes on any result.")

    def _inside(self, place: _Place, node: Node, what: str, *, outer: str, local: Collection[str]) -> tuple[Step, ...]:
        return self._nested(node, what, _Place(place.phase, outer, asks=place.asks), local=local)

    def _error_steps(self, node: Node | None, place: _Place, shown: str) -> tuple[Step, ...]:
        return self._nested(node, "error_steps", _Place(place.phase, shown, asks=False)) if node else ()

    def _name(self, step: MapNode) -> str:
        node = step.get("name")
        name = (self._findings.text(node, "name") or "") if node else ""
        self._known.note_title(name)
        return name

    def _disabled(self, step: MapNode) -> bool:
        node = step.get("disabled")
        hint = "For what a variable decides write when."
        return bool(self._findings.boolean(node, "disabled", hint=hint)) if node else False
