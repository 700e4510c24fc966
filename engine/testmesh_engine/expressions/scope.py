"""Where the names of an expression get their values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol, runtime_checkable

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions.values import MISSING, Missing, Value


@dataclass(frozen=True, slots=True)
class NameUse:
    """One use of a name from the scope.

    ``offset`` counts characters in the text at ``path`` (in a template's tree; empty for a single text).
    ``optional`` is set where a name that nobody knows is no error: before the default of a placeholder, and in an
    output, where it may be a key of what is received. Before ``exists``, ``??`` and ``?.`` a name must be known.
    ``keys`` are those that are read from it one after the other, as far as they are written out: ``a``, ``body`` of
    ``steps.a.body[0]`` and ``steps["a"].body``. ``soft`` is set where what is not there is asked for: by ``exists``,
    ``??``, ``?.`` or a default.
    """

    name: str
    offset: int
    path: tuple[str | int, ...] = ()
    optional: bool = False
    keys: tuple[str, ...] = ()
    soft: bool = False

    @property
    def key(self) -> str:
        """The first of ``keys``, "" where there is none."""
        return self.keys[0] if self.keys else ""


class Scope(Protocol):
    """The names that an expression may read."""

    def lookup(self, name: str) -> Value | Missing:
        """The value of ``name``; ``MISSING`` where nothing is called so.

        Raises ``EvaluationError`` for a name that is known and has no value, saying why (its step was skipped).
        """
        ...

    def names(self) -> Iterable[str]:
        """All the names there are, for the nearest one to a name that is unknown."""
        ...


@runtime_checkable
class LayeredScope(Protocol):
    """What a scope may offer beside :class:`Scope`, for the rules that hold in placeholders only."""

    def in_placeholder(self) -> Scope:
        """The scope of ``${…}`` and ``{{…}}``, where captured variables come before result keys."""
        ...

    def from_env(self, name: str) -> bool:
        """Whether ``name`` gets its value from an env layer: such text is read as the literal it spells."""
        ...


@runtime_checkable
class ClockedScope(Protocol):
    """What a scope may offer beside :class:`Scope`: a clock of its own, where it is not the machine's."""

    def now(self) -> int:
        """What time ``now()`` gives, in nanoseconds of Unix time."""
        ...


class MapScope:
    """A scope over a plain map; ``env`` tells which of its names come from an env layer."""

    def __init__(self, values: Mapping[str, Value], *, env: Collection[str] = ()) -> None:
        self._values = values
        self._env = env

    def lookup(self, name: str) -> Value | Missing:
        """The value of ``name``, or ``MISSING``."""
        return self._values.get(name, MISSING)

    def names(self) -> Iterable[str]:
        """All names."""
        return self._values.keys()

    def in_placeholder(self) -> Scope:
        """The same: a plain map has one layer."""
        return self

    def from_env(self, name: str) -> bool:
        """Whether ``name`` was given as one of ``env``."""
        return name in self._env
