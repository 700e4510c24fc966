"""A step as it runs: its times and counts that are placeholders, rendered once for all attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from testmesh_engine.contract.catalogue import Kind, fault_of
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Scope, Value, kind_of, show
from testmesh_engine.language.attempts import why_never
from testmesh_engine.language.model import Eventually, Late, Retry, Step
from testmesh_engine.language.step_config import NO_TIME

_SHOWN_CHARACTERS = 80


def settled(step: Step, scope: Scope) -> Step:
    """``step`` with every time and count that it waits for, as if they had been written into it.

    Raises ``UsageError`` for a value that its key does not take, ``EvaluationError`` where there is none.
    """
    if not step.late:
        return step
    values = {late: late_value(late, late.template.render(scope)) for late in step.late}
    own: dict[str, float] = {late.field: value for late, value in values.items() if not late.of_attempts}
    of_attempts = {late.field: value for late, value in values.items() if late.of_attempts}
    return replace(step, late=(), attempts=_policy(step.attempts, of_attempts), **own)  # type: ignore[arg-type]  # timeout


def _policy(policy: Retry | Eventually | None, values: Mapping[str, float]) -> Retry | Eventually | None:
    if policy is None or not values:
        return policy
    found = replace(policy, **values)  # type: ignore[arg-type]  # each field of the kind that it was read for
    if isinstance(found, Eventually) and (why := why_never(found)):
        raise UsageError(why)
    return found


def late_value(late: Late, value: Value) -> float:
    """``value`` as the seconds or the count that it spells."""
    found = f"{kind_of(value)} {show(value, _SHOWN_CHARACTERS)}"
    return _count(late, value, found) if late.kind is Kind.INTEGER else _seconds(late, value, found)


def _count(late: Late, value: Value, found: str) -> int:
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
        return number
    raise UsageError(f"{late.what} is a whole number from 1 on, found {found}")


def _seconds(late: Late, value: Value, found: str) -> float:
    fault = fault_of(Kind.DURATION, value, found=found)
    if fault:
        raise UsageError(f"{late.what} {fault}")
    seconds = parse_duration(str(value))
    if not seconds and not late.zero:
        raise UsageError(f"{late.what} {NO_TIME} (found {found})", hint="Write for example 30s.")
    return seconds
