"""The env layers outside of a flow: who gives a variable its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import Value

_NEVER = re.compile(
    r"HOME|PATH|PWD|USER|LOGNAME|SHELL|TERM|TZ|LANG|LC_.*|TMPDIR|HOST|HOSTNAME|NAME|PYTHON.*|KUBERNETES_.*"
    r"|.*_SERVICE_HOST|.*_SERVICE_PORT.*|.*_PORT_.*|TESTMESH_.*|_|SHLVL|OLDPWD"
)
"""Names that every machine has: one of these in a flow is the flow's own."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value, and the words for where it comes from."""

    value: Value
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The layers outside of the flow, each a map of texts; ``input`` is what a flow that runs this one gives it."""

    var: Mapping[str, str] = field(default_factory=dict)
    input: Mapping[str, Value] = field(default_factory=dict)
    run: Mapping[str, str] = field(default_factory=dict)
    env_file: Mapping[str, str] = field(default_factory=dict)
    process: Mapping[str, str] = field(default_factory=dict)
    dot_env: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> frozenset[str]:
        """The names that a flow may read without declaring them."""
        capitals = {name for name in self.process if name.isupper() and not _NEVER.fullmatch(name)}
        return self.given() | capitals

    def given(self) -> frozenset[str]:
        """The names that somebody gives this run; what the process has is there for other programs, too."""
        return frozenset({*self.var, *self.input, *self.run, *self.env_file, *self.dot_env})

    def all(self) -> tuple[Mapping[str, Value], ...]:
        """Each layer."""
        return self.var, self.input, self.run, self.env_file, self.process, self.dot_env

    def above_flow(self, name: str, *, declared: bool = False) -> Given | None:
        """The value that overrides the flow's own; ``declared`` is set for a name that its ``env`` declares."""
        named: tuple[tuple[str, Mapping[str, Value]], ...] = (
            ("--var", self.var),
            ("the caller's input", self.input),
            ("the run's env", self.run),
            ("--env-file", self.env_file),
        )
        for words, layer in named:
            if name in layer:
                return Given(layer[name], words)
        if name in self.process and (declared or name.isupper()) and not _NEVER.fullmatch(name):
            return Given(self.process[name], "the environment")
        return None
