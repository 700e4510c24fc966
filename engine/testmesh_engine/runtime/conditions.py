"""The conditions of a step beside its assertions: ``when``, ``stop_on``, ``retry_on``."""

from __future__ import annotations

from collections.abc import Iterable

from testmesh_engine.errors import ErrorKind, UsageError
from testmesh_engine.expressions import (
    Check,
    EvaluationError,
    Expression,
    LayeredScope,
    Missing,
    NoValueError,
    Scope,
    Value,
    need_value,
)
from testmesh_engine.language.asserts import result_names
from testmesh_engine.language.model import Eventually, FailureTest, FailureWord, Quantifier, Retry, Step
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.present import shown_check


def why_skipped(step: Step, scope: Scope, masker: Masker) -> str:
    """Why the step is not run, "" where it is. Raises ``EvaluationError`` and ``UsageError`` for a broken ``when``."""
    if step.disabled:
        return "disabled"
    if step.when is None or step.when.evaluate(scope) is True:
        return ""
    check = _checked(step.when, scope, what="when", masker=masker)
    return f"when: {step.when.source} is false{_beside(_doubt_of(step.when, check, masker))}"


def _checked(condition: Expression, scope: Scope, *, what: str, masker: Masker) -> Check:
    """What comes of ``condition``, which has a value. Raises ``UsageError`` for one that is neither true nor false."""
    value, check = condition.evaluate(scope), condition.check(scope)
    if isinstance(value, bool):
        return check
    spelled = value in ("true", "false") and _from_env(condition.source, scope)
    hint = f"Write ${{{condition.source}}}, which is read as what it spells." if spelled else ""
    raise UsageError(f"{what} is no condition: {shown_check(condition.source, check, masker).message}", hint=hint)


def _from_env(source: str, scope: Scope) -> bool:
    return isinstance(scope, LayeredScope) and scope.from_env(source)


def _doubt_of(condition: Expression, check: Check, masker: Masker) -> str:
    """Why ``condition``, which is false, could not be true: kinds differ, or a key is absent; "" where it could."""
    if check.holds or (check.evaluated and not check.warning):
        return ""
    said = shown_check(condition.source, check, masker).message
    return said.removeprefix(f"{masker.text(condition.source)}: ")


def _beside(why: str) -> str:
    return f": {why}" if why else ""


def need_values(step: Step, scope: Scope) -> None:
    """Look at what the assertions of ``step`` read beside its result, before it is run.

    Raises ``NoValueError`` for a name that is known and has no value, where that would be an error in the assertion.
    """
    given = {capture.name for capture in step.outputs}
    own = {*given, *result_names(step.action)}
    for assertion in step.asserts:
        # One that has no value counts as false in assert_any, where another one may hold.
        if assertion.quantifier is not Quantifier.ANY:
            for use in assertion.expression.names:
                if not use.soft and use.name not in own and not (use.name == "vars" and use.key in given):
                    need_value(use, scope)


def error_value(message: str, kind: ErrorKind | None, *, timed_out: bool) -> Value:
    """``error`` in expressions; ``timeout`` is set where time ran out, whatever the last attempt had met."""
    return {"message": message, "kind": kind, "timeout": timed_out}


class _NoResultError(NoValueError):
    """What is asked of the result of an attempt that has none."""


class WithoutResult:
    """A scope for an attempt that has no result: its result keys have no value, whatever else is called so."""

    def __init__(self, scope: Scope, keys: Iterable[str]) -> None:
        self._scope = scope
        self._keys = frozenset(keys)

    def lookup(self, name: str) -> Value | Missing:
        """The value of ``name``. Raises ``NoValueError`` for a result key."""
        if name in self._keys:
            raise _NoResultError(f"{name} has no value: the attempt has no result")
        return self._scope.lookup(name)

    def names(self) -> Iterable[str]:
        """All names."""
        return (*self._scope.names(), *self._keys)


class NotAgain:
    """Tells after each attempt why there is to be no other one."""

    def __init__(self, policy: Retry | Eventually | None, masker: Masker) -> None:
        self._policy = policy
        self._masker = masker
        self._untold: dict[str, str] = {}
        """Conditions that were false for want of something to look at, each with why."""

    @property
    def unread(self) -> str:
        """Why ``stop_on`` could not hold after the last attempt: a mistyped one would be noticed nowhere else."""
        stop = self._policy.stop_on if isinstance(self._policy, Eventually) else None
        why = self._untold.get(stop.source) if stop else None
        return f"stop_on {stop.source} {why}" if stop and why else ""

    def reason(self, scope: Scope, kind: ErrorKind | None, *, holds: bool) -> str:
        """The reason, "" where there may be another one. A missing value is false.

        Raises ``UsageError`` for a condition that is neither true nor false.
        """
        self._untold.clear()
        match self._policy:
            case Retry() as retry if not holds:
                return self._of_retry(retry, scope, kind)
            case Eventually(stop_on=Expression() as stop, stable_for=stable) if stable or not holds:
                return f"stop_on {stop.source} holds" if self._is_true(stop, scope, "stop_on") else ""
            case _:
                return ""

    def _of_retry(self, policy: Retry, scope: Scope, kind: ErrorKind | None) -> str:
        for test in policy.retry_on_not:
            if self._applies(test, scope, kind, "retry_on_not"):
                return f"not tried again: retry_on_not {_source(test)}"
        if policy.retry_on and not any(self._applies(test, scope, kind, "retry_on") for test in policy.retry_on):
            return f"not tried again: nothing of retry_on holds: {', '.join(map(self._told, policy.retry_on))}"
        return ""

    def _told(self, test: FailureTest) -> str:
        why = self._untold.get(_source(test))
        return f"{_source(test)} ({why})" if why else _source(test)

    def _applies(self, test: FailureTest, scope: Scope, kind: ErrorKind | None, what: str) -> bool:
        return test.value == kind if isinstance(test, FailureWord) else self._is_true(test, scope, what)

    def _is_true(self, condition: Expression, scope: Scope, what: str) -> bool:
        try:
            if condition.evaluate(scope) is None:
                return False
            check = _checked(condition, scope, what=what, masker=self._masker)
        except _NoResultError:
            return False  # the failure itself says why there is none
        except EvaluationError as error:
            self._untold[condition.source] = f"had no value: {error.message}"
            return False
        if doubt := _doubt_of(condition, check, self._masker):
            self._untold[condition.source] = f"is false: {doubt}"
        return check.holds


def _source(test: FailureTest) -> str:
    return test.value if isinstance(test, FailureWord) else test.source
