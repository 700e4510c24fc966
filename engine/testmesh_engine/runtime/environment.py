"""The env layers of a run: who gives a variable its value, highest first.

``--var``, the run's own env (named by TESTMESH_RUN_ENV), ``--env-file``, the process (declared names, and undeclared
ones in capitals), the flow's ``env``, ``.env`` beside the flow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import MISSING, EvaluationError, Missing, Value, kind_of
from testmesh_engine.language.load import resolve_plain
from testmesh_engine.language.model import EnvVar
from testmesh_engine.runtime import builtins
from testmesh_engine.runtime.builtins import Moment

_NEVER = re.compile(
    r"HOME|PATH|PWD|USER|LOGNAME|SHELL|TERM|TZ|LANG|LC_.*|TMPDIR|HOST|HOSTNAME|NAME|PYTHON.*|KUBERNETES_.*"
    r"|.*_SERVICE_HOST|.*_SERVICE_PORT.*|.*_PORT_.*|TESTMESH_.*|_|SHLVL|OLDPWD"
)
"""Names that every machine has: one of these in a flow is the flow's own."""

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)")
_QUOTED = re.compile(r"""\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)(?:\s*|\s+\#.*)""")
_COMMENT = re.compile(r"\s+#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The layers outside of the flow, each a map of texts."""

    var: Mapping[str, str] = field(default_factory=dict)
    run: Mapping[str, str] = field(default_factory=dict)
    env_file: Mapping[str, str] = field(default_factory=dict)
    process: Mapping[str, str] = field(default_factory=dict)
    dot_env: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> frozenset[str]:
        """The names that a flow may read without declaring them."""
        capitals = {name for name in self.process if name.isupper() and not _NEVER.fullmatch(name)}
        return frozenset({*self.var, *self.run, *self.env_file, *capitals, *self.dot_env})

    def above_flow(self, name: str, *, declared: bool) -> tuple[str, str] | None:
        """The value that overrides the flow's own, with the words for where it comes from."""
        named = (("--var", self.var), ("the run's env", self.run), ("--env-file", self.env_file))
        for words, layer in named:
            if name in layer:
                return layer[name], words
        if name in self.process and (declared or name.isupper()) and not _NEVER.fullmatch(name):
            return self.process[name], "the environment"
        return None


def parse_env_file(text: str, *, name: str) -> dict[str, str]:
    """The variables of a ``.env`` file: ``NAME=value`` lines, ``#`` comments, optional quotes and ``export``.

    Raises ``UsageError`` naming the first line that is none.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise UsageError(f"{name}:{number}: no NAME=value line")
        value = _unquoted(match["value"])
        if value is None:
            raise UsageError(f"{name}:{number}: the quote of {match['name']} is never closed")
        found[match["name"]] = value
    return found


def _unquoted(value: str) -> str | None:
    """What stands in the quotes, or before a comment; ``None`` for a quote that is not closed."""
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        return quoted["value"]
    plain = _COMMENT.split(value, maxsplit=1)[0].strip()
    return None if plain.startswith(("'", '"')) else plain


def resolve(declared: Iterable[EnvVar], layers: Layers, at: Moment) -> dict[str, Value]:
    """The value of every env variable, whatever the order in which they name each other.

    Raises ``UsageError`` for a cycle, for a name without value, and for an override of the wrong kind.
    """
    return _Resolver(declared, layers, at).all()


class _Resolver:
    """The scope in which ``env`` is computed: its own variables, and the layers outside."""

    def __init__(self, declared: Iterable[EnvVar], layers: Layers, at: Moment) -> None:
        self._declared = {var.name: var for var in declared}
        self._layers = layers
        self._at = at
        self._values: dict[str, Value] = {}
        self._open: list[str] = []

    def all(self) -> dict[str, Value]:
        """All variables: the declared ones, and those of the layers outside."""
        for name in self._declared:
            self._resolve_after_its_needs(name)
        for name in self._layers.names():
            self._resolve(name)
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
                return self._outside(name)
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise EvaluationError(f"the variables of env need each other: {circle}")
        return self._resolve(name)

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
        var = self._declared.get(name)
        above = self._layers.above_flow(name, declared=var is not None)
        if above is not None:
            value: Value | Missing = _of_declared_kind(name, above, var)
        elif var is not None:
            value = self._render(var)
        else:
            value = self._outside(name)
        if not isinstance(value, Missing):
            self._values[name] = value
        return value

    def _outside(self, name: str) -> Value | Missing:
        for layer in (self._layers.dot_env, self._layers.process):
            if name in layer:
                return layer[name]
        return builtins.lookup(name, self._at) if name in builtins.NAMES else MISSING

    def _render(self, var: EnvVar) -> Value:
        self._open.append(var.name)
        try:
            return var.template.render(self)
        except EvaluationError as error:
            raise UsageError(f"env {var.name}: {error.message}", hint=error.hint) from error
        finally:
            self._open.pop()


def _of_declared_kind(name: str, above: tuple[str, str], var: EnvVar | None) -> Value:
    """An override arrives as text; it becomes what the flow's own value is."""
    text, words = above
    declared = var.value if var else None
    if isinstance(declared, bool):
        if text.lower() not in {"true", "false"}:
            raise UsageError(f"{name} is true or false in the flow's env, and {words} gives {text!r}")
        return text.lower() == "true"
    if isinstance(declared, (int, Decimal)):
        number = _number(text)
        if number is None:
            raise UsageError(f"{name} is a number in the flow's env, and {words} gives {text!r}")
        return number
    if isinstance(declared, (list, dict)):
        raise UsageError(f"{name} is a {kind_of(declared)} in the flow's env, which {words} can't replace")
    return text


def _number(text: str) -> Value:
    """The number that ``text`` spells in a flow, ``None`` where it spells none, or one that is out of bounds."""
    try:
        value = resolve_plain(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None
