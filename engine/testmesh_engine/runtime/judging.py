"""What a step says of a result: its outputs, then all of its assertions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from testmesh_engine.actions.base import Result
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import AssertionResult
from testmesh_engine.expressions import Check, EvaluationError, Scope, Value, to_json
from testmesh_engine.language.model import Assertion, Quantifier, Step
from testmesh_engine.runtime.builtins import Moment
from testmesh_engine.runtime.present import shown_check, with_hint
from testmesh_engine.runtime.scope import FlowScope, Memory
from testmesh_engine.runtime.surroundings import Surroundings


@dataclass(slots=True)
class Judgement:
    """What came of it: captured values are there also where something failed. ``message`` is what tells most of it."""

    memory: Memory
    """What was known before, and what was captured."""
    captured: dict[str, Value] = field(default_factory=dict)
    checks: tuple[AssertionResult, ...] = ()
    output_error: str = ""
    message: str = ""

    @property
    def holds(self) -> bool:
        """Whether every output was found and every assertion holds."""
        return not self.message


def judge(step: Step, result: Result, *, at: Moment, around: Surroundings) -> Judgement:
    """Judge ``result``. Never raises for what stands in the flow or in the result."""
    found, masker = Judgement(around.memory.capturing() if step.outputs else around.memory), around.masker
    scope = FlowScope(found.memory, at, result, error=around.error)
    for capture in step.outputs:
        try:
            value = found.captured[capture.name] = capture.output.extract(result, scope, name=capture.name)
            found.memory.capture(capture.name, value)
            masker.learn_output(capture.output, value)
        except EvaluationError as error:
            found.memory.miss(capture.name)
            found.output_error = f"output {capture.name}: {with_hint(error.message, error.hint)}"
            found.message = found.message or found.output_error
    masker.learn_variables(found.captured)
    checks = list(_checks(step.asserts, scope, around))
    found.checks = tuple(check for _, check in checks)
    found.message = _most_telling(found.message, checks)
    return found


def _most_telling(output_error: str, checks: Sequence[tuple[bool, AssertionResult]]) -> str:
    """An assertion that is false is the cause of an output that found nothing: ``status is 500``.

    One without a value is its consequence: ``order_id != nil``.
    """
    failed = [(evaluated, check.message) for evaluated, check in checks if not check.passed]
    false = [message for evaluated, message in failed if evaluated]
    others = [message for evaluated, message in failed if not evaluated]
    told = [*false, *([output_error] if output_error else []), *others]
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return f"{told[0]}{more}" if told else ""


def _checks(
    asserts: tuple[Assertion, ...], scope: Scope, around: Surroundings
) -> Iterator[tuple[bool, AssertionResult]]:
    """Each with whether it had a value."""
    found = [(assertion, _check(assertion, scope, strict=around.strict)) for assertion in asserts]
    any_holds = any(check.holds for assertion, check in found if assertion.quantifier is Quantifier.ANY)
    for assertion, check in found:
        if assertion.quantifier is Quantifier.ANY and any_holds and not check.holds:
            continue  # another one holds: this one is false, and fails nothing
        judged = _judged(assertion, check)
        judged = _strictly(judged) if around.strict else judged
        message = "" if judged.holds else _message(assertion, scope)
        yield check.evaluated, shown_check(_source(assertion, judged), judged, around.masker, message=message)


def _check(assertion: Assertion, scope: Scope, *, strict: bool) -> Check:
    check = assertion.expression.check(scope)
    return _strictly(check) if strict and assertion.quantifier is not Quantifier.NONE else check


def _strictly(check: Check) -> Check:
    """One that would hold whatever the values are does not hold under ``--strict``."""
    if not (check.holds and check.warning):
        return check
    return replace(check, holds=False, message=f"{check.warning} (a warning, which --strict takes for a failure)")


def _source(assertion: Assertion, judged: Check) -> str:
    """What is said to hold: of assert_none the opposite of what is written."""
    written = assertion.expression.source
    return f"not ({written})" if assertion.quantifier is Quantifier.NONE and judged.holds else written


def _judged(assertion: Assertion, check: Check) -> Check:
    """The check by the list that its assertion stands in."""
    match assertion.quantifier:
        case Quantifier.ANY if not check.holds:
            return replace(check, message=f"none of assert_any holds: {check.message}")
        case Quantifier.NONE if check.holds:
            return Check(holds=False, message=f"{assertion.expression.source} holds and must not")
        case Quantifier.NONE if check.evaluated:
            return Check(holds=True, warning=check.warning, operands=check.operands if check.warning else ())
        case _:
            # One that has no value at all says nothing, not even of what must not be.
            return check


def _message(assertion: Assertion, scope: Scope) -> str:
    """The author's words; where they can't be rendered the failure is shown all the same."""
    if assertion.message is None:
        return ""
    try:
        said = assertion.message.render(scope)
    except EvaluationError as error:
        return f"(its message can't be shown: {error.message})"
    return said if isinstance(said, str) else to_json(said)
