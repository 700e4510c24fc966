"""Actions of other packages, which declare them under the entry-point group ``testmesh.actions``.

Nothing is looked for before a flow names an action that is not built in, and then only that one is imported: a broken
package breaks the flows that use it, and no other.
https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from testmesh_engine.actions.base import Action, Context, Preparing, Result
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.contract.catalogue import ActionSpec
from testmesh_engine.errors import TestMeshError
from testmesh_engine.expressions import Value, from_python

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "testmesh.actions"


class UnusableError(Exception):
    """An action that a package declares can't be used; ``str()`` names the package and what is wrong with it."""


class ThirdPartyError(Exception):
    """An action of another package has failed in a way that none should."""


@cache
def declared() -> Mapping[str, tuple[EntryPoint, ...]]:
    """The declarations of all packages that are installed, by name, without importing any."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - 40 ms that flows of built-in actions don't pay

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        others = found.get(entry.name, ())
        if not any(other.value == entry.value and _package(other) == _package(entry) for other in others):
            found[entry.name] = (*others, entry)
    return dict(sorted(found.items()))


@cache
def load(name: str, taken: frozenset[str]) -> Action | None:
    """The action of that name, ``None`` where no package declares one; ``taken`` are the names of built-in ones.

    Raises :class:`UnusableError`.
    """
    entries = declared().get(name, ())
    if not entries:
        return None
    if len(entries) > 1:
        packages = " and ".join(sorted(map(_package, entries)))
        raise UnusableError(f"{name} is declared by {packages}; uninstall one of them")
    entry = entries[0]
    if name in taken:
        raise UnusableError(f"{_package(entry)} declares {name}, which is built in; it needs another name")
    return _wrapped(entry, _made(entry), taken)


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else f"the package of {entry.value}"


def _made(entry: EntryPoint) -> Any:
    try:
        found = entry.load()
        return found() if isinstance(found, type) else found
    except Exception as error:
        # Whatever a module does when it is imported.
        raise UnusableError(_says(entry, f"can't be loaded: {type(error).__name__}: {error}")) from error


def _says(entry: EntryPoint, what: str) -> str:
    return f"the action {entry.name} of {_package(entry)} ({entry.value}) {what}"


def _wrapped(entry: EntryPoint, made: Any, taken: Collection[str]) -> Action:
    spec = getattr(made, "spec", None)
    if not isinstance(spec, ActionSpec):
        raise UnusableError(_says(entry, "has no spec that is an ActionSpec"))
    if not callable(getattr(made, "run", None)):
        raise UnusableError(_says(entry, "has no method run(config, context)"))
    if entry.name not in (spec.name, *spec.aliases):
        raise UnusableError(_says(entry, f"calls itself {spec.name}; the entry point must have that name"))
    clash = next((name for name in (spec.name, *spec.aliases) if name in taken), "")
    if clash:
        raise UnusableError(_says(entry, f"also calls itself {clash}, which is built in"))
    kind = _PreparingThirdParty if isinstance(made, Preparing) else _ThirdParty
    return kind(cast("Action", made), _says(entry, ""))


class _ThirdParty:
    """Someone else's action: what it does wrong is told with its name."""

    def __init__(self, action: Action, what: str) -> None:
        self.spec = action.spec
        self._action = action
        self._what = what.strip()

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Run it. Raises what an action may, and :class:`ThirdPartyError`."""
        try:
            return self._checked(self._action.run(config, context))
        except (TestMeshError, TimeRanOutError, ThirdPartyError):
            raise
        except Exception as error:
            raise ThirdPartyError(f"{self._what} raised {type(error).__name__}: {error}") from error

    def _checked(self, result: object) -> Result:
        if not isinstance(result, Mapping):
            raise ThirdPartyError(f"{self._what} gave no map as its result, but {type(result).__name__}")
        missing = ", ".join(sorted(self.spec.results.keys() - result.keys()))
        if missing:
            raise ThirdPartyError(f"{self._what} gave a result without {missing}, which it declares")
        try:
            return {str(name): from_python(value) for name, value in result.items()}
        except TypeError as error:
            raise ThirdPartyError(f"{self._what} gave a result that can't be used: {error}") from error


class _PreparingThirdParty(_ThirdParty):
    """One that must note something before the flow's first step."""

    def prepare(self, steps: list[Mapping[str, Value | None]], context: Context) -> None:
        """Prepare it. Raises what an action may."""
        cast("Preparing", self._action).prepare(steps, context)
