"""The conditions of a step beside its assertions: ``when``, ``stop_on``, ``retry_on``."""

from __future__ import annotations

from collections.abc import Iterable

from testmesh_engine.errors import ErrorKind, UsageError
from testmesh_engine.expressions import EvaluationError, Expression, Missing, NoValueError, Scope, Value
from testmesh_engine.language.model import Eventually, FailureTest, FailureWord, Retry, Step


def why_skipped(step: Step, scope: Scope) -> str:
    """Why the step is not run, "" where it is. Raises ``EvaluationError`` and ``UsageError`` for a broken ``when``."""
    if step.disabled:
        return "disabled"
    if step.when is None:
        return ""
    value = step.when.evaluate(scope)
    if not isinstance(value, bool):
        raise UsageError(f"when is no condition: {step.when.source} is neither true nor false")
    return "" if value else f"when: {step.when.source} is false"


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

    def __init__(self, policy: Retry | Eventually | None) -> None:
        self._policy = policy
        self._without_value: dict[str, str] = {}

    @property
    def unread(self) -> str:
        """Why ``stop_on`` had no value after the last attempt: a mistyped one would be noticed nowhere else."""
        stop = self._policy.stop_on if isinstance(self._policy, Eventually) else None
        why = self._without_value.get(stop.source) if stop else None
        return f"stop_on {stop.source} had no value: {why}" if stop and why else ""

    def reason(self, scope: Scope, kind: ErrorKind | None, *, holds: bool) -> str:
        """The reason, "" where there may be another one. A missing value is false.

        Raises ``UsageError`` for a condition that is neither true nor false.
        """
        self._without_value.clear()
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
        why = self._without_value.get(_source(test))
        return f"{_source(test)} ({why})" if why else _source(test)

    def _applies(self, test: FailureTest, scope: Scope, kind: ErrorKind | None, what: str) -> bool:
        return test.value == kind if isinstance(test, FailureWord) else self._is_true(test, scope, what)

    def _is_true(self, condition: Expression, scope: Scope, what: str) -> bool:
        try:
            value = condition.evaluate(scope)
        except _NoResultError:
            return False  # the failure itself says why there is none
        except EvaluationError as error:
            self._without_value[condition.source] = error.message
            return False
        if value is not None and not isinstance(value, bool):
            raise UsageError(f"{what} is no condition: {condition.source} is neither true nor false")
        return value is True


def _source(test: FailureTest) -> str:
    return test.value if isinstance(test, FailureWord) else test.source
