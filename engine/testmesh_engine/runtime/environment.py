"""Computes the variables of a run: each from the highest layer that has it, ``env`` and ``inputs`` in any order.

Layers, highest first: ``--var``, the caller's input, the run's own env (named by TESTMESH_RUN_ENV), ``--env-file``, the
process (declared names, and undeclared ones in capitals), the flow's ``env``, its ``env_file``, ``.env`` beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import MISSING, EvaluationError, Missing, Value, kind_of
from testmesh_engine.language.model import EnvVar, Flow
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.builtins import Moment
from testmesh_engine.runtime.layers import Given, Layers
from testmesh_engine.runtime.override import of_kind

_ROW = "row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """The variables of one run of a flow."""

    env: dict[str, Value]
    sources: Mapping[str, str]
    """Where each comes from, in words."""
    inputs: dict[str, Value] | None = None
    row: dict[str, Value] | None = None


def missing_inputs(flow: Flow, layers: Layers) -> tuple[str, ...]:
    """The inputs without default that nobody gives."""
    files = [file.values for file in flow.env_files]
    required = (each.name for each in flow.inputs if each.default is None)
    return tuple(
        name
        for name in required
        if layers.above_flow(name) is None and not any(name in layer for layer in (*files, layers.dot_env))
    )


def variables_of(flow: Flow, layers: Layers, at: Moment) -> Variables:
    """The variables of ``flow``, computed once, before its first step.

    Raises ``UsageError`` for a cycle, for a name without value, and for an override of the wrong kind.
    """
    resolver = _Resolver(flow, layers, at)
    env = resolver.all()
    row = env.pop(_ROW, None) if flow.row else None
    return Variables(
        env=env,
        sources={name: words for name, words in resolver.sources.items() if name in env},
        inputs={each.name: env[each.name] for each in flow.inputs if each.name in env} if flow.inputs else None,
        row=row if isinstance(row, dict) else None,
    )


class _Resolver:
    """The scope in which ``env`` is computed: its own variables, and the layers outside."""

    def __init__(self, flow: Flow, layers: Layers, at: Moment) -> None:
        defaults = [each.default for each in flow.inputs if each.default]
        self._declared: dict[str, EnvVar] = {variable.name: variable for variable in (*flow.env, *defaults)}
        self._in_env = {variable.name for variable in flow.env}
        self._kinds = {variable.name: _kind_of(variable) for variable in flow.env}
        self._kinds |= {each.name: each.kind for each in flow.inputs}
        self._inputs = [each.name for each in flow.inputs]
        # `env` as a whole is no window into the process: of that it holds what the flow names.
        named = {use.key for variable in self._declared.values() for use in variable.template.names}
        self._wanted = layers.given() | (layers.names() & (flow.names | named))
        self._files = flow.env_files
        self._row = flow.row
        if flow.row and flow.row.template:
            self._declared[_ROW] = flow.row.template
        self._layers = layers
        self._at = at
        self._values: dict[str, Value] = {}
        self._open: list[str] = []
        self.sources: dict[str, str] = {}

    def all(self) -> dict[str, Value]:
        """All variables: the declared ones, and those of the layers outside; the row of data is ``row``."""
        for name in self._declared:
            self._resolve_after_its_needs(name)
        for name in (*self._inputs, *self._wanted, *(name for file in self._files for name in file.values)):
            self._resolve(name)
        if self._row and not self._row.template:
            self._values[_ROW] = dict(self._row.values)
        return self._values

    def _resolve_after_its_needs(self, name: str) -> None:
        """What it names comes first, so that a long chain of variables does not nest."""
        chain = [name]
        while chain:
            last = self._declared[chain[-1]]
            needs = (use.name for use in last.template.names if use.name in self._declared)
            following = next((need for need in needs if need not in self._values and need not in chain), None)
            if following is None:
                self._resolve(chain.pop())
            else:
                chain.append(following)

    def lookup(self, name: str) -> Value | Missing:
        """The value of ``name`` as ``env`` sees it; a variable that names itself means the layers outside."""
        if name in self._open:
            if name == self._open[-1]:
                return self._from_outside(name)
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise EvaluationError(f"the variables of env need each other: {circle}")
        if name == _ROW and self._row:
            return self._resolve(name) if self._row.template else dict(self._row.values)
        if name == "env":
            return self._map(self._in_env | self._wanted | self._values.keys())
        if name == "input" and self._inputs:
            return self._map(self._inputs)
        return self._resolve(name)

    def _map(self, names: Iterable[str]) -> dict[str, Value]:
        """The variables ``names``, but for those that are being computed: what is asked of them would be a circle."""
        found = {name: self._resolve(name) for name in sorted(names) if name not in self._open and name != _ROW}
        return {name: value for name, value in found.items() if not isinstance(value, Missing)}

    def names(self) -> Iterable[str]:
        """All names, for the nearest one."""
        return {*self._declared, *self._layers.names(), *builtins.NAMES}

    def in_placeholder(self) -> _Resolver:
        """The same: env has one layer of names."""
        return self

    def from_env(self, name: str) -> bool:
        """Every name but the built-in ones."""
        return name not in builtins.NAMES

    def _resolve(self, name: str) -> Value | Missing:
        if name in self._values:
            return self._values[name]
        variable = self._declared.get(name)
        above = None if name == _ROW and variable else self._layers.above_flow(name, declared=name in self._in_env)
        value: Value | Missing
        if above is not None:
            value = of_kind(above, name, self._kinds.get(name, ""))
        elif variable is not None:
            value = self._render(variable)
        else:
            value = self._outside(name)
        words = self._words(name, above, variable)
        if words and not isinstance(value, Missing):
            self._values[name] = value
            self.sources[name] = words
        return value

    def _words(self, name: str, above: Given | None, variable: EnvVar | None) -> str:
        """Where a variable comes from; "" for what is none: built in, or asked of the process for another one."""
        if above is not None:
            return above.words
        if variable is not None:
            return "env" if name in self._in_env else "inputs"
        below = self._below(name)
        return below.words if below else ""

    def _from_outside(self, name: str) -> Value | Missing:
        """What a variable that names itself means. Raises where nobody gives it; a default of it goes on from there."""
        value = self._outside(name)
        if isinstance(value, Missing):
            hint = f"give --var {name}=…, or set it in the environment"
            raise EvaluationError("it must come from outside, and nothing gives it", hint)
        return value

    def _outside(self, name: str) -> Value | Missing:
        below = self._below(name)
        if below is not None:
            return below.value
        if name in self._layers.process and self._open:
            return self._layers.process[name]
        return builtins.lookup(name, self._at) if name in builtins.NAMES else MISSING

    def _below(self, name: str) -> Given | None:
        """The value that lies below the flow's own."""
        for file in reversed(self._files):
            if name in file.values:
                return Given(file.values[name], file.name)
        return Given(self._layers.dot_env[name], ".env") if name in self._layers.dot_env else None

    def _render(self, variable: EnvVar) -> Value:
        self._open.append(variable.name)
        try:
            return variable.template.render(self)
        except EvaluationError as error:
            where = "env" if variable.name in self._in_env else "data" if variable.name == _ROW else "inputs"
            raise UsageError(f"{where} {variable.name}: {error.message}", hint=error.hint) from error
        finally:
            self._open.pop()


def _kind_of(variable: EnvVar) -> str:
    """What an override of it must be: the kind of its value here; text, also with placeholders, takes any text."""
    return "" if isinstance(variable.value, str) or variable.value is None else kind_of(variable.value)
